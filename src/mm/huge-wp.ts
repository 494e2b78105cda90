/**
 * Write faults on huge PMDs (huge_memory.c: do_huge_pmd_wp_page, do_huge_zero_wp_pmd). Rules: semantics.md
 * A.16.6, S2, A.14.
 */
import { refRead } from '../machine/atomic.ts';
import { GFP } from '../machine/buddy.ts';
import { flushTlbRange } from '../machine/cpu.ts';
import { entryClear, entryHi, entryRead, entrySet } from '../machine/entries.ts';
import { entryHiOf, entryPfn, PTE } from '../machine/entry.ts';
import { folioLock, folioTrylock, folioUnlock } from '../machine/locks.ts';
import { HPAGE_PMD_NR, PG } from '../machine/page.ts';
import type { EntryAddr, Folio, Pfn, Steps, TaskId, VmaId, Vpn } from '../machine/types.ts';
import { mayWriteBit, PTE_MKDIRTY } from './fault-common.ts';
import { FAULT, VMF } from './fault-flags.ts';
import { entireMapcount, folioGet, folioPut, headOf } from './folio.ts';
import { copyHugePages } from './huge-copy.ts';
import { allocThp, freshPmdLo, isHugeZero, pmdBase } from './huge-entry.ts';
import { splitHugePmd } from './huge-split.ts';
import type { Kernel } from './kernel.ts';
import { folioAddLru } from './lru.ts';
import { invalidateEnd, invalidateStart } from './mmu-notifier.ts';
import { pteLock, pteUnlock } from './pgtable.ts';
import {
  anonExclusiveRead,
  anonExclusiveWrite,
  folioAddNewAnonRmap,
  folioMapcountRead,
  folioRemoveRmap,
  setAnonMapping,
} from './rmap.ts';
import { tryToFreeSwap } from './swap-state.ts';
import { vmstatAdd } from './vmstat.ts';
import { VMSTAT } from './vmstat-items.ts';

/**
 * do_huge_pmd_wp_page(): a write (or FAULT.unshare) meets the read-only huge PMD `e` that said `lo`. The folio is
 * kept when this process owns it alone by the kernel's rule (S2), else the PMD is split for the fault to
 * be done on one small page: VMF.fallback. Returns `VMF` bits. Holds mmap_lock shared.
 */
export function* doHugePmdWpPage(
  k: Kernel,
  task: TaskId,
  vma: VmaId,
  vpn: Vpn,
  e: EntryAddr,
  lo: number,
  flags: number,
): Steps<number> {
  if (isHugeZero(k, entryPfn(lo, entryHi(k, e))))
    return yield* wpHugeZero(k, task, vma, vpn, e, lo);
  yield* pteLock(k, e);
  const now = yield* entryRead(k, e);
  if (now !== lo) {
    yield* pteUnlock(k, e);
    return 0;
  }
  const hi = entryHi(k, e);
  const pfn = entryPfn(lo, hi);
  const folio = headOf(k, pfn);
  if (k.rules.cow.thpReuse === 'exclusive') {
    const exclusive = yield* anonExclusiveRead(k, pfn);
    if (exclusive) return yield* reuse(k, vma, e, lo, hi, flags);
  }
  const locked = yield* lockFolioUnderPtl(k, e, folio, lo);
  if (!locked) return 0;
  const mine = yield* ownedAlone(k, folio, pfn);
  if (mine) {
    if (k.rules.cow.thpReuse === 'exclusive') {
      setAnonMapping(k, folio, vma, pmdBase(vpn));
      yield* anonExclusiveWrite(k, pfn, true);
    }
    yield* folioUnlock(k, folio);
    return yield* reuse(k, vma, e, lo, hi, flags);
  }
  yield* folioUnlock(k, folio);
  if (k.rules.thp.wpHugeCopy && (flags & FAULT.unshare) === 0) {
    return yield* copyWhole(k, task, vma, vpn, e, lo, folio);
  }
  yield* pteUnlock(k, e);
  yield* splitHugePmd(k, vma, e, vpn);
  return VMF.fallback;
}

/**
 * Locks the folio, waiting without the entry's lock if need be. True: both locks are held and the entry is
 * what it was; false: it changed, neither is held.
 */
function* lockFolioUnderPtl(k: Kernel, e: EntryAddr, folio: Folio, lo: number): Steps<boolean> {
  const free = yield* folioTrylock(k, folio);
  if (free) return true;
  yield* folioGet(k, folio, 1);
  yield* pteUnlock(k, e);
  yield* folioLock(k, folio);
  yield* pteLock(k, e);
  const now = yield* entryRead(k, e);
  const same = now === lo;
  if (!same) {
    yield* pteUnlock(k, e);
    yield* folioUnlock(k, folio);
  }
  yield* folioPut(k, folio, 1);
  return same;
}

/** Whether nobody else can see the folio, by the kernel's rule (S2). Folio and entry are locked. */
function* ownedAlone(k: Kernel, folio: Folio, pfn: Pfn): Steps<boolean> {
  if (k.rules.cow.thpReuse === 'mapcount') {
    yield* folioMapcountRead(k, folio);
    return largestMapcount(k, folio) === 1;
  }
  if (k.rules.cow.thpReuse === 'exclusive') {
    const exclusive = yield* anonExclusiveRead(k, pfn);
    if (exclusive) return true;
  }
  const cached = (k.page.flags[folio] & PG.swapcache) !== 0;
  const most = yield* refRead(k, folio);
  if (most > 1 + (cached ? HPAGE_PMD_NR : 0)) return false;
  if (cached) yield* tryToFreeSwap(k, folio);
  const references = yield* refRead(k, folio);
  return references === 1;
}

/** page_trans_huge_mapcount(): how often the most mapped page of the folio is mapped. */
function largestMapcount(k: Kernel, folio: Folio): number {
  let most = 0;
  for (let i = 0; i < HPAGE_PMD_NR; i++) most = Math.max(most, k.page.mapcount[folio + i]);
  return most + entireMapcount(k, folio);
}

/** The folio stays: writable and dirty for a write; to unshare it was enough to be found alone. Drops the lock. */
function* reuse(
  k: Kernel,
  vma: VmaId,
  e: EntryAddr,
  lo: number,
  hi: number,
  flags: number,
): Steps<number> {
  if ((flags & FAULT.unshare) === 0) {
    yield* entrySet(k, e, lo | PTE.accessed | PTE_MKDIRTY | mayWriteBit(k, vma), hi);
  }
  yield* pteUnlock(k, e);
  return (flags & FAULT.unshare) === 0 ? VMF.write : 0;
}

/**
 * The copy of kernels before 5.8: 2 MiB into a new huge page. Every pin stays on the old one (A.16.5).
 * Without a free block the PMD is split, as later kernels always do. Called with the entry's lock held, drops it.
 */
function* copyWhole(
  k: Kernel,
  task: TaskId,
  vma: VmaId,
  vpn: Vpn,
  e: EntryAddr,
  lo: number,
  old: Folio,
): Steps<number> {
  yield* folioGet(k, old, 1);
  yield* pteUnlock(k, e);
  const fresh = yield* allocThp(k, task, 0);
  if (fresh === 0) {
    yield* splitHugePmd(k, vma, e, vpn);
    yield* folioPut(k, old, 1);
    return VMF.fallback;
  }
  vmstatAdd(k, fresh, VMSTAT.thp_fault_alloc, 1);
  yield* copyHugePages(k, old, fresh, HPAGE_PMD_NR);
  const installed = yield* exchange(k, vma, vpn, e, lo, old, fresh);
  yield* folioPut(k, old, 1);
  return installed ? VMF.write : 0;
}

/** Puts `fresh` in the place of `old` (0: the huge page of zeros), if the entry still says `lo`; else frees it. */
function* exchange(
  k: Kernel,
  vma: VmaId,
  vpn: Vpn,
  e: EntryAddr,
  lo: number,
  old: Folio,
  fresh: Folio,
): Steps<boolean> {
  const mm = k.vma.mm[vma];
  const base = pmdBase(vpn);
  const told = yield* invalidateStart(k, mm, base, base + HPAGE_PMD_NR);
  yield* pteLock(k, e);
  const now = yield* entryRead(k, e);
  const same = now === lo;
  if (same) {
    yield* entryClear(k, e);
    yield* flushTlbRange(k, mm, base, base + HPAGE_PMD_NR);
    yield* folioAddNewAnonRmap(k, fresh, vma, base, true);
    yield* folioAddLru(k, fresh);
    yield* entrySet(k, e, freshPmdLo(k, vma, fresh), entryHiOf(fresh, 0));
    if (old === 0) k.mm.anonRss[mm] += HPAGE_PMD_NR;
    else yield* folioRemoveRmap(k, old, true);
  }
  yield* pteUnlock(k, e);
  yield* invalidateEnd(k, mm, told);
  if (!same) yield* folioPut(k, fresh, 1);
  else if (old !== 0) yield* folioPut(k, old, 1);
  return same;
}

/** A write to the huge page of zeros, or its unsharing: a fresh huge page, writable, where the kernel tries that, else a split. */
function* wpHugeZero(
  k: Kernel,
  task: TaskId,
  vma: VmaId,
  vpn: Vpn,
  e: EntryAddr,
  lo: number,
): Steps<number> {
  if (k.rules.thp.zeroWpHuge) {
    const fresh = yield* allocThp(k, task, GFP.zero);
    if (fresh !== 0) {
      const installed = yield* exchange(k, vma, vpn, e, lo, 0, fresh);
      if (installed) vmstatAdd(k, fresh, VMSTAT.thp_fault_alloc, 1);
      return installed ? VMF.write : 0;
    }
  }
  yield* splitHugePmd(k, vma, e, vpn);
  return VMF.fallback;
}
