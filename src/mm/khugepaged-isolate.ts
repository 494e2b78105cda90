/**
 * Which pages may be collapsed (khugepaged.c: hpage_collapse_scan_pmd, __collapse_huge_page_isolate,
 * is_refcount_suitable). Rules: semantics.md A.20.4: anybody's reference that isn't a mapping or the swap
 * cache refuses; step H5 of A.31.
 */

import { flagsRead, refRead } from '../machine/atomic.ts';
import { entryHi, entryRead } from '../machine/entries.ts';
import {
  entryPfn,
  isMigrationEntry,
  isNone,
  isPresent,
  isSwapEntry,
  PTE,
  SWP,
  swpType,
} from '../machine/entry.ts';
import { EAGAIN, EINVAL } from '../machine/errno.ts';
import { folioTrylock, folioUnlock } from '../machine/locks.ts';
import { tableEntry } from '../machine/mmu.ts';
import { HPAGE_PMD_NR, PG } from '../machine/page.ts';
import type { EntryAddr, Folio, Pfn, Steps } from '../machine/types.ts';
import { headOf, isAnon, isLarge, isZeroPfn, nrPages } from './folio.ts';
import type { Kernel } from './kernel.ts';
import { isolateLru, putbackLru } from './lru.ts';
import { folioMapcountRead } from './rmap.ts';

/** Whether the PTE maps a page that has to be copied: neither none nor the page of zeros. */
export function holdsPage(k: Kernel, pte: EntryAddr): boolean {
  const lo = k.contents[pte];
  return isPresent(lo) && !isZeroPfn(k, entryPfn(lo, entryHi(k, pte)));
}

/** Head of the folio that entry `i` of the table maps; 0: none. */
function folioAt(k: Kernel, table: Pfn, i: number): Folio {
  if (i < 0 || i >= HPAGE_PMD_NR) return 0;
  const pte = tableEntry(k, table, i);
  return holdsPage(k, pte) ? headOf(k, entryPfn(k.contents[pte], entryHi(k, pte))) : 0;
}

/** Entry `i` is the first that maps its folio: others may stand between the entries of one folio. */
function firstOfFolio(k: Kernel, table: Pfn, i: number): boolean {
  return folioApart(k, table, i, -1);
}

/** Entry `i` is the last that maps its folio, whose lock and isolation end with it. */
export function lastOfFolio(k: Kernel, table: Pfn, i: number): boolean {
  return folioApart(k, table, i, 1);
}

/** No entry beyond `i`, upwards or downwards by `step`, maps the folio that `i` maps. */
function folioApart(k: Kernel, table: Pfn, i: number, step: number): boolean {
  const folio = folioAt(k, table, i);
  // A small page that KSM put into two places is locked at each, and the second time that fails.
  if (!isLarge(k, folio)) return true;
  if (folio === folioAt(k, table, i + step)) return false;
  for (let n = i + 2 * step; n >= 0 && n < HPAGE_PMD_NR; n += step)
    if (folioAt(k, table, n) === folio) return false;
  return true;
}

/** A page in swap, or on its way elsewhere, that a fault would bring back, and that userfaultfd does not watch. */
export function comesBack(k: Kernel, pte: EntryAddr): boolean {
  const lo = k.contents[pte];
  const hi = entryHi(k, pte);
  if (!isSwapEntry(lo, hi) || (lo & PTE.swpUffdWp) !== 0) return false;
  return swpType(hi) === SWP.swap || isMigrationEntry(lo, hi);
}

/**
 * What refuses a collapse whatever the locks say: 0, or -EINVAL. A hole that is userfaultfd's to fill (`armed`) must stay one. A
 * page that comes back is no reason before it was asked to (`scan`).
 */
function entryFault(k: Kernel, pte: EntryAddr, armed: boolean, scan: boolean): number {
  const lo = k.contents[pte];
  const hi = entryHi(k, pte);
  if (isNone(lo, hi)) return armed ? -EINVAL : 0;
  if (scan && comesBack(k, pte)) return 0;
  if (!isPresent(lo) || (lo & PTE.uffdWp) !== 0) return -EINVAL;
  const pfn = entryPfn(lo, hi);
  if (isZeroPfn(k, pfn)) return armed ? -EINVAL : 0;
  return isAnon(k, headOf(k, pfn)) ? 0 : -EINVAL;
}

/** References that mappings and the swap cache explain (is_refcount_suitable). */
function explained(k: Kernel, folio: Folio, mapped: number): number {
  return mapped + ((k.page.flags[folio] & PG.swapcache) !== 0 ? nrPages(k, folio) : 0);
}

/** Results of a look at a table: worth a try, at once or after pages were brought back. */
export const COLLAPSIBLE = { now: 1, afterSwapin: 2 } as const;

/**
 * hpage_collapse_scan_pmd(): looks at all entries of a table whose lock is held. One of `COLLAPSIBLE`; else -EAGAIN or
 * -EINVAL. Only a hint, but references come and go without the lock, so each look at a page is a step.
 */
export function* looksCollapsible(k: Kernel, table: Pfn, armed: boolean): Steps<number> {
  let writable = false;
  let away = false;
  for (let i = 0; i < HPAGE_PMD_NR; i++) {
    const pte = tableEntry(k, table, i);
    const error = entryFault(k, pte, armed, true);
    if (error !== 0) return error;
    if (comesBack(k, pte)) away = true;
    const folio = folioAt(k, table, i);
    if (folio === 0) continue;
    const flags = yield* flagsRead(k, folio);
    if ((flags & PG.locked) !== 0 || (flags & PG.lru) === 0) return -EAGAIN;
    const mapped = yield* folioMapcountRead(k, folio);
    const references = yield* refRead(k, folio);
    if (references !== explained(k, folio, mapped)) return -EAGAIN;
    if ((k.contents[pte] & PTE.write) !== 0) writable = true;
  }
  if (!writable && !k.rules.thp.collapseReadOnly) return -EINVAL;
  return away ? COLLAPSIBLE.afterSwapin : COLLAPSIBLE.now;
}

/**
 * __collapse_huge_page_isolate(): locks every page that the table maps and takes it off its list, if nobody else
 * refers to it. 0; or -EAGAIN, -EINVAL with everything released again. The table's lock is held.
 */
export function* isolatePages(k: Kernel, table: Pfn, armed: boolean): Steps<number> {
  let writable = false;
  let error = 0;
  let i = 0;
  while (i < HPAGE_PMD_NR && error === 0) {
    const pte = tableEntry(k, table, i);
    const lo = yield* entryRead(k, pte);
    error = entryFault(k, pte, armed, false);
    const folio = error === 0 ? folioAt(k, table, i) : 0;
    if (folio !== 0 && firstOfFolio(k, table, i)) error = yield* isolatePage(k, folio);
    if ((lo & PTE.write) !== 0) writable = true;
    if (error === 0) i++;
  }
  if (error === 0 && !writable && !k.rules.thp.collapseReadOnly) error = -EINVAL;
  if (error !== 0) yield* releaseRuns(k, table, i);
  return error;
}

/** Locks and isolates one folio; else -EAGAIN. */
function* isolatePage(k: Kernel, folio: Folio): Steps<number> {
  const locked = yield* folioTrylock(k, folio);
  if (!locked) return -EAGAIN;
  const mapped = yield* folioMapcountRead(k, folio);
  const references = yield* refRead(k, folio);
  if (references === explained(k, folio, mapped)) {
    const isolated = yield* isolateLru(k, folio);
    if (isolated) return 0;
  }
  yield* folioUnlock(k, folio);
  return -EAGAIN;
}

/** release_pte_pages(): undoes `isolatePage` for the folios that start before entry `end`. */
function* releaseRuns(k: Kernel, table: Pfn, end: number): Steps<void> {
  for (let i = 0; i < end; i++) {
    const folio = folioAt(k, table, i);
    if (folio !== 0 && firstOfFolio(k, table, i)) yield* releasePage(k, folio);
  }
}

/** release_pte_folio(): unlocks the folio and puts it back on its list. */
export function* releasePage(k: Kernel, folio: Folio): Steps<void> {
  yield* folioUnlock(k, folio);
  yield* putbackLru(k, folio);
}
