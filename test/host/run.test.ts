/** On this machine's kernel: tests agree with the model, and nothing that a program does gets out of its box. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Checker } from '../../src/explore/check.ts';
import { build } from '../../src/host/build.ts';
import { compareWith } from '../../src/host/compare.ts';
import { emitProgram } from '../../src/host/emit.ts';
import { repair } from '../../src/host/journal.ts';
import { Host } from '../../src/host/machine.ts';
import { usesCounters } from '../../src/host/needs.ts';
import { modelledRelease, runningRelease } from '../../src/host/release.ts';
import { type Histogram, runProgram } from '../../src/host/run-program.ts';
import { runTest } from '../../src/host/run-test.ts';
import { cannotRun, checkedFile, checkedText, PRIVATE, root } from './helpers.ts';

const why = cannotRun();
if (why !== null) process.stderr.write(`test/host/run.test.ts: skipped: ${why}\n`);

const SMOKE = [
  'library/vmsplice/vmsplice-child.litmus',
  'library/vmsplice/vmsplice-child-thp.litmus',
  'library/hugetlb/vmsplice-child-hugetlb.litmus',
  'library/fork/iouring-fork-write.litmus',
  'library/io_uring/iouring-counts.litmus',
  'library/io_uring/iouring-mprotect-write.litmus',
  'library/io_uring/iouring-dontneed.litmus',
  'library/direct-io/read-counts.litmus',
  'library/direct-io/read-in-flight-fork.litmus',
  'library/force/force-write-child-unchanged.litmus',
  'library/force/dirty-cow.litmus',
  'library/thp/write-after-fork-shares-the-rest.litmus',
  'library/mapping/load-races-munmap.litmus',
  'test/host/litmus/never-posted.litmus',
];

const pool = (): string => readFileSync('/proc/sys/vm/nr_hugepages', 'utf8').trim();

describe.skipIf(why !== null)('on the kernel of this machine', () => {
  let host: Host;
  beforeAll(() => {
    host = new Host();
  });
  afterAll(() => host.close());

  test.each(SMOKE)('%s', async (path) => {
    const checked = checkedFile(path);
    const options = { runs: 50, seed: 1, seconds: 2, runLimit: 2000, allowSystem: false };
    const result = await runTest(host, checked, options);
    if (result.kind === 'skip') {
      process.stderr.write(`${path}: skipped: ${result.reason}\n`);
      return;
    }
    const model = new Checker(checked).check(modelledRelease(runningRelease()) ?? '6.18');
    const compared = compareWith(result.histogram, model, usesCounters(checked));
    expect({ compared, states: result.histogram.states }).toMatchObject({
      compared: { verdict: 'agrees', forbidden: [] },
    });
  });

  test('a timing that matters is varied: both outcomes of a race are seen', async () => {
    const checked = checkedFile('library/mapping/load-races-munmap.litmus');
    const result = await runTest(host, checked, {
      runs: 300,
      seed: 7,
      seconds: 5,
      runLimit: 2000,
      allowSystem: false,
    });
    expect(result.kind === 'ran' ? result.histogram.states.length : 0).toBe(2);
  });
});

describe.skipIf(why !== null)('the sandbox', () => {
  let host: Host;
  beforeAll(() => {
    host = new Host();
  });
  afterAll(() => host.close());

  /** A program whose one statement is replaced by other C, run for a short time. */
  const attack = async (name: string, code: string): Promise<Histogram> => {
    const source = emitProgram(
      checkedText(`C attack
{
  char *buf = ${PRIVATE};
}
P0()
{
  r0 = 1;
}
exists (0:r0=1)
`),
    );
    const hostile = source
      .replace('  my->r0 = 1, my->has_r0 = 1;', `  my->has_r0 = 1; ${code}`)
      .replace(
        '#include <dirent.h>',
        '#include <dirent.h>\n#include <sys/mount.h>\n#include <sys/stat.h>',
      );
    expect(hostile).toContain(code);
    const folder = join(host.folder, name);
    mkdirSync(join(folder, 'root'), { recursive: true });
    const built = build(hostile, folder);
    if (!built.ok) throw new Error(built.reason);
    const limits = { runs: 1, seed: 1, seconds: 1, runLimit: 1000 };
    const groups = host.cgroups().flatMap((c) => ['--cgroup', c]);
    return runProgram(built.program, join(folder, 'root'), limits, groups);
  };

  /** Processes of this machine whose name is the program's. */
  const left = async (): Promise<number> => {
    await new Promise((done) => setTimeout(done, 100));
    return host
      .cgroups()
      .reduce(
        (n, c) =>
          n + readFileSync(join(c, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).length,
        0,
      );
  };

  test('a program that runs for ever is ended', async () => {
    const seen = await attack('forever', 'for (;;) {}');
    expect(seen.problem?.kind).toBe('timeout');
    expect(await left()).toBe(0);
  });

  test('a program that allocates without end is ended, and the judge is not', async () => {
    const seen = await attack(
      'memory',
      'for (;;) { char *p = malloc(1 << 20); if (p) memset(p, 1, 1 << 20); }',
    );
    expect(['died', 'timeout']).toContain(seen.problem?.kind);
    expect(seen.cut).toBeNull();
    expect(await left()).toBe(0);
  });

  test('memory that is held by files is limited, too', async () => {
    const seen = await attack(
      'files',
      'for (int i = 0;; i++) { char n[20]; snprintf(n, 20, "/tmpfs/%d", i); int f = open(n, O_RDWR | O_CREAT, 0600); if (f < 0 || ftruncate(f, 1 << 20) || write(f, n, 20) < 0) { my->r0 = 1; break; } for (int b = 0; b < 256; b++) if (pwrite(f, n, 1, b * 4096) < 0) { my->r0 = 2; return; } }',
    );
    expect(seen.problem?.kind ?? seen.states[0]?.text).toMatch(/0:r0=[12]|died|timeout/);
    expect(await left()).toBe(0);
  });

  test('a program that forks without end is ended', async () => {
    const seen = await attack('forks', 'for (;;) fork();');
    expect(seen.problem !== null || seen.cut !== null).toBe(true);
    expect(await left()).toBe(0);
  });

  test('a program that kills all it can kills nobody outside', async () => {
    const seen = await attack('kill', 'kill(1, SIGKILL); kill(-1, SIGKILL); my->r0 = 1;');
    expect(seen.states).toMatchObject([{ text: '0:r0=1;' }]);
  });

  test('nothing outside can be written or mounted', async () => {
    const mark = '/tmp/pinfold-escaped';
    rmSync(mark, { force: true });
    const seen = await attack(
      'outside',
      `my->r0 = 0; if (open("${mark}", O_RDWR | O_CREAT, 0600) >= 0 && open("/old${mark}", O_RDWR | O_CREAT, 0600) >= 0) my->r0 = 2; ` +
        'if (open("/etc/passwd", O_RDONLY) >= 0 || open("/proc/1/root/etc/passwd", O_RDONLY) >= 0 || open("../../etc/passwd", O_RDONLY) >= 0) my->r0 |= 4; ' +
        'if (mknod("/tmpfs/disk", S_IFBLK | 0600, 0xfe00) == 0 && open("/tmpfs/disk", O_RDONLY) >= 0) my->r0 |= 8; ' +
        'mkdir("/tmpfs/d", 0700); if (mount("x", "/tmpfs/d", "devtmpfs", 0, NULL) == 0) my->r0 |= 32; ' +
        'if (umount2("/proc", MNT_DETACH) == 0) my->r0 |= 16;',
    );
    expect(seen.states).toMatchObject([{ text: '0:r0=0;' }]);
    expect(existsSync(mark)).toBe(false);
  });

  test('a program that prints without end is ended', async () => {
    const seen = await attack('noise', 'for (;;) { printf("outcome\\t1\\tnoise\\n"); }');
    expect(seen.cut !== null || seen.problem !== null).toBe(true);
    expect(await left()).toBe(0);
  });
});

describe.skipIf(why !== null)('putting back', () => {
  test('a run that was killed is repaired by the next', async () => {
    const before = pool();
    if (before !== '0') {
      process.stderr.write(`skipped: this machine keeps ${before} huge pages\n`);
      return;
    }
    const child = spawn(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        `${root}/src/cli/main.ts`,
        ...[
          'run',
          '--runs',
          '1000000',
          '--seconds',
          '30',
          `${root}/library/hugetlb/vmsplice-child-hugetlb.litmus`,
        ],
      ],
      { stdio: 'ignore' },
    );
    const gone = new Promise((done) => child.on('close', done));
    for (let i = 0; i < 200 && pool() === before; i++)
      await new Promise((done) => setTimeout(done, 50));
    expect(pool()).not.toBe(before);
    child.kill('SIGKILL');
    await gone;
    await new Promise((done) => setTimeout(done, 300));
    expect(repair()).toEqual([expect.stringContaining(`process ${child.pid}`)]);
    expect(pool()).toBe(before);
    expect(existsSync(`/sys/fs/cgroup/memory/pinfold-${child.pid}`)).toBe(false);
  });

  test('a journal that is no JSON harms nothing', () => {
    const host = new Host();
    writeFileSync(join(host.folder, 'x'), '');
    host.close();
    expect(existsSync(host.folder)).toBe(false);
  });
});

describe.skipIf(why !== null)('a user without rights', () => {
  test('runs what needs none, and is told what does', () => {
    const user = ['--reuid', '65534', '--regid', '65534', '--clear-groups'];
    const command = [process.execPath, '--disable-warning=ExperimentalWarning'];
    const files = ['library/cow/basic-cow.litmus', 'library/io_uring/iouring-counts.litmus'];
    const args = [`${root}/src/cli/main.ts`, 'run', '--runs', '5', '--json'];
    const done = spawnSync(
      'setpriv',
      [...user, ...command, ...args, ...files.map((f) => `${root}/${f}`)],
      {
        encoding: 'utf8',
        env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent' },
        cwd: '/',
      },
    );
    if (done.error !== undefined || /EACCES|Permission denied/.test(done.stderr)) {
      process.stderr.write(`skipped: this checkout cannot be read by others, or no setpriv here\n`);
      return;
    }
    expect(done.stderr).toBe('');
    const { tests } = JSON.parse(done.stdout) as {
      tests: readonly { readonly verdict: string | null; readonly skipped: string | null }[];
    };
    const [plain, counters] = tests;
    // Where users may not make namespaces either, that is what both say.
    expect(plain?.verdict ?? plain?.skipped).toMatch(/^agrees$|namespaces/);
    expect(counters?.skipped).toMatch(/only root|namespaces/);
  });
});
