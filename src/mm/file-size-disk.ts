/**
 * Size, holes and space of files on a medium (ext4_setattr, ext4_punch_hole, ext4_fallocate; xfs_setattr_size,
 * xfs_free_file_space, xfs_alloc_file_space). Direct requests under way are waited for, and the pages leave the cache
 * before their blocks are given away. A pinned page does not stop it: its holder keeps an orphan. Rules: semantics.md
 * A.23.6, A.31 T1 to T4; S186.
 */
import { at, R, WAIT_ZERO } from '../machine/access.ts';
import { ENOSPC } from '../machine/errno.ts';
import { lock, unlock } from '../machine/locks.ts';
import type { FileId, Steps } from '../machine/types.ts';
import { faultsGuarded } from './disk-file.ts';
import { invalidateLock, setFileSize } from './file-refs.ts';
import type { Kernel } from './kernel.ts';
import { allocBlock, freeBlockRange, freeBlocks } from './medium.ts';
import { truncateInodePagesRange, truncatePagecache, unmapMappingRange } from './truncate.ts';
import { writeAndWait } from './writeback.ts';

/** Whether those who read pages in are kept away, too. */
function blocksGuarded(k: Kernel, file: FileId): boolean {
  return faultsGuarded(k, file) || k.rules.filemap.readsGuarded;
}

/** The size becomes `pages` pages and `tail` bytes; with `shrink`, what lies behind goes. i_rwsem is held. */
export function* diskSetSize(
  k: Kernel,
  file: FileId,
  pages: number,
  tail: number,
  shrink: boolean,
): Steps<void> {
  // inode_dio_wait(): i_rwsem, which is held, keeps new direct requests away.
  yield WAIT_ZERO | at(R.directIo, file);
  const guarded = blocksGuarded(k, file);
  if (guarded) yield* lock(k, R.inodeLock, invalidateLock(k, file));
  setFileSize(k, file, pages, tail);
  if (shrink) {
    yield* truncatePagecache(k, file, pages, tail);
    yield* freeBlocks(k, file, tail === 0 ? pages : pages + 1);
  }
  if (guarded) yield* unlock(k, R.inodeLock, invalidateLock(k, file));
}

/** The bytes between the two positions become a hole. i_rwsem is held. */
export function* diskPunchHole(
  k: Kernel,
  file: FileId,
  fromPage: number,
  fromOff: number,
  toPage: number,
  toOff: number,
): Steps<void> {
  yield* writeAndWait(k, file, fromPage, toOff === 0 ? toPage : toPage + 1);
  yield WAIT_ZERO | at(R.directIo, file);
  const guarded = blocksGuarded(k, file);
  if (guarded) yield* lock(k, R.inodeLock, invalidateLock(k, file));
  const first = fromOff === 0 ? fromPage : fromPage + 1;
  if (first < toPage) yield* unmapMappingRange(k, file, first, toPage, false);
  yield* truncateInodePagesRange(k, file, fromPage, fromOff, toPage, toOff);
  yield* freeBlockRange(k, file, first, toPage);
  if (guarded) yield* unlock(k, R.inodeLock, invalidateLock(k, file));
}

/** Gives the blocks [from, to) their place; what they had stays. 0 or -ENOSPC. i_rwsem is held. */
export function* diskAllocate(k: Kernel, file: FileId, from: number, to: number): Steps<number> {
  yield WAIT_ZERO | at(R.directIo, file);
  for (let index = from; index < to; index++) {
    const block = yield* allocBlock(k, file, index);
    if (block === 0) return -ENOSPC;
  }
  return 0;
}
