/** How executions end. */
import { accessIndex, accessOp, accessRegion, R, WAIT } from '../machine/access.ts';
import { accessEnabled } from '../machine/enabled.ts';
import { threadPending, threadRunning } from '../machine/resumable.ts';
import type { Machine } from './setup.ts';

/** How an execution can end. */
export type End =
  | { readonly kind: 'final' }
  | { readonly kind: 'deadlock'; readonly waiting: readonly number[] }
  /** Threads go round for ever: one in steps that nobody else notices, or several with no way out. */
  | { readonly kind: 'livelock'; readonly threads: readonly number[] }
  | { readonly kind: 'bug'; readonly code: number; readonly argument: number };

/**
 * How the execution that `m` stands at has ended; null: it could go on. `stuck`: threads, as bits, that go round for ever
 * unnoticed and were cleared.
 */
export const endOf = (m: Machine, stuck: number): End | null => {
  const [code = 0, argument = 0] = m.k.report;
  if (code !== 0) return { kind: 'bug', code, argument };
  for (let t = 0; t < m.threads; t++)
    if (threadRunning(t) && accessEnabled(m.k, threadPending(t))) return null;
  return endWithout(m, stuck);
};

/** As `endOf`, where no thread can step and there is no BUG. */
export const endWithout = (m: Machine, stuck: number): End => {
  if (stuck !== 0) return { kind: 'livelock', threads: threadsOf(stuck) };
  const waiting = waitingThreads(m);
  return waiting.length === 0 ? { kind: 'final' } : { kind: 'deadlock', waiting };
};

/** Numbers of threads that are given as bits. */
export const threadsOf = (bits: number): number[] => {
  const threads: number[] = [];
  for (let rest = bits; rest !== 0; rest &= rest - 1) threads.push(31 - Math.clz32(rest & -rest));
  return threads;
};

/** Threads that wait for something; one that was never forked has not begun, and the device may always wait. */
export const waitingThreads = (m: Machine): number[] => {
  const waiting: number[] = [];
  for (let t = 0; t < m.k.program.threads.length; t++) {
    if (!threadRunning(t)) continue;
    const word = threadPending(t);
    const unborn =
      accessOp(word) === WAIT &&
      accessRegion(word) === R.task &&
      accessIndex(word) === t &&
      m.k.lit.life[t] === 0;
    if (!unborn) waiting.push(t);
  }
  return waiting;
};
