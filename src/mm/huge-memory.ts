/**
 * Transparent huge pages (huge_memory.c: do_huge_pmd_anonymous_page, zap_huge_pmd, change_huge_pmd,
 * move_huge_pmd). Rules: semantics.md A.14.1, A.14.6, A.22.1, A.26.1; steps M2 to M4 of A.31.
 */

import { flagSet } from '../machine/atomic.ts';
import { GFP } from '../machine/buddy.ts';
import { flushTlbRange } from '../machine/cpu.ts';
import { entryClear, entryHi, entryRead, entrySet } from '../machine/entries.ts';
import { entryHiOf, entryPfn, isNone, isProtnone, PTE } from '../machine/entry.ts';
import { HPAGE_PMD_NR, HPAGE_PMD_ORDER, PG } from '../machine/page.ts';
import type { EntryAddr, Folio, Steps, TaskId, VmaId, Vpn } from '../machine/types.ts';
import { clearDeviceLeaf, mapsDevice } from './dax-insert.ts';
import { mayWriteBit, pteProt } from './fault-common.ts';
import { FAULT, VMF } from './fault-flags.ts';
import { folioPut, headOf, isAnon, pageAnonExclusive } from './folio.ts';
import {
  allocThp,
  depositTable,
  freshPmdLo,
  getHugeZero,
  invalidPmd,
  isHugeZero,
  PMD_KEPT,
  pmdBase,
  withdrawTable,
  zeroPmdLo,
} from './huge-entry.ts';
import { type Kernel, MISC } from './kernel.ts';
import { folioAddLru } from './lru.ts';
import { allocTable, freeTable, isLeaf, pmdAlloc, pteLock, pteUnlock, tableOf } from './pgtable.ts';
import { folioAddNewAnonRmap, folioRemoveRmap } from './rmap.ts';
import { anonVmaPrepare, VM, vmaIsAnonymous } from './vma.ts';
import { vmstatAdd } from './vmstat.ts';
import { VMSTAT } from './vmstat-items.ts';

/** thp_vma_allowable_order(): the mapping wants huge pages and the 2 MiB around `vpn` lie inside of it. */
export function thpFits(k: Kernel, vma: VmaId, vpn: Vpn): boolean {
  const flags = k.vma.flags[vma];
  if (!vmaIsAnonymous(k, vma) || (flags & VM.noHugepage) !== 0) return false;
  if ((flags & VM.hugepage) === 0 && k.misc[MISC.thpAlways] === 0) return false;
  const base = pmdBase(vpn);
  return base >= k.vma.start[vma] && base + HPAGE_PMD_NR <= k.vma.end[vma];
}

/**
 * do_huge_pmd_anonymous_page(): first touch of an empty PMD of anonymous memory: a read maps the huge page
 * of zeros, a write a fresh folio. Returns `VMF` bits; VMF.fallback where small pages must do (not asked
 * for, no room, no block of 2 MiB free). Holds mmap_lock shared.
 */
export function* doHugePmdAnonymousPage(
  k: Kernel,
  task: TaskId,
  vma: VmaId,
  vpn: Vpn,
  flags: number,
): Steps<number> {
  // Missing pages are user space's to give, by small ones.
  if (!thpFits(k, vma, vpn) || (k.vma.flags[vma] & VM.uffdMissing) !== 0) return VMF.fallback;
  const prepared = yield* anonVmaPrepare(k, vma);
  if (!prepared) return VMF.oom;
  const e = yield* pmdAlloc(k, k.vma.mm[vma], vpn);
  if (e === 0) return VMF.oom;
  if ((flags & FAULT.write) === 0) return yield* mapHugeZero(k, vma, e);
  const folio = yield* allocThp(k, task, GFP.zero);
  if (folio === 0) return VMF.fallback;
  const result = yield* mapFreshThp(k, vma, vpn, e, folio);
  if (result !== 0) yield* folioPut(k, folio, 1);
  else vmstatAdd(k, folio, VMSTAT.thp_fault_alloc, 1);
  return result === VMF.nopage ? 0 : result;
}

/** set_huge_zero_folio(), with a table for the split kept. */
function* mapHugeZero(k: Kernel, vma: VmaId, e: EntryAddr): Steps<number> {
  const zero = yield* getHugeZero(k);
  if (zero === 0) return VMF.fallback;
  const mm = k.vma.mm[vma];
  const table = yield* allocTable(k, mm);
  if (table === 0) return VMF.oom;
  yield* pteLock(k, e);
  const lo = yield* entryRead(k, e);
  const empty = isNone(lo, entryHi(k, e));
  if (empty) {
    depositTable(k, e, table);
    yield* entrySet(k, e, zeroPmdLo(k, vma, zero), entryHiOf(zero, 0));
  }
  yield* pteUnlock(k, e);
  if (!empty) yield* freeTable(k, mm, table);
  return 0;
}

/** Maps the folio, whose one reference becomes the mapping's. VMF.nopage: somebody else mapped something meanwhile. */
function* mapFreshThp(k: Kernel, vma: VmaId, vpn: Vpn, e: EntryAddr, folio: Folio): Steps<number> {
  const mm = k.vma.mm[vma];
  const table = yield* allocTable(k, mm);
  if (table === 0) return VMF.oom;
  yield* pteLock(k, e);
  const lo = yield* entryRead(k, e);
  const empty = isNone(lo, entryHi(k, e));
  if (empty) {
    yield* folioAddNewAnonRmap(k, folio, vma, pmdBase(vpn), true);
    yield* folioAddLru(k, folio);
    depositTable(k, e, table);
    k.mm.anonRss[mm] += HPAGE_PMD_NR;
    yield* entrySet(k, e, freshPmdLo(k, vma, folio), entryHiOf(folio, 0));
  }
  yield* pteUnlock(k, e);
  if (empty) return 0;
  yield* freeTable(k, mm, table);
  return VMF.nopage;
}

/**
 * zap_huge_pmd(): empties the PMD entry `e` at `vpn`, flushes, and drops the mapping's reference; a pinned folio
 * lives on (A.26.1). False: the entry is no huge page (any more), nothing was done.
 */
export function* zapHugePmd(k: Kernel, vma: VmaId, e: EntryAddr, vpn: Vpn): Steps<boolean> {
  const mm = k.vma.mm[vma];
  yield* pteLock(k, e);
  const seen = yield* entryRead(k, e);
  const hi = entryHi(k, e);
  if (!isLeaf(seen)) {
    yield* pteUnlock(k, e);
    return false;
  }
  if (mapsDevice(k, seen, hi)) {
    yield* clearDeviceLeaf(k, vma, e, pmdBase(vpn), HPAGE_PMD_ORDER);
    yield* pteUnlock(k, e);
    return true;
  }
  const lo = yield* entryClear(k, e);
  const folio = headOf(k, entryPfn(lo, hi));
  const table = withdrawTable(k, e);
  const zero = isHugeZero(k, folio);
  if (!zero) {
    if (!isAnon(k, folio) && (lo & PTE.dirty) !== 0) yield* flagSet(k, folio, PG.dirty);
    yield* folioRemoveRmap(k, folio, true);
    k.mm.anonRss[mm] -= HPAGE_PMD_NR;
  }
  yield* pteUnlock(k, e);
  const base = pmdBase(vpn);
  yield* flushTlbRange(k, mm, base, base + HPAGE_PMD_NR);
  yield* freeTable(k, mm, table);
  if (!zero) yield* folioPut(k, folio, 1);
  return true;
}

/**
 * change_huge_pmd(), change_huge_pud(): gives the entry over 2^`order` pages the protection that the VMA's flags say now; exclusive memory that may
 * be written gets its write bit back at once where the kernel does that (A.22.1). The caller flushes.
 * False: no huge page here (any more), nothing was done.
 */
export function* changeHugeLeaf(
  k: Kernel,
  vma: VmaId,
  e: EntryAddr,
  vpn: Vpn,
  order: number,
): Steps<boolean> {
  yield* pteLock(k, e);
  const seen = yield* entryRead(k, e);
  const hi = entryHi(k, e);
  if (!isLeaf(seen)) {
    yield* pteUnlock(k, e);
    return false;
  }
  const base = vpn - (vpn & ((1 << order) - 1));
  // pmdp_invalidate_ad(): no translation may set the dirty bit any more while the entry is rebuilt.
  yield* entrySet(k, e, invalidPmd(seen), hi);
  yield* flushTlbRange(k, k.vma.mm[vma], base, base + (1 << order));
  const old = yield* entryRead(k, e);
  let lo = (old & (PMD_KEPT | PTE.pse | ~0xfff)) | pteProt(k, vma);
  if (k.rules.mprotect.writableUpgrade && canChangeWritable(k, vma, lo, hi)) lo |= PTE.write;
  yield* entrySet(k, e, lo, hi);
  yield* pteUnlock(k, e);
  return true;
}

/** can_change_pmd_writable(). */
function canChangeWritable(k: Kernel, vma: VmaId, lo: number, hi: number): boolean {
  if (mayWriteBit(k, vma) === 0 || isProtnone(lo) || (lo & PTE.uffdWp) !== 0) return false;
  const pfn = entryPfn(lo, hi);
  if (isHugeZero(k, pfn)) return false;
  if ((k.vma.flags[vma] & VM.shared) !== 0) return (lo & PTE.dirty) !== 0;
  return isAnon(k, headOf(k, pfn)) && pageAnonExclusive(k, pfn);
}

/**
 * move_huge_pmd(): mremap moves a huge page whole: pins stay coherent at the new address (A.22.6). False, and
 * nothing done, when `from` is no huge page, `to` isn't empty, or an address isn't at a 2 MiB boundary. mmap_lock is held exclusively.
 */
export function* moveHugePmd(
  k: Kernel,
  vma: VmaId,
  from: EntryAddr,
  to: EntryAddr,
  oldVpn: Vpn,
  newVpn: Vpn,
): Steps<boolean> {
  const apart = tableOf(k, from) !== tableOf(k, to);
  yield* pteLock(k, from);
  if (apart) yield* pteLock(k, to);
  const seen = yield* entryRead(k, from);
  const hi = entryHi(k, from);
  const target = yield* entryRead(k, to);
  const aligned = pmdBase(oldVpn) === oldVpn && pmdBase(newVpn) === newVpn;
  const moves = aligned && isLeaf(seen) && isNone(target, entryHi(k, to));
  if (moves) {
    const lo = yield* entryClear(k, from);
    if (apart) depositTable(k, to, withdrawTable(k, from));
    yield* entrySet(k, to, lo | PTE.softDirty, hi);
    const base = pmdBase(oldVpn);
    yield* flushTlbRange(k, k.vma.mm[vma], base, base + HPAGE_PMD_NR);
  }
  if (apart) yield* pteUnlock(k, to);
  yield* pteUnlock(k, from);
  return moves;
}
