/**
 * Bringing swapped pages back: one into the swap cache (mm/swap_state.c: swapin_readahead), or all of them, for good
 * (mm/swapfile.c: swapoff, try_to_unuse, unuse_pte; mm/shmem.c: shmem_unuse). Rules: semantics.md A.18.6.
 */
import { at, R, WRITE } from '../machine/access.ts';
import { GFP } from '../machine/buddy.ts';
import { entryHi, entryRead } from '../machine/entries.ts';
import { isSwapEntry, SWP, swpOffset, swpType } from '../machine/entry.ts';
import { EFAULT, ENOMEM } from '../machine/errno.ts';
import { folioTrylock, folioUnlock, lockShared, unlockShared } from '../machine/locks.ts';
import type { FileId, MmId, Steps, VmaId, Vpn } from '../machine/types.ts';
import { VMF } from './fault-flags.ts';
import { FILE } from './file-tables.ts';
import { folioPut } from './folio.ts';
import { type Kernel, MISC } from './kernel.ts';
import { handleMmFault } from './memory.ts';
import { pteEntry } from './pgtable.ts';
import { shmemGetFolio } from './shmem.ts';
import { readSwapSlot } from './swap-read.ts';
import { swapCacheGet, tryToFreeSwap } from './swap-state.ts';
import { vmaAt } from './vma.ts';

/** Swap readahead for the entry at `vpn`: 0: the page is in the swap cache; -EFAULT: no swap entry there; -ENOMEM. */
export function* swapReadahead(k: Kernel, mm: MmId, vpn: Vpn): Steps<number> {
  yield* lockShared(k, R.mmapLock, mm);
  const slot = slotAt(k, mm, vpn);
  let result = -EFAULT;
  if (slot !== 0) {
    let folio = yield* swapCacheGet(k, slot);
    if (folio === 0) {
      folio = yield* readSwapSlot(k, slot, GFP.movable);
      if (folio > 0) yield* folioUnlock(k, folio);
    }
    if (folio > 0) yield* folioPut(k, folio, 1);
    result = folio === 0 ? -ENOMEM : 0;
  }
  yield* unlockShared(k, R.mmapLock, mm);
  return result;
}

/** The slot that the entry at `vpn` names, 0: it is no swap entry. mmap_lock is held. */
function slotAt(k: Kernel, mm: MmId, vpn: Vpn): number {
  if (vmaAt(k, mm, vpn) === 0) return 0;
  const e = pteEntry(k, mm, vpn);
  if (e === 0) return 0;
  const lo = k.contents[e];
  const hi = entryHi(k, e);
  return isSwapEntry(lo, hi) && swpType(hi) === SWP.swap ? swpOffset(lo, hi) : 0;
}

/** swapoff(2): nothing goes to swap any more, and what is there comes back. 0 or -ENOMEM (then swap is on again). */
export function* swapOff(k: Kernel): Steps<number> {
  yield WRITE | at(R.swap, 0);
  k.misc[MISC.swapOff] = 1;
  let error = 0;
  for (let mm = 1; mm < k.pgd.length && error === 0; mm++) {
    if (k.pgd[mm] !== 0) error = yield* unuseMm(k, mm);
  }
  for (let file = 1; file < k.file.kind.length && error === 0; file++) {
    if (k.file.kind[file] === FILE.shmem) error = yield* unuseFile(k, file);
  }
  if (error === 0) yield* emptyCache(k);
  if (error !== 0) {
    yield WRITE | at(R.swap, 0);
    k.misc[MISC.swapOff] = 0;
  }
  return error;
}

/** unuse_mm(): the pages are mapped as a read fault would. */
function* unuseMm(k: Kernel, mm: MmId): Steps<number> {
  yield* lockShared(k, R.mmapLock, mm);
  let error = 0;
  let vma: VmaId = k.mm.vmaFirst[mm];
  while (vma !== 0 && error === 0) {
    for (let vpn = k.vma.start[vma]; vpn < k.vma.end[vma] && error === 0; vpn++)
      error = yield* unusePte(k, vma, vpn);
    vma = k.vma.next[vma];
  }
  yield* unlockShared(k, R.mmapLock, mm);
  return error;
}

function* unusePte(k: Kernel, vma: VmaId, vpn: Vpn): Steps<number> {
  const mm = k.vma.mm[vma];
  if (slotAt(k, mm, vpn) === 0) return 0;
  yield* entryRead(k, pteEntry(k, mm, vpn));
  while (slotAt(k, mm, vpn) !== 0) {
    const answer = yield* handleMmFault(k, 0, vma, vpn, 0);
    if ((answer & VMF.error) !== 0) return -ENOMEM;
  }
  return 0;
}

/** shmem_unuse(). */
function* unuseFile(k: Kernel, file: FileId): Steps<number> {
  for (let index = 0; index < k.file.pages[file]; index++) {
    const folio = yield* shmemGetFolio(k, file, index, false, 0);
    if (folio > 0) yield* folioPut(k, folio, 1);
  }
  return 0;
}

/** try_to_unuse()'s last part: pages that only the swap cache's slot was left of. */
function* emptyCache(k: Kernel): Steps<void> {
  for (let slot = 1; slot < k.swap.map.length; slot++) {
    const folio = yield* swapCacheGet(k, slot);
    if (folio === 0) continue;
    const locked = yield* folioTrylock(k, folio);
    if (locked) {
      yield* tryToFreeSwap(k, folio);
      yield* folioUnlock(k, folio);
    }
    yield* folioPut(k, folio, 1);
  }
}
