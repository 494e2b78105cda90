/** Tests on other kernels: all of a call in one boot of each, a few kernels at a time. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import type { CheckedTest } from '../../litmus/checked.ts';
import { emitProgram } from '../emit.ts';
import { Host } from '../machine.ts';
import { type DiskFileSystem, diskFileSystem, usesSwap } from '../needs.ts';
import { defaultRuns, type HostResult } from '../run-test.ts';
import { staticSkip } from '../skip.ts';
import { type Booted, bootOnce, type Machine, needQemu } from './boot.ts';
import { cacheFolder } from './cache.ts';
import { cpio, type Entry, sparse } from './cpio.ts';
import { type Planned, planText } from './init.ts';
import { inParallel, linkPrograms } from './programs.ts';
import type { Kernel } from './store.ts';

export interface KernelOptions {
  /** null: as many as fit the test. */
  readonly runs: number | null;
  readonly seed: number;
  readonly seconds: number;
  /** Milliseconds for one run; an emulated processor takes more than a real one. */
  readonly runLimit: number;
  readonly accel: 'tcg' | 'kvm';
  /** Kernels at a time; null: as cores allow. */
  readonly jobs: number | null;
}

export interface KernelResult {
  readonly kernel: Kernel;
  /** `uname -r`; null: it did not boot. */
  readonly release: string | null;
  /** Why it did not boot. */
  readonly failure: string | null;
  /** What its machine lacks. */
  readonly notes: readonly string[];
  /** In the order of the tests. */
  readonly results: readonly HostResult[];
}

const CPUS = 2;
const MEMORY = 576;
/** Seconds beyond a program's own limits before init kills it. */
const GRACE = 20;
/** Boots of one kernel: each test that takes the kernel down costs one. */
const BOOTS = 8;

const skip = (reason: string): HostResult => ({ kind: 'skip', reason });

interface Plan {
  readonly program: string;
  readonly plan: readonly Planned[];
  /** By test; null: it is in the plan. */
  readonly skipped: readonly (string | null)[];
  /** Empty file systems without their zeros, those that tests need. */
  readonly images: ReadonlyMap<DiskFileSystem, Buffer>;
}

/** What a test needs, as a letter of the plan (init.ts). */
const letter = (type: DiskFileSystem | null): string =>
  type === null ? '' : { ext4: 'e', xfs: 'x', btrfs: 'b' }[type];

/** Bytes of the disks that each machine has; only what is written takes place here. */
const DISKS = { 'pinfold-fs': 512 * 2 ** 20, 'pinfold-swap': 64 * 2 ** 20 };

const prepare = async (
  tests: readonly CheckedTest[],
  options: KernelOptions,
  said: (text: string) => void,
): Promise<Plan> => {
  const skipped: (string | null)[] = tests.map((t) => staticSkip(t));
  const images = new Map<DiskFileSystem, Buffer>();
  const host = new Host();
  try {
    for (const [i, checked] of tests.entries()) {
      const type = skipped[i] === null ? diskFileSystem(checked) : null;
      if (type === null || images.has(type)) continue;
      const made = host.image(type);
      if ('path' in made) images.set(type, sparse(readFileSync(made.path)));
      else skipped[i] = made.reason;
    }
  } finally {
    host.close();
  }
  const numbers = tests.flatMap((_, i) => (skipped[i] === null ? [i] : []));
  const sources = numbers.map((i) => emitProgram(tests[i] as CheckedTest));
  const { program, entries } = await linkPrograms(sources, said);
  const plan: Planned[] = [];
  for (const [at, i] of numbers.entries()) {
    const [checked, entry] = [tests[i] as CheckedTest, entries[at]];
    if (typeof entry !== 'number') {
      skipped[i] = entry?.reason ?? 'not built';
      continue;
    }
    const args: readonly (readonly [string, number | string])[] = [
      ['--root', '/tmp/root'],
      ['--runs', options.runs ?? defaultRuns(checked)],
      ['--seed', options.seed],
      ['--seconds', options.seconds],
      ['--run-limit', options.runLimit],
    ];
    plan.push({
      test: i,
      entry,
      limit: options.seconds + Math.ceil(options.runLimit / 1000) + GRACE,
      needs: `${letter(diskFileSystem(checked))}${usesSwap(checked) ? 's' : ''}`,
      args: args.flat().map(String),
    });
  }
  return { program, plan, skipped, images };
};

/** What the kernel unpacks: init, the plan, the image, and its own modules. */
const initrdOf = (plan: Plan, kernel: Kernel): Buffer => {
  const entries: Entry[] = [
    { path: 'init', data: readFileSync(plan.program) },
    { path: 'start', data: null },
    { path: 'start/plan', data: Buffer.from(planText(plan.plan)) },
    ...[...plan.images].map(([type, data]) => ({ path: `start/${type}.sparse`, data })),
    { path: 'modules', data: null },
    ...kernel.modules.map((m) => ({ path: `modules/${basename(m)}`, data: readFileSync(m) })),
  ];
  return cpio(entries);
};

/** `said` gets what happens, for whoever waits. Throws KernelProblem when nothing can be booted here at all. */
export const runOnKernels = async (
  tests: readonly CheckedTest[],
  kernels: readonly Kernel[],
  options: KernelOptions,
  said: (text: string) => void,
  running: Set<() => void> = new Set(),
): Promise<KernelResult[]> => {
  needQemu();
  const plan = await prepare(tests, options, said);
  const machine: Machine = { accel: options.accel, cpus: CPUS, memory: MEMORY };
  const work = mkdtempSync(join(cacheFolder(), 'boot-'));
  const state = new Map<string, string>();
  const width = options.jobs ?? Math.max(1, Math.floor(availableParallelism() / CPUS));
  try {
    return await inParallel(kernels, width, async (kernel, i) => {
      const folder = join(work, String(i));
      mkdirSync(folder);
      const show = (text: string | null): void => {
        if (text === null) state.delete(kernel.version);
        else state.set(kernel.version, text);
        said([...state].map(([v, t]) => `${v}: ${t}`).join('  '));
      };
      const result = await onKernel(kernel, tests, plan, machine, folder, show, running);
      show(null);
      return result;
    });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
};

/** Boots until every test of the plan has run: a test that takes the kernel down is not run again. */
const onKernel = async (
  kernel: Kernel,
  tests: readonly CheckedTest[],
  { plan, skipped, ...rest }: Plan,
  machine: Machine,
  folder: string,
  show: (text: string) => void,
  running: Set<() => void>,
): Promise<KernelResult> => {
  const initrd = join(folder, 'initrd');
  writeFileSync(initrd, initrdOf({ plan, skipped, ...rest }, kernel));
  const disks = new Map(
    Object.entries(DISKS).map(([serial, bytes]) => {
      const file = join(folder, serial);
      writeFileSync(file, '');
      truncateSync(file, bytes);
      return [serial, file];
    }),
  );
  const results = new Map<number, HostResult>();
  const notes = new Set<string>();
  let release: string | null = null;
  let failure: string | null = null;
  for (let boots = 0, from = 0; boots < BOOTS; boots++) {
    show('booting');
    const { serial, broken }: Booted = await bootOnce(
      machine,
      {
        vmlinuz: kernel.vmlinuz,
        initrd,
        console: join(folder, 'console'),
        disks,
        from,
        limitOf: (n) => plan.find((p) => p.test === n)?.limit ?? 0,
      },
      (s) => {
        const at = s.running === null ? '' : ` ${tests[s.running]?.test.name ?? ''}`;
        show(`${results.size + s.results.size}/${plan.length}${at}`);
      },
      running,
    );
    release ??= serial.release;
    for (const note of serial.notes) notes.add(note);
    for (const [n, histogram] of serial.results)
      results.set(n, histogram.skip === null ? { kind: 'ran', histogram } : skip(histogram.skip));
    if (broken === null) break;
    failure = broken;
    const next = plan.find((p) => !results.has(p.test));
    // Without any result it would only happen again.
    if (serial.results.size === 0 || next === undefined) break;
    from = next.test;
  }
  if (release !== null && plan.every((p) => results.has(p.test))) failure = null;
  return {
    kernel,
    release,
    failure,
    notes: [...notes],
    results: tests.map(
      (_, i) =>
        results.get(i) ??
        skip(skipped[i] ?? `the kernel did not come to this test: ${failure ?? ''}`),
    ),
  };
};
