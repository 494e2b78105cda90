/** read(2) and write(2) by descriptor: what kind of file it is decides who does the work. */
import { at, R, READ, WAIT, WRITE } from '../machine/access.ts';
import { pageByte } from '../machine/contents.ts';
import { EBADF, EFAULT, EINVAL, ESPIPE } from '../machine/errno.ts';
import type { Pfn, Steps, TaskId, Vpn } from '../machine/types.ts';
import { bounceClear, filePread, filePwrite } from '../mm/file-io.ts';
import { folioPut } from '../mm/folio.ts';
import { shmemGetFolio } from '../mm/shmem.ts';
import { copyFromUser, copyToUser } from './bounce.ts';
import { directIo } from './direct-io.ts';
import { fdRefuses, ofdOf } from './fd.ts';
import { pipeReadValue, pipeWrite } from './pipe.ts';
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
  if (kind !== OFD.file && kind !== OFD.disk) return -EBADF;
  const from = pos === OWN_POSITION ? k.ofd.pos[ofd] : pos;
  const moved =
    kind === OFD.disk
      ? yield* directIo(k, task, target, true, vpn, off, len, from)
      : yield* filePread(
          k,
          task,
          target,
          Math.floor(from / PAGE_SIZE),
          from % PAGE_SIZE,
          len,
          vpn,
          off,
        );
  if (moved > 0 && pos === OWN_POSITION) yield* advance(k, ofd, moved);
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
  if (kind !== OFD.file && kind !== OFD.disk) return -EBADF;
  const to = pos === OWN_POSITION ? k.ofd.pos[ofd] : pos;
  const moved =
    kind === OFD.disk
      ? yield* directIo(k, task, target, false, vpn, off, len, to)
      : yield* filePwrite(
          k,
          task,
          target,
          Math.floor(to / PAGE_SIZE),
          to % PAGE_SIZE,
          len,
          vpn,
          off,
        );
  if (moved > 0 && pos === OWN_POSITION) yield* advance(k, ofd, moved);
  return moved;
}

function* advance(k: System, ofd: number, n: number): Steps<void> {
  yield WRITE | at(R.io, 2 + ofd);
  k.ofd.pos[ofd] += n;
}

function* pipeToUser(
  k: System,
  task: TaskId,
  pipe: number,
  vpn: Vpn,
  off: number,
  len: number,
): Steps<number> {
  let done = 0;
  while (done < len) {
    yield WAIT | at(R.ring, 2 * pipe);
    if (done > 0 && k.pipe.used[pipe] === 0) return done;
    const value = yield* pipeReadValue(k, pipe, 1);
    if (k.pipe.used[pipe] === 0 && k.pipe.writers[pipe] === 0 && value === 0) return done;
    const pfn = yield* storeByte(
      k,
      task,
      vpn + Math.floor((off + done) / PAGE_SIZE),
      (off + done) % PAGE_SIZE,
      value,
    );
    if (pfn < 0) return done > 0 ? done : -EFAULT;
    done++;
    if (k.pipe.used[pipe] === 0) return done;
  }
  return done;
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
  const index = Math.floor(from / PAGE_SIZE);
  const folio = yield* shmemGetFolio(k, file, index, false, 0);
  if (folio === 0) return 0;
  const page: Pfn = folio + (index - k.page.index[folio]);
  yield READ | at(R.content, page);
  const value = bytesAt(k, page, from % PAGE_SIZE, count);
  yield* folioPut(k, folio, 1);
  if (pos === OWN_POSITION) yield* advance(k, ofd, count);
  return value;
}

function bytesAt(k: System, page: Pfn, off: number, count: number): number {
  let value = 0;
  for (let i = 0; i < count && off + i < PAGE_SIZE; i++)
    value |= pageByte(k, page, off + i) << (8 * i);
  return value;
}
