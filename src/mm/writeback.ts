/**
 * Writing dirty pages of a file to the medium (page-writeback.c: write_cache_pages; fs/ext4/inode.c:
 * mpage_prepare_extent_to_map, ext4_bio_write_folio; fs/iomap/buffered-io.c). One page at a time: cleaned, sent to
 * the device, and read by the device while everybody may go on writing to it. Rules: semantics.md A.23.2 to A.23.4,
 * A.23.10, A.31 W1 to W6.
 */
import { at, R, READ, WRITE } from '../machine/access.ts';
import { flagClear, flagSet, flagsRead } from '../machine/atomic.ts';
import { pageByte, setPageByte } from '../machine/contents.ts';
import { ENOSPC } from '../machine/errno.ts';
import { folioWaitWriteback } from '../machine/folio-wait.ts';
import { folioLock, folioUnlock } from '../machine/locks.ts';
import { PAGE_SIZE, PG } from '../machine/page.ts';
import { BUG, bug } from '../machine/report.ts';
import type { FileId, Folio, Steps } from '../machine/types.ts';
import { hasBuffers, usesBuffers } from './buffers.ts';
import { noteChecksum } from './checksum.ts';
import { dmaWait, tracksGup } from './dma-pinned.ts';
import { FILE, isDiskKind } from './file-tables.ts';
import { filemapGetFolio } from './filemap.ts';
import { folioPut } from './folio.ts';
import { clearDirtyForIo } from './folio-mkclean.ts';
import type { Kernel } from './kernel.ts';
import { allocBlock, pageToMedium } from './medium.ts';
import { cacheNext } from './page-cache.ts';
import { folioMaybeDmaPinned } from './pinned.ts';

/**
 * Writes the dirty pages [from, to) of a file back. With `sync` (WB_SYNC_ALL: fsync, msync) it waits for pages that are
 * being written already, without it (WB_SYNC_NONE: the flusher) it passes them by. 0, or -ENOSPC.
 */
export function* writebackRange(
  k: Kernel,
  file: FileId,
  from: number,
  to: number,
  sync: boolean,
): Steps<number> {
  if (!isDiskKind(k.file.kind[file])) return 0;
  let result = 0;
  let index = yield* cacheNext(k, file, from, to);
  while (index >= 0) {
    const folio = yield* filemapGetFolio(k, file, index);
    if (folio !== 0) {
      const error = yield* writebackFolio(k, file, folio, sync);
      if (error !== 0) result = error;
      yield* folioPut(k, folio, 1);
    }
    index = yield* cacheNext(k, file, index + 1, to);
  }
  if (sync) yield* waitRange(k, file, from, to);
  return result;
}

/** filemap_fdatawait_range(): until none of the pages [from, to) is under writeback. */
export function* waitRange(k: Kernel, file: FileId, from: number, to: number): Steps<void> {
  let index = yield* cacheNext(k, file, from, to);
  while (index >= 0) {
    const folio = yield* filemapGetFolio(k, file, index);
    if (folio !== 0) {
      const flags = yield* flagsRead(k, folio);
      if ((flags & PG.writeback) !== 0) yield* folioWaitWriteback(k, folio);
      yield* folioPut(k, folio, 1);
    }
    index = yield* cacheNext(k, file, index + 1, to);
  }
}

/** filemap_write_and_wait_range(). */
export function* writeAndWait(k: Kernel, file: FileId, from: number, to: number): Steps<number> {
  return yield* writebackRange(k, file, from, to, true);
}

/**
 * One page that the walk has found, with a reference. The proposals of 2018 leave a page under DMA dirty, and wait for
 * the end of it where the data must be on the medium (S205).
 */
function* writebackFolio(k: Kernel, file: FileId, folio: Folio, sync: boolean): Steps<number> {
  // The index' tag says what is dirty, so that clean pages are not locked.
  const tagged = yield* flagsRead(k, folio);
  if ((tagged & PG.dirty) === 0) return 0;
  yield* folioLock(k, folio);
  const flags = k.page.flags[folio];
  const busy = (flags & PG.writeback) !== 0 && !sync;
  if (k.page.mapping[folio] !== file << 2 || (flags & PG.dirty) === 0 || busy) {
    yield* folioUnlock(k, folio);
    return 0;
  }
  if ((flags & PG.writeback) !== 0) yield* folioWaitWriteback(k, folio);
  if (k.rules.design.cleanPinned === 'skip') {
    const pinned = yield* folioMaybeDmaPinned(k, folio);
    if (pinned) {
      yield* folioUnlock(k, folio);
      if (!sync || !tracksGup(k)) return 0;
      yield* dmaWait(k, folio);
      return yield* writebackFolio(k, file, folio, sync);
    }
  }
  if (usesBuffers(k, file) && !hasBuffers(k, folio)) {
    yield* dirtyWithoutBuffers(k, folio);
    yield* folioUnlock(k, folio);
    return 0;
  }
  return yield* writepage(k, file, folio);
}

/**
 * A locked page that somebody made dirty behind the file system's back, after it had lost its buffers (A.23.3). To 5.17
 * a BUG in page_buffers(); since then ext4 warns, and throws the data away (S185).
 */
function* dirtyWithoutBuffers(k: Kernel, folio: Folio): Steps<void> {
  if (k.rules.ext4.dirtyNoBuffers === 'bug') bug(k, BUG.dirtyNoBuffers, folio);
  else yield* flagClear(k, folio, PG.dirty);
}

/** Cleans a locked dirty page, unlocks it and sends it to the device, which reads it then (W1 to W6). */
function* writepage(k: Kernel, file: FileId, folio: Folio): Steps<number> {
  const index = k.page.index[folio];
  const block = yield* allocBlock(k, file, index);
  if (block === 0) {
    yield* folioUnlock(k, folio);
    return -ENOSPC;
  }
  const dirty = yield* clearDirtyForIo(k, folio);
  if (!dirty) {
    yield* folioUnlock(k, folio);
    return 0;
  }
  yield* zeroBehindEnd(k, file, folio, index);
  yield* flagSet(k, folio, PG.writeback);
  yield* folioUnlock(k, folio);
  if (k.file.kind[file] === FILE.btrfs) {
    yield READ | at(R.content, folio);
    noteChecksum(k, file, index, folio);
  }
  yield READ | at(R.content, folio);
  pageToMedium(k, folio, 0, file, index, 0, PAGE_SIZE);
  yield* flagClear(k, folio, PG.writeback);
  return 0;
}

/** What a mapping stored behind the file's end does not go to the medium. */
function* zeroBehindEnd(k: Kernel, file: FileId, folio: Folio, index: number): Steps<void> {
  if (index !== k.file.pages[file] || zeroFrom(k, folio, k.file.tail[file])) return;
  yield WRITE | at(R.content, folio);
  for (let off = k.file.tail[file]; off < PAGE_SIZE; off++) setPageByte(k, folio, off, 0);
}

function zeroFrom(k: Kernel, folio: Folio, from: number): boolean {
  for (let off = from; off < PAGE_SIZE; off++) if (pageByte(k, folio, off) !== 0) return false;
  return true;
}
