/**
 * Faults on hugetlb mappings (hugetlb.c: hugetlb_fault, hugetlb_no_page). Rules: semantics.md A.17.
 * The copy on write is in hugetlb-wp.ts.
 */

import { entryHi, entryRead, entrySet } from '../machine/entries.ts';
import {
  entryPfn,
  isMigrationEntry,
  isNone,
  isPresent,
  PTE,
  SWP,
  swpOffset,
  swpType,
} from '../machine/entry.ts';
import { ENOMEM, ENOSPC } from '../machine/errno.ts';
import { folioWaitUnlocked } from '../machine/folio-wait.ts';
import { folioTrylock, folioUnlock } from '../machine/locks.ts';
import { PG } from '../machine/page.ts';
import type { EntryAddr, Folio, Steps, TaskId, VmaId, Vpn } from '../machine/types.ts';
import { FAULT, VMF } from './fault-flags.ts';
import { folioGet, folioPut, headOf } from './folio.ts';
import {
  allocHugetlbFolio,
  clearHugePages,
  commitHugetlbFolio,
  hugeBase,
  hugeEntryAlloc,
  putUnusedHugetlbFolio,
  vmaHugeOrder,
  vmaHugePages,
} from './hugetlb.ts';
import { hugetlbFaultLock, hugetlbFaultUnlock, setHugeLeaf } from './hugetlb-entry.ts';
import { beyondFileEnd, hugetlbAddToCache, hugetlbCacheFolio } from './hugetlb-file.ts';
import { hugetlbWp } from './hugetlb-wp.ts';
import type { Kernel } from './kernel.ts';
import { pteLock, pteUnlock } from './pgtable.ts';
import { folioAddFileRmap, folioAddNewAnonRmap } from './rmap.ts';
import { anonVmaPrepare, VM } from './vma.ts';

/**
 * hugetlb_fault(): handles a fault at `vpn` of a hugetlb mapping. `flags` are `FAULT` bits; returns `VMF` bits:
 * sigbus when the pool is empty or the owner took the page back (A.17.3). Holds mmap_lock shared.
 */
export function* hugetlbFault(
  k: Kernel,
  task: TaskId,
  vma: VmaId,
  vpn: Vpn,
  flags: number,
): Steps<number> {
  const base = hugeBase(k, vma, vpn);
  yield* hugetlbFaultLock(k, vma, base);
  const e = yield* hugeEntryAlloc(k, k.vma.mm[vma], base, vmaHugeOrder(k, vma));
  if (e === 0) {
    yield* hugetlbFaultUnlock(k, vma, base);
    return VMF.oom;
  }
  const lo = yield* entryRead(k, e);
  const hi = entryHi(k, e);
  if (isPresent(lo)) return yield* presentPage(k, task, vma, base, e, lo, flags);
  let result = 0;
  if (isNone(lo, hi)) result = yield* noPage(k, task, vma, base, e, flags);
  else result = notPresent(lo, hi);
  yield* hugetlbFaultUnlock(k, vma, base);
  // migration_entry_wait(): the folio is locked for as long as the entry stands. Never waited for with the mutex held.
  if (isMigrationEntry(lo, hi)) yield* folioWaitUnlocked(k, headOf(k, swpOffset(lo, hi)));
  return result;
}

/** Neither empty nor present: a migration entry is waited for, a poisoned page kills. */
function notPresent(lo: number, hi: number): number {
  if (isMigrationEntry(lo, hi)) return 0;
  return swpType(hi) === SWP.hwpoison ? VMF.hwpoisonLarge : VMF.sigbus;
}

/**
 * The entry is there: a write (or unshare) to what isn't writable, or only accessed and dirty bits. Called with the
 * fault mutex held and drops it, for a folio that somebody else has locked is waited for without.
 */
function* presentPage(
  k: Kernel,
  task: TaskId,
  vma: VmaId,
  base: Vpn,
  e: EntryAddr,
  lo: number,
  flags: number,
): Steps<number> {
  const wants = (flags & (FAULT.write | FAULT.unshare)) !== 0 && (lo & PTE.write) === 0;
  // The folio that the file has here comes locked; one that is another (a private copy) is tried below.
  let cached = 0;
  if (wants) cached = yield* hugetlbCacheFolio(k, vma, base);
  yield* pteLock(k, e);
  const now = yield* entryRead(k, e);
  let result = 0;
  let waitFor = 0;
  if (now === lo) {
    const folio = headOf(k, entryPfn(lo, entryHi(k, e)));
    if (wants) {
      const locked = folio === cached || (yield* folioTrylock(k, folio));
      yield* folioGet(k, folio, 1);
      if (locked) {
        result = yield* hugetlbWp(k, task, vma, base, e, cached, flags);
        if (folio !== cached) yield* folioUnlock(k, folio);
        yield* pteUnlockAndPut(k, e, folio);
      } else {
        waitFor = folio;
        yield* pteUnlock(k, e);
      }
    } else {
      const dirty = (flags & FAULT.write) !== 0 ? PTE.dirty : 0;
      yield* entrySet(k, e, lo | PTE.accessed | dirty, entryHi(k, e));
      yield* pteUnlock(k, e);
    }
  } else {
    yield* pteUnlock(k, e);
  }
  if (cached !== 0) {
    yield* folioUnlock(k, cached);
    yield* folioPut(k, cached, 1);
  }
  yield* hugetlbFaultUnlock(k, vma, base);
  if (waitFor !== 0) yield* waitLocked(k, waitFor);
  return result;
}

function* pteUnlockAndPut(k: Kernel, e: EntryAddr, folio: Folio): Steps<void> {
  yield* pteUnlock(k, e);
  yield* folioPut(k, folio, 1);
}

/** folio_wait_locked(), then the access is tried again. Drops the reference. */
function* waitLocked(k: Kernel, folio: Folio): Steps<void> {
  yield* folioWaitUnlocked(k, folio);
  yield* folioPut(k, folio, 1);
}

/** hugetlb_no_page(): nothing is mapped yet. */
function* noPage(
  k: Kernel,
  task: TaskId,
  vma: VmaId,
  base: Vpn,
  e: EntryAddr,
  flags: number,
): Steps<number> {
  if (k.hugetlb.unmapped[vma] !== 0) return VMF.sigbus;
  let folio = yield* hugetlbCacheFolio(k, vma, base);
  while (folio === 0) {
    if (beyondFileEnd(k, vma, base)) return VMF.sigbus;
    if ((k.vma.flags[vma] & VM.mayShare) === 0)
      return yield* newPrivatePage(k, task, vma, base, e, flags);
    const added = yield* hugetlbAddToCache(k, task, vma, base);
    if (added === -ENOMEM) return VMF.oom;
    if (added === -ENOSPC) return yield* poolEmpty(k, e);
    if (added > 0) folio = added;
    else folio = yield* hugetlbCacheFolio(k, vma, base);
  }
  const result = yield* mapFolio(k, task, vma, base, e, folio, folio, flags);
  yield* folioUnlock(k, folio);
  // `mapFolio` took the mapping's own reference.
  yield* folioPut(k, folio, 1);
  return result;
}

/** First touch of a private mapping: a zeroed folio that belongs to this process alone. */
function* newPrivatePage(
  k: Kernel,
  task: TaskId,
  vma: VmaId,
  base: Vpn,
  e: EntryAddr,
  flags: number,
): Steps<number> {
  const prepared = yield* anonVmaPrepare(k, vma);
  if (!prepared) return VMF.oom;
  const folio = yield* allocHugetlbFolio(k, task, vma, base, false);
  if (folio === 0) return yield* poolEmpty(k, e);
  clearHugePages(k, folio, vmaHugePages(k, vma));
  k.page.flags[folio] |= PG.uptodate | PG.locked;
  const result = yield* mapFolio(k, task, vma, base, e, folio, 0, flags);
  yield* folioUnlock(k, folio);
  // Not mapped after all (the entry was taken meanwhile): the folio and its reservation go back.
  if (k.page.mapping[folio] === 0) yield* putUnusedHugetlbFolio(k, vma, base, folio);
  else yield* folioPut(k, folio, 1);
  return result;
}

/**
 * The pool has no page for an entry that was seen empty. Migration empties it for a moment and has the page itself: from
 * 5.3 on the entry is looked at under its lock before the task is killed (`hugetlb.emptyRecheck`).
 */
function* poolEmpty(k: Kernel, e: EntryAddr): Steps<number> {
  if (!k.rules.hugetlb.emptyRecheck) return VMF.sigbus;
  yield* pteLock(k, e);
  const lo = yield* entryRead(k, e);
  const empty = isNone(lo, entryHi(k, e));
  yield* pteUnlock(k, e);
  return empty ? VMF.sigbus : 0;
}

/**
 * Maps a locked folio at an empty entry, with a reference of the mapping's own; `cached` is it if it is
 * the file's (0: a new anonymous one). A private write goes on to the copy at once.
 */
function* mapFolio(
  k: Kernel,
  task: TaskId,
  vma: VmaId,
  base: Vpn,
  e: EntryAddr,
  folio: Folio,
  cached: Folio,
  flags: number,
): Steps<number> {
  yield* pteLock(k, e);
  const lo = yield* entryRead(k, e);
  if (!isNone(lo, entryHi(k, e)) || (cached !== 0 && k.page.mapping[folio] === 0)) {
    yield* pteUnlock(k, e);
    return 0;
  }
  yield* folioGet(k, folio, 1);
  if (cached === 0) {
    yield* folioAddNewAnonRmap(k, folio, vma, base, true);
    commitHugetlbFolio(k, folio);
  } else {
    yield* folioAddFileRmap(k, folio, true);
  }
  const shared = (k.vma.flags[vma] & VM.shared) !== 0;
  yield* setHugeLeaf(k, vma, e, folio, shared);
  let result = 0;
  if ((flags & FAULT.write) !== 0 && !shared)
    result = yield* hugetlbWp(k, task, vma, base, e, cached, flags);
  yield* pteUnlock(k, e);
  return result;
}
