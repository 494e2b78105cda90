/** What Debian calls the packages of a kernel. Nothing here touches the network. */

/** One record of a package list, as far as it is needed. */
export interface Package {
  readonly name: string;
  readonly version: string;
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
  /** Base name of its path on the mirror. */
  readonly file: string;
}

/** A kernel that a suite holds. */
export interface KernelPackages {
  /** `6.12.117+deb13-cloud-amd64`, as `uname -r` says it. */
  readonly release: string;
  /** Upstream version, `6.12.117`. */
  readonly version: string;
  /** Holds vmlinuz. */
  readonly image: Package;
  /** Holds the modules when the image's package does not (7.x). */
  readonly modules: Package | null;
}

/** Records of `apt-cache search --full`: paragraphs of `Field: value`. */
export const parsePackages = (text: string): Package[] =>
  text.split(/\n\s*\n/).flatMap((paragraph) => {
    const field = (name: string): string =>
      new RegExp(`^${name}: *(.*)$`, 'm').exec(paragraph)?.[1]?.trim() ?? '';
    const [name, version, sha256] = [field('Package'), field('Version'), field('SHA256')];
    const size = Number(field('Size'));
    const file = field('Filename').split('/').at(-1) ?? '';
    const whole =
      name !== '' && version !== '' && file !== '' && /^[0-9a-f]{64}$/.test(sha256) && size > 0;
    return whole ? [{ name, version, size, sha256, file }] : [];
  });

const NAME = /^linux-(image|binary|binary-unsigned|modules)-(\d.*-cloud-amd64)(-unsigned)?$/;

/** Since 6.19 `linux-image-*` is an empty package that depends on `linux-binary-*`. */
const EMPTY = 100_000;

/** Which package is taken when several hold the same kernel; the signed one is the one that users boot. */
const PREFERENCE = ['image', 'binary', 'image-unsigned', 'binary-unsigned'];

/** Numbers of `5.10.262` for ordering. */
const numbers = (version: string): number[] => version.split(/\D+/).filter(Boolean).map(Number);

/** Orders versions by the numbers in them: below 0 when `a` is the older one. */
export const compareNumbers = (a: string, b: string): number => {
  const [x, y] = [numbers(a), numbers(b)];
  for (let i = 0; i < Math.max(x.length, y.length); i++) {
    const difference = (x[i] ?? -1) - (y[i] ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
};

/** The kernels for virtual machines (`cloud`: file systems and disks built in) in a list, oldest first. */
export const kernelsIn = (packages: readonly Package[]): KernelPackages[] => {
  const found = new Map<string, Map<string, Package>>();
  for (const p of packages) {
    const name = NAME.exec(p.name);
    if (name === null) continue;
    const [, kind = '', release = '', unsigned = ''] = name;
    if (kind !== 'modules' && p.size < EMPTY) continue;
    const kinds = found.get(release) ?? new Map<string, Package>();
    kinds.set(kind + unsigned, p);
    found.set(release, kinds);
  }
  return [...found]
    .flatMap(([release, kinds]) => {
      const kind = PREFERENCE.find((k) => kinds.has(k));
      const image = kind === undefined ? undefined : kinds.get(kind);
      if (image === undefined) return [];
      // 6.1.192-2: upstream version and Debian's revision; 7.3~rc5-1~exp1 is a candidate of 7.3.
      const version = /^(?:\d+:)?(\d+(?:\.\d+)+)/.exec(image.version)?.[1] ?? release;
      return [{ release, version, image, modules: kinds.get('modules') ?? null }];
    })
    .sort((a, b) => compareNumbers(a.version, b.version) || (a.release < b.release ? -1 : 1));
};

/** Whether `6.1` or `6.1.192` means this kernel. */
export const isOf = (kernel: { readonly version: string }, wanted: string): boolean =>
  kernel.version === wanted || kernel.version.startsWith(`${wanted}.`);

/** `6.1` names the newest 6.1.y, `6.1.192` only itself. */
export const newestOf = <K extends { readonly version: string }>(
  kernels: readonly K[],
  wanted: string,
): K | undefined =>
  [...kernels]
    .sort((a, b) => compareNumbers(a.version, b.version))
    .findLast((k) => isOf(k, wanted));
