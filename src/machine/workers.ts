/**
 * What lets several worker threads run on one machine. In the stepped forms only one thread takes a step at a time, so
 * there is nothing to do here; `workers.shared.ts` does it.
 *
 * A step may change several words that belong together: numbers are looked for and taken, a block leaves one list and
 * joins another. Between `enter` and `leave` of the same guard only one worker is, so in the shared form too nobody
 * sees the middle of such a step. There is no yield between them, no other guard but those with a higher number, and
 * nothing that can throw.
 */
import { workerWordCount } from './guards.ts';
import type { Machine } from './machine.ts';
import type { CpuId } from './types.ts';

/** The words behind the guards: no part of the state where nobody else is there. */
export function workerWords(_alloc: (words: number) => Int32Array, cpus: number): Int32Array {
  return new Int32Array(workerWordCount(cpus));
}

/** From here to `leave` no other worker is in this guard. */
export function enter(_k: Machine, _guard: number): void {}

/** The end of `enter`. */
export function leave(_k: Machine, _guard: number): void {}

/** As `enter`, for the TLB of one CPU. */
export function enterTlb(_k: Machine, _cpu: CpuId): void {}

/** The end of `enterTlb`. */
export function leaveTlb(_k: Machine, _cpu: CpuId): void {}

/** One worker more (or, with -1, fewer) on the machine. Returns how many there are now. */
export function countWorkers(_k: Machine, _n: 1 | -1): number {
  return 1;
}

/** Whether nobody else could ever change what this worker would wait for. */
export function alone(_k: Machine): boolean {
  return true;
}

/**
 * Between two looks at word `i` of `words`, which held `seen` at the last one; `tries` counts from 0. Throws when it has
 * taken so long that the workers must be waiting for each other.
 */
export function pause(
  _k: Machine,
  _words: Int32Array,
  _i: number,
  _seen: number,
  _tries: number,
): void {}

/** After a change of word `i`, which others may wait for. */
export function wake(_k: Machine, _words: Int32Array, _i: number): void {}

/**
 * What the rewriter puts into the shared form where the source yields a step that may have to wait and takes nothing by
 * it (IPI, WAIT, WAIT_ZERO, LOCK_FOLIO, WAIT_WRITEBACK): goes on when it is enabled.
 */
export function waitFor(_k: Machine, _word: number): void {}
