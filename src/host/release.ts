/** The kernel of this machine, and the one of the model that stands for it. */
import { release } from 'node:os';
import { compareVersions, PROFILES, RELEASES } from '../kernels/index.ts';

/** `uname -r`. */
export const runningRelease = (): string => release();

/** The newest modelled mainline release that is not newer than `name` (`6.18.44-fc` gives 6.18); null: all are newer. */
export const modelledRelease = (name: string): string | null => {
  const version = /^(\d+)\.(\d+)/.exec(name);
  if (version === null) return null;
  const own = `${version[1]}.${version[2]}`;
  return RELEASES.filter((r) => compareVersions(r, own) <= 0).at(-1) ?? null;
};

/**
 * The modelled kernel that stands for a kernel: for one of Debian's the profile of that line (`6.1.192` and `6.1.180`:
 * debian-6.1.192) where there is one, else the mainline release (modelledRelease).
 */
export const modelledKernel = (version: string, debian: boolean): string | null => {
  const release = modelledRelease(version);
  if (!debian) return release;
  const profiles = PROFILES.filter((p) => p.name.startsWith('debian-') && p.base === release);
  return (profiles.find((p) => p.name === `debian-${version}`) ?? profiles.at(-1))?.name ?? release;
};
