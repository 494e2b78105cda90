/** The kernels that were fetched: a folder each with vmlinuz, a few modules, and what is known of it. */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { SUITES, type Suite, SuiteLists } from './apt.ts';
import { cacheFolder } from './cache.ts';
import { modulesBelow, WANTED } from './modules.ts';
import { compareNumbers, isOf, type KernelPackages, newestOf, type Package } from './packages.ts';
import { KernelProblem } from './problem.ts';

/** A kernel that can be booted. */
export interface Kernel {
  /** How reports name it: `6.1.192`, or the file. */
  readonly version: string;
  readonly vmlinuz: string;
  /** Modules in the order of loading, unpacked. */
  readonly modules: readonly string[];
  /** Debian's, so that a profile of a Debian kernel may stand for it. */
  readonly debian: boolean;
}

/** kernel.json beside vmlinuz. */
interface Card {
  readonly version: string;
  readonly release: string;
  readonly suite: string;
  readonly packages: readonly Package[];
  /** Modules that were looked for; a kernel of which fewer are known is fetched again. */
  readonly looked?: readonly string[];
}

export interface Fetched extends Kernel {
  readonly release: string;
  readonly suite: string;
  /** The modules that tests need by now were looked for. */
  readonly current: boolean;
  /** Bytes on disk. */
  readonly bytes: number;
}

/** Kernels of one version that are tried. */
const TRIES = 4;

const store = (): string => cacheFolder('kernels');

/** What `kernels fetched` lists, oldest first. */
export const fetchedKernels = (folder = store()): Fetched[] =>
  readdirSync(folder)
    .flatMap((name) => {
      const own = join(folder, name);
      let card: Card;
      try {
        card = JSON.parse(readFileSync(join(own, 'kernel.json'), 'utf8')) as Card;
      } catch {
        return [];
      }
      const vmlinuz = join(own, 'vmlinuz');
      const modules = readdirSync(join(own, 'modules'))
        .sort()
        .map((m) => join(own, 'modules', m));
      const bytes = [vmlinuz, ...modules].reduce((n, f) => n + statSync(f).size, 0);
      const { version, release, suite } = card;
      const current = WANTED.every((name) => card.looked?.includes(name));
      return [{ version, release, suite, current, vmlinuz, modules, debian: true, bytes }];
    })
    .sort((a, b) => compareNumbers(a.version, b.version));

interface Candidate {
  readonly lists: SuiteLists;
  readonly kernel: KernelPackages;
  readonly suite: Suite;
}

/** All that the suites hold of a version, newest first: a list may name what the mirror no longer has. */
const candidates = async (
  wanted: string,
  said: (text: string) => void,
): Promise<readonly Candidate[]> => {
  const all: Candidate[] = [];
  for (const suite of SUITES) {
    said(`${wanted}: looking in ${suite}`);
    const lists = new SuiteLists(suite);
    await lists.refresh();
    all.push(...lists.kernels().map((kernel) => ({ lists, kernel, suite })));
  }
  const right = all.filter((c) => isOf(c.kernel, wanted));
  if (right.length > 0)
    return right.sort((a, b) => compareNumbers(b.kernel.version, a.kernel.version));
  const have = new Set(all.map((c) => c.kernel.version.split('.').slice(0, 2).join('.')));
  throw new KernelProblem(
    `no Debian suite on the mirror has a kernel ${wanted}; there are ${[...have].sort(compareNumbers).join(', ')}`,
  );
};

const sumOf = (path: string): string =>
  createHash('sha256').update(readFileSync(path)).digest('hex');

const isWhole = (path: string, p: Package): boolean =>
  statSync(path, { throwIfNoEntry: false })?.size === p.size && sumOf(path) === p.sha256;

/** The package's file, checked against size and sum of the signed list. */
const deb = async (
  lists: SuiteLists,
  p: Package,
  said: (text: string) => void,
): Promise<string> => {
  const folder = cacheFolder('debs');
  const before = join(folder, p.file);
  if (isWhole(before, p)) return before;
  said(`downloading ${p.name} (${(p.size / 2 ** 20).toFixed(0)} MiB)`);
  const path = await lists.download(p, folder);
  if (!isWhole(path, p)) {
    unlinkSync(path);
    throw new KernelProblem(
      `${p.file}: size or SHA-256 differs from the package list; it was thrown away, try again`,
    );
  }
  return path;
};

/** Fetches the newest kernel of a version; one that is here already is not fetched again. */
export const fetchKernel = async (
  wanted: string,
  said: (text: string) => void,
): Promise<{ readonly kernel: Fetched; readonly fresh: boolean }> => {
  let problem: unknown;
  for (const candidate of (await candidates(wanted, said)).slice(0, TRIES)) {
    const known = (): Fetched | undefined =>
      fetchedKernels().find((k) => k.version === candidate.kernel.version);
    const before = known();
    if (before?.current === true) return { kernel: before, fresh: false };
    try {
      await storeOne(candidate, said);
    } catch (error) {
      // What the mirror no longer has stays as it is.
      if (before !== undefined) return { kernel: before, fresh: false };
      problem ??= error;
      continue;
    }
    const after = known();
    if (after !== undefined) return { kernel: after, fresh: true };
  }
  throw problem instanceof Error ? problem : new KernelProblem(`no kernel ${wanted}`);
};

/** Downloads and unpacks one. */
const storeOne = async (
  { lists, kernel, suite }: Candidate,
  said: (text: string) => void,
): Promise<void> => {
  const target = join(store(), kernel.version);
  const packages = [kernel.image, ...(kernel.modules === null ? [] : [kernel.modules])];
  const debs: string[] = [];
  for (const p of packages) debs.push(await deb(lists, p, said));
  // All of it is made beside, and appears with one rename: a call that is stopped leaves nothing half done.
  const work = mkdtempSync(join(cacheFolder(), 'unpack-'));
  try {
    said(`unpacking ${kernel.release}`);
    const tree = join(work, 'tree');
    for (const file of debs) {
      const done = spawnSync('dpkg', ['-x', file, tree], { encoding: 'utf8' });
      if (done.error !== undefined)
        throw new KernelProblem('there is no dpkg here to unpack the package');
      if (done.status !== 0) throw new KernelProblem(`dpkg -x ${file}: ${done.stderr.trim()}`);
    }
    const made = join(work, 'kernel');
    mkdirSync(join(made, 'modules'), { recursive: true });
    cpSync(imageIn(tree, kernel.release), join(made, 'vmlinuz'));
    for (const [i, m] of modulesBelow(tree).entries())
      writeFileSync(join(made, 'modules', `${String(i).padStart(2, '0')}-${m.name}.ko`), m.data);
    const card: Card = {
      version: kernel.version,
      release: kernel.release,
      suite,
      packages,
      looked: WANTED,
    };
    writeFileSync(join(made, 'kernel.json'), `${JSON.stringify(card, null, 2)}\n`);
    rmSync(target, { recursive: true, force: true });
    renameSync(made, target);
    for (const file of debs) unlinkSync(file);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
};

/** /boot up to 7.1, /usr/lib/modules from 7.2. */
const imageIn = (tree: string, release: string): string => {
  const places = [
    `boot/vmlinuz-${release}`,
    `usr/lib/modules/${release}/vmlinuz`,
    `lib/modules/${release}/vmlinuz`,
    `usr/lib/modules/${release}/vmlinuz.unsigned`,
  ].map((p) => join(tree, p));
  const path = places.find((p) => existsSync(p));
  if (path === undefined) throw new KernelProblem(`the package of ${release} holds no vmlinuz`);
  return path;
};

/** What `--kernel` names: a fetched version, a vmlinuz file, or a folder that holds one. */
export const kernelNamed = (name: string): Kernel => {
  const stat = statSync(name, { throwIfNoEntry: false });
  if (stat?.isFile() === true) return { version: name, vmlinuz: name, modules: [], debian: false };
  if (stat?.isDirectory() === true) {
    const file = readdirSync(name)
      .filter((f) => /^(vmlinuz|bzImage)/.test(f))
      .sort(compareNumbers)
      .at(-1);
    if (file === undefined)
      throw new KernelProblem(`${name}: no vmlinuz or bzImage in this folder`);
    const below = join(name, 'modules');
    const modules = existsSync(below)
      ? readdirSync(below)
          .filter((m) => m.endsWith('.ko'))
          .sort()
          .map((m) => join(below, m))
      : [];
    return { version: name, vmlinuz: join(name, file), modules, debian: false };
  }
  const kernel = newestOf(fetchedKernels(), name);
  if (kernel !== undefined) return kernel;
  const have = fetchedKernels().map((k) => k.version);
  throw new KernelProblem(
    /^\d+(\.\d+)+$/.test(name)
      ? `no kernel ${name} here (${have.length === 0 ? 'none was fetched yet' : `there are ${have.join(', ')}`}); pinfold kernels fetch ${name}`
      : `--kernel ${name}: neither a version such as 6.1 nor a vmlinuz file or a folder that holds one`,
  );
};
