/** MADV_PAGEOUT and MADV_COLD (mm/madvise.c: madvise_pageout, madvise_cold, madvise_cold_or_pageout_pte_range). Rules: semantics.md A.18. */

import { entryClear, entryHi, entryRead, entrySet } from '../machine/entries.ts';
import { entryPfn, isPresent, PTE } from '../machine/entry.ts';
import { EINVAL } from '../machine/errno.ts';
import { HPAGE_PMD_NR, PG } from '../machine/page.ts';
import type { EntryAddr, Folio, Steps, TaskId, VmaId, Vpn } from '../machine/types.ts';
import { folioMapcount, headOf, isAnon, isLarge, isZeroPfn, nrPages } from './folio.ts';
import { pmdBase } from './huge-entry.ts';
import type { Kernel } from './kernel.ts';
import { isolateLru, lruDrain, putbackLru } from './lru.ts';
import { mapsWhole, splitForAdvice, splitMapped } from './madvise-cold.ts';
import { entryPeek, isLeaf, pmdEntry, pteEntry, pteLock, pteUnlock } from './pgtable.ts';
import { swapHasRoom } from './swap-state.ts';
import { VM } from './vma.ts';
import { reclaimFolio } from './vmscan.ts';

/**
 * madvise_pageout(): reclaims the pages of [start, end) of one VMA that this process maps alone (5.4 and 5.5: also
 * shared ones). 0, or -EINVAL for memory that is not on the LRU. The caller holds mmap_lock shared.
 */
export function* madvisePageout(
  k: Kernel,
  _task: TaskId,
  vma: VmaId,
  start: Vpn,
  end: Vpn,
): Steps<number> {
  if ((k.vma.flags[vma] & (VM.locked | VM.pfnmap | VM.hugetlb)) !== 0) return -EINVAL;
  yield* lruDrain(k);
  let vpn = start;
  while (vpn < end) {
    const next = Math.min(end, pmdBase(vpn) + HPAGE_PMD_NR);
    let whole = false;
    if (next - vpn === HPAGE_PMD_NR) whole = yield* pageoutLazyPmd(k, vma, vpn);
    while (!whole && vpn < next) {
      const small = yield* splitForPageout(k, vma, vpn, next);
      let pages = 1;
      if (small) pages = yield* pageoutPte(k, vma, vpn, next);
      vpn += pages;
    }
    vpn = next;
  }
  return 0;
}

/**
 * A huge page at `vpn` of small pages, as `splitForAdvice`: one that goes to swap whole, because [vpn, end) has all of it and
 * swap has room, keeps its pages of zeros.
 */
function* splitForPageout(k: Kernel, vma: VmaId, vpn: Vpn, end: Vpn): Steps<boolean> {
  const e = pmdEntry(k, k.vma.mm[vma], vpn);
  if (e === 0 || !isLeaf(entryPeek(k, e))) return true;
  const whole = end - vpn === HPAGE_PMD_NR;
  const room = yield* swapHasRoom(k, HPAGE_PMD_NR);
  return yield* splitForAdvice(k, vma, vpn, !whole || !room);
}

/** A huge page that was freed lazily is thrown away whole; false: there is none, or others map it too. */
function* pageoutLazyPmd(k: Kernel, vma: VmaId, vpn: Vpn): Steps<boolean> {
  const e = pmdEntry(k, k.vma.mm[vma], vpn);
  if (e === 0 || !isLeaf(entryPeek(k, e))) return false;
  yield* pteLock(k, e);
  const folio = isLeaf(k.contents[e]) ? mappedFolio(k, e) : 0;
  let isolated = false;
  const lazy = folio !== 0 && lazilyFreed(k, folio) && folioMapcount(k, folio) === 1;
  if (lazy) isolated = yield* isolateLru(k, folio);
  yield* pteUnlock(k, e);
  if (isolated) yield* reclaimFolio(k, folio);
  return lazy;
}

/** Anonymous, and not backed by swap (folio_test_anon() && !folio_test_swapbacked()). */
function lazilyFreed(k: Kernel, folio: Folio): boolean {
  return isAnon(k, folio) && (k.page.flags[folio] & PG.swapbacked) === 0;
}

/**
 * madvise_cold(): makes the pages of [start, end) of one VMA old. A huge page of which the range has only a part is split, unless
 * others map it. 0. The caller holds mmap_lock shared.
 */
export function* madviseCold(k: Kernel, vma: VmaId, start: Vpn, end: Vpn): Steps<number> {
  yield* lruDrain(k);
  let vpn = start;
  while (vpn < end) {
    const next = Math.min(end, pmdBase(vpn) + HPAGE_PMD_NR);
    const pmd = pmdEntry(k, k.vma.mm[vma], vpn);
    const whole = next - vpn === HPAGE_PMD_NR && pmd !== 0 && isLeaf(entryPeek(k, pmd));
    while (!whole && vpn < next) {
      const small = yield* splitForAdvice(k, vma, vpn, true);
      let pages = 1;
      if (small) pages = yield* coldPte(k, vma, vpn, next);
      vpn += pages;
    }
    vpn = next;
  }
  return 0;
}

/** The entry at `vpn`, or those of a large folio that lies in [vpn, end) whole. Returns how many pages that were. */
function* coldPte(k: Kernel, vma: VmaId, vpn: Vpn, end: Vpn): Steps<number> {
  const mm = k.vma.mm[vma];
  const e = pteEntry(k, mm, vpn);
  if (e === 0) return 1;
  yield* pteLock(k, e);
  let folio = mappedFolio(k, e);
  let pages = 1;
  if (folio !== 0 && isLarge(k, folio)) {
    if (k.rules.madvise.coldLarge && mapsWhole(k, e, folio, end - vpn)) {
      pages = nrPages(k, folio);
    } else {
      const split = yield* splitMapped(k, mm, e, folio, true);
      if (!split) return 1;
      yield* pteLock(k, e);
      folio = mappedFolio(k, e);
    }
  }
  for (let i = 0; i < pages && folio !== 0; i++) yield* makeOld(k, e + 2 * i);
  yield* pteUnlock(k, e);
  return pages;
}

/** The entry at `vpn`, or those of a lazily freed large folio that lies in [vpn, end) whole. Returns how many pages that were. */
function* pageoutPte(k: Kernel, vma: VmaId, vpn: Vpn, end: Vpn): Steps<number> {
  const e = pteEntry(k, k.vma.mm[vma], vpn);
  if (e === 0) return 1;
  yield* pteLock(k, e);
  let folio = mappedFolio(k, e);
  let pages = 1;
  if (folio !== 0 && isLarge(k, folio) && keptWhole(k, e, folio, end - vpn)) {
    pages = nrPages(k, folio);
  } else if (folio !== 0 && isLarge(k, folio)) {
    const whole = k.rules.madvise.coldLarge && mapsWhole(k, e, folio, end - vpn);
    const room = yield* swapHasRoom(k, nrPages(k, folio));
    const split = yield* splitMapped(k, k.vma.mm[vma], e, folio, !whole || !room);
    if (!split) return 1;
    yield* pteLock(k, e);
    folio = mappedFolio(k, e);
  }
  const taken =
    folio !== 0 &&
    nrPages(k, folio) === pages &&
    (k.rules.madvise.pageoutShared || folioMapcount(k, folio) === pages);
  let isolated = false;
  if (taken) {
    for (let i = 0; i < pages; i++) yield* makeOld(k, e + 2 * i);
    isolated = yield* isolateLru(k, folio);
  }
  yield* pteUnlock(k, e);
  if (!isolated) return pages;
  if ((k.page.flags[folio] & PG.unevictable) !== 0) yield* putbackLru(k, folio);
  else yield* reclaimFolio(k, folio);
  return pages;
}

/** Reclaim would split the folio at once, but for one that was freed lazily: that one is thrown away whole. */
function keptWhole(k: Kernel, e: EntryAddr, folio: Folio, pages: number): boolean {
  return k.rules.madvise.coldLarge && lazilyFreed(k, folio) && mapsWhole(k, e, folio, pages);
}

/** The folio that a PTE maps, 0 for none; the page of zeros is nobody's. The table is locked. */
function mappedFolio(k: Kernel, e: EntryAddr): Folio {
  const lo = k.contents[e];
  if (!isPresent(lo) || (lo & PTE.special) !== 0) return 0;
  const pfn = entryPfn(lo, k.contents[e + 1]);
  return isZeroPfn(k, pfn) ? 0 : headOf(k, pfn);
}

/** ptep_get_and_clear_full(), pte_mkold(), set_pte_at(). */
function* makeOld(k: Kernel, e: EntryAddr): Steps<void> {
  const lo = yield* entryRead(k, e);
  if ((lo & PTE.accessed) === 0) return;
  const hi = entryHi(k, e);
  const old = yield* entryClear(k, e);
  yield* entrySet(k, e, old & ~PTE.accessed, hi);
}
