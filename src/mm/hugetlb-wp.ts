/**
 * Copy on write of hugetlb pages (hugetlb.c: hugetlb_wp, unmap_ref_private). Rules: semantics.md A.17.3,
 * A.17.5, S5, A.16.5.
 */
import { R } from '../machine/access.ts';
import { flushTlbRange } from '../machine/cpu.ts';
import { entryClear, entryHi, entryRead } from '../machine/entries.ts';
import { entryPfn } from '../machine/entry.ts';
import { lockShared, unlockShared } from '../machine/locks.ts';
import { PG } from '../machine/page.ts';
import type { EntryAddr, Folio, Steps, TaskId, VmaId, Vpn } from '../machine/types.ts';
import { FAULT, VMF } from './fault-flags.ts';
import { folioGet, folioPut, headOf, isAnon } from './folio.ts';
import { copyHugePages } from './huge-copy.ts';
import {
  allocHugetlbFolio,
  commitHugetlbFolio,
  putUnusedHugetlbFolio,
  vmaHugePages,
} from './hugetlb.ts';
import {
  hugetlbFaultLock,
  hugetlbFaultUnlock,
  setHugeLeaf,
  setHugeLeafCopied,
  setHugeLeafWritable,
} from './hugetlb-entry.ts';
import { ownsReservation } from './hugetlb-resv.ts';
import { unmapHugetlbPage } from './hugetlb-zap.ts';
import type { Kernel } from './kernel.ts';
import { invalidateEnd, invalidateStart } from './mmu-notifier.ts';
import { pteLock, pteUnlock } from './pgtable.ts';
import {
  anonExclusiveWrite,
  folioAddNewAnonRmap,
  folioMapcountRead,
  folioRemoveRmap,
  rmapFirst,
  rmapNext,
  setAnonMapping,
} from './rmap.ts';
import { anonVmaPrepare, VM } from './vma.ts';

/**
 * hugetlb_wp(): makes the huge page at `base` writable (or, for FAULT.unshare, this process's own). Shared
 * mappings just become writable. A private page that is mapped once is reused, whoever else holds
 * references to it (S5: the known leak to FOLL_GET users); else it is copied.
 *
 * Called and returns with the lock of entry `e` and the fault mutex held, drops both on the way; `cached` is the
 * file's own folio at this place, locked (0: none). Returns `VMF` bits.
 */
export function* hugetlbWp(
  k: Kernel,
  task: TaskId,
  vma: VmaId,
  base: Vpn,
  e: EntryAddr,
  cached: Folio,
  flags: number,
): Steps<number> {
  const lo = yield* entryRead(k, e);
  const hi = entryHi(k, e);
  const old = headOf(k, entryPfn(lo, hi));
  if ((k.vma.flags[vma] & VM.mayShare) !== 0) {
    yield* setHugeLeafWritable(k, vma, e);
    return 0;
  }
  for (;;) {
    const reused = yield* tryReuse(k, vma, base, e, old, flags);
    if (reused) return 0;
    // The owner's first page used its reservation, so the copy must not count on it (outside_reserve).
    const outside = ownsReservation(k, vma) && old !== cached;
    yield* folioGet(k, old, 1);
    yield* pteUnlock(k, e);
    const fresh = yield* allocHugetlbFolio(k, task, vma, base, outside);
    if (fresh !== 0) return yield* copyOver(k, vma, base, e, lo, hi, old, fresh, flags);
    yield* folioPut(k, old, 1);
    if (!outside) {
      yield* pteLock(k, e);
      return VMF.sigbus;
    }
    yield* stealFromOthers(k, vma, base, old);
    yield* pteLock(k, e);
    const now = yield* entryRead(k, e);
    // Somebody changed the entry meanwhile: the access is tried again.
    if (now !== lo || entryHi(k, e) !== hi) return 0;
  }
}

/** Mapped by this entry only, and anonymous: it becomes exclusive and (for a write) writable. */
function* tryReuse(
  k: Kernel,
  vma: VmaId,
  base: Vpn,
  e: EntryAddr,
  old: Folio,
  flags: number,
): Steps<boolean> {
  const mapped = yield* folioMapcountRead(k, old);
  if (mapped !== 1 || !isAnon(k, old)) return false;
  if (
    k.rules.cow.hugetlbReuse === 'mapcountThenExclusive' &&
    (k.page.flags[old] & PG.anonExclusive) === 0
  ) {
    setAnonMapping(k, old, vma, base);
    yield* anonExclusiveWrite(k, old, true);
  }
  if ((flags & FAULT.unshare) === 0) yield* setHugeLeafWritable(k, vma, e);
  return true;
}

/**
 * Copies without the lock, then exchanges the folios if the entry still is what it was. Takes over the
 * caller's extra reference on `old`; returns with the entry's lock held.
 */
function* copyOver(
  k: Kernel,
  vma: VmaId,
  base: Vpn,
  e: EntryAddr,
  lo: number,
  hi: number,
  old: Folio,
  fresh: Folio,
  flags: number,
): Steps<number> {
  const n = vmaHugePages(k, vma);
  const prepared = yield* anonVmaPrepare(k, vma);
  if (!prepared) {
    yield* putUnusedHugetlbFolio(k, vma, base, fresh);
    yield* folioPut(k, old, 1);
    yield* pteLock(k, e);
    return VMF.oom;
  }
  yield* copyHugePages(k, old, fresh, n);
  k.page.flags[fresh] |= PG.uptodate;
  const told = yield* invalidateStart(k, k.vma.mm[vma], base, base + n);
  yield* pteLock(k, e);
  const now = yield* entryRead(k, e);
  const same = now === lo && entryHi(k, e) === hi;
  if (same) {
    yield* entryClear(k, e);
    yield* flushTlbRange(k, k.vma.mm[vma], base, base + n);
    yield* folioRemoveRmap(k, old, true);
    yield* folioAddNewAnonRmap(k, fresh, vma, base, true);
    commitHugetlbFolio(k, fresh);
    if ((flags & FAULT.unshare) === 0) yield* setHugeLeafCopied(k, vma, e, fresh);
    else yield* setHugeLeaf(k, vma, e, fresh, false);
  }
  yield* pteUnlock(k, e);
  yield* invalidateEnd(k, k.vma.mm[vma], told);
  // The mapping's reference moves from the old folio to the new one.
  if (same) yield* folioPut(k, old, 1);
  else yield* putUnusedHugetlbFolio(k, vma, base, fresh);
  yield* folioPut(k, old, 1);
  yield* pteLock(k, e);
  return 0;
}

/**
 * unmap_ref_private(): the owner of the reservation needs a page and the pool has none, so `old` is taken
 * away from the other processes that share it; they get SIGBUS when they touch it (A.17.3). The fault
 * mutex is dropped meanwhile.
 */
function* stealFromOthers(k: Kernel, vma: VmaId, base: Vpn, old: Folio): Steps<void> {
  yield* hugetlbFaultUnlock(k, vma, base);
  const anon = isAnon(k, old);
  const region = anon ? R.anonLock : R.inodeLock;
  const owner = k.page.mapping[old] >> 2;
  yield* lockShared(k, region, owner);
  for (let other = rmapFirst(k, old); other !== 0; other = rmapNext(k, old, other)) {
    const vpn = k.vma.start[other] + (k.page.index[old] - k.vma.pgoff[other]);
    const here = vpn >= k.vma.start[other] && vpn < k.vma.end[other];
    if (other === vma || !here || (k.vma.flags[other] & VM.mayShare) !== 0) continue;
    if (ownsReservation(k, other)) continue;
    yield* unmapHugetlbPage(k, other, vpn, old);
  }
  yield* unlockShared(k, region, owner);
  yield* hugetlbFaultLock(k, vma, base);
}
