/**
 * Signals that are pending. Who asks for them may be answered differently a moment later, so the question and the sending
 * are parts of steps that meet at one word of kernel memory. Rules: semantics.md A.3.3, A.3.8, A.19.5.
 */
import { at, R, READ, WRITE } from '../machine/access.ts';
import { touchAlso } from '../machine/also.ts';
import type { Steps, TaskId } from '../machine/types.ts';
import { kmemAt, SIGNALS } from './device-tables.ts';
import type { Kernel } from './kernel.ts';

/** Whether a signal of `bits` (PF.sigkill, PF.signal) is pending for the task; part of the step under way. */
export function signalled(k: Kernel, task: TaskId, bits: number): boolean {
  touchAlso(k, READ | kmemAt(SIGNALS));
  return (k.task.flags[task] & bits) !== 0;
}

/** In the word of a task that waits for the answer to a userfault (`k.uffd.waits`), beside the PF bits of the signals that end the wait. */
export const WAITS = 1 << 30;

/** send_signal(): `bit` is pending for the task from here on; a wait that it ends is over. */
export function* sendSignal(k: Kernel, task: TaskId, bit: number): Steps<void> {
  yield WRITE | kmemAt(SIGNALS);
  k.task.flags[task] |= bit;
  touchAlso(k, WRITE | at(R.uffd, task));
  if ((k.uffd.waits[task] & bit) !== 0) k.uffd.waits[task] = 0;
}
