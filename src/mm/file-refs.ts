/**
 * Inodes of memory files: numbers, reference counts and the last reference's end (inode.c: new_inode, iget,
 * iput, evict). Descriptors and mappings each hold one reference.
 */
import { at, R, WRITE } from '../machine/access.ts';
import { touchAlso } from '../machine/also.ts';
import { lock, unlock } from '../machine/locks.ts';
import type { FileId, Steps } from '../machine/types.ts';
import { FILE, isDaxKind } from './file-tables.ts';
import { fsdaxEvict } from './fsdax.ts';
import { hugetlbEvict } from './hugetlb-file.ts';
import type { Kernel } from './kernel.ts';
import { freeBlocks } from './medium.ts';
import { cacheFreeIndex } from './page-cache.ts';
import { truncateInodePagesRange } from './truncate.ts';

/** Index of a file's i_rwsem in region `R.inodeLock`: serialises writes, truncations and seals. */
export function inodeRwsem(k: Kernel, file: FileId): number {
  return k.file.kind.length + file;
}

/** Index of a file's invalidate_lock: faults and reads that add pages against those who take blocks away. */
export function invalidateLock(k: Kernel, file: FileId): number {
  return 2 * k.file.kind.length + file;
}

/** Notes that this step reads or writes (READ, WRITE) the file's size, which no lock guards against readers. */
export function touchSize(k: Kernel, file: FileId, op: number): void {
  touchAlso(k, op | at(R.directIo, 2 * k.file.kind.length + file));
}

/** i_size_write(): the size is `pages` pages and `tail` bytes more. */
export function setFileSize(k: Kernel, file: FileId, pages: number, tail: number): void {
  touchSize(k, file, WRITE);
  k.file.pages[file] = pages;
  k.file.tail[file] = tail;
}

/** A new, empty file of `FILE` kind `kind` with one reference; 0: no number left. */
export function* newFile(k: Kernel, kind: number): Steps<FileId> {
  yield* lock(k, R.inodeLock, 0);
  let file = 1;
  while (file < k.file.kind.length && k.file.kind[file] !== FILE.none) file++;
  if (file === k.file.kind.length) {
    file = 0;
  } else {
    k.file.kind[file] = kind;
    k.file.refs[file] = 1;
  }
  yield* unlock(k, R.inodeLock, 0);
  return file;
}

/** One more descriptor or user of the file (get_file, ihold). */
export function* fileGet(k: Kernel, file: FileId): Steps<void> {
  yield* lock(k, R.inodeLock, file);
  k.file.refs[file] += 1;
  yield* unlock(k, R.inodeLock, file);
}

/** fput(), iput(): the last reference's end frees the pages and the number. Never under mmap_lock's inner locks. */
export function* filePut(k: Kernel, file: FileId): Steps<void> {
  yield* lock(k, R.inodeLock, file);
  k.file.refs[file] -= 1;
  const left = k.file.refs[file];
  yield* unlock(k, R.inodeLock, file);
  if (left === 0) yield* fileEvict(k, file);
}

/** evict(): nobody has the file open or mapped; pins may still hold its pages, which become orphans (A.23.6). */
export function* fileEvict(k: Kernel, file: FileId): Steps<void> {
  if (isDaxKind(k.file.kind[file])) yield* fsdaxEvict(k, file);
  else if (k.file.kind[file] === FILE.hugetlbfs) yield* hugetlbEvict(k, file);
  else yield* truncateInodePagesRange(k, file, 0, 0, END_OF_FILE, 0);
  yield* cacheFreeIndex(k, file);
  yield* freeBlocks(k, file, 0);
  yield WRITE | at(R.pageCache, file);
  k.file.pages[file] = 0;
  k.file.tail[file] = 0;
  k.file.seals[file] = 0;
  k.file.lease[file] = 0;
  k.file.order[file] = 0;
  k.file.kind[file] = FILE.none;
}

/** A page index behind every file. */
export const END_OF_FILE = 0x3fffffff;
