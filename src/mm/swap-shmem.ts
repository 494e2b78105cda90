/**
 * Swap of memory files (mm/shmem.c: shmem_writepage, shmem_swapin_folio). The page leaves the page cache,
 * whose slot keeps minus the swap slot, and comes back on the next lookup. Rules: semantics.md A.18.
 */
import { at, R, WRITE } from '../machine/access.ts';
import { flagSet, refAdd } from '../machine/atomic.ts';
import { GFP } from '../machine/buddy.ts';
import { EAGAIN } from '../machine/errno.ts';
import { folioLock, folioUnlock, lock, unlock } from '../machine/locks.ts';
import { PG } from '../machine/page.ts';
import type { FileId, Folio, Steps } from '../machine/types.ts';
import { fileOf, folioPut } from './folio.ts';
import type { Kernel } from './kernel.ts';
import { cacheSlot, cacheStore } from './page-cache.ts';
import { readSwapSlot } from './swap-read.ts';
import {
  addToSwap,
  deleteFromSwapCache,
  inSwapCache,
  swapCacheGet,
  swapEntryDup,
  swapEntryFree,
  swapSlotOf,
} from './swap-state.ts';

/**
 * shmem_writepage() up to the write: moves a locked, unmapped page from its file's cache to the swap cache. False:
 * swap is full, nothing changed. The slot's one user is the file.
 */
export function* shmemToSwap(k: Kernel, folio: Folio): Steps<boolean> {
  const file = fileOf(k, folio);
  const index = k.page.index[folio];
  const added = yield* addToSwap(k, folio);
  if (!added) return false;
  const slot = swapSlotOf(k, folio);
  const err = yield* swapEntryDup(k, slot);
  if (err !== 0) {
    yield* deleteFromSwapCache(k, folio);
    return false;
  }
  yield* lock(k, R.pageCache, file);
  cacheStore(k, file, index, -slot);
  k.file.nrpages[file] -= 1;
  yield WRITE | at(R.mapping, folio);
  k.page.mapping[folio] = 0;
  yield* unlock(k, R.pageCache, file);
  yield* folioPut(k, folio, 1);
  return true;
}

/**
 * shmem_swapin_folio(): brings swap slot `slot` back to page `index` of `file`. Returns the folio, locked, with one
 * reference for the caller and in the page cache; 0: out of memory; -EAGAIN: the file's slot no longer
 * says so (somebody was faster, or truncated), look again. `gfp` bits are added to GFP.movable.
 */
export function* shmemSwapin(
  k: Kernel,
  file: FileId,
  index: number,
  slot: number,
  gfp: number,
): Steps<Folio> {
  let folio = yield* swapCacheGet(k, slot);
  if (folio !== 0) yield* folioLock(k, folio);
  else folio = yield* readSwapSlot(k, slot, GFP.movable | gfp);
  if (folio <= 0) return folio;
  if (inSwapCache(k, folio) && swapSlotOf(k, folio) === slot) {
    const back = yield* backToFile(k, folio, file, index, slot);
    if (back) return folio;
  }
  yield* folioUnlock(k, folio);
  yield* folioPut(k, folio, 1);
  return -EAGAIN;
}

/** shmem_add_to_page_cache() where the slot still is in swap; then the swap slot is given up, and the page is dirty. */
function* backToFile(
  k: Kernel,
  folio: Folio,
  file: FileId,
  index: number,
  slot: number,
): Steps<boolean> {
  yield* lock(k, R.pageCache, file);
  const still = cacheSlot(k, file, index) === -slot;
  if (still) {
    yield* refAdd(k, folio, 1);
    k.page.mapping[folio] = file << 2;
    k.page.index[folio] = index;
    cacheStore(k, file, index, folio);
    k.file.nrpages[file] += 1;
  }
  yield* unlock(k, R.pageCache, file);
  if (!still) return false;
  yield* deleteFromSwapCache(k, folio);
  yield* flagSet(k, folio, PG.dirty);
  yield* swapEntryFree(k, slot);
  return true;
}
