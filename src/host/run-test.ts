/** One test on the kernel of this machine. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { CheckedTest } from '../litmus/checked.ts';
import { build } from './build.ts';
import { emitProgram } from './emit.ts';
import { type Host, memoryNodes } from './machine.ts';
import {
  diskFileSystem,
  usesCounters,
  usesHugetlb,
  usesKsm,
  usesMachine,
  usesSwap,
} from './needs.ts';
import { races } from './processes.ts';
import { type Histogram, type RunLimits, runProgram } from './run-program.ts';
import { staticSkip } from './skip.ts';

export interface RunOptions {
  /** null: as many as fit the test. */
  readonly runs: number | null;
  readonly seed: number;
  readonly seconds: number;
  readonly runLimit: number;
  /** May add swap to the machine. */
  readonly allowSystem: boolean;
}

export type HostResult =
  | { readonly kind: 'skip'; readonly reason: string }
  | { readonly kind: 'ran'; readonly histogram: Histogram };

/** Timing varies a racing test; another one ends the same way each time. */
const RUNS_RACING = 1000;
const RUNS_ALONE = 20;
/** Enough to tell what others did to the machine's counters from what the test did. */
const RUNS_COUNTING = 100;

/** Runs that fit the test. */
export const defaultRuns = (checked: CheckedTest): number =>
  races(checked) ? RUNS_RACING : usesCounters(checked) ? RUNS_COUNTING : RUNS_ALONE;

const skip = (reason: string): HostResult => ({ kind: 'skip', reason });

let programs = 0;

/** Emits, builds and runs; what cannot run says why. */
export const runTest = async (
  host: Host,
  checked: CheckedTest,
  options: RunOptions,
): Promise<HostResult> => {
  const why = staticSkip(checked);
  if (why !== null) return skip(why);
  if (process.platform !== 'linux') return skip(`this is ${process.platform}, not Linux`);
  if (checked.callNames.includes('migrate') && memoryNodes() < 2)
    return skip(
      'migrate(): one memory node here, and move_pages leaves a page on the node where it is',
    );
  const folder = join(host.folder, String(programs++));
  mkdirSync(join(folder, 'root'), { recursive: true });
  const built = build(emitProgram(checked), folder);
  if (!built.ok) return skip(built.reason);
  const groups = host.cgroups();
  const more = groups.flatMap((c) => ['--cgroup', c]);
  const throttle = groups.find((c) => existsSync(join(c, 'blkio.throttle.read_iops_device')));
  if (throttle !== undefined) more.push('--throttle', throttle);
  if (usesMachine(checked) && !(await host.lock()))
    return skip(
      'another pinfold run holds what the machine has only once (huge pages, counters, swap)',
    );
  try {
    const lacking =
      (usesHugetlb(checked) ? host.takeHugePages() : null) ??
      (usesSwap(checked) ? host.takeSwap(options.allowSystem) : null) ??
      (usesKsm(checked) ? host.takeKsm(options.allowSystem) : null);
    if (lacking !== null) return skip(lacking);
    const type = diskFileSystem(checked);
    if (type !== null) {
      const image = host.image(type);
      if ('reason' in image) return skip(image.reason);
      more.push('--image', image.path);
    }
    const limits: RunLimits = {
      runs: options.runs ?? defaultRuns(checked),
      seed: options.seed,
      seconds: options.seconds,
      runLimit: options.runLimit,
    };
    const histogram = await runProgram(built.program, join(folder, 'root'), limits, more);
    return histogram.skip === null ? { kind: 'ran', histogram } : skip(histogram.skip);
  } finally {
    if (usesKsm(checked)) host.stopKsm();
    host.unlock();
  }
};
