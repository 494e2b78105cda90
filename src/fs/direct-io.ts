/**
 * Direct I/O (iomap/direct-io.c, block/bio.c): a request holds the pages of the user's buffer while the device
 * moves the data. By FOLL_GET up to 6.4, by FOLL_PIN from 6.5 (S29, A.28). A read marks the pages dirty before
 * the device writes them and again before they are released (bio_set_pages_dirty, bio_release_pages).
 */
import { at, R, READ, WAIT, WRITE } from '../machine/access.ts';
import { EAGAIN, EINVAL, ENOMEM, ENOSPC } from '../machine/errno.ts';
import type { Steps, TaskId, Vpn } from '../machine/types.ts';
import { folioPut, headOf } from '../mm/folio.ts';
import { FOLL } from '../mm/foll.ts';
import { getUserPagesFast, pinUserPagesFast } from '../mm/gup.ts';
import { setPageDirtyLock } from '../mm/set-dirty.ts';
import { unpinUserPages } from '../mm/unpin.ts';
import { diskBlock, diskTransfer } from './disk.ts';
import { AIO, AIO_PAGES, AIO_SLOTS, DISK_BLOCKS, type System } from './system.ts';

const PAGE_SIZE = 4096;
/** What a disk asks of address, offset and length. */
export const DISK_ALIGN = 512;

/** Where in `kmem` the pages of request `aio` are. */
function pagesOf(k: System, aio: number): number {
  return k.aio.kmem + aio * AIO_PAGES;
}

/** Nothing to move: no bytes asked for, or a read from the end of the file on. */
export const NOTHING = 0;

/**
 * Prepares a request and holds its pages: memory at vpn:off, `len` bytes, the file at `pos`. Returns its number, NOTHING, or -EINVAL (not
 * aligned), -EAGAIN (none free), -ENOSPC (a write past the blocks that the model's disk has), -ENOMEM, or what the
 * page pinning call says. A read is of whole blocks, up to the one that the file ends in, and answers the bytes
 * before the end (iomap_dio_rw, iomap_dio_complete).
 */
function* beginDirect(
  k: System,
  task: TaskId,
  disk: number,
  isRead: boolean,
  vpn: Vpn,
  off: number,
  len: number,
  pos: number,
): Steps<number> {
  if (off % DISK_ALIGN !== 0 || len % DISK_ALIGN !== 0 || pos % DISK_ALIGN !== 0) return -EINVAL;
  if (len === 0) return NOTHING;
  yield WRITE | at(R.io, 0);
  const size = k.disk.size[disk];
  if (isRead && pos >= size) return NOTHING;
  const end = Math.ceil(size / PAGE_SIZE) * PAGE_SIZE;
  const bytes = isRead ? Math.min(len, end - pos) : len;
  if (pos + bytes > DISK_BLOCKS * PAGE_SIZE || off + bytes > AIO_PAGES * PAGE_SIZE) return -ENOSPC;
  let aio = 1;
  while (aio <= AIO_SLOTS && k.aio.state[aio] !== AIO.free) aio++;
  if (aio > AIO_SLOTS) return -EAGAIN;
  k.aio.state[aio] = AIO.taken;
  const ready = yield* prepareBlocks(k, disk, pos, bytes, !isRead);
  const nr = Math.ceil((off + bytes) / PAGE_SIZE);
  const got = ready ? yield* holdPages(k, task, aio, isRead, vpn, nr) : -ENOMEM;
  if (got < nr) {
    if (got > 0) yield* releasePages(k, aio, got, false);
    yield* forget(k, aio);
    return got < 0 ? got : -EAGAIN;
  }
  k.aio.disk[aio] = disk;
  k.aio.isRead[aio] = isRead ? 1 : 0;
  k.aio.pos[aio] = pos;
  k.aio.off[aio] = off;
  k.aio.len[aio] = bytes;
  k.aio.result[aio] = isRead ? Math.min(bytes, size - pos) : bytes;
  k.aio.pages[aio] = nr;
  if (isRead) yield* dirtyPages(k, aio, nr);
  return aio;
}

/** Blocks that a write goes to exist before it is sent off. False: out of memory. */
function* prepareBlocks(
  k: System,
  disk: number,
  pos: number,
  len: number,
  create: boolean,
): Steps<boolean> {
  const last = Math.floor((pos + len - 1) / PAGE_SIZE);
  for (let b = Math.floor(pos / PAGE_SIZE); b <= last; b++) {
    const pfn = yield* diskBlock(k, disk, b, create);
    if (create && pfn === 0) return false;
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
  else for (let i = 0; i < nr; i++) yield* folioPut(k, headOf(k, k.kmem[pages + i]), 1);
  for (let i = 0; i < nr; i++) k.kmem[pages + i] = 0;
}

/** Forgets the request. */
function* forget(k: System, aio: number): Steps<void> {
  yield WRITE | at(R.io, 0);
  k.aio.state[aio] = AIO.free;
  k.aio.mm[aio] = 0;
  k.aio.disk[aio] = 0;
  k.aio.isRead[aio] = 0;
  k.aio.pos[aio] = 0;
  k.aio.off[aio] = 0;
  k.aio.len[aio] = 0;
  k.aio.pages[aio] = 0;
  k.aio.pinned[aio] = 0;
  k.aio.result[aio] = 0;
}

/** The device moves the data of a request page by page, then its completion releases the pages. */
export function* deviceTransfer(k: System, aio: number): Steps<void> {
  const toMemory = k.aio.isRead[aio] === 1;
  const disk = k.aio.disk[aio];
  let done = 0;
  while (done < k.aio.len[aio]) {
    const at1 = k.aio.off[aio] + done;
    const at2 = k.aio.pos[aio] + done;
    const pfn = k.kmem[pagesOf(k, aio) + Math.floor(at1 / PAGE_SIZE)];
    const n = Math.min(
      PAGE_SIZE - (at1 % PAGE_SIZE),
      PAGE_SIZE - (at2 % PAGE_SIZE),
      k.aio.len[aio] - done,
    );
    yield (toMemory ? WRITE : READ) | at(R.content, pfn);
    const block = k.disk.block[disk * DISK_BLOCKS + Math.floor(at2 / PAGE_SIZE)];
    diskTransfer(k, toMemory, pfn, at1 % PAGE_SIZE, block, at2 % PAGE_SIZE, n);
    done += n;
  }
  if (!toMemory) yield* growDisk(k, disk, k.aio.pos[aio] + k.aio.len[aio]);
  yield* releasePages(k, aio, k.aio.pages[aio], toMemory);
}

/** A write that went past the end of the file moves it. */
export function* growDisk(k: System, disk: number, end: number): Steps<void> {
  yield WRITE | at(R.io, 0);
  if (k.disk.size[disk] < end) k.disk.size[disk] = end;
}

/** read(2) or write(2) with O_DIRECT: waits for the device, and returns the bytes moved or an error. */
export function* directIo(
  k: System,
  task: TaskId,
  disk: number,
  isRead: boolean,
  vpn: Vpn,
  off: number,
  len: number,
  pos: number,
): Steps<number> {
  const aio = yield* beginDirect(k, task, disk, isRead, vpn, off, len, pos);
  if (aio <= 0) return aio;
  yield* deviceTransfer(k, aio);
  const moved = k.aio.result[aio];
  yield* forget(k, aio);
  return moved;
}

/** The device on its own: takes the oldest request that was submitted and serves it; never ends. */
export function* deviceLoop(k: System): Steps<void> {
  for (;;) {
    yield WAIT | at(R.io, 0);
    let aio = 1;
    while (aio <= AIO_SLOTS && k.aio.state[aio] !== AIO.submitted) aio++;
    if (aio > AIO_SLOTS) continue;
    k.aio.count[0] -= 1;
    k.aio.state[aio] = AIO.taken;
    yield* deviceTransfer(k, aio);
    yield WRITE | at(R.io, 1);
    k.aio.state[aio] = AIO.done;
    k.aio.count[1] += 1;
  }
}

/**
 * io_submit(2) of one request: 1, or -EAGAIN when there are too many. What direct I/O says of it at once (an error, or
 * nothing to move) is its result, which io_getevents fetches (aio_rw_done).
 */
export function* submitAio(
  k: System,
  task: TaskId,
  disk: number,
  isRead: boolean,
  vpn: Vpn,
  off: number,
  len: number,
  pos: number,
): Steps<number> {
  const aio = yield* beginDirect(k, task, disk, isRead, vpn, off, len, pos);
  yield WRITE | at(R.io, 0);
  if (aio > 0) {
    k.aio.mm[aio] = k.task.mm[task];
    k.aio.state[aio] = AIO.submitted;
    k.aio.count[0] += 1;
    return 1;
  }
  let own = 1;
  while (own <= AIO_SLOTS && k.aio.state[own] !== AIO.free) own++;
  if (own > AIO_SLOTS) return -EAGAIN;
  k.aio.mm[own] = k.task.mm[task];
  k.aio.result[own] = aio;
  k.aio.state[own] = AIO.done;
  yield WRITE | at(R.io, 1);
  k.aio.count[1] += 1;
  return 1;
}

/** io_getevents(): waits for a request of this process to be done, and returns its result. -EINVAL: there is none. */
export function* reapDirect(k: System, task: TaskId): Steps<number> {
  let aio = 1;
  while (aio <= AIO_SLOTS && k.aio.mm[aio] !== k.task.mm[task]) aio++;
  if (aio > AIO_SLOTS) return -EINVAL;
  for (;;) {
    yield WAIT | at(R.io, 1);
    if (k.aio.state[aio] === AIO.done) break;
  }
  const result = k.aio.result[aio];
  k.aio.count[1] -= 1;
  yield* forget(k, aio);
  return result;
}
