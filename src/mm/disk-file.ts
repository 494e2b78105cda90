/**
 * Pages of files on a medium (ext4, XFS, btrfs): read in on demand, and made ready for writing through the cache
 * (mm/filemap.c: filemap_create_folio, filemap_read_folio; write_begin of the file systems). Rules: semantics.md
 * A.23.1, A.23.4; S186 to S188.
 */
import { at, R, WRITE } from '../machine/access.ts';
import { flagSet, flagsRead } from '../machine/atomic.ts';
import { allocPages, GFP } from '../machine/buddy.ts';
import { EAGAIN, EEXIST, EIO, ENOMEM, ENOSPC } from '../machine/errno.ts';
import { folioWaitWriteback } from '../machine/folio-wait.ts';
import { folioLock, folioUnlock, lockShared, unlockShared } from '../machine/locks.ts';
import { PAGE_SIZE, PG } from '../machine/page.ts';
import type { FileId, Folio, Steps } from '../machine/types.ts';
import { attachBuffers, usesBuffers } from './buffers.ts';
import { checksumFits } from './checksum.ts';
import { invalidateLock } from './file-refs.ts';
import { FILE } from './file-tables.ts';
import { filemapAddFolio, filemapGetFolio, filemapLockFolio } from './filemap.ts';
import { folioPut } from './folio.ts';
import type { Kernel } from './kernel.ts';
import { folioAddLru } from './lru.ts';
import { isMapped, mediumToPage, reserveBlock } from './medium.ts';

/** Whether a page under writeback may not change (stable pages): its checksum is on its way too. */
export function isStable(k: Kernel, file: FileId): boolean {
  return k.file.kind[file] === FILE.btrfs;
}

/**
 * filemap_get_pages(): the folio of page `index`, uptodate, with one more reference, not locked; read from the medium
 * when it is not in the cache. `gfp` is added to GFP.movable; `byFault`: for a page fault. -ENOMEM, -EIO.
 */
export function* diskGetFolio(
  k: Kernel,
  file: FileId,
  index: number,
  gfp: number,
  byFault: boolean,
): Steps<Folio> {
  for (;;) {
    const found = yield* filemapGetFolio(k, file, index);
    if (found !== 0) {
      const flags = yield* flagsRead(k, found);
      if ((flags & PG.uptodate) !== 0) return found;
      const error = yield* readAgain(k, file, found);
      if (error === 0) return found;
      yield* folioPut(k, found, 1);
      if (error !== -EAGAIN) return error;
      continue;
    }
    const guarded = readsGuarded(k, file, byFault);
    if (guarded) yield* lockShared(k, R.inodeLock, invalidateLock(k, file));
    const fresh = yield* readFresh(k, file, index, gfp);
    if (guarded) yield* unlockShared(k, R.inodeLock, invalidateLock(k, file));
    if (fresh !== -EEXIST) return fresh;
  }
}

/** Whether page faults and those who take blocks away keep out of each other's way (S186). */
export function faultsGuarded(k: Kernel, file: FileId): boolean {
  return k.rules.ext4.faultsGuarded || k.file.kind[file] !== FILE.ext4;
}

/** Whether whoever reads a page in takes invalidate_lock (S186, S187). */
function readsGuarded(k: Kernel, file: FileId, byFault: boolean): boolean {
  return byFault ? faultsGuarded(k, file) : k.rules.filemap.readsGuarded;
}

/** filemap_create_folio(): as `diskGetFolio` when the cache has nothing. -EEXIST: it has by now. */
function* readFresh(k: Kernel, file: FileId, index: number, gfp: number): Steps<Folio> {
  const fresh = yield* addFreshFolio(k, file, index, gfp);
  if (fresh < 0) return fresh;
  const error = yield* readFolio(k, file, fresh);
  yield* folioUnlock(k, fresh);
  if (error === 0) return fresh;
  yield* folioPut(k, fresh, 1);
  return error;
}

/** filemap_update_page(): somebody reads the folio in, or could not. 0, -EIO, or -EAGAIN when it has left the file. */
function* readAgain(k: Kernel, file: FileId, folio: Folio): Steps<number> {
  const inFile = yield* lockInFile(k, file, folio);
  if (!inFile) return -EAGAIN;
  let error = 0;
  if ((k.page.flags[folio] & PG.uptodate) === 0) error = yield* readFolio(k, file, folio);
  yield* folioUnlock(k, folio);
  return error;
}

/** A new folio at page `index`, locked, not uptodate, with one reference. -EEXIST: somebody was faster; -ENOMEM. */
function* addFreshFolio(k: Kernel, file: FileId, index: number, gfp: number): Steps<Folio> {
  const fresh = yield* allocPages(k, 0, GFP.movable | gfp, 0);
  if (fresh === 0) return -ENOMEM;
  const error = yield* filemapAddFolio(k, fresh, file, index);
  if (error !== 0) {
    yield* folioPut(k, fresh, 1);
    return error;
  }
  yield* folioAddLru(k, fresh);
  return fresh;
}

/**
 * filemap_read_folio(): the device fills a locked folio; holes and promised blocks are zeros. -EIO, and not uptodate:
 * btrfs finds that what the medium holds is not what it had summed up.
 */
function* readFolio(k: Kernel, file: FileId, folio: Folio): Steps<number> {
  const index = k.page.index[folio];
  if (isMapped(k, file, index)) {
    yield WRITE | at(R.content, folio);
    mediumToPage(k, file, index, 0, folio, 0, PAGE_SIZE);
    if (!checksumFits(k, file, index, folio)) return -EIO;
  }
  yield* flagSet(k, folio, PG.uptodate);
  return 0;
}

/**
 * write_begin(): the folio of page `index`, locked, with one more reference, its block promised, and uptodate unless
 * `whole` says that all of it will be written. -ENOMEM, -ENOSPC, -EIO.
 */
export function* diskWriteBegin(
  k: Kernel,
  file: FileId,
  index: number,
  whole: boolean,
): Steps<Folio> {
  let folio = yield* filemapLockFolio(k, file, index);
  while (folio === 0) {
    const fresh = yield* addFreshFolio(k, file, index, 0);
    if (fresh < 0 && fresh !== -EEXIST) return fresh;
    folio = fresh > 0 ? fresh : yield* filemapLockFolio(k, file, index);
  }
  const ready = yield* prepareWrite(k, file, folio);
  if (!ready) {
    yield* folioUnlock(k, folio);
    yield* folioPut(k, folio, 1);
    return -ENOSPC;
  }
  let error = 0;
  if (!whole && (k.page.flags[folio] & PG.uptodate) === 0) error = yield* readFolio(k, file, folio);
  if (error === 0) return folio;
  yield* folioUnlock(k, folio);
  yield* folioPut(k, folio, 1);
  return error;
}

/**
 * What write_begin() and page_mkwrite() have in common, on a locked folio: wait until it may change, promise its block,
 * give it buffers. False: the medium is full.
 */
export function* prepareWrite(k: Kernel, file: FileId, folio: Folio): Steps<boolean> {
  if (isStable(k, file) && (k.page.flags[folio] & PG.writeback) !== 0)
    yield* folioWaitWriteback(k, folio);
  if (!isMapped(k, file, k.page.index[folio])) {
    const promised = yield* reserveBlock(k, file, k.page.index[folio]);
    if (!promised) return false;
  }
  if (usesBuffers(k, file)) yield* attachBuffers(k, folio);
  return true;
}

/** Locks a folio that the caller has a reference on; false, and not locked: it has left the file. */
export function* lockInFile(k: Kernel, file: FileId, folio: Folio): Steps<boolean> {
  yield* folioLock(k, folio);
  if (k.page.mapping[folio] === file << 2) return true;
  yield* folioUnlock(k, folio);
  return false;
}
