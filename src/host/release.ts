/** The kernel of this machine, and the one of the model that stands for it. */
import { release } from 'node:os';
import { compareVersions, RELEASES } from '../kernels/index.ts';

/** `uname -r`. */
export const runningRelease = (): string => release();

/** The newest modelled mainline release that is not newer than `name` (`6.18.44-fc` gives 6.18); null: all are newer. */
export const modelledRelease = (name: string): string | null => {
  const version = /^(\d+)\.(\d+)/.exec(name);
  if (version === null) return null;
  const own = `${version[1]}.${version[2]}`;
  return RELEASES.filter((r) => compareVersions(r, own) <= 0).at(-1) ?? null;
};
