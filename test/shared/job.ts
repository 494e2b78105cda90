/** What a worker of `workers.test.ts` is asked to do, and what it tells at the end. */
import type { SharedMachine } from '../../src/shared.ts';

/** Pages of the mapping that all processes have at most, and its first page number. */
export const PAGES = 48;
export const START = 0x1000;

/** A mix of calls: how often each kind of `operate` (worker.ts) comes. */
export interface Mix {
  readonly access: number;
  readonly pinFast: number;
  readonly pinSlow: number;
  readonly get: number;
  readonly unpin: number;
  readonly dontneed: number;
  readonly protect: number;
  readonly remap: number;
  readonly fork: number;
  readonly pageout: number;
}

export interface Job {
  readonly machine: SharedMachine;
  readonly cpu: number;
  readonly task: number;
  readonly seed: number;
  readonly operations: number;
  /** Pages that it works on. */
  readonly pages: number;
  readonly mix: Partial<Mix>;
  /** All workers wait for word 0 to count down to 0, so that they start together. */
  readonly start: Int32Array;
}

/** What one worker still holds, as page frames (one for each reference), and what it has done. */
export interface Done {
  readonly pins: number[];
  readonly gets: number[];
  /** Pages that pinning calls gave it and that it gave back, in all. */
  readonly pinned: number;
  readonly unpinned: number;
  /** Calls that gave or changed something, by kind. */
  readonly counts: Record<string, number>;
  readonly error: string;
}
