/**
 * The kernel's own self-tests of pinning (tools/testing/selftests/mm: cow.c, gup_longterm.c) on this machine, for the
 * table of docs/conformance.md that has them beside the library. They come from a source package of the kernel:
 *
 *     node tools/selftests.ts                 a tree or a Debian package that is there already ($KERNEL_SOURCE, /usr/src)
 *     node tools/selftests.ts --fetch         else Debian's linux-source package is fetched (150 MB, kept in the cache)
 *
 * Writes docs/conformance/selftests/host.json. What is missing (source, compiler, liburing, root) is said, and nothing is
 * written. The programs run in namespaces of their own, with a few huge pages that are given back.
 */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compiler } from '../src/host/build.ts';
import { NR_HUGEPAGES } from '../src/host/journal.ts';
import { Host } from '../src/host/machine.ts';
import { cacheFolder } from '../src/host/qemu/cache.ts';
import { runningRelease } from '../src/host/release.ts';
import { casesOf, type Selftests } from './selftests-page.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const PROGRAMS = ['cow', 'gup_longterm'] as const;
/** What of the tree is needed to build them. */
const PARTS = ['tools/testing/selftests', 'tools/include', 'tools/arch/x86/include', 'mm'];
const HUGE_PAGES = 8;

class Missing extends Error {}

const run = (command: string, args: readonly string[], cwd: string, seconds: number): string => {
  const done = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    timeout: seconds * 1000,
    killSignal: 'SIGKILL',
    maxBuffer: 64 * 2 ** 20,
  });
  if (done.error !== undefined) throw new Missing(`${command}: ${done.error.message}`);
  // The self-tests say by their status that some were skipped.
  if (done.status !== 0 && command !== 'unshare')
    throw new Missing(`${basename(command)}: ${done.stderr.split('\n')[0] ?? ''}`);
  return done.stdout;
};

const isTree = (path: string): boolean => existsSync(join(path, PARTS[0] ?? '', 'mm/cow.c'));

/** The parts of a source package, unpacked in the cache. */
const unpacked = (archive: string): string => {
  const name = basename(archive).replace(/\.tar\.\w+$/, '');
  const folder = cacheFolder('selftests');
  if (!isTree(join(folder, name)))
    run('tar', ['-xf', archive, '-C', folder, ...PARTS.map((p) => `${name}/${p}`)], folder, 300);
  return join(folder, name);
};

const here = (): string | null => {
  const named = process.env['KERNEL_SOURCE'];
  const usual = existsSync('/usr/src')
    ? readdirSync('/usr/src').map((n) => join('/usr/src', n))
    : [];
  const kept = readdirSync(cacheFolder('selftests')).map((n) => cacheFolder('selftests', n));
  for (const path of [
    ...(named === undefined ? [] : [named]),
    ...usual.sort().reverse(),
    ...kept.sort().reverse(),
  ]) {
    if (isTree(path)) return path;
    if (/linux-source-[\d.]+\.tar\.\w+$/.test(path) && statSync(path).isFile())
      return unpacked(path);
  }
  return null;
};

/** Debian's package of the machine's own suite, by the machine's apt; nothing is installed. */
const fetched = (): string => {
  const folder = cacheFolder('selftests', 'deb');
  const names = run('apt-cache', ['search', '--names-only', '^linux-source-[0-9.]+$'], folder, 60);
  const name = names
    .split('\n')
    .map((l) => l.split(' ')[0] ?? '')
    .filter(Boolean)
    .sort()
    .at(-1);
  if (name === undefined) throw new Missing('apt knows no linux-source package');
  run('apt-get', ['download', '-q', name], folder, 1200);
  const deb = readdirSync(folder).find((f) => f.startsWith(name) && f.endsWith('.deb'));
  if (deb === undefined) throw new Missing(`apt-get download ${name}: no file came`);
  run('dpkg', ['-x', deb, '.'], folder, 300);
  const tree = unpacked(join(folder, 'usr/src', `${name}.tar.xz`));
  rmSync(folder, { recursive: true, force: true });
  return tree;
};

const built = (tree: string, folder: string): void => {
  const cc = compiler();
  if (cc === null) throw new Missing('no C compiler');
  const uring =
    spawnSync(cc, ['-E', '-x', 'c', '-'], { input: '#include <liburing.h>\n' }).status === 0;
  if (!uring)
    console.error('no liburing here (Debian: liburing-dev): what needs io_uring is left out');
  writeFileSync(
    join(folder, 'local_config.h'),
    uring ? '#define LOCAL_CONFIG_HAVE_LIBURING 1\n' : '',
  );
  const tests = join(tree, 'tools/testing/selftests/mm');
  for (const name of PROGRAMS)
    run(
      cc,
      [
        ...['-O1', '-w', '-D_GNU_SOURCE', '-I', folder, '-I', tree],
        ...['-isystem', join(tree, 'tools/include/uapi'), '-o', join(folder, name)],
        ...[`${name}.c`, 'vm_util.c', 'thp_settings.c', '-lpthread', ...(uring ? ['-luring'] : [])],
      ],
      tests,
      120,
    );
};

const main = (args: readonly string[]): void => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    throw new Missing('the self-tests need Linux and root');
  const tree = here() ?? (args.includes('--fetch') ? fetched() : null);
  if (tree === null)
    throw new Missing(
      'no kernel source here ($KERNEL_SOURCE, /usr/src/linux-source-*); --fetch gets one',
    );
  const folder = mkdtempSync(join(tmpdir(), 'pinfold-selftests-'));
  const host = new Host();
  try {
    built(tree, folder);
    if (host.takeHugePages() === null) writeFileSync(NR_HUGEPAGES, String(HUGE_PAGES));
    const swap = args.includes('--allow-system') ? host.takeSwap(true) : null;
    if (swap !== null) console.error(swap);
    const programs = PROGRAMS.map((name) => {
      const box = ['--mount', '--pid', '--fork', '--ipc', '--net', '--kill-child', '--mount-proc'];
      const cases = casesOf(run('unshare', [...box, join(folder, name)], folder, 600));
      console.log(`${name}: ${cases.length} cases`);
      return { name, cases };
    });
    const result: Selftests = {
      release: runningRelease(),
      source: basename(tree),
      day: new Date().toISOString().slice(0, 10),
      programs,
    };
    const target = join(root, 'docs/conformance/selftests');
    mkdirSync(target, { recursive: true });
    writeFileSync(join(target, 'host.json'), `${JSON.stringify(result, null, 1)}\n`);
  } finally {
    host.close();
    rmSync(folder, { recursive: true, force: true });
  }
};

try {
  main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Missing)) throw error;
  console.error(`skipped: ${error.message}`);
}
