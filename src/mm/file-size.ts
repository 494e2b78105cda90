/**
 * ftruncate(2) and fallocate(2) (mm/shmem.c: shmem_setattr, shmem_fallocate; ext4_setattr, ext4_punch_hole and their
 * like in file-size-disk.ts). Positions and sizes are given as whole pages and bytes of the last partial one. Rules:
 * semantics.md A.23.6.
 */
import { R } from '../machine/access.ts';
import { EINVAL, ENODEV, ENOMEM, ENOSPC, EOPNOTSUPP, EPERM } from '../machine/errno.ts';
import { lock, unlock } from '../machine/locks.ts';
import type { FileId, Steps } from '../machine/types.ts';
import { END_OF_FILE, inodeRwsem, setFileSize } from './file-refs.ts';
import { diskAllocate, diskPunchHole, diskSetSize } from './file-size-disk.ts';
import { FILE, isDaxKind, isDeviceFile, isDiskKind } from './file-tables.ts';
import { folioPut } from './folio.ts';
import { fsdaxAllocate, fsdaxPunchHole, fsdaxSetSize } from './fsdax.ts';
import { hugetlbRemovePages } from './hugetlb-file.ts';
import type { Kernel } from './kernel.ts';
import { SEAL } from './memfd.ts';
import { shmemGetOrMakeFolio } from './shmem.ts';
import { truncateInodePagesRange, truncatePagecache, unmapMappingRange } from './truncate.ts';

/** FALLOC_FL_* that are known. */
export const FALLOC = { keepSize: 1, punchHole: 2 } as const;

/** Whether size or position (aPage, aOff) is below (bPage, bOff). */
function below(aPage: number, aOff: number, bPage: number, bOff: number): boolean {
  return aPage < bPage || (aPage === bPage && aOff < bOff);
}

/**
 * ftruncate(): the file's size becomes `pages` pages and `tail` bytes. -EPERM against a seal; -EINVAL for a size that
 * the file cannot have (secret memory is sized once, huge page files by whole pages).
 */
export function* sysFtruncate(k: Kernel, file: FileId, pages: number, tail: number): Steps<number> {
  if (pages < 0 || tail < 0 || pages >= END_OF_FILE) return -EINVAL;
  yield* lock(k, R.inodeLock, inodeRwsem(k, file));
  const error = yield* setSize(k, file, pages, tail);
  yield* unlock(k, R.inodeLock, inodeRwsem(k, file));
  return error;
}

function* setSize(k: Kernel, file: FileId, pages: number, tail: number): Steps<number> {
  const shrink = below(pages, tail, k.file.pages[file], k.file.tail[file]);
  const grow = below(k.file.pages[file], k.file.tail[file], pages, tail);
  if (shrink && (k.file.seals[file] & SEAL.shrink) !== 0) return -EPERM;
  if (grow && (k.file.seals[file] & SEAL.grow) !== 0) return -EPERM;
  if (k.file.kind[file] === FILE.secretmem && (k.file.pages[file] !== 0 || k.file.tail[file] !== 0))
    return -EINVAL;
  if (k.file.kind[file] === FILE.hugetlbfs) {
    const order = k.file.order[file];
    if (tail !== 0 || (pages & ((1 << order) - 1)) !== 0) return -EINVAL;
  }
  if (isDeviceFile(k.file.kind[file])) return -EINVAL;
  if (isDaxKind(k.file.kind[file])) {
    return yield* fsdaxSetSize(k, file, pages, tail, shrink);
  }
  if (isDiskKind(k.file.kind[file])) {
    yield* diskSetSize(k, file, pages, tail, shrink);
    return 0;
  }
  const oldPages = k.file.pages[file];
  setFileSize(k, file, pages, tail);
  if (!shrink) return 0;
  if (k.file.kind[file] === FILE.hugetlbfs) {
    yield* unmapMappingRange(k, file, pages, END_OF_FILE, true);
    yield* hugetlbRemovePages(k, file, pages, oldPages);
    return 0;
  }
  yield* truncatePagecache(k, file, pages, tail);
  return 0;
}

/**
 * fallocate(): gives pages to bytes [pos, pos + len), or takes them away with FALLOC.punchHole | FALLOC.keepSize.
 * Errors: -EINVAL, -EOPNOTSUPP, -EPERM (seals), -ENODEV, -ENOMEM.
 */
export function* sysFallocate(
  k: Kernel,
  file: FileId,
  mode: number,
  posPage: number,
  posOff: number,
  lenPages: number,
  lenTail: number,
): Steps<number> {
  if (posPage < 0 || posOff < 0 || lenPages < 0 || lenTail < 0 || (lenPages === 0 && lenTail === 0))
    return -EINVAL;
  if ((mode & ~(FALLOC.keepSize | FALLOC.punchHole)) !== 0) return -EOPNOTSUPP;
  if ((mode & FALLOC.punchHole) !== 0 && (mode & FALLOC.keepSize) === 0) return -EOPNOTSUPP;
  if (k.file.kind[file] === FILE.secretmem || isDeviceFile(k.file.kind[file])) return -EOPNOTSUPP;
  const endBytes = posOff + lenTail;
  const endPage = posPage + lenPages + (endBytes >>> 12);
  const endOff = endBytes & 4095;
  if (endPage >= END_OF_FILE) return -EINVAL;
  yield* lock(k, R.inodeLock, inodeRwsem(k, file));
  let error = 0;
  if ((mode & FALLOC.punchHole) !== 0)
    error = yield* punchHole(k, file, posPage, posOff, endPage, endOff);
  else error = yield* allocateRange(k, file, mode, posPage, endPage, endOff);
  yield* unlock(k, R.inodeLock, inodeRwsem(k, file));
  return error;
}

function* punchHole(
  k: Kernel,
  file: FileId,
  fromPage: number,
  fromOff: number,
  toPage: number,
  toOff: number,
): Steps<number> {
  if ((k.file.seals[file] & (SEAL.write | SEAL.futureWrite)) !== 0) return -EPERM;
  if (isDaxKind(k.file.kind[file])) {
    return yield* fsdaxPunchHole(k, file, fromPage, fromOff, toPage, toOff);
  }
  if (isDiskKind(k.file.kind[file])) {
    yield* diskPunchHole(k, file, fromPage, fromOff, toPage, toOff);
    return 0;
  }
  const first = fromOff === 0 ? fromPage : fromPage + 1;
  if (k.file.kind[file] === FILE.hugetlbfs) {
    const mask = (1 << k.file.order[file]) - 1;
    const from = (first + mask) & ~mask;
    const to = Math.min(toPage, k.file.pages[file]) & ~mask;
    if (from >= to) return 0;
    yield* unmapMappingRange(k, file, from, to, false);
    yield* hugetlbRemovePages(k, file, from, to);
    return 0;
  }
  if (first < toPage) yield* unmapMappingRange(k, file, first, toPage, false);
  yield* truncateInodePagesRange(k, file, fromPage, fromOff, toPage, toOff);
  return 0;
}

function* allocateRange(
  k: Kernel,
  file: FileId,
  mode: number,
  fromPage: number,
  toPage: number,
  toOff: number,
): Steps<number> {
  if (k.file.kind[file] === FILE.hugetlbfs) return -ENODEV;
  const grow =
    (mode & FALLOC.keepSize) === 0 && below(k.file.pages[file], k.file.tail[file], toPage, toOff);
  if (grow && (k.file.seals[file] & SEAL.grow) !== 0) return -EPERM;
  const end = toOff === 0 ? toPage : toPage + 1;
  if (isDaxKind(k.file.kind[file])) {
    const room = yield* fsdaxAllocate(k, file, fromPage, end);
    if (!room) return -ENOSPC;
  } else if (isDiskKind(k.file.kind[file])) {
    const error = yield* diskAllocate(k, file, fromPage, end);
    if (error !== 0) return error;
  } else {
    const error = yield* shmemAllocate(k, file, fromPage, end);
    if (error !== 0) return error;
  }
  if (grow) setFileSize(k, file, toPage, toOff);
  return 0;
}

/** shmem_fallocate(): pages for the indexes [from, to). 0 or -ENOMEM. */
function* shmemAllocate(k: Kernel, file: FileId, from: number, to: number): Steps<number> {
  for (let index = from; index < to; index++) {
    const folio = yield* shmemGetOrMakeFolio(k, file, index);
    if (folio === 0) return -ENOMEM;
    yield* folioPut(k, folio, 1);
  }
  return 0;
}
