/**
 * Unmapping a folio for reclaim (mm/rmap.c: try_to_unmap, try_to_unmap_one). Rules: semantics.md A.14.4,
 * A.18.2, A.18.4, A.18.5, A.31 U1 to U3.
 *
 * Per mapping, under the page table lock: U1 clear the entry; U2 look for pins, put the entry back if there
 * are any; U3 give up exclusivity and store the swap entry. A pin by GUP-fast either sees the cleared
 * entry when it reads it again, or has raised the count before U2.
 */
import { flagSet, flagsRead, refRead } from '../machine/atomic.ts';
import { flushTlbRange } from '../machine/cpu.ts';
import { entryClear, entryHi, entryRead, entrySet } from '../machine/entries.ts';
import { entryPfn, isPresent, PTE, SWP, swpHi, swpLo } from '../machine/entry.ts';
import { PG } from '../machine/page.ts';
import { flushTlbCpus } from '../machine/tlb-batch.ts';
import type { EntryAddr, Folio, Pfn, Steps, VmaId, Vpn } from '../machine/types.ts';
import { folioMapcount, folioPut, isAnon, isKsm, nrPages } from './folio.ts';
import type { Kernel } from './kernel.ts';
import { invalidateEnd, invalidateStart } from './mmu-notifier.ts';
import { pteEntry, pteLock, pteUnlock } from './pgtable.ts';
import { folioMaybeDmaPinned } from './pinned.ts';
import {
  anonExclusiveRead,
  folioRemoveRmap,
  rmapFirst,
  rmapNext,
  rmapVpn,
  tryShareAnonRmap,
} from './rmap.ts';
import { rmapLock, rmapUnlock, splitMappingPmd } from './rmap-walk.ts';
import { swapEntryDup, swapEntryFree, swapSlotOf } from './swap-state.ts';
import { VM } from './vma.ts';

/**
 * try_to_unmap(): takes away every mapping of the folio, which is locked, not hugetlb, and either page cache,
 * in the swap cache, or lazily freed. True: nothing maps it any more. TLBs are flushed.
 */
export function* tryToUnmap(k: Kernel, folio: Folio): Steps<boolean> {
  const pending = yield* unmapFolio(k, folio);
  yield* flushTlbCpus(k, pending);
  return folioMapcount(k, folio) === 0;
}

/**
 * try_to_unmap() with TTU_BATCH_FLUSH: returns the CPUs (bits) that have not been told to flush, which the
 * caller does before the page is written out or freed. The caller looks at the map count for success.
 */
export function* unmapFolio(k: Kernel, folio: Folio): Steps<number> {
  if (isKsm(k, folio)) return 0;
  if (k.rules.design.cleanPinned === 'skip') {
    const pinned = yield* folioMaybeDmaPinned(k, folio);
    if (pinned) return 0;
  }
  let pending = 0;
  let going = true;
  yield* rmapLock(k, folio);
  let vma = rmapFirst(k, folio);
  while (vma !== 0 && going && folioMapcount(k, folio) !== 0) {
    yield* splitMappingPmd(k, folio, vma);
    const n = nrPages(k, folio);
    for (let i = 0; i < n && going; i++) {
      const vpn = rmapVpn(k, folio, i, vma);
      if (vpn < 0) continue;
      going = yield* unmapPage(k, folio + i, vma, vpn);
      if (k.tableFree === 'ipi') pending |= k.cpumask[k.vma.mm[vma]];
    }
    vma = rmapNext(k, folio, vma);
  }
  yield* rmapUnlock(k, folio);
  return pending;
}

/** try_to_unmap_one() for one page in one VMA. False: a mapping has to stay, and the walk ends. */
function* unmapPage(k: Kernel, pfn: Pfn, vma: VmaId, vpn: Vpn): Steps<boolean> {
  const mm = k.vma.mm[vma];
  const told = yield* invalidateStart(k, mm, vpn, vpn + 1);
  const done = yield* unmapTold(k, pfn, vma, vpn);
  yield* invalidateEnd(k, mm, told);
  return done;
}

function* unmapTold(k: Kernel, pfn: Pfn, vma: VmaId, vpn: Vpn): Steps<boolean> {
  const e = pteEntry(k, k.vma.mm[vma], vpn);
  if (e === 0) return true;
  yield* pteLock(k, e);
  const lo = yield* entryRead(k, e);
  const mapped = isPresent(lo) && entryPfn(lo, entryHi(k, e)) === pfn;
  let done = true;
  // A broken page goes even from locked memory (TTU_IGNORE_MLOCK).
  const kept = (k.vma.flags[vma] & VM.locked) !== 0 && (k.page.flags[pfn] & PG.hwpoison) === 0;
  if (mapped && kept) done = false;
  else if (mapped) done = yield* unmapEntry(k, pfn, vma, vpn, e);
  yield* pteUnlock(k, e);
  return done;
}

function* unmapEntry(k: Kernel, pfn: Pfn, vma: VmaId, vpn: Vpn, e: EntryAddr): Steps<boolean> {
  const mm = k.vma.mm[vma];
  const hi = entryHi(k, e);
  const lo = yield* entryClear(k, e);
  // x86 leaves the flush to the caller; other machines flush now (should_defer_flush).
  if (k.tableFree !== 'ipi') yield* flushTlbRange(k, mm, vpn, vpn + 1);
  // A tail's dirty bit stands in the head; large folios come here by page cache only.
  const folio = k.page.compound[pfn] > 0 ? k.page.compound[pfn] - 1 : pfn;
  if ((lo & PTE.dirty) !== 0) yield* flagSet(k, folio, PG.dirty);
  if ((k.page.flags[pfn] & PG.hwpoison) !== 0) {
    // Before any question of pins: nobody may touch the page here any more.
    if (isAnon(k, folio)) k.mm.anonRss[mm] -= 1;
    else k.mm.fileRss[mm] -= 1;
    yield* entrySet(k, e, swpLo(pfn, 0), swpHi(SWP.hwpoison, pfn));
  } else if (!isAnon(k, folio)) {
    k.mm.fileRss[mm] -= 1;
  } else if ((k.page.flags[folio] & PG.swapbacked) !== 0) {
    const swapped = yield* swapOutEntry(k, folio, mm, e, lo);
    if (!swapped) {
      yield* entrySet(k, e, lo, hi);
      return false;
    }
  } else {
    const discard = yield* mayDiscard(k, folio);
    if (!discard) {
      yield* entrySet(k, e, lo, hi);
      k.page.flags[folio] |= PG.swapbacked;
      return false;
    }
    k.mm.anonRss[mm] -= 1;
  }
  yield* folioRemoveRmap(k, pfn, false);
  yield* folioPut(k, folio, 1);
  return true;
}

/** U2 and U3 for an anonymous page in the swap cache. False: pinned, or the slot's count is full; nothing done. */
function* swapOutEntry(k: Kernel, pfn: Pfn, mm: number, e: EntryAddr, lo: number): Steps<boolean> {
  const slot = swapSlotOf(k, pfn);
  const err = yield* swapEntryDup(k, slot);
  if (err !== 0) return false;
  let exclusive = false;
  if (k.rules.anon.exclusive) exclusive = yield* anonExclusiveRead(k, pfn);
  if (exclusive) {
    const shared = yield* tryShareAnonRmap(k, pfn);
    if (!shared) {
      yield* swapEntryFree(k, slot);
      return false;
    }
  }
  k.mm.anonRss[mm] -= 1;
  k.mm.swapEnts[mm] += 1;
  yield* entrySet(
    k,
    e,
    swpLo(slot, softBits(lo) | (exclusive ? PTE.swpExclusive : 0)),
    swpHi(SWP.swap, slot),
  );
  return true;
}

/** Soft-dirty and uffd-wp of a present entry, as a swap entry keeps them. */
export function softBits(lo: number): number {
  return (
    ((lo & PTE.softDirty) !== 0 ? PTE.swpSoftDirty : 0) |
    ((lo & PTE.uffdWp) !== 0 ? PTE.swpUffdWp : 0)
  );
}

/** The reverse of `softBits`. */
export function presentSoftBits(lo: number): number {
  return (
    ((lo & PTE.swpSoftDirty) !== 0 ? PTE.softDirty : 0) |
    ((lo & PTE.swpUffdWp) !== 0 ? PTE.uffdWp : 0)
  );
}

/**
 * Whether a lazily freed page may be thrown away: clean, and (since 5.18) with no reference but its mappings' and
 * the isolation's, for a reader by DMA makes nothing dirty (A.18.4).
 */
function* mayDiscard(k: Kernel, folio: Folio): Steps<boolean> {
  if (k.rules.reclaim.lazyfreeRefCheck) {
    const references = yield* refRead(k, folio);
    if (references !== 1 + folioMapcount(k, folio)) return false;
  }
  const flags = yield* flagsRead(k, folio);
  return (flags & PG.dirty) === 0;
}
