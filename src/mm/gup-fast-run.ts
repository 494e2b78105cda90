/**
 * Ordinary pages of a table, taken and released many at once where the form has runs
 * (machine/runs.ts). Ordinary are small exclusive anonymous pages that were used before: about them
 * none of the questions of A.13.4 has a second answer. All others are left to the general walk, and
 * so is everything in the stepped forms. Rules: semantics.md A.10.1, A.13.4, A.14.
 */
import { PTE } from '../machine/entry.ts';
import { PG } from '../machine/page.ts';
import { listRun, RUNS, releaseRun, runStands, takeRun } from '../machine/runs.ts';
import type { EntryAddr, Steps } from '../machine/types.ts';
import { tracksGup } from './dma-pinned.ts';
import { FOLL } from './foll.ts';
import { countsAsPin, gupPutFolio, pinIsFree } from './grab.ts';
import { neededMask } from './gup-fast-page.ts';
import { outputRuns, runPage } from './gup-output.ts';
import { checkPinnedExclusive } from './gup-unshare.ts';
import type { Kernel } from './kernel.ts';
import { acquiredItem, releasedItem } from './pin-counters.ts';
import { PIN_BIAS } from './pinned.ts';
import { vmstatAdd } from './vmstat.ts';

/**
 * Flags that are looked at, and those that must stand. An exclusive page is anonymous (A.14.1), so
 * `fastFolioAllowed` says yes, and the debugging test of a pin too (A.6.7). One that is
 * `referenced` needs no mark, and is no tail page, whose uses its head remembers: so `compound`
 * need not be looked at, which would be one cache line more a page.
 */
const LOOKED = PG.referenced | PG.anonExclusive | PG.head | PG.slab | PG.hugetlb;
const WANTED = PG.referenced | PG.anonExclusive;

/**
 * Takes and stores up to `n` pages from entry `first` on, the first of them as number `nr` of the
 * list at `pages`; the entry of their table, `pmd`, was (pmdLo, pmdHi). Returns how many; the page
 * behind them is for the general walk. Words of the list behind those may be written too.
 *
 * What other threads have changed meanwhile is looked for when all references of the run are taken
 * (A.13.4f, g): a page that doesn't stand any more is given back with those behind it.
 */
export function* takePlainRun(
  k: Kernel,
  pmd: EntryAddr,
  pmdLo: number,
  pmdHi: number,
  first: EntryAddr,
  n: number,
  flags: number,
  pages: number,
  nr: number,
): Steps<number> {
  if (!RUNS || !plainRunPossible(k, flags)) return 0;
  const out = pages + nr;
  const pin = countsAsPin(k, flags);
  const mask = plainRunMask(flags);
  const pageFlags = k.page.flags;
  const listed = listRun(k.contents, first, n, mask, pageFlags, LOOKED, WANTED, k.kmem, out);
  const taken = takeRun(k.kmem, out, listed, k.page.refcount, pin ? PIN_BIAS : 1);
  // Every grab counts, those that are given up at once too (A.27.3).
  if (pin && taken > 0 && k.rules.pin.counters) vmstatAdd(k, 0, acquiredItem(k), taken);
  let kept = taken;
  if (k.rules.fast.recheckPte)
    kept = runStands(k.contents, first, taken, mask, k.kmem, out, pageFlags, LOOKED, WANTED);
  const moved = k.contents[pmd] !== pmdLo || k.contents[pmd + 1] !== pmdHi;
  if (moved && k.rules.fast.recheckPmd) kept = 0;
  for (let i = kept; i < taken; i++) yield* gupPutFolio(k, k.kmem[out + i], 1, flags);
  return kept;
}

/**
 * Whether a call with these flags asks nothing of a page that depends on where it lies: its node's
 * counter, its zone (for FOLL_LONGTERM; a machine's first area is never movable nor CMA), room in
 * ranges.
 */
function plainRunPossible(k: Kernel, flags: number): boolean {
  if ((flags & FOLL.ranges) !== 0 || k.nodes !== 1 || tracksGup(k)) return false;
  if ((flags & FOLL.longterm) !== 0 && k.areas !== 1) return false;
  return (flags & (FOLL.get | FOLL.pin)) !== 0;
}

/**
 * Bits of an entry that decide, as `neededMask`; a read pin of a read-only entry may have to
 * unshare, and is left to the general walk.
 */
function plainRunMask(flags: number): number {
  const writable = (flags & (FOLL.pin | FOLL.write)) === FOLL.pin ? PTE.write : 0;
  return neededMask(flags) | writable;
}

/**
 * sanity_check_pinned_pages(): `checkPinnedExclusive` for the `nr` pages at `pages`, once no fork
 * is in doubt (A.13.7). A test of debugging kernels, which forms with runs leave out.
 */
export function checkPinnedPages(k: Kernel, pages: number, nr: number, flags: number): void {
  if (RUNS || (flags & FOLL.pin) === 0 || k.rules.pin.debugExclusive === 'none') return;
  const runs = outputRuns(k, pages, nr, flags);
  for (let i = 0; i < runs; i++) {
    const pfn = runPage(k, pages, i, flags);
    if ((k.page.flags[pfn] & PG.anonExclusive) === 0) checkPinnedExclusive(k, pfn, flags);
  }
}

/**
 * Releases up to `n` pins of pages listed at `pages`, as far as they are small pages that keep
 * another reference. Returns how many; the page behind them is for the general code. A page that is
 * listed twice in a row loses one pin after the other.
 */
export function unpinPlainRun(k: Kernel, pages: number, n: number): number {
  if (!RUNS || k.nodes !== 1 || !countsAsPin(k, FOLL.pin)) return 0;
  // The page of zeros, where it isn't counted; 0 is never a page that may be released.
  const free = pinIsFree(k, k.zeroPfn) ? k.zeroPfn : 0;
  const done = releaseRun(k.kmem, pages, n, k.page.compound, k.page.refcount, free, PIN_BIAS);
  if (done > 0 && k.rules.pin.counters) vmstatAdd(k, 0, releasedItem(k), done);
  return done;
}
