/**
 * Direct I/O (iomap/direct-io.c, fs/direct-io.c, block/bio.c): a request holds the pages of the user's buffer while the
 * device moves the data between them and the medium. By FOLL_GET up to 6.4, by FOLL_PIN from 6.5 (S29, A.28). A read
 * marks the pages dirty before the device writes them and again before they are released (bio_set_pages_dirty,
 * bio_release_pages). What the page cache has of the range is written first, and a write takes it out of the cache
 * before and after (A.23.7; S189 to S192).
 */
import { at, R, READ, WRITE } from '../machine/access.ts';
import { EAGAIN, EFAULT, EINVAL, ENOMEM, ENOSPC, ENOTBLK } from '../machine/errno.ts';
import { lock, lockShared, unlock, unlockShared } from '../machine/locks.ts';
import type { FileId, Steps, TaskId, Vpn } from '../machine/types.ts';
import { copyWords, fillWords } from '../machine/words.ts';
import { noteChecksum } from '../mm/checksum.ts';
import { inodeRwsem, setFileSize, touchSize } from '../mm/file-refs.ts';
import { FILE, FILE_BLOCKS } from '../mm/file-tables.ts';
import { headOf } from '../mm/folio.ts';
import { FOLL } from '../mm/foll.ts';
import { gupPutFolio } from '../mm/grab.ts';
import { getUserPagesFast, pinUserPagesFast } from '../mm/gup.ts';
import { invalidateRange } from '../mm/invalidate.ts';
import { allocBlock, mediumToPage, pageToMedium } from '../mm/medium.ts';
import { setPageDirtyLock } from '../mm/set-dirty.ts';
import { unpinUserPages } from '../mm/unpin.ts';
import { writeAndWait } from '../mm/writeback.ts';
import { AIO, AIO_PAGES, AIO_SLOTS, type System } from './system.ts';

const PAGE_SIZE = 4096;
/** What a disk asks of address, offset and length. */
export const DISK_ALIGN = 512;
/** Nothing to move: no bytes asked for, or a read from the end of the file on. */
export const NOTHING = 0;

/** Where in `kmem` the pages of request `aio` are. */
function pagesOf(k: System, aio: number): number {
  return k.aio.kmem + aio * AIO_PAGES;
}

/** The first request in a state (`AIO`); 0: none. */
export function slotIn(k: System, state: number): number {
  for (let aio = 1; aio <= AIO_SLOTS; aio++) if (k.aio.state[aio] === state) return aio;
  return 0;
}

/** First page, and page behind the last, of a range of bytes. */
function pageFrom(pos: number): number {
  return Math.floor(pos / PAGE_SIZE);
}

function pageTo(end: number): number {
  return Math.ceil(end / PAGE_SIZE);
}

/** Size of the file in bytes. */
export function sizeOf(k: System, file: FileId): number {
  touchSize(k, file, READ);
  return k.file.pages[file] * PAGE_SIZE + k.file.tail[file];
}

/** Whether the file's direct I/O goes through iomap, or what XFS did alike before there was iomap (S190). */
function usesIomap(k: System, file: FileId): boolean {
  return (
    k.file.kind[file] === FILE.xfs || (k.file.kind[file] === FILE.ext4 && k.rules.dio.ext4Iomap)
  );
}

/** btrfs sums up what it writes, whole blocks only; what it cannot write directly goes through its cache (S193). */
function mustBuffer(
  k: System,
  file: FileId,
  isRead: boolean,
  off: number,
  len: number,
  pos: number,
): boolean {
  if (k.file.kind[file] !== FILE.btrfs) return false;
  if (!isRead && k.rules.btrfs.directBuffered) return true;
  return off % PAGE_SIZE !== 0 || len % PAGE_SIZE !== 0 || pos % PAGE_SIZE !== 0;
}

/**
 * Prepares a request and holds its pages: memory at vpn:off, `len` bytes, the file at `pos`. Returns its number,
 * NOTHING, -ENOTBLK (go through the cache), or -EINVAL (not aligned), -EAGAIN (none free), -ENOSPC (a write past the
 * blocks that the model's disk has), -ENOMEM, -EFAULT, or what the page pinning call says. A read is of whole blocks, up to the
 * one that the file ends in, and answers the bytes before the end (iomap_dio_rw, iomap_dio_complete). i_rwsem is held.
 * `given`: where in `kmem` the pages are, when somebody holds them already (io_uring's registered buffers); -1: hold them.
 */
export function* beginDirect(
  k: System,
  task: TaskId,
  file: FileId,
  isRead: boolean,
  vpn: Vpn,
  off: number,
  len: number,
  pos: number,
  given: number,
): Steps<number> {
  const size = sizeOf(k, file);
  if (isRead && pos >= size) return NOTHING;
  if (mustBuffer(k, file, isRead, off, len, pos)) return -ENOTBLK;
  const bytes = isRead ? Math.min(len, pageTo(size) * PAGE_SIZE - pos) : len;
  if (pos + bytes > FILE_BLOCKS * PAGE_SIZE || off + bytes > AIO_PAGES * PAGE_SIZE) return -ENOSPC;
  const stale = yield* cleanCache(k, file, isRead, pos, pos + bytes);
  if (stale !== 0) return stale;
  yield WRITE | at(R.io, 0);
  const aio = slotIn(k, AIO.free);
  if (aio === 0) return -EAGAIN;
  k.aio.state[aio] = AIO.taken;
  yield WRITE | at(R.directIo, file);
  k.file.direct[file] += 1;
  k.aio.file[aio] = file;
  const ready = isRead ? true : yield* allocBlocks(k, file, pos, bytes);
  const nr = pageTo(off + bytes);
  let got = ready ? nr : -ENOMEM;
  if (given >= 0) copyWords(k.kmem, given, pagesOf(k, aio), nr);
  else if (ready) got = yield* holdPages(k, task, aio, isRead, vpn, nr);
  if (got < nr) {
    if (got > 0 && given < 0) yield* releasePages(k, aio, got, false);
    yield* endDirect(k, aio);
    yield* forget(k, aio);
    // The pages before the hole are no help to anybody.
    return got < 0 ? got : -EFAULT;
  }
  k.aio.isRead[aio] = isRead ? 1 : 0;
  k.aio.pos[aio] = pos;
  k.aio.off[aio] = off;
  k.aio.len[aio] = bytes;
  k.aio.result[aio] = isRead ? Math.min(bytes, size - pos) : bytes;
  k.aio.pages[aio] = given >= 0 ? 0 : nr;
  if (isRead && given < 0) yield* dirtyPages(k, aio, nr);
  return aio;
}

/**
 * Before the device may read or write the range: the cache's dirty pages of it go to the medium; for a write (to 5.8 for
 * a read through iomap too) the cache forgets them. 0, -ENOTBLK (a page was written to again: go through the cache),
 * -ENOSPC.
 */
function* cleanCache(
  k: System,
  file: FileId,
  isRead: boolean,
  pos: number,
  end: number,
): Steps<number> {
  const error = yield* writeAndWait(k, file, pageFrom(pos), pageTo(end));
  if (error !== 0) return error;
  const iomap = usesIomap(k, file);
  if (isRead && !(iomap && k.rules.dio.readInvalidates)) return 0;
  const busy = yield* invalidateRange(k, file, pageFrom(pos), pageTo(end));
  const goesOn = isRead || (iomap && !k.rules.dio.iomapFallsBack);
  return busy !== 0 && !goesOn ? -ENOTBLK : 0;
}

/** Blocks that a write goes to exist before it is sent off. False: out of memory. */
function* allocBlocks(k: System, file: FileId, pos: number, len: number): Steps<boolean> {
  for (let b = pageFrom(pos); b < pageTo(pos + len); b++) {
    const pfn = yield* allocBlock(k, file, b);
    if (pfn === 0) return false;
  }
  return true;
}

function* holdPages(
  k: System,
  task: TaskId,
  aio: number,
  isRead: boolean,
  vpn: Vpn,
  nr: number,
): Steps<number> {
  const flags = isRead ? FOLL.write : 0;
  if (k.rules.dio.ref === 'pin') {
    k.aio.pinned[aio] = 1;
    return yield* pinUserPagesFast(k, task, vpn, nr, flags, pagesOf(k, aio));
  }
  return yield* getUserPagesFast(k, task, vpn, nr, flags, pagesOf(k, aio));
}

function* dirtyPages(k: System, aio: number, nr: number): Steps<void> {
  for (let i = 0; i < nr; i++) yield* setPageDirtyLock(k, k.kmem[pagesOf(k, aio) + i]);
}

function* releasePages(k: System, aio: number, nr: number, dirty: boolean): Steps<void> {
  if (dirty) yield* dirtyPages(k, aio, nr);
  const pages = pagesOf(k, aio);
  if (k.aio.pinned[aio] === 1) yield* unpinUserPages(k, pages, nr);
  else
    for (let i = 0; i < nr; i++) yield* gupPutFolio(k, headOf(k, k.kmem[pages + i]), 1, FOLL.get);
}

/** inode_dio_end(). */
function* endDirect(k: System, aio: number): Steps<void> {
  yield WRITE | at(R.directIo, k.aio.file[aio]);
  k.file.direct[k.aio.file[aio]] -= 1;
}

/** Forgets the request. */
export function* forget(k: System, aio: number): Steps<void> {
  yield WRITE | at(R.io, 0);
  fillWords(k.kmem, pagesOf(k, aio), AIO_PAGES, 0);
  k.aio.state[aio] = AIO.free;
  k.aio.mm[aio] = 0;
  k.aio.file[aio] = 0;
  k.aio.isRead[aio] = 0;
  k.aio.pos[aio] = 0;
  k.aio.off[aio] = 0;
  k.aio.len[aio] = 0;
  k.aio.pages[aio] = 0;
  k.aio.pinned[aio] = 0;
  k.aio.result[aio] = 0;
}

/**
 * The device moves the data of a request page by page, then its completion releases the pages; with `invalidate`, a
 * write takes what others have read into the cache meanwhile out of it again.
 */
export function* deviceTransfer(k: System, aio: number, invalidate: boolean): Steps<void> {
  const toMemory = k.aio.isRead[aio] === 1;
  const file = k.aio.file[aio];
  const pos = k.aio.pos[aio];
  const end = pos + k.aio.len[aio];
  if (!toMemory && k.file.kind[file] === FILE.btrfs) yield* sumUp(k, aio, file);
  let done = 0;
  while (done < k.aio.len[aio]) {
    const at1 = k.aio.off[aio] + done;
    const at2 = pos + done;
    const pfn = k.kmem[pagesOf(k, aio) + pageFrom(at1)];
    const left = k.aio.len[aio] - done;
    const n = Math.min(PAGE_SIZE - (at1 % PAGE_SIZE), PAGE_SIZE - (at2 % PAGE_SIZE), left);
    yield (toMemory ? WRITE : READ) | at(R.content, pfn);
    if (toMemory) mediumToPage(k, file, pageFrom(at2), at2 % PAGE_SIZE, pfn, at1 % PAGE_SIZE, n);
    else pageToMedium(k, pfn, at1 % PAGE_SIZE, file, pageFrom(at2), at2 % PAGE_SIZE, n);
    done += n;
  }
  if (!toMemory) {
    yield* growDisk(k, file, end);
    if (invalidate) yield* invalidateRange(k, file, pageFrom(pos), pageTo(end));
  }
  yield* endDirect(k, aio);
  yield* releasePages(k, aio, k.aio.pages[aio], toMemory);
}

/** btrfs_csum_one_bio(): the sums of a write's blocks, before the device has read them. */
function* sumUp(k: System, aio: number, file: FileId): Steps<void> {
  for (let i = 0; i < k.aio.pages[aio]; i++) {
    const pfn = k.kmem[pagesOf(k, aio) + i];
    yield READ | at(R.content, pfn);
    noteChecksum(k, file, pageFrom(k.aio.pos[aio]) + i, pfn);
  }
}

/** A write that went past the end of the file moves it. */
export function* growDisk(k: System, file: FileId, end: number): Steps<void> {
  yield WRITE | at(R.io, 0);
  if (sizeOf(k, file) >= end) return;
  setFileSize(k, file, pageFrom(end), end % PAGE_SIZE);
}

/** A request that the disk refuses at once (-EINVAL), or that has nothing to move; 1: neither. */
export function refused(off: number, len: number, pos: number): number {
  if (off % DISK_ALIGN !== 0 || len % DISK_ALIGN !== 0 || pos % DISK_ALIGN !== 0) return -EINVAL;
  return len === 0 ? NOTHING : 1;
}

/** i_rwsem, shared for a read. */
export function* lockInode(k: System, file: FileId, isRead: boolean): Steps<void> {
  if (isRead) yield* lockShared(k, R.inodeLock, inodeRwsem(k, file));
  else yield* lock(k, R.inodeLock, inodeRwsem(k, file));
}

/** Gives `lockInode`'s lock back. */
export function* unlockInode(k: System, file: FileId, isRead: boolean): Steps<void> {
  if (isRead) yield* unlockShared(k, R.inodeLock, inodeRwsem(k, file));
  else yield* unlock(k, R.inodeLock, inodeRwsem(k, file));
}

/**
 * read(2) or write(2) with O_DIRECT: waits for the device, and returns the bytes moved or an error; -ENOTBLK: it must go
 * through the cache. `given` as for `beginDirect`.
 */
export function* directIo(
  k: System,
  task: TaskId,
  file: FileId,
  isRead: boolean,
  vpn: Vpn,
  off: number,
  len: number,
  pos: number,
  given: number,
): Steps<number> {
  const early = refused(off, len, pos);
  if (early <= 0) return early;
  yield* lockInode(k, file, isRead);
  const aio = yield* beginDirect(k, task, file, isRead, vpn, off, len, pos, given);
  if (aio <= 0) {
    yield* unlockInode(k, file, isRead);
    return aio;
  }
  yield* deviceTransfer(k, aio, true);
  yield* unlockInode(k, file, isRead);
  const moved = k.aio.result[aio];
  yield* forget(k, aio);
  return moved;
}
