/**
 * Pages of one table that the lockless walk can take without a doubt, all at once. Only the direct form has such a
 * shortcut (`gup-fast-run.direct.ts`); where threads interleave every page goes through each of its steps.
 */
import type { EntryAddr } from '../machine/types.ts';
import type { Kernel } from './kernel.ts';

/**
 * Takes and stores up to `n` pages from entry `first` on, the first of them as number `nr` of the list at `pages`;
 * `tests` are the `TEST` bits for `flags`. Returns how many; the page behind them is for the general walk.
 */
export function takePlainRun(
  _k: Kernel,
  _first: EntryAddr,
  _n: number,
  _flags: number,
  _tests: number,
  _pages: number,
  _nr: number,
): number {
  return 0;
}
