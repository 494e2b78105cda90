/**
 * Samples executions in place of exploring them all: for tests whose state space is too large. Finds, proves nothing.
 * Each execution is chosen by a seed: at random at each step, or by priorities that change at a few random steps (PCT,
 * Burckhardt et al. 2010), which finds a bug that needs d orderings with a known probability.
 */
import { accessIndex, accessOp, CHOOSE } from '../machine/access.ts';
import { setLog, setStacks, threadPending, threadRunning, undoTo } from '../machine/resumable.ts';
import { type End, waitingThreads } from './end.ts';
import type { Decision } from './graph.ts';
import type { Limits } from './limits.ts';
import { Random } from './random.ts';
import { type Machine, STACK_WORDS } from './setup.ts';
import { Stepper } from './stepper.ts';

export interface SampleOptions {
  readonly executions: number;
  readonly seed: number;
  /** Depth of PCT: how many orderings a bug may need; null: at random. */
  readonly depth: number | null;
  /** How long at most, and who may end it. */
  readonly limits: Pick<Limits, 'time' | 'deadline' | 'poll'>;
}

export interface SampleResult {
  readonly executions: number;
  readonly steps: number;
  /** Executions that were given up because they did not end. */
  readonly endless: number;
  /** Why there are fewer executions than were asked for; null: there are not. */
  readonly cut: string | null;
}

/** Steps after which an execution is given up. */
const EXECUTION_LIMIT = 100_000;

/** Runs executions one after the other; `onEnd` gets each end, with the machine standing there and the way to it. */
export const sample = (
  m: Machine,
  options: SampleOptions,
  onEnd: (end: End, path: () => Decision[]) => void,
): SampleResult => {
  const { stacks, arena } = m;
  setStacks(stacks, STACK_WORDS);
  setLog(new Int32Array(1 << 16));
  const atStart = stacks.slice();
  const random = new Random(options.seed);
  const stepper = new Stepper(m, null);
  const { time, deadline = performance.now() + time, poll } = options.limits;
  const path: Decision[] = [];
  let executions = 0;
  let endless = 0;
  let usual = 200;
  let cut: string | null = null;
  while (executions < options.executions) {
    if (performance.now() > deadline) cut = `ended by the time limit of ${time / 1000} s`;
    else if (poll?.({ states: executions, steps: stepper.steps, depth: path.length, bytes: 0 }))
      cut = 'interrupted';
    if (cut !== null) break;
    path.length = 0;
    const schedule =
      options.depth === null
        ? atRandom(random)
        : byPriority(random, m.threads, options.depth, usual);
    const end = runOnce(m, stepper, schedule, random, path);
    if (end === null) endless++;
    else onEnd(end, () => [...path]);
    usual = Math.max(2, path.length);
    executions++;
    undoTo(arena, 0);
    stacks.set(atStart);
  }
  setLog(null);
  return { executions, steps: stepper.steps, endless, cut };
};

/** Chooses the next thread among those that can step. */
type Schedule = (ready: readonly number[], step: number) => number;

const atRandom =
  (random: Random): Schedule =>
  (ready) =>
    ready[random.below(ready.length)] ?? 0;

/** The ready thread of the highest priority; at each of `depth - 1` random steps the one that runs falls behind all others. */
const byPriority = (random: Random, threads: number, depth: number, steps: number): Schedule => {
  const priority = Array.from({ length: threads }, (_, t) => t + depth);
  for (let i = threads - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [priority[i], priority[j]] = [priority[j] ?? 0, priority[i] ?? 0];
  }
  const changes = new Map<number, number>();
  for (let d = 1; d < depth; d++) changes.set(random.below(steps), d - 1);
  const highest = (ready: readonly number[]): number =>
    ready.reduce((a, b) => ((priority[b] ?? 0) > (priority[a] ?? 0) ? b : a));
  return (ready, step) => {
    const fall = changes.get(step);
    if (fall !== undefined) priority[highest(ready)] = fall;
    return highest(ready);
  };
};

const runOnce = (
  m: Machine,
  stepper: Stepper,
  schedule: Schedule,
  random: Random,
  path: Decision[],
): End | null => {
  const { k, threads } = m;
  for (let step = 0; step < EXECUTION_LIMIT; step++) {
    const ready: number[] = [];
    let choosing = -1;
    for (let t = 0; t < threads; t++) {
      if (!threadRunning(t)) continue;
      if (accessOp(threadPending(t)) === CHOOSE) choosing = t;
      if (stepper.enabled(t)) ready.push(t);
    }
    if (ready.length === 0) {
      const waiting = waitingThreads(m);
      return waiting.length === 0 ? { kind: 'final' } : { kind: 'deadlock', waiting };
    }
    const thread = choosing >= 0 ? choosing : schedule(ready, step);
    const choice = choosing >= 0 ? random.below(accessIndex(threadPending(thread))) : 0;
    k.choice[0] = choice;
    path.push({ thread, choice });
    stepper.step(thread);
    if ((k.report[0] as number) !== 0)
      return { kind: 'bug', code: k.report[0] as number, argument: k.report[1] as number };
  }
  return null;
};
