/**
 * Faults on entries that are neither present nor empty (mm/memory.c: do_swap_page). Rules: semantics.md
 * A.18.6, A.16.3, S4.
 */

import { R } from '../machine/access.ts';
import { refRead } from '../machine/atomic.ts';
import { entryHi, entryRead, entrySet, entryTorn } from '../machine/entries.ts';
import {
  entryHiOf,
  isMigrationEntry,
  isSwapEntry,
  PTE,
  SWP,
  swpOffset,
  swpType,
} from '../machine/entry.ts';
import { folioWaitUnlocked } from '../machine/folio-wait.ts';
import { folioLock, folioTrylock, folioUnlock, unlockShared } from '../machine/locks.ts';
import { PG } from '../machine/page.ts';
import type { EntryAddr, Folio, Steps, TaskId, VmaId, Vpn } from '../machine/types.ts';
import { entrySame, makePteLo, mayWriteBit, PTE_MKDIRTY, userGfp } from './fault-common.ts';
import { FAULT, VMF } from './fault-flags.ts';
import { folioMapcount, folioPut, isAnon, isKsm } from './folio.ts';
import type { Kernel } from './kernel.ts';
import { lruDrain, onLru } from './lru.ts';
import { migrateToRam } from './migrate-device.ts';
import { migrationEntryWait } from './migration-entries.ts';
import { pteLock, pteUnlock } from './pgtable.ts';
import { folioAddAnonRmap, setAnonMapping } from './rmap.ts';
import { readSwapSlot } from './swap-read.ts';
import {
  deleteFromSwapCache,
  inSwapCache,
  swapCacheGet,
  swapCount,
  swapEntryFree,
  swapSlotOf,
  tryToFreeSwap,
} from './swap-state.ts';
import { presentSoftBits } from './try-to-unmap.ts';
import { VM } from './vma.ts';

/**
 * do_swap_page(): handles a fault on entry `e` of `vpn`, whose low word was `lo` and which is not present
 * and not empty. `flags` are `FAULT` bits; returns `VMF` bits. The caller holds mmap_lock shared; after
 * VMF.retry without FAULT.retryNowait it is no longer held.
 *
 * A write that may not reuse the page maps it read-only: the access is tried again and copies (A.16).
 */
export function* doSwapPage(
  k: Kernel,
  task: TaskId,
  vma: VmaId,
  vpn: Vpn,
  e: EntryAddr,
  lo: number,
  flags: number,
): Steps<number> {
  const now = yield* entryRead(k, e);
  const hi = entryHi(k, e);
  if (now !== lo || entryTorn(k, e, lo) || !isSwapEntry(lo, hi)) return 0;
  if (isMigrationEntry(lo, hi)) {
    yield* migrationEntryWait(k, e);
    return 0;
  }
  if (swpType(hi) === SWP.hwpoison) return VMF.hwpoison;
  if (swpType(hi) === SWP.guard) return VMF.sigsegv;
  if (swpType(hi) === SWP.devicePrivate) return yield* migrateToRam(k, task, vma, vpn, e, lo, hi);
  if (swpType(hi) !== SWP.swap) return VMF.sigbus;
  return yield* swapIn(k, task, vma, vpn, e, lo, hi, flags);
}

function* swapIn(
  k: Kernel,
  task: TaskId,
  vma: VmaId,
  vpn: Vpn,
  e: EntryAddr,
  lo: number,
  hi: number,
  flags: number,
): Steps<number> {
  const slot = swpOffset(lo, hi);
  let folio = yield* swapCacheGet(k, slot);
  let answer = 0;
  if (folio !== 0) {
    const locked = yield* lockOrRetry(k, k.vma.mm[vma], folio, flags);
    if (!locked) return VMF.retry;
  } else {
    folio = yield* readSwapSlot(k, slot, userGfp(k, task));
    if (folio === 0) return VMF.oom;
    // Somebody else read it, or the entry is gone: the access is tried again.
    if (folio < 0) return 0;
    answer = VMF.major;
  }
  // Truncated, migrated or reused while the lock was waited for: the access is tried again.
  if (inSwapCache(k, folio) && swapSlotOf(k, folio) === slot) {
    const drain =
      k.rules.cow.lruDrain && (flags & FAULT.write) !== 0 && !isKsm(k, folio) && !onLru(k, folio);
    if (drain) yield* lruDrain(k);
    answer |= yield* mapSwapped(k, vma, vpn, e, lo, hi, flags, folio);
  } else {
    yield* folioUnlock(k, folio);
    yield* folioPut(k, folio, 1);
  }
  return answer;
}

/**
 * folio_lock_or_retry(): true with the lock held; false when the fault has to start again, its reference dropped (and
 * mmap_lock too, unless FAULT.retryNowait).
 */
function* lockOrRetry(k: Kernel, mm: number, folio: Folio, flags: number): Steps<boolean> {
  const locked = yield* folioTrylock(k, folio);
  if (locked) return true;
  if ((flags & FAULT.allowRetry) === 0) {
    yield* folioLock(k, folio);
    return true;
  }
  if ((flags & FAULT.retryNowait) === 0) {
    yield* unlockShared(k, R.mmapLock, mm);
    yield* folioWaitUnlocked(k, folio);
  }
  yield* folioPut(k, folio, 1);
  return false;
}

/**
 * The second half of do_swap_page(): maps the locked folio, whose reference becomes the mapping's, and
 * unlocks it.
 */
function* mapSwapped(
  k: Kernel,
  vma: VmaId,
  vpn: Vpn,
  e: EntryAddr,
  lo: number,
  hi: number,
  flags: number,
  folio: Folio,
): Steps<number> {
  yield* pteLock(k, e);
  const same = yield* entrySame(k, e, lo, hi);
  if (!same) {
    yield* pteUnlock(k, e);
    yield* folioUnlock(k, folio);
    yield* folioPut(k, folio, 1);
    return 0;
  }
  const slot = swpOffset(lo, hi);
  const write = (flags & FAULT.write) !== 0;
  let owned = false;
  if (k.rules.cow.swapinReuse === 'mapcount') {
    if (write) owned = yield* reuseSwapPage(k, folio, slot);
    yield* swapEntryFree(k, slot);
  } else {
    owned = yield* ownsSwapped(k, vma, folio, lo, write);
  }
  if (!isAnon(k, folio)) setAnonMapping(k, folio, vma, vpn);
  yield* folioAddAnonRmap(k, folio, owned, false);
  const mm = k.vma.mm[vma];
  k.mm.swapEnts[mm] -= 1;
  k.mm.anonRss[mm] += 1;
  const writable = owned && (write || k.rules.cow.swapinWritable);
  const mayWrite = writable && (lo & PTE.swpUffdWp) === 0 ? mayWriteBit(k, vma) : 0;
  const dirty = writable && write ? PTE_MKDIRTY : 0;
  yield* entrySet(
    k,
    e,
    makePteLo(k, vma, folio, presentSoftBits(lo) | mayWrite | dirty),
    entryHiOf(folio, 0),
  );
  // Unlocked while the entry's lock still keeps the mapping, and so the folio, from going away.
  if (k.rules.cow.swapinReuse === 'mapcount' && lockedMemory(k, vma, folio))
    yield* tryToFreeSwap(k, folio);
  yield* folioUnlock(k, folio);
  yield* pteUnlock(k, e);
  return writable && write ? VMF.write : 0;
}

/**
 * 5.18 and later: whether the page belongs to this process alone: the entry said so (5.19), or after the slot was given
 * up where that is worth it nobody else has a reference (S4). Drops the entry's count of the slot.
 */
function* ownsSwapped(
  k: Kernel,
  vma: VmaId,
  folio: Folio,
  lo: number,
  write: boolean,
): Steps<boolean> {
  const marked = k.rules.cow.swapinReuse === 'exclusive' && (lo & PTE.swpExclusive) !== 0;
  yield* swapEntryFree(k, swapSlotOf(k, folio));
  // should_try_to_free_swap()
  let free = lockedMemory(k, vma, folio);
  if (!free && write && !isKsm(k, folio)) {
    const references = yield* refRead(k, folio);
    free = references === 2;
  }
  if (free) yield* tryToFreeSwap(k, folio);
  if (isKsm(k, folio)) return false;
  if (marked) return true;
  // 5.18 asks only for a write; a read fault maps what it finds.
  if (k.rules.cow.swapinReuse !== 'exclusive' && !write) return false;
  const references = yield* refRead(k, folio);
  return references === 1;
}

function lockedMemory(k: Kernel, vma: VmaId, folio: Folio): boolean {
  return (k.vma.flags[vma] & VM.locked) !== 0 || (k.page.flags[folio] & PG.mlocked) !== 0;
}

/**
 * reuse_swap_page() (up to 5.17): mappings and swap entries together are one, which is this one. References are
 * not looked at. The slot is given up. (A page under writeback stays in the cache and is reused all the same.)
 */
function* reuseSwapPage(k: Kernel, folio: Folio, slot: number): Steps<boolean> {
  if (isKsm(k, folio)) return false;
  if (folioMapcount(k, folio) + swapCount(k, slot) > 1) return false;
  if ((k.page.flags[folio] & PG.writeback) === 0) {
    yield* deleteFromSwapCache(k, folio);
    k.page.flags[folio] |= PG.dirty;
  }
  return true;
}
