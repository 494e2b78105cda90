/**
 * splice(2) between a file and a pipe (fs/splice.c, mm/filemap.c: filemap_splice_read): the pages of the page cache go
 * into the pipe as they are, each with one reference; out of a pipe the bytes are copied into the file. What is written
 * to the file meanwhile is seen by who reads the pipe; what is truncated is not lost there.
 */
import { EBADF, EINVAL, ESPIPE } from '../machine/errno.ts';
import type { FileId, Steps, TaskId } from '../machine/types.ts';
import { bytesLeft, fileGetFolio, writeBounced } from '../mm/file-io.ts';
import { folioGet, folioPut, headOf } from '../mm/folio.ts';
import { fdRefuses, ofdOf } from './fd.ts';
import { pipePush, pipeTake } from './pipe.ts';
import { OFD, type System } from './system.ts';

const PAGE_SIZE = 4096;
const SPLICE_F_NONBLOCK = 2;
/** An offset of -1 stands for NULL: where the descriptor stands. */
const OWN_POSITION = -1;

/** splice(): bytes moved, 0 at the end of the file or of the pipe, or an error when there were none. */
export function* sysSplice(
  k: System,
  task: TaskId,
  fdIn: number,
  offIn: number,
  fdOut: number,
  offOut: number,
  len: number,
  flags: number,
): Steps<number> {
  const mm = k.task.mm[task];
  if (fdRefuses(k, mm, fdIn, false) || fdRefuses(k, mm, fdOut, true)) return -EBADF;
  const from = ofdOf(k, mm, fdIn);
  const to = ofdOf(k, mm, fdOut);
  if (k.ofd.kind[from] === OFD.file && k.ofd.kind[to] === OFD.pipeWrite) {
    if (offOut !== OWN_POSITION) return -ESPIPE;
    return yield* fileToPipe(k, from, offIn, k.ofd.target[to], len, flags);
  }
  if (k.ofd.kind[from] === OFD.pipeRead && k.ofd.kind[to] === OFD.file) {
    if (offIn !== OWN_POSITION) return -ESPIPE;
    return yield* pipeToFile(k, task, k.ofd.target[from], to, offOut, len);
  }
  return -EINVAL;
}

function* fileToPipe(
  k: System,
  ofd: number,
  offset: number,
  pipe: number,
  len: number,
  flags: number,
): Steps<number> {
  const file = k.ofd.target[ofd];
  const start = offset === OWN_POSITION ? k.ofd.pos[ofd] : offset;
  if (start < 0) return -EINVAL;
  let taken = 0;
  let error = 0;
  while (taken < len && error === 0) {
    const index = Math.floor((start + taken) / PAGE_SIZE);
    const off = (start + taken) % PAGE_SIZE;
    const n = Math.min(PAGE_SIZE - off, len - taken, bytesLeft(k, file, index, off));
    if (n <= 0) break;
    // It waits for room only while it has put nothing in yet.
    const wait = taken === 0 && (flags & SPLICE_F_NONBLOCK) === 0;
    error = yield* pushPage(k, file, index, off, n, pipe, wait);
    if (error === 0) taken += n;
  }
  if (offset === OWN_POSITION) k.ofd.pos[ofd] = start + taken;
  return taken > 0 ? taken : error;
}

/** Page `index` of a file into the pipe; the page of zeros for a hole of a memory file. */
function* pushPage(
  k: System,
  file: FileId,
  index: number,
  off: number,
  n: number,
  pipe: number,
  wait: boolean,
): Steps<number> {
  const folio = yield* fileGetFolio(k, file, index);
  if (folio < 0) return folio;
  const hole = folio === 0;
  if (hole) yield* folioGet(k, k.zeroPfn, 1);
  const page = hole ? k.zeroPfn : folio + (index - k.page.index[folio]);
  const error = yield* pipePush(k, pipe, page, off, n, wait);
  if (error < 0) yield* folioPut(k, headOf(k, page), 1);
  return error;
}

function* pipeToFile(
  k: System,
  task: TaskId,
  pipe: number,
  ofd: number,
  offset: number,
  len: number,
): Steps<number> {
  const file = k.ofd.target[ofd];
  const start = offset === OWN_POSITION ? k.ofd.pos[ofd] : offset;
  if (start < 0) return -EINVAL;
  let done = 0;
  while (done < len) {
    const off = (start + done) % PAGE_SIZE;
    const room = Math.min(PAGE_SIZE - off, len - done);
    const n = yield* pipeTake(k, task, pipe, room, done === 0);
    if (n <= 0) break;
    const index = Math.floor((start + done) / PAGE_SIZE);
    const error = yield* writeBounced(k, task, file, index, off, n);
    if (error !== 0) return done > 0 ? done : error;
    done += n;
  }
  if (offset === OWN_POSITION) k.ofd.pos[ofd] = start + done;
  return done;
}
