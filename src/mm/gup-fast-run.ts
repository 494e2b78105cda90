/**
 * What the lockless walk does otherwise in the quick forms (`gup-fast-run.direct.ts`, `.shared.ts`): it takes ordinary pages of a table all at once, and doesn't ask afterwards whether a
 * fork has come between.
 */
import { PG } from '../machine/page.ts';
import type { EntryAddr } from '../machine/types.ts';
import { FOLL } from './foll.ts';
import { outputRuns, runPage } from './gup-output.ts';
import { checkPinnedExclusive } from './gup-unshare.ts';
import type { Kernel } from './kernel.ts';

/**
 * Takes and stores up to `n` pages from entry `first` on, the first of them as number `nr` of the
 * list at `pages`; the entry of their table, `pmd`, was (pmdLo, pmdHi). Returns how many; the page
 * behind them is for the general walk.
 */
export function takePlainRun(
  _k: Kernel,
  _pmd: EntryAddr,
  _pmdLo: number,
  _pmdHi: number,
  _first: EntryAddr,
  _n: number,
  _flags: number,
  _pages: number,
  _nr: number,
): number {
  return 0;
}

/**
 * sanity_check_pinned_pages(): `checkPinnedExclusive` for the `nr` pages at `pages`, once no fork
 * is in doubt (A.13.7).
 */
export function checkPinnedPages(k: Kernel, pages: number, nr: number, flags: number): void {
  if ((flags & FOLL.pin) === 0 || k.rules.pin.debugExclusive === 'none') return;
  const runs = outputRuns(k, pages, nr, flags);
  for (let i = 0; i < runs; i++) {
    const pfn = runPage(k, pages, i, flags);
    if ((k.page.flags[pfn] & PG.anonExclusive) === 0) checkPinnedExclusive(k, pfn, flags);
  }
}
