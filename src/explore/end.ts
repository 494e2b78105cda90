/** How executions end. */
import { accessIndex, accessOp, accessRegion, R, WAIT } from '../machine/access.ts';
import { accessEnabled } from '../machine/enabled.ts';
import { threadPending, threadRunning } from '../machine/resumable.ts';
import type { Machine } from './setup.ts';

/** How an execution can end. */
export type End =
  | { readonly kind: 'final' }
  | { readonly kind: 'deadlock'; readonly waiting: readonly number[] }
  /** A thread goes round for ever in steps that nobody else notices. */
  | { readonly kind: 'livelock'; readonly thread: number }
  | { readonly kind: 'bug'; readonly code: number; readonly argument: number };

/** How the execution that `m` stands at has ended; null: it could go on. `livelock`: the thread that goes round, or -1. */
export const endOf = (m: Machine, livelock: number): End | null => {
  const [code = 0, argument = 0] = m.k.report;
  if (code !== 0) return { kind: 'bug', code, argument };
  if (livelock >= 0) return { kind: 'livelock', thread: livelock };
  for (let t = 0; t < m.threads; t++)
    if (threadRunning(t) && accessEnabled(m.k, threadPending(t))) return null;
  const waiting = waitingThreads(m);
  return waiting.length === 0 ? { kind: 'final' } : { kind: 'deadlock', waiting };
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
