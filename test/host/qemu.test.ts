/** Other kernels: lists, archives, the serial line, the page; and one boot where QEMU and a kernel are there. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { mirrorOf } from '../../src/host/qemu/apt.ts';
import { qemuArguments } from '../../src/host/qemu/boot.ts';
import { cpio, sparse } from '../../src/host/qemu/cpio.ts';
import { planText } from '../../src/host/qemu/init.ts';
import { dependsOf, loadOrder } from '../../src/host/qemu/modules.ts';
import {
  compareNumbers,
  isOf,
  kernelsIn,
  newestOf,
  parsePackages,
} from '../../src/host/qemu/packages.ts';
import { KernelProblem } from '../../src/host/qemu/problem.ts';
import { inParallel } from '../../src/host/qemu/programs.ts';
import { runOnKernels } from '../../src/host/qemu/run.ts';
import { Serial } from '../../src/host/qemu/serial.ts';
import { fetchedKernels, kernelNamed } from '../../src/host/qemu/store.ts';
import { modelledKernel } from '../../src/host/release.ts';
import { checkedFile, root } from './helpers.ts';

const folder = mkdtempSync(join(tmpdir(), 'pinfold-qemu-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SUM = 'a'.repeat(64);
const record = (name: string, version: string, size: number): string =>
  `Package: ${name}\nVersion: ${version}\nDescription: words\n more words\nFilename: pool/main/l/${name}_${version}_amd64.deb\nSize: ${size}\nSHA256: ${SUM}\n`;

describe('package lists', () => {
  const text = [
    record('linux-image-6.1.0-50-cloud-amd64', '6.1.187-1', 34e6),
    record('linux-image-6.1.0-56-cloud-amd64', '6.1.192-2', 34e6),
    record('linux-image-6.1.0-56-cloud-amd64-unsigned', '6.1.192-2', 33e6),
    record('linux-image-cloud-amd64', '6.1.192-2', 1504),
    record('linux-image-6.1.0-56-cloud-amd64-dbg', '6.1.192-2', 900e6),
    record('linux-image-7.2.13+deb14-cloud-amd64', '7.2.13-1', 1916),
    record('linux-binary-7.2.13+deb14-cloud-amd64', '7.2.13-1', 13e6),
    record('linux-modules-7.2.13+deb14-cloud-amd64', '7.2.13-1', 30e6),
    record('linux-binary-unsigned-7.3.4+deb13-cloud-amd64', '7.3.4-1~bpo13+1', 13e6),
    'Package: linux-image-9.9-cloud-amd64\nVersion: 9.9-1\n',
  ].join('\n');
  const kernels = kernelsIn(parsePackages(text));

  test('oldest first; a record without size and sum, debug symbols and meta packages are no kernels', () =>
    expect(kernels.map((k) => k.version)).toEqual(['6.1.187', '6.1.192', '7.2.13', '7.3.4']));

  test('the signed image is taken; from 6.19 it is in linux-binary, the modules in a package of their own', () => {
    expect(kernels.map((k) => [k.image.name, k.modules?.name ?? null])).toEqual([
      ['linux-image-6.1.0-50-cloud-amd64', null],
      ['linux-image-6.1.0-56-cloud-amd64', null],
      ['linux-binary-7.2.13+deb14-cloud-amd64', 'linux-modules-7.2.13+deb14-cloud-amd64'],
      ['linux-binary-unsigned-7.3.4+deb13-cloud-amd64', null],
    ]);
    expect(kernels[1]?.image).toMatchObject({
      size: 34e6,
      sha256: SUM,
      file: 'linux-image-6.1.0-56-cloud-amd64_6.1.192-2_amd64.deb',
    });
  });

  test('6.1 is the newest 6.1.y, and never 6.19', () => {
    expect(newestOf(kernels, '6.1')?.release).toBe('6.1.0-56-cloud-amd64');
    expect(newestOf(kernels, '6.1.187')?.version).toBe('6.1.187');
    expect(newestOf(kernels, '7')).toBe(kernels[3]);
    expect(newestOf(kernels, '5.10')).toBeUndefined();
    expect(isOf({ version: '6.19.14' }, '6.1')).toBe(false);
  });

  test('versions compare by number', () =>
    expect(['6.12', '6.2', '5.10.262', '5.10.46', '6.12.1'].sort(compareNumbers)).toEqual([
      '5.10.46',
      '5.10.262',
      '6.2',
      '6.12',
      '6.12.1',
    ]));

  test("the mirror is the one of the machine's own lists", () => {
    expect(
      mirrorOf(
        'http://x.example/deb/ Other\nhttp://m.example/debian/ Debian\nhttp://s.example/sec/ Debian-Security\n',
      ),
    ).toEqual({ main: 'http://m.example/debian/', security: 'http://s.example/sec/' });
    expect(mirrorOf('http://m.example/debian/ Debian\n')?.security).toBe(
      'http://m.example/debian-security',
    );
    expect(mirrorOf('')).toBeNull();
  });
});

describe('modules', () => {
  const ko = (...depends: readonly string[]): Buffer =>
    Buffer.from(`\x7fELF\0license=GPL\0depends=${depends.join(',')}\0retpoline=Y\0`);

  test('their own description says what they need', () => {
    expect(dependsOf(ko('lz4_compress', 'zsmalloc'))).toEqual(['lz4_compress', 'zsmalloc']);
    expect(dependsOf(ko())).toEqual([]);
    expect(dependsOf(Buffer.from('nothing'))).toEqual([]);
  });

  test('each is loaded once, after what it needs; what is built in has no file', () => {
    const files = new Map([
      ['loop', ko()],
      ['zram', ko('zsmalloc', 'lzo-common')],
      ['zsmalloc', ko()],
      ['lzo_common', ko('zsmalloc')],
    ]);
    const order = loadOrder(['loop', 'ext4', 'zram', 'zsmalloc'], (n) => files.get(n) ?? null);
    expect(order.map((m) => m.name)).toEqual(['loop', 'zsmalloc', 'lzo_common', 'zram']);
  });
});

describe('archives', () => {
  test('cpio reads them: names, folders, bytes of any length', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 5 }), (contents) => {
        const archive = cpio([
          { path: 'd', data: null },
          ...contents.map((data, i) => ({ path: `d/${'x'.repeat(i)}f`, data: Buffer.from(data) })),
        ]);
        // A reader of the form: 13 fields of 8 digits after the magic, name and data padded to 4.
        const found: [string, string][] = [];
        for (let at = 0; ; ) {
          expect(archive.toString('latin1', at, at + 6)).toBe('070701');
          const field = (n: number): number =>
            Number.parseInt(archive.toString('latin1', at + 6 + 8 * n, at + 14 + 8 * n), 16);
          const name = archive.toString('latin1', at + 110, at + 110 + field(11) - 1);
          if (name === 'TRAILER!!!') break;
          const start = (at + 110 + field(11) + 3) & ~3;
          found.push([name, archive.toString('hex', start, start + field(6))]);
          at = (start + field(6) + 3) & ~3;
        }
        expect(found).toEqual([
          ['d', ''],
          ...contents.map((c, i) => [`d/${'x'.repeat(i)}f`, Buffer.from(c).toString('hex')]),
        ]);
      }),
      { numRuns: 30 },
    );
  });

  test('a file of zeros is its length only; a block that holds something comes with its number', () => {
    expect(sparse(Buffer.alloc(1 << 20)).length).toBe(8);
    const data = Buffer.alloc(5 * 4096);
    data[3 * 4096 + 7] = 9;
    const packed = sparse(data);
    expect(packed.length).toBe(8 + 8 + 4096);
    expect([packed.readBigUInt64LE(0), packed.readBigUInt64LE(8), packed[16 + 7]]).toEqual([
      BigInt(5 * 4096),
      3n,
      9,
    ]);
  });

  test('a line of the plan', () =>
    expect(planText([{ test: 4, entry: 2, limit: 30, needs: 'd', args: ['--runs', '5'] }])).toBe(
      '4\t2\t30\t-d\t--runs\t5\n',
    ));
});

describe('the serial line', () => {
  const boot = [
    'hello\t6.1.0',
    'note\tno throttle',
    'begin\t3',
    'line\t3\t7\toutcome\t1\t0:r0=1; 0:r1=2;',
    'line\t3\t2\toutcome\t0\t0:r0=0; 0:r1=2;',
    'line\t3\t1\tdisturbed',
    'line\t3\t1\tend\t9',
    'end\t3\t',
    'begin\t5',
    'line\t5\t1\tskip\tno loop device',
    'end\t5\t',
    'begin\t6',
    'end\t6\tkilled after 30 seconds',
    'done',
  ].join('\r\n');

  test('the same histograms, however the bytes arrive', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(boot.length), { maxLength: 8 }), (cuts) => {
        const serial = new Serial();
        const points = [0, ...cuts.sort((a, b) => a - b), boot.length];
        for (let i = 0; i + 1 < points.length; i++)
          serial.feed(boot.slice(points[i], points[i + 1]));
        serial.feed('\r\n');
        expect(serial).toMatchObject({ release: '6.1.0', done: true, notes: ['no throttle'] });
        expect(serial.results.get(3)).toMatchObject({
          runs: 9,
          disturbed: 1,
          cut: null,
          states: [
            { text: '0:r0=1; 0:r1=2;', holds: true, count: 7 },
            { text: '0:r0=0; 0:r1=2;', holds: false, count: 2 },
          ],
        });
        expect(serial.results.get(5)).toMatchObject({ skip: 'no loop device', cut: null });
        expect(serial.results.get(6)).toMatchObject({ runs: 0, cut: 'killed after 30 seconds' });
      }),
    );
  });

  test('a kernel that dies takes the test that ran, and no other', () => {
    const serial = new Serial();
    serial.feed(
      'hello\t6.1.0\nbegin\t0\nline\t0\t1\toutcome\t1\ta\nline\t0\t1\tend\t1\nend\t0\t\nbegin\t1\n',
    );
    serial.cut('Kernel panic');
    expect(serial.results.get(0)?.cut).toBeNull();
    expect(serial.results.get(1)?.cut).toBe('Kernel panic');
    serial.cut('again');
    expect(serial.results.size).toBe(2);
  });

  test('a line of another test, and one that is no line, change nothing', () => {
    const serial = new Serial();
    serial.feed('rubbish\nbegin\t1\nline\t0\t5\toutcome\t1\ta\nend\t0\t\nend\t1\t\n');
    expect([...serial.results.keys()]).toEqual([1]);
    expect(serial.results.get(1)).toMatchObject({ runs: 0, cut: 'the program ended early' });
  });
});

describe('what stands for a kernel, and what --kernel names', () => {
  test('a profile of Debian where there is one, else the mainline release', () => {
    expect(modelledKernel('5.10.262', true)).toBe('debian-5.10.262');
    expect(modelledKernel('6.1.180', true)).toBe('debian-6.1.192');
    expect(modelledKernel('6.1.180', false)).toBe('6.1');
    expect(modelledKernel('6.17.13', true)).toBe('6.17');
    expect(modelledKernel('2.6.32', true)).toBeNull();
  });

  test('a file, a folder with modules, and what is neither', () => {
    const own = join(folder, 'kernel');
    mkdirSync(join(own, 'modules'), { recursive: true });
    writeFileSync(join(own, 'vmlinuz-6.1'), '');
    writeFileSync(join(own, 'modules', '00-loop.ko'), '');
    expect(kernelNamed(own)).toMatchObject({
      vmlinuz: join(own, 'vmlinuz-6.1'),
      modules: [join(own, 'modules', '00-loop.ko')],
    });
    expect(kernelNamed(join(own, 'vmlinuz-6.1')).debian).toBe(false);
    expect(() => kernelNamed(join(own, 'modules'))).toThrow(/no vmlinuz or bzImage/);
    expect(() => kernelNamed('6.99')).toThrow(/pinfold kernels fetch 6\.99/);
    expect(() => kernelNamed('nonsense')).toThrow(KernelProblem);
  });

  test('QEMU gets the kernel, both serial lines, and the first test', () => {
    const args = qemuArguments(
      { accel: 'tcg', cpus: 2, memory: 512 },
      {
        vmlinuz: '/k',
        initrd: '/i',
        console: '/c',
        from: 7,
        disks: new Map([['pinfold-fs', '/d']]),
        limitOf: () => 1,
      },
    ).join(' ');
    for (const part of [
      '-m 512',
      '-smp 2',
      '-no-reboot',
      '-kernel /k',
      'file:/c',
      'pinfold.from=7',
      'file=/d,format=raw',
      'nvme,drive=pinfold-fs,serial=pinfold-fs',
      'nodeid=1,memdev=far',
    ])
      expect(args).toContain(part);
  });

  test('work in parallel keeps the order and the width', async () => {
    let now = 0;
    let most = 0;
    const done = await inParallel([3, 1, 2, 5, 4], 2, async (n) => {
      most = Math.max(most, ++now);
      await new Promise((r) => setTimeout(r, n));
      now--;
      return n * 10;
    });
    expect(done).toEqual([30, 10, 20, 50, 40]);
    expect(most).toBe(2);
  });
});

describe('the command line', () => {
  const pinfold = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    spawnSync(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', `${root}/src/cli/main.ts`, ...args],
      {
        encoding: 'utf8',
        cwd: root,
        env: { ...process.env, XDG_CACHE_HOME: join(folder, 'cache'), ...env },
      },
    );
  const TEST = 'library/vmsplice/vmsplice-child.litmus';

  test('kernels fetched, with none; a bad version; a kernel that is not here; --jobs alone', () => {
    expect(pinfold(['kernels', 'fetched'])).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('pinfold kernels fetch'),
    });
    expect(pinfold(['kernels', 'fetch', 'new'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("'new' is no kernel version"),
    });
    expect(pinfold(['run', '--kernel', '6.1', TEST])).toMatchObject({
      status: 3,
      stdout: '',
      stderr: expect.stringContaining('pinfold kernels fetch 6.1'),
    });
    expect(pinfold(['run', '--jobs', '2', TEST])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('--kernel'),
    });
  });

  test('3: without QEMU it says which package to install', () => {
    writeFileSync(join(folder, 'vmlinuz'), '');
    expect(
      pinfold(['run', '--kernel', join(folder, 'vmlinuz'), TEST], { PATH: '/nonexistent' }),
    ).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('apt-get install qemu-system-x86'),
    });
  });
});

/** Why no kernel can be booted here; null when one can. */
const cannotBoot = (): string | null => {
  if (spawnSync('qemu-system-x86_64', ['--version']).status !== 0) return 'no qemu-system-x86_64';
  return fetchedKernels().length === 0 ? 'no kernel was fetched (pinfold kernels fetch 6.1)' : null;
};

const why = cannotBoot();
if (why !== null) process.stderr.write(`test/host/qemu.test.ts: no boot: ${why}\n`);

describe.skipIf(why !== null)('a boot', () => {
  test('a test on the oldest fetched kernel; one that cannot run says why', {
    timeout: 240_000,
  }, async () => {
    const kernels = fetchedKernels().slice(0, 1);
    const tests = [
      'library/vmsplice/vmsplice-child.litmus',
      'library/fork/pin-fork-write.litmus',
    ].map(checkedFile);
    const options = {
      runs: 5,
      seed: 1,
      seconds: 5,
      runLimit: 10_000,
      accel: 'tcg',
      jobs: 1,
    } as const;
    const [result] = await runOnKernels(tests, kernels, options, () => undefined);
    expect(result).toMatchObject({ failure: null, release: expect.stringMatching(/^\d+\.\d+/) });
    expect(result?.results[0]).toMatchObject({
      kind: 'ran',
      histogram: { cut: null, states: [{ text: '1:r0=1;' }] },
    });
    expect(result?.results[1]).toMatchObject({
      kind: 'skip',
      reason: expect.stringContaining('only the kernel itself'),
    });
  });

  test('a file that is no kernel does not boot, and that is said', {
    timeout: 60_000,
  }, async () => {
    const file = join(folder, 'no-kernel');
    writeFileSync(file, Buffer.alloc(4096, 1));
    const options = {
      runs: 1,
      seed: 1,
      seconds: 1,
      runLimit: 1000,
      accel: 'tcg',
      jobs: 1,
    } as const;
    const [result] = await runOnKernels(
      [checkedFile('library/vmsplice/vmsplice-child.litmus')],
      [kernelNamed(file)],
      options,
      () => undefined,
    );
    expect(result).toMatchObject({
      release: null,
      failure: expect.stringContaining('QEMU ended early'),
    });
  });
});
