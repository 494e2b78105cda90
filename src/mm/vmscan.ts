/**
 * Reclaim of given folios (mm/vmscan.c: shrink_folio_list, pageout, __remove_mapping, reclaim_pages).
 * Rules: semantics.md A.18, A.23.5, S24, S25. What is asked for is tried at once: recent accesses don't
 * protect a folio (ignore_references, as for MADV_PAGEOUT and memory.reclaim).
 */
import { R } from '../machine/access.ts';
import {
  flagClear,
  flagSet,
  flagsRead,
  flagTestAndClear,
  refFreeze,
  refRead,
  refUnfreeze,
} from '../machine/atomic.ts';
import { refTryAdd } from '../machine/grab-words.ts';
import { folioTrylock, folioUnlock, lock, unlock } from '../machine/locks.ts';
import { PG } from '../machine/page.ts';
import { flushTlbCpus } from '../machine/tlb-batch.ts';
import type { Folio, Steps } from '../machine/types.ts';
import { releaseBuffers } from './buffers.ts';
import { FILE } from './file-tables.ts';
import { filemapDeleteFolio } from './filemap.ts';
import {
  fileOf,
  folioMapcount,
  folioPut,
  freeFolio,
  isAnon,
  isFile,
  isKsm,
  isLarge,
  nrPages,
} from './folio.ts';
import { splitHugePageFor } from './huge-split.ts';
import type { Kernel } from './kernel.ts';
import { isolateLru, nextOnLru, putbackLru } from './lru.ts';
import { folioMaybeDmaPinned } from './pinned.ts';
import { writeSlot } from './swap-data.ts';
import { shmemToSwap } from './swap-shmem.ts';
import {
  addToSwap,
  inSwapCache,
  removeFromSwapCache,
  swapHasRoom,
  swapSlotOf,
  tryToFreeSwap,
} from './swap-state.ts';
import { unmapFolio } from './try-to-unmap.ts';
import { vmstatAdd } from './vmstat.ts';
import { VMSTAT } from './vmstat-items.ts';

/** Outcome of `pageout`: the lock is held but for `unlocked`. */
const OUT = { keep: 0, clean: 1, unlocked: 2 } as const;

/**
 * shrink_folio_list() for one folio that was isolated from the LRU: true when it was freed. Otherwise it is put
 * back; its mappings may be gone all the same, and it may be in the swap cache (A.18.2, A.18.5).
 */
export function* reclaimFolio(k: Kernel, folio: Folio): Steps<boolean> {
  const locked = yield* folioTrylock(k, folio);
  if (!locked) {
    yield* putbackLru(k, folio);
    return false;
  }
  let going = yield* prepareSwap(k, folio);
  let pending = 0;
  if (going && folioMapcount(k, folio) !== 0) {
    pending = yield* unmapFolio(k, folio);
    going = folioMapcount(k, folio) === 0;
  }
  if (going && k.rules.reclaim.pinCheckFile) {
    const pinned = yield* folioMaybeDmaPinned(k, folio);
    going = !pinned;
  }
  let held = true;
  if (going) {
    const flags = yield* flagsRead(k, folio);
    if ((flags & PG.dirty) !== 0) {
      // What CPUs still write through their TLBs must be in the page before it is written out.
      yield* flushTlbCpus(k, pending);
      pending = 0;
      const out = yield* pageout(k, folio);
      going = out === OUT.clean;
      held = out !== OUT.unlocked;
    }
  }
  if (going) going = yield* releaseBuffers(k, folio);
  if (going) going = yield* removeMapping(k, folio);
  yield* flushTlbCpus(k, pending);
  if (held) yield* folioUnlock(k, folio);
  if (going) yield* freeFolio(k, folio);
  else yield* putbackLru(k, folio);
  return going;
}

/**
 * The part before unmapping: a large folio is split (a kernel with room in swap writes it out whole, since 4.13, so the
 * pages of zeros in it go there, too; S179 is for those that it splits); an anonymous page gets its swap slot, unless it may be pinned
 * (S24, A.18.1). False: the folio stays as it is.
 */
function* prepareSwap(k: Kernel, folio: Folio): Steps<boolean> {
  if ((k.page.flags[folio] & (PG.writeback | PG.unevictable | PG.mlocked)) !== 0) return false;
  // The model does not know where KSM pages are mapped (ksm.ts).
  if (isKsm(k, folio)) return false;
  const swapped = isAnon(k, folio) && (k.page.flags[folio] & PG.swapbacked) !== 0;
  if (swapped && !inSwapCache(k, folio) && k.rules.swap.pinCheck) {
    const pinned = yield* folioMaybeDmaPinned(k, folio);
    if (pinned) return false;
  }
  // A large folio that was freed lazily is thrown away as it is.
  if (isLarge(k, folio) && (swapped || !isAnon(k, folio))) {
    const room = yield* swapHasRoom(k, nrPages(k, folio));
    const zeros = !room || partlyMapped(k, folio);
    const err = yield* splitHugePageFor(k, folio, folio, zeros);
    if (err !== 0) return false;
  }
  if (!swapped || inSwapCache(k, folio)) return true;
  return yield* addToSwap(k, folio);
}

/** folio_test_partially_mapped(): some page of a large folio is mapped nowhere any more. */
function partlyMapped(k: Kernel, folio: Folio): boolean {
  if (folioMapcount(k, folio) === 0 || k.page.index[folio + 1] > 0) return false;
  for (let i = 0; i < nrPages(k, folio); i++) if (k.page.mapcount[folio + i] === 0) return true;
  return false;
}

/**
 * pageout(): writes a dirty page to its swap slot. Refused while anybody but the cache and the isolation refers
 * to it (is_page_cache_freeable). A memory file's page moves to the swap cache first; one of a file on a medium is left
 * to the flusher.
 */
function* pageout(k: Kernel, folio: Folio): Steps<number> {
  const references = yield* refRead(k, folio);
  if (references !== 1 + nrPages(k, folio)) return OUT.keep;
  if (isShmem(k, folio)) {
    const swapped = yield* shmemToSwap(k, folio);
    if (!swapped) return OUT.keep;
  }
  if (!inSwapCache(k, folio)) return OUT.keep;
  const dirty = yield* flagTestAndClear(k, folio, PG.dirty);
  if (!dirty) return OUT.clean;
  // swap_writepage(): nobody needs the slot any more, so the folio leaves the cache instead.
  const freed = yield* tryToFreeSwap(k, folio);
  if (freed) return OUT.keep;
  yield* flagSet(k, folio, PG.writeback);
  const slot = swapSlotOf(k, folio);
  yield* folioUnlock(k, folio);
  yield* writeSlot(k, folio, slot);
  vmstatAdd(k, folio, VMSTAT.pswpout, 1);
  yield* flagClear(k, folio, PG.writeback);
  const locked = yield* folioTrylock(k, folio);
  if (!locked) return OUT.unlocked;
  const flags = yield* flagsRead(k, folio);
  return (flags & PG.dirty) !== 0 ? OUT.keep : OUT.clean;
}

/** A page of a memory file (shmem_mapping). */
function isShmem(k: Kernel, folio: Folio): boolean {
  return k.file.kind[fileOf(k, folio)] === FILE.shmem;
}

/**
 * __remove_mapping(): freezes the references if they are the expected ones, checks that nobody wrote meanwhile,
 * and takes the folio out of its cache. True: its count is 0 and nobody can find it.
 */
function* removeMapping(k: Kernel, folio: Folio): Steps<boolean> {
  const file = fileOf(k, folio);
  const cached = isFile(k, folio) || inSwapCache(k, folio);
  // An anonymous page outside of the swap cache was lazily freed.
  const expected = cached ? 1 + nrPages(k, folio) : 1;
  if (file !== 0) yield* lock(k, R.pageCache, file);
  let gone = folioMapcount(k, folio) === 0;
  if (gone) gone = yield* refFreeze(k, folio, expected);
  if (gone) {
    const flags = yield* flagsRead(k, folio);
    if ((flags & PG.dirty) !== 0) {
      yield* refUnfreeze(k, folio, expected);
      gone = false;
    }
  }
  if (gone && file !== 0) filemapDeleteFolio(k, folio);
  else if (gone && cached) removeFromSwapCache(k, folio);
  if (file !== 0) yield* unlock(k, R.pageCache, file);
  return gone;
}

/**
 * The daemon: goes over all folios on the LRU lists by page frame until `nr` pages are freed. Returns how many
 * were.
 */
export function* shrinkLruPages(k: Kernel, nr: number): Steps<number> {
  let freed = 0;
  let pfn = yield* nextOnLru(k, 1);
  while (pfn !== 0 && freed < nr) {
    const got = yield* refTryAdd(k, pfn, 1);
    let isolated = false;
    if (got) {
      isolated = yield* isolateLru(k, pfn);
      yield* folioPut(k, pfn, 1);
    }
    if (isolated) {
      // A large folio that is not split goes whole.
      const whole = isAnon(k, pfn) && (k.page.flags[pfn] & PG.swapbacked) === 0;
      const pages = whole ? nrPages(k, pfn) : 1;
      const gone = yield* reclaimFolio(k, pfn);
      if (gone) freed += pages;
    }
    pfn = yield* nextOnLru(k, pfn + 1);
  }
  return freed;
}
