/**
 * MADV_FREE (mm/madvise.c: madvise_free_pte_range; mm/swap.c: folio_mark_lazyfree): pages lose their dirty state,
 * and reclaim may throw them away unless they are written again. Rules: semantics.md A.18.4.
 */
import { flagClear, flagTestAndClear } from '../machine/atomic.ts';
import { flushTlbRange } from '../machine/cpu.ts';
import { entryClear, entryHi, entryRead, entrySet } from '../machine/entries.ts';
import {
  entryPfn,
  isPresent,
  isSwapEntry,
  PTE,
  SWP,
  swpOffset,
  swpType,
} from '../machine/entry.ts';
import { EINVAL } from '../machine/errno.ts';
import { folioTrylock, folioUnlock } from '../machine/locks.ts';
import { HPAGE_PMD_NR, PG } from '../machine/page.ts';
import type { EntryAddr, Folio, Steps, TaskId, VmaId, Vpn } from '../machine/types.ts';
import { folioMapcount, headOf, isAnon, isLarge, nrPages } from './folio.ts';
import { invalidPmd, pmdBase } from './huge-entry.ts';
import type { Kernel } from './kernel.ts';
import { lruDrain } from './lru.ts';
import { mapsWhole, splitForAdvice, splitMapped } from './madvise-cold.ts';
import { invalidateEnd, invalidateStart } from './mmu-notifier.ts';
import { entryPeek, isLeaf, pmdEntry, pteEntry, pteLock, pteUnlock } from './pgtable.ts';
import { freeSwapAndCache, inSwapCache, tryToFreeSwap } from './swap-state.ts';
import { vmaIsAnonymous } from './vma.ts';

/**
 * madvise_free_single_vma(): marks the anonymous pages of [start, end) as free to drop; swapped ones are dropped now.
 * 0, or -EINVAL for a VMA that is not anonymous. The caller holds mmap_lock shared.
 */
export function* madvFreeRange(
  k: Kernel,
  _task: TaskId,
  vma: VmaId,
  start: Vpn,
  end: Vpn,
): Steps<number> {
  if (!vmaIsAnonymous(k, vma)) return -EINVAL;
  yield* lruDrain(k);
  const told = yield* invalidateStart(k, k.vma.mm[vma], start, end);
  let vpn = start;
  while (vpn < end) {
    const next = Math.min(end, pmdBase(vpn) + HPAGE_PMD_NR);
    yield* freeBelowPmd(k, vma, vpn, next);
    vpn = next;
  }
  yield* invalidateEnd(k, k.vma.mm[vma], told);
  yield* flushTlbRange(k, k.vma.mm[vma], start, end);
  return 0;
}

/** madvise_free_pte_range(): [start, end) below one PMD entry. */
function* freeBelowPmd(k: Kernel, vma: VmaId, start: Vpn, end: Vpn): Steps<void> {
  if (end - start === HPAGE_PMD_NR) {
    const huge = yield* freeHugePmd(k, vma, start);
    if (huge) return;
  }
  let vpn = start;
  while (vpn < end) {
    const small = yield* splitForAdvice(k, vma, vpn, true);
    let pages = 1;
    if (small) pages = yield* freePte(k, vma, vpn, end);
    vpn += pages;
  }
}

/**
 * madvise_free_huge_pmd() for a whole huge page: it becomes clean and old, and stays huge. False: there is none (any
 * more), and small entries are to be looked at; one that is shared or locked is left alone.
 */
function* freeHugePmd(k: Kernel, vma: VmaId, vpn: Vpn): Steps<boolean> {
  const e = pmdEntry(k, k.vma.mm[vma], vpn);
  if (e === 0 || !isLeaf(entryPeek(k, e))) return false;
  yield* pteLock(k, e);
  const lo = yield* entryRead(k, e);
  const hi = entryHi(k, e);
  const folio = isLeaf(lo) ? headOf(k, entryPfn(lo, hi)) : 0;
  let alone = folio !== 0 && isAnon(k, folio) && folioMapcount(k, folio) === 1;
  if (alone) alone = yield* folioTrylock(k, folio);
  if (alone) {
    yield* flagTestAndClear(k, folio, PG.dirty);
    yield* folioUnlock(k, folio);
    if ((lo & (PTE.accessed | PTE.dirty)) !== 0) yield* cleanHugePmd(k, vma, e, vpn, lo, hi);
    yield* markLazyfree(k, folio);
  }
  yield* pteUnlock(k, e);
  return folio !== 0;
}

/** pmdp_invalidate(), pmd_mkold(), pmd_mkclean(). */
function* cleanHugePmd(
  k: Kernel,
  vma: VmaId,
  e: EntryAddr,
  vpn: Vpn,
  lo: number,
  hi: number,
): Steps<void> {
  yield* entrySet(k, e, invalidPmd(lo), hi);
  yield* flushTlbRange(k, k.vma.mm[vma], vpn, vpn + HPAGE_PMD_NR);
  yield* entrySet(k, e, lo & ~(PTE.accessed | PTE.dirty), hi);
}

/** The entry at `vpn`, or those of a large folio that lies in [vpn, end) whole. Returns how many pages that were. */
function* freePte(k: Kernel, vma: VmaId, vpn: Vpn, end: Vpn): Steps<number> {
  const e = pteEntry(k, k.vma.mm[vma], vpn);
  if (e === 0) return 1;
  yield* pteLock(k, e);
  let lo = yield* entryRead(k, e);
  let folio = anonFolio(k, lo, entryHi(k, e));
  if (folio !== 0 && isLarge(k, folio)) {
    if (k.rules.madvise.freeLarge && mapsWhole(k, e, folio, end - vpn)) {
      yield* freePresent(k, e, folio);
      yield* pteUnlock(k, e);
      return nrPages(k, folio);
    }
    const split = yield* splitMapped(k, k.vma.mm[vma], e, folio, true);
    if (!split) return 1;
    yield* pteLock(k, e);
    lo = yield* entryRead(k, e);
    folio = anonFolio(k, lo, entryHi(k, e));
  }
  if (isSwapEntry(lo, entryHi(k, e))) yield* freeSwapPte(k, vma, e, lo);
  else if (folio !== 0 && !isLarge(k, folio)) yield* freePresent(k, e, folio);
  yield* pteUnlock(k, e);
  return 1;
}

function anonFolio(k: Kernel, lo: number, hi: number): Folio {
  if (!isPresent(lo) || (lo & PTE.special) !== 0) return 0;
  const folio = headOf(k, entryPfn(lo, hi));
  return isAnon(k, folio) ? folio : 0;
}

function* freeSwapPte(k: Kernel, vma: VmaId, e: EntryAddr, lo: number): Steps<void> {
  const hi = entryHi(k, e);
  if (swpType(hi) !== SWP.swap) return;
  yield* freeSwapAndCache(k, swpOffset(lo, hi));
  yield* entryClear(k, e);
  k.mm.swapEnts[k.vma.mm[vma]] -= 1;
}

/** A present folio, its pages' entries from `e` on: leaves the swap cache, becomes clean and old, and not backed by swap. */
function* freePresent(k: Kernel, e: EntryAddr, folio: Folio): Steps<void> {
  if (inSwapCache(k, folio) || (k.page.flags[folio] & PG.dirty) !== 0) {
    const cleaned = yield* cleanFolio(k, folio);
    if (!cleaned) return;
  }
  const n = nrPages(k, folio);
  for (let i = 0; i < n; i++) yield* cleanEntry(k, e + 2 * i);
  yield* markLazyfree(k, folio);
}

/** clear_young_dirty_ptes(), one entry. */
function* cleanEntry(k: Kernel, e: EntryAddr): Steps<void> {
  const lo = yield* entryRead(k, e);
  if ((lo & (PTE.accessed | PTE.dirty)) === 0) return;
  const hi = entryHi(k, e);
  const old = yield* entryClear(k, e);
  yield* entrySet(k, e, old & ~(PTE.accessed | PTE.dirty), hi);
}

/** folio_mark_lazyfree(). */
function* markLazyfree(k: Kernel, folio: Folio): Steps<void> {
  const lazy = PG.swapbacked | PG.lru;
  const flags = k.page.flags[folio] & (lazy | PG.swapcache | PG.unevictable);
  if (flags === lazy) yield* flagClear(k, folio, PG.swapbacked | PG.active | PG.referenced);
}

/** False: locked by somebody, mapped elsewhere too, or its slot is still in use. */
function* cleanFolio(k: Kernel, folio: Folio): Steps<boolean> {
  const locked = yield* folioTrylock(k, folio);
  if (!locked) return false;
  let clean = folioMapcount(k, folio) === nrPages(k, folio);
  if (clean && inSwapCache(k, folio)) clean = yield* tryToFreeSwap(k, folio);
  if (clean) yield* flagTestAndClear(k, folio, PG.dirty);
  yield* folioUnlock(k, folio);
  return clean;
}
