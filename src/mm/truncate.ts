/**
 * Taking pages out of a file (mm/truncate.c, memory.c: unmap_mapping_range, shmem_undo_range, shmem_setattr,
 * shmem_fallocate). References are no obstacle: a pinned folio loses its file and lives on as an orphan.
 * Rules: semantics.md A.23.6, A.20.3.
 */
import { at, R, WRITE } from '../machine/access.ts';
import { flagClear } from '../machine/atomic.ts';
import { setPageByte } from '../machine/contents.ts';
import { folioWaitWriteback } from '../machine/folio-wait.ts';
import { folioUnlock, lock, lockShared, unlock, unlockShared } from '../machine/locks.ts';
import { PAGE_SIZE, PG } from '../machine/page.ts';
import type { FileId, Folio, Pfn, Steps } from '../machine/types.ts';
import { dropBuffers } from './buffers.ts';
import { diskWriteBegin } from './disk-file.ts';
import { dmaPinned, dmaWait } from './dma-pinned.ts';
import { END_OF_FILE } from './file-refs.ts';
import { isDiskKind } from './file-tables.ts';
import { filemapLockFolio, filemapRemoveFolio } from './filemap.ts';
import { folioMapcount, folioPut, isLarge, nrPages } from './folio.ts';
import { splitHugePage } from './huge-split.ts';
import type { Kernel } from './kernel.ts';
import { isMapped } from './medium.ts';
import { cacheLoad, cacheNext, cacheSlot, cacheStore } from './page-cache.ts';
import { folioMarkDirty } from './set-dirty.ts';
import { shmemGetFolio } from './shmem.ts';
import { freeSwapAndCache } from './swap-state.ts';
import { vmaPages } from './vma.ts';
import { zapFileRange, zapRange } from './zap.ts';

/**
 * unmap_mapping_pages(): unmaps pages [from, to) of the file from every mapping of it; with `evenCows` also the
 * private copies that processes made of them. Holds i_mmap_rwsem shared.
 */
export function* unmapMappingRange(
  k: Kernel,
  file: FileId,
  from: number,
  to: number,
  evenCows: boolean,
): Steps<void> {
  yield* lockShared(k, R.inodeLock, file);
  for (let vma = k.file.mapFirst[file]; vma !== 0; vma = k.vma.fileNext[vma]) {
    const pgoff = k.vma.pgoff[vma];
    const first = Math.max(from, pgoff);
    const last = Math.min(to, pgoff + vmaPages(k, vma));
    if (first >= last) continue;
    const start = k.vma.start[vma] + (first - pgoff);
    if (evenCows) yield* zapRange(k, vma, start, start + (last - first));
    else yield* zapFileRange(k, vma, start, start + (last - first));
  }
  yield* unlockShared(k, R.inodeLock, file);
}

/**
 * truncate_inode_pages_range(), shmem_undo_range(): bytes [fromPage * 4096 + fromOff, toPage * 4096 + toOff)
 * of the file become a hole. Whole pages leave the cache, partial ones are zeroed.
 */
export function* truncateInodePagesRange(
  k: Kernel,
  file: FileId,
  fromPage: number,
  fromOff: number,
  toPage: number,
  toOff: number,
): Steps<void> {
  if (fromPage === toPage) {
    yield* zeroPartialPage(k, file, fromPage, fromOff, toOff);
    return;
  }
  if (fromOff !== 0) yield* zeroPartialPage(k, file, fromPage, fromOff, PAGE_SIZE);
  if (toOff !== 0) yield* zeroPartialPage(k, file, toPage, 0, toOff);
  const onDisk = isDiskKind(k.file.kind[file]);
  let index = fromOff === 0 ? fromPage : fromPage + 1;
  for (;;) {
    index = yield* cacheNext(k, file, index, toPage);
    if (index < 0) return;
    const slot = yield* cacheLoad(k, file, index);
    if (slot < 0) {
      yield* dropSwapSlot(k, file, index);
      continue;
    }
    const folio = yield* filemapLockFolio(k, file, index);
    if (folio === 0) continue;
    if (k.rules.design.pins === 'ranges') {
      // The range lock keeps truncation out until its last page is unlocked.
      const pinned = yield* dmaPinned(k, folio);
      if (pinned) {
        yield* folioUnlock(k, folio);
        yield* dmaWait(k, folio);
        yield* folioPut(k, folio, 1);
        continue;
      }
    }
    // What the device is reading may not be given away under it.
    if (onDisk) yield* folioWaitWriteback(k, folio);
    yield* truncateFolio(k, folio, index, toPage);
    yield* folioUnlock(k, folio);
    yield* folioPut(k, folio, 1);
    // A large folio that could not be split stays, zeroed: go on behind this page.
    index++;
  }
}

/** truncate_pagecache(): what lies behind `pages` pages and `tail` bytes leaves the mappings and the cache. */
export function* truncatePagecache(
  k: Kernel,
  file: FileId,
  pages: number,
  tail: number,
): Steps<void> {
  const from = tail === 0 ? pages : pages + 1;
  yield* unmapMappingRange(k, file, from, END_OF_FILE, true);
  yield* truncateInodePagesRange(k, file, pages, tail, END_OF_FILE, 0);
  // A private copy may have been made from a page before it left the cache.
  yield* unmapMappingRange(k, file, from, END_OF_FILE, true);
}

/** Page `index` of a file was written to swap: free the slot there. */
function* dropSwapSlot(k: Kernel, file: FileId, index: number): Steps<void> {
  yield* lock(k, R.pageCache, file);
  const slot = cacheSlot(k, file, index);
  if (slot < 0) cacheStore(k, file, index, 0);
  yield* unlock(k, R.pageCache, file);
  if (slot < 0) yield* freeSwapAndCache(k, -slot);
}

/**
 * truncate_inode_folio(): unmaps and removes a locked folio whose page `index` is to go. A large folio that
 * reaches out of [index, to) is split first; where that fails (pinned), the page is zeroed and stays.
 */
function* truncateFolio(k: Kernel, folio: Folio, index: number, to: number): Steps<void> {
  const whole = k.page.index[folio] >= index && k.page.index[folio] + nrPages(k, folio) <= to;
  if (isLarge(k, folio) && !whole) {
    const page = folio + (index - k.page.index[folio]);
    const error = yield* splitHugePage(k, folio);
    if (error !== 0) {
      yield* zeroBytes(k, page, 0, PAGE_SIZE);
      return;
    }
    // Our page may have become a folio of its own, which the caller's next look at the slot finds.
    if (page !== folio) return;
  }
  const first = k.page.index[folio];
  const file = k.page.mapping[folio] >> 2;
  if (folioMapcount(k, folio) !== 0)
    yield* unmapMappingRange(k, file, first, first + nrPages(k, folio), false);
  yield* dropBuffers(k, folio);
  yield* flagClear(k, folio, PG.dirty);
  yield* filemapRemoveFolio(k, folio);
}

/**
 * ext4_block_truncate_page(), xfs_truncate_page(): zeroes bytes [from, to) of a page whose block exists, through the
 * cache: it is written back some time.
 */
function* zeroDiskPage(
  k: Kernel,
  file: FileId,
  index: number,
  from: number,
  to: number,
): Steps<void> {
  const slot = yield* cacheLoad(k, file, index);
  if (slot === 0 && !isMapped(k, file, index)) return;
  const folio = yield* diskWriteBegin(k, file, index, false);
  if (folio < 0) return;
  yield* zeroBytes(k, folio, from, to);
  yield* folioMarkDirty(k, folio);
  yield* folioUnlock(k, folio);
  yield* folioPut(k, folio, 1);
}

/** truncate_inode_partial_folio(): zeroes bytes [from, to) of one page of the file, if the page exists. */
function* zeroPartialPage(
  k: Kernel,
  file: FileId,
  index: number,
  from: number,
  to: number,
): Steps<void> {
  if (from >= to) return;
  if (isDiskKind(k.file.kind[file])) {
    yield* zeroDiskPage(k, file, index, from, to);
    return;
  }
  const found = yield* shmemGetFolio(k, file, index, false, 0);
  if (found === 0) return;
  yield* folioPut(k, found, 1);
  const folio = yield* filemapLockFolio(k, file, index);
  if (folio === 0) return;
  yield* zeroBytes(k, folio + (index - k.page.index[folio]), from, to);
  k.page.flags[folio] |= PG.dirty;
  yield* folioUnlock(k, folio);
  yield* folioPut(k, folio, 1);
}

function* zeroBytes(k: Kernel, pfn: Pfn, from: number, to: number): Steps<void> {
  yield WRITE | at(R.content, pfn);
  for (let off = from; off < to; off++) setPageByte(k, pfn, off, 0);
}
