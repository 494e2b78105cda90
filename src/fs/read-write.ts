/** read(2) and write(2) by descriptor: what kind of file it is decides who does the work. */
import { at, R, READ, WRITE } from '../machine/access.ts';
import { pageByte } from '../machine/contents.ts';
import { EBADF, EFAULT, EINVAL, ENOTBLK, ESPIPE } from '../machine/errno.ts';
import { lockShared, unlockShared } from '../machine/locks.ts';
import type { FileId, MmId, Pfn, Steps, TaskId, Vpn } from '../machine/types.ts';
import { bounceClear } from '../mm/bounce-buffer.ts';
import { fileGetFolio, filePread, filePwrite } from '../mm/file-io.ts';
import { inodeRwsem } from '../mm/file-refs.ts';
import { FILE, isDaxKind, isDiskKind } from '../mm/file-tables.ts';
import { folioPut } from '../mm/folio.ts';
import { daxBlock } from '../mm/fsdax.ts';
import { invalidateRange } from '../mm/invalidate.ts';
import { writeAndWait } from '../mm/writeback.ts';
import { copyFromUser, copyToUser } from './bounce.ts';
import { directIo, sizeOf } from './direct-io.ts';
import { fdRefuses, ofdOf } from './fd.ts';
import {
  pipeDrop,
  pipeLockFilled,
  pipePeek,
  pipeReadValue,
  pipeUnlock,
  pipeWrite,
} from './pipe.ts';
import { OFD, type System } from './system.ts';

const PAGE_SIZE = 4096;
/** A position of -1 means: the descriptor's own, which moves on. */
export const OWN_POSITION = -1;

/** read(2), pread(2) into user memory at vpn:off; bytes read or an error. */
export function* readFd(
  k: System,
  task: TaskId,
  fd: number,
  vpn: Vpn,
  off: number,
  len: number,
  pos: number,
): Steps<number> {
  const mm = k.task.mm[task];
  if (fdRefuses(k, mm, fd, false)) return -EBADF;
  const ofd = ofdOf(k, mm, fd);
  const kind = k.ofd.kind[ofd];
  const target = k.ofd.target[ofd];
  if (kind === OFD.pipeRead) {
    if (pos !== OWN_POSITION) return -ESPIPE;
    return yield* pipeToUser(k, task, target, vpn, off, len);
  }
  if (kind !== OFD.file) return -EBADF;
  const from = pos === OWN_POSITION ? k.ofd.pos[ofd] : pos;
  let moved = -ENOTBLK;
  if (isDirect(k, ofd)) moved = yield* directIo(k, task, target, true, vpn, off, len, from, -1);
  if (moved === -ENOTBLK) {
    const page = Math.floor(from / PAGE_SIZE);
    moved = yield* filePread(k, task, target, page, from % PAGE_SIZE, len, vpn, off);
  }
  if (moved > 0 && pos === OWN_POSITION) yield* advance(k, ofd, moved);
  return moved;
}

const O_DIRECT = 0o40000;
const O_DSYNC = 0o10000;

/** Whether reads and writes of the description go past the page cache: O_DIRECT on a file that has a medium. */
export function isDirect(k: System, ofd: number): boolean {
  return (k.ofd.flags[ofd] & O_DIRECT) !== 0 && isDiskKind(k.file.kind[k.ofd.target[ofd]]);
}

/**
 * A write through the cache. With O_SYNC or O_DSYNC, or in the place of a direct one (`direct`), it is on the medium when
 * it returns, and in the latter case not in the cache any more.
 */
export function* bufferedWrite(
  k: System,
  task: TaskId,
  ofd: number,
  vpn: Vpn,
  off: number,
  len: number,
  to: number,
  direct: boolean,
): Steps<number> {
  const file = k.ofd.target[ofd];
  const first = Math.floor(to / PAGE_SIZE);
  const moved = yield* filePwrite(k, task, file, first, to % PAGE_SIZE, len, vpn, off);
  if (moved <= 0 || !isDiskKind(k.file.kind[file])) return moved;
  if (!direct && (k.ofd.flags[ofd] & O_DSYNC) === 0) return moved;
  const last = Math.ceil((to + moved) / PAGE_SIZE);
  const error = yield* writeAndWait(k, file, first, last);
  if (error !== 0) return error;
  if (direct) yield* invalidateRange(k, file, first, last);
  return moved;
}

/** write(2), pwrite(2) from user memory at vpn:off; bytes written or an error. */
export function* writeFd(
  k: System,
  task: TaskId,
  fd: number,
  vpn: Vpn,
  off: number,
  len: number,
  pos: number,
): Steps<number> {
  const mm = k.task.mm[task];
  if (fdRefuses(k, mm, fd, true)) return -EBADF;
  const ofd = ofdOf(k, mm, fd);
  const kind = k.ofd.kind[ofd];
  const target = k.ofd.target[ofd];
  if (kind === OFD.pipeWrite) {
    if (pos !== OWN_POSITION) return -ESPIPE;
    return yield* userToPipe(k, task, target, vpn, off, len);
  }
  if (kind !== OFD.file) return -EBADF;
  const to = pos === OWN_POSITION ? k.ofd.pos[ofd] : pos;
  const direct = isDirect(k, ofd);
  let moved = -ENOTBLK;
  if (direct) moved = yield* directIo(k, task, target, false, vpn, off, len, to, -1);
  if (moved === -ENOTBLK) moved = yield* bufferedWrite(k, task, ofd, vpn, off, len, to, direct);
  if (moved > 0 && pos === OWN_POSITION) yield* advance(k, ofd, moved);
  return moved;
}

function* advance(k: System, ofd: number, n: number): Steps<void> {
  yield WRITE | at(R.io, 2 + ofd);
  k.ofd.pos[ofd] += n;
}

/**
 * pipe_read(): copies byte for byte while the pipe is locked and its buffer still holds the page; what cannot be stored stays
 * in the pipe.
 */
function* pipeToUser(
  k: System,
  task: TaskId,
  pipe: number,
  vpn: Vpn,
  off: number,
  len: number,
): Steps<number> {
  if (len === 0) return 0;
  let done = 0;
  let stored = 0;
  yield* pipeLockFilled(k, pipe);
  while (done < len && stored >= 0 && k.pipe.used[pipe] > 0) {
    const value = yield* pipePeek(k, pipe);
    stored = yield* storeByte(
      k,
      task,
      vpn + Math.floor((off + done) / PAGE_SIZE),
      (off + done) % PAGE_SIZE,
      value,
    );
    if (stored >= 0) {
      yield* pipeDrop(k, pipe);
      done++;
    }
  }
  yield* pipeUnlock(k, pipe);
  return stored < 0 && done === 0 ? -EFAULT : done;
}

function* storeByte(k: System, task: TaskId, vpn: Vpn, off: number, value: number): Steps<number> {
  k.file.bounce[task * 1024] = value;
  const error = yield* copyToUser(k, task, vpn, off, 1);
  bounceClear(k, task);
  return error;
}

function* userToPipe(
  k: System,
  task: TaskId,
  pipe: number,
  vpn: Vpn,
  off: number,
  len: number,
): Steps<number> {
  let done = 0;
  while (done < len) {
    const from = (off + done) % PAGE_SIZE;
    const n = Math.min(PAGE_SIZE - from, len - done);
    const error = yield* copyFromUser(k, task, vpn + Math.floor((off + done) / PAGE_SIZE), from, n);
    if (error < 0) return done > 0 ? done : error;
    const written = yield* pipeWrite(k, task, pipe, n);
    bounceClear(k, task);
    if (written < 0) return done > 0 ? done : written;
    done += n;
  }
  return done;
}

/** lseek(): the new position, -EBADF, -ESPIPE, or -EINVAL. */
export function* seekFd(
  k: System,
  mm: MmId,
  fd: number,
  offset: number,
  whence: number,
): Steps<number> {
  const ofd = ofdOf(k, mm, fd);
  if (ofd === 0) return -EBADF;
  if (k.ofd.kind[ofd] !== OFD.file) return -ESPIPE;
  yield WRITE | at(R.io, 2 + ofd);
  const from = whence === SEEK.cur ? k.ofd.pos[ofd] : 0;
  const base = whence === SEEK.end ? sizeOf(k, k.ofd.target[ofd]) : from;
  if (whence < SEEK.set || whence > SEEK.end || base + offset < 0) return -EINVAL;
  k.ofd.pos[ofd] = base + offset;
  return base + offset;
}

/** SEEK_*. */
const SEEK = { set: 0, cur: 1, end: 2 } as const;

/** The short form of read and pread: up to 4 bytes as a number, least significant first; an error is negative. */
export function* readValue(
  k: System,
  task: TaskId,
  fd: number,
  count: number,
  pos: number,
): Steps<number> {
  const mm = k.task.mm[task];
  if (fdRefuses(k, mm, fd, false)) return -EBADF;
  if (count < 1 || count > 4) return -EINVAL;
  const ofd = ofdOf(k, mm, fd);
  if (k.ofd.kind[ofd] === OFD.pipeRead) {
    if (pos !== OWN_POSITION) return -ESPIPE;
    return yield* pipeReadValue(k, k.ofd.target[ofd], count);
  }
  if (k.ofd.kind[ofd] !== OFD.file) return -EINVAL;
  const from = pos === OWN_POSITION ? k.ofd.pos[ofd] : pos;
  const file = k.ofd.target[ofd];
  if (isDirect(k, ofd)) return -EINVAL;
  const excluded = k.file.kind[file] === FILE.xfs || isDaxKind(k.file.kind[file]);
  if (excluded) yield* lockShared(k, R.inodeLock, inodeRwsem(k, file));
  const value = yield* cachedValue(k, file, from, count);
  if (excluded) yield* unlockShared(k, R.inodeLock, inodeRwsem(k, file));
  if (pos === OWN_POSITION) yield* advance(k, ofd, count);
  return value;
}

/** Up to 4 bytes of the page that holds byte `from` of the file; 0 in a hole and behind the end. */
function* cachedValue(k: System, file: FileId, from: number, count: number): Steps<number> {
  const index = Math.floor(from / PAGE_SIZE);
  if (isDiskKind(k.file.kind[file]) && from >= sizeOf(k, file)) return 0;
  const dax = isDaxKind(k.file.kind[file]);
  if (dax && from >= sizeOf(k, file)) return 0;
  const folio = dax ? yield* daxBlock(k, file, index) : yield* fileGetFolio(k, file, index);
  if (folio <= 0) return folio;
  const page: Pfn = folio + (index - k.page.index[folio]);
  yield READ | at(R.content, page);
  const value = bytesAt(k, page, from % PAGE_SIZE, count);
  if (!dax) yield* folioPut(k, folio, 1);
  return value;
}

function bytesAt(k: System, page: Pfn, off: number, count: number): number {
  let value = 0;
  for (let i = 0; i < count && off + i < PAGE_SIZE; i++)
    value |= pageByte(k, page, off + i) << (8 * i);
  return value;
}
