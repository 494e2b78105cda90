/**
 * read(2) and write(2) through the page cache (mm/shmem.c: shmem_file_read_iter; filemap.c: filemap_read,
 * generic_perform_write). Bytes pass
 * through a buffer of the task, page by page: user memory is touched as the task's own access, the cache's page by the
 * kernel's map. Rules: semantics.md A.31 (DMA: by page, never by address).
 */
import { at, R, READ, WRITE } from '../machine/access.ts';
import { flagSet } from '../machine/atomic.ts';
import { EFAULT, EINVAL, ENOMEM, ENOSPC, EPERM } from '../machine/errno.ts';
import {
  folioLock,
  folioUnlock,
  lock,
  lockShared,
  unlock,
  unlockShared,
} from '../machine/locks.ts';
import { leafPfn } from '../machine/mmu.ts';
import { PAGE_SIZE, PG } from '../machine/page.ts';
import type { FileId, Folio, Steps, TaskId, Vpn } from '../machine/types.ts';
import { bounceClear, bounceIn, bounceOut } from './bounce-buffer.ts';
import { diskGetFolio, diskWriteBegin } from './disk-file.ts';
import { END_OF_FILE, inodeRwsem, setFileSize, touchSize } from './file-refs.ts';
import { FILE, isDaxKind, isDiskKind } from './file-tables.ts';
import { folioPut } from './folio.ts';
import { daxAllocBlock, daxBlock } from './fsdax.ts';
import type { Kernel } from './kernel.ts';
import { SEAL } from './memfd.ts';
import { kernelAccess } from './memory.ts';
import { cacheLoad } from './page-cache.ts';
import { folioMarkDirty } from './set-dirty.ts';
import { shmemGetFolio, shmemGetOrMakeFolio } from './shmem.ts';

/**
 * pread(): up to `count` bytes from byte `posOff` of page `posPage` of the file into user memory at byte `off` of page
 * `vpn`. Returns the bytes read, 0 at the end of the file, -EFAULT when nothing could be stored, -EINVAL for secret memory.
 */
export function* filePread(
  k: Kernel,
  task: TaskId,
  file: FileId,
  posPage: number,
  posOff: number,
  count: number,
  vpn: Vpn,
  off: number,
): Steps<number> {
  if (count < 0 || k.file.kind[file] === FILE.secretmem || k.file.kind[file] === FILE.hugetlbfs)
    return -EINVAL;
  // XFS alone keeps readers and writers apart, so that no read sees half of a write (xfs_file_buffered_read).
  const excluded = k.file.kind[file] === FILE.xfs || isDaxKind(k.file.kind[file]);
  if (excluded) yield* lockShared(k, R.inodeLock, inodeRwsem(k, file));
  const done = yield* preadPages(k, task, file, posPage, posOff, count, vpn, off);
  if (excluded) yield* unlockShared(k, R.inodeLock, inodeRwsem(k, file));
  return done;
}

function* preadPages(
  k: Kernel,
  task: TaskId,
  file: FileId,
  posPage: number,
  posOff: number,
  count: number,
  vpn: Vpn,
  off: number,
): Steps<number> {
  let done = 0;
  let result = 0;
  while (done < count) {
    const from = posOff + done;
    const to = off + done;
    const chunk = Math.min(
      PAGE_SIZE - (from & 4095),
      PAGE_SIZE - (to & 4095),
      count - done,
      bytesLeft(k, file, posPage + (from >>> 12), from & 4095),
    );
    if (chunk <= 0) break;
    const index = posPage + (from >>> 12);
    const dax = isDaxKind(k.file.kind[file]);
    const folio = dax ? yield* daxBlock(k, file, index) : yield* fileGetFolio(k, file, index);
    if (folio < 0) {
      result = folio;
      break;
    }
    if (folio !== 0) {
      const page = folio + (index - k.page.index[folio]);
      yield READ | at(R.content, page);
      bounceIn(k, task, page, from & 4095, chunk);
      if (!dax) yield* folioPut(k, folio, 1);
    } else if (dax) {
      bounceClear(k, task);
    } else {
      const slot = yield* cacheLoad(k, file, index);
      if (slot < 0) {
        // In swap, and no memory to read it back.
        result = -ENOMEM;
        break;
      }
      bounceClear(k, task);
    }
    const target = yield* kernelAccess(k, task, vpn + (to >>> 12), true);
    if (target < 0) {
      result = -EFAULT;
      break;
    }
    bounceOut(k, task, target, to & 4095, chunk);
    done += chunk;
  }
  bounceClear(k, task);
  return done !== 0 ? done : result;
}

/**
 * The folio of page `index` with one more reference, as read(2) finds it; 0: a hole of a memory file, or in swap with no
 * memory to read it back; -ENOMEM, -EIO of a medium.
 */
export function* fileGetFolio(k: Kernel, file: FileId, index: number): Steps<Folio> {
  if (isDiskKind(k.file.kind[file])) return yield* diskGetFolio(k, file, index, 0, false);
  return yield* shmemGetFolio(k, file, index, false, 0);
}

/** Bytes of the file from a position on, at most one page's. */
export function bytesLeft(k: Kernel, file: FileId, page: number, off: number): number {
  touchSize(k, file, READ);
  if (page < k.file.pages[file]) return PAGE_SIZE;
  return page === k.file.pages[file] ? Math.max(0, k.file.tail[file] - off) : 0;
}

/**
 * pwrite(): `count` bytes from user memory (byte `off` of page `vpn`) to byte `posOff` of page `posPage` of the file, which
 * grows as needed. Returns the bytes written, -EFAULT, -EPERM (seals), -ENOSPC (no memory), -EINVAL.
 */
export function* filePwrite(
  k: Kernel,
  task: TaskId,
  file: FileId,
  posPage: number,
  posOff: number,
  count: number,
  vpn: Vpn,
  off: number,
): Steps<number> {
  if (count < 0 || k.file.kind[file] === FILE.secretmem || k.file.kind[file] === FILE.hugetlbfs)
    return -EINVAL;
  yield* lock(k, R.inodeLock, inodeRwsem(k, file));
  let done = 0;
  let result = 0;
  while (done < count && result === 0) {
    const to = posOff + done;
    const from = off + done;
    const chunk = Math.min(PAGE_SIZE - (from & 4095), PAGE_SIZE - (to & 4095), count - done);
    result = writeDenied(k, file, posPage + (to >>> 12), (to & 4095) + chunk);
    if (result !== 0) break;
    if (k.rules.file.beginFirst && leafPfn(k, k.task.mm[task], vpn + (from >>> 12)) === 0) {
      result = yield* beginChunk(k, file, posPage + (to >>> 12));
      if (result !== 0) break;
    }
    const source = yield* kernelAccess(k, task, vpn + (from >>> 12), false);
    if (source < 0) {
      result = -EFAULT;
      break;
    }
    bounceIn(k, task, source, from & 4095, chunk);
    result = yield* writeChunk(k, task, file, posPage + (to >>> 12), to & 4095, chunk);
    if (result === 0) done += chunk;
  }
  bounceClear(k, task);
  yield* unlock(k, R.inodeLock, inodeRwsem(k, file));
  return done !== 0 ? done : result;
}

/**
 * A memory file's page is made before it turns out that the source has to be faulted in; then the page stays, whatever
 * comes of the write (0, or -ENOSPC).
 */
function* beginChunk(k: Kernel, file: FileId, index: number): Steps<number> {
  if (k.file.kind[file] !== FILE.shmem) return 0;
  const folio = yield* shmemGetOrMakeFolio(k, file, index);
  if (folio === 0) return -ENOSPC;
  yield* folioPut(k, folio, 1);
  return 0;
}

/** One page's part of a write whose bytes the task's buffer has already: 0 or an error. */
export function* writeBounced(
  k: Kernel,
  task: TaskId,
  file: FileId,
  index: number,
  off: number,
  n: number,
): Steps<number> {
  yield* lock(k, R.inodeLock, inodeRwsem(k, file));
  let error = writeDenied(k, file, index, off + n);
  if (error === 0) error = yield* writeChunk(k, task, file, index, off, n);
  yield* unlock(k, R.inodeLock, inodeRwsem(k, file));
  bounceClear(k, task);
  return error;
}

/** shmem_write_begin()'s look at the seals, and the largest file. */
function writeDenied(k: Kernel, file: FileId, index: number, end: number): number {
  if (index >= END_OF_FILE) return -EINVAL;
  const seals = k.file.seals[file];
  if ((seals & (SEAL.write | SEAL.futureWrite)) !== 0) return -EPERM;
  const grows =
    index > k.file.pages[file] || (index === k.file.pages[file] && end > k.file.tail[file]);
  return grows && (seals & SEAL.grow) !== 0 ? -EPERM : 0;
}

/** One page's part of a write, from the task's buffer: begin, copy, end. */
function* writeChunk(
  k: Kernel,
  task: TaskId,
  file: FileId,
  index: number,
  off: number,
  chunk: number,
): Steps<number> {
  if (isDaxKind(k.file.kind[file])) return yield* writeDaxChunk(k, task, file, index, off, chunk);
  if (isDiskKind(k.file.kind[file])) return yield* writeDiskChunk(k, task, file, index, off, chunk);
  for (;;) {
    const folio = yield* shmemGetOrMakeFolio(k, file, index);
    if (folio === 0) return -ENOSPC;
    yield* folioLock(k, folio);
    const there = k.page.mapping[folio] === file << 2;
    if (there) {
      const page = folio + (index - k.page.index[folio]);
      yield WRITE | at(R.content, page);
      bounceOut(k, task, page, off, chunk);
      growTo(k, file, index, off + chunk);
      yield* folioMarkDirty(k, folio);
    }
    yield* folioUnlock(k, folio);
    yield* folioPut(k, folio, 1);
    if (there) return 0;
  }
}

/** The same for a file on a medium: its block is promised before, its page goes there some time later. */
function* writeDiskChunk(
  k: Kernel,
  task: TaskId,
  file: FileId,
  index: number,
  off: number,
  chunk: number,
): Steps<number> {
  const folio = yield* diskWriteBegin(k, file, index, chunk === PAGE_SIZE);
  if (folio < 0) return folio;
  yield WRITE | at(R.content, folio);
  bounceOut(k, task, folio, off, chunk);
  growTo(k, file, index, off + chunk);
  yield* flagSet(k, folio, PG.uptodate);
  yield* folioMarkDirty(k, folio);
  yield* folioUnlock(k, folio);
  yield* folioPut(k, folio, 1);
  return 0;
}

/** The same for a file on persistent memory: its block is written as it is (dax_iomap_rw). */
function* writeDaxChunk(
  k: Kernel,
  task: TaskId,
  file: FileId,
  index: number,
  off: number,
  chunk: number,
): Steps<number> {
  const page = yield* daxAllocBlock(k, file, index);
  if (page === 0) return -ENOSPC;
  yield WRITE | at(R.content, page);
  bounceOut(k, task, page, off, chunk);
  growTo(k, file, index, off + chunk);
  return 0;
}

/** The file holds at least `bytes` bytes of page `index`. */
export function growTo(k: Kernel, file: FileId, index: number, bytes: number): void {
  const pages = bytes === PAGE_SIZE ? index + 1 : index;
  const tail = bytes === PAGE_SIZE ? 0 : bytes;
  if (pages < k.file.pages[file] || (pages === k.file.pages[file] && tail <= k.file.tail[file]))
    return;
  setFileSize(k, file, pages, tail);
}
