/**
 * Taking clean pages out of a file's cache (mm/truncate.c: invalidate_inode_pages2_range), as direct I/O does so that
 * nobody reads old data from it. References are no obstacle: a pinned page becomes an orphan, and the next access finds
 * a new one. Rules: semantics.md A.23.7.
 */
import { at, R, WRITE } from '../machine/access.ts';
import { flagsRead } from '../machine/atomic.ts';
import { EBUSY } from '../machine/errno.ts';
import { folioWaitWriteback } from '../machine/folio-wait.ts';
import { folioUnlock, lock, unlock } from '../machine/locks.ts';
import { PG } from '../machine/page.ts';
import type { FileId, Folio, Steps } from '../machine/types.ts';
import { releaseBuffers } from './buffers.ts';
import { dmaPinned, tracksGup } from './dma-pinned.ts';
import { filemapDeleteFolio, filemapLockFolio } from './filemap.ts';
import { folioMapcount, folioPut } from './folio.ts';
import type { Kernel } from './kernel.ts';
import { cacheNext } from './page-cache.ts';
import { unmapMappingRange } from './truncate.ts';

/**
 * invalidate_inode_pages2_range(): unmaps the pages [from, to) of a file and takes them out of its cache. 0, or -EBUSY:
 * one was written to again meanwhile and stays.
 */
export function* invalidateRange(k: Kernel, file: FileId, from: number, to: number): Steps<number> {
  let result = 0;
  let index = yield* cacheNext(k, file, from, to);
  while (index >= 0) {
    const folio = yield* filemapLockFolio(k, file, index);
    if (folio !== 0) {
      const gone = yield* invalidateFolio(k, file, folio, index);
      if (!gone) result = -EBUSY;
      yield* folioUnlock(k, folio);
      yield* folioPut(k, folio, 1);
    }
    index = yield* cacheNext(k, file, index + 1, to);
  }
  return result;
}

/** One locked folio; false: it is dirty, or (in the proposals of 2018) under DMA, and stays. */
function* invalidateFolio(k: Kernel, file: FileId, folio: Folio, index: number): Steps<boolean> {
  yield* folioWaitWriteback(k, folio);
  if (tracksGup(k)) {
    const pinned = yield* dmaPinned(k, folio);
    if (pinned) return false;
  }
  if (folioMapcount(k, folio) !== 0) yield* unmapMappingRange(k, file, index, index + 1, false);
  const released = yield* releaseBuffers(k, folio);
  if (!released) return false;
  yield* lock(k, R.pageCache, file);
  const flags = yield* flagsRead(k, folio);
  const clean = (flags & PG.dirty) === 0;
  if (clean) {
    yield WRITE | at(R.mapping, folio);
    filemapDeleteFolio(k, folio);
  }
  yield* unlock(k, R.pageCache, file);
  // The cache's reference; the caller has its own.
  if (clean) yield* folioPut(k, folio, 1);
  return clean;
}
