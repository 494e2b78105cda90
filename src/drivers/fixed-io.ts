/**
 * READ_FIXED and WRITE_FIXED (io_uring/rw.c): the bytes go to or come from the pages that were pinned at
 * registration, whatever is mapped at the address now.
 */

import { copyFromPage, copyToPage } from '../fs/bounce.ts';
import { directIo } from '../fs/direct-io.ts';
import { fdRefuses, ofdOf } from '../fs/fd.ts';
import { pipeReadValue, pipeWrite } from '../fs/pipe.ts';
import { isDirect } from '../fs/read-write.ts';
import { OFD, type System } from '../fs/system.ts';
import { at, R, WRITE } from '../machine/access.ts';
import { setPageByte } from '../machine/contents.ts';
import { EBADF, EFAULT, EINVAL, ENOTBLK } from '../machine/errno.ts';
import type { FileId, Pfn, Steps, TaskId, Vpn } from '../machine/types.ts';
import { bounceClear } from '../mm/bounce-buffer.ts';
import { bytesLeft, fileGetFolio, writeBounced } from '../mm/file-io.ts';
import { folioPut } from '../mm/folio.ts';
import { ringCovers, ringPage, ringPageAt } from './io-uring.ts';

const PAGE_SIZE = 4096;

/** Moves `len` bytes between the file and the registered buffer at vpn:off; bytes moved, or an error. */
export function* fixedIo(
  k: System,
  task: TaskId,
  isRead: boolean,
  fd: number,
  vpn: Vpn,
  off: number,
  len: number,
  pos: number,
  slot: number,
): Steps<number> {
  const mm = k.task.mm[task];
  if (fdRefuses(k, mm, fd, !isRead)) return -EBADF;
  if (!ringCovers(k, mm, slot, vpn, off, len)) return -EFAULT;
  const ofd = ofdOf(k, mm, fd);
  if (k.ofd.kind[ofd] === OFD.file) {
    const file = k.ofd.target[ofd];
    let moved = -ENOTBLK;
    const pages = ringPageAt(k, mm, slot, vpn);
    if (isDirect(k, ofd)) moved = yield* directIo(k, task, file, isRead, vpn, off, len, pos, pages);
    if (moved === -ENOTBLK)
      moved = yield* fixedCached(k, task, isRead, file, vpn, off, len, pos, slot);
    return moved;
  }
  let done = 0;
  while (done < len) {
    const pfn = ringPage(k, mm, slot, vpn + Math.floor((off + done) / PAGE_SIZE));
    const moved = isRead
      ? yield* byteIn(k, ofd, pfn, (off + done) % PAGE_SIZE)
      : yield* byteOut(k, task, ofd, pfn, (off + done) % PAGE_SIZE);
    if (moved < 0) return done > 0 ? done : moved;
    done++;
    if (isRead && k.pipe.used[k.ofd.target[ofd]] === 0) return done;
  }
  return done;
}

/** One byte of a pipe into the pinned page. */
function* byteIn(k: System, ofd: number, pfn: Pfn, off: number): Steps<number> {
  if (k.ofd.kind[ofd] !== OFD.pipeRead) return -EINVAL;
  const value = yield* pipeReadValue(k, k.ofd.target[ofd], 1);
  if (value < 0) return value;
  yield WRITE | at(R.content, pfn);
  setPageByte(k, pfn, off, value);
  return 1;
}

/** One byte of the pinned page into a pipe. */
function* byteOut(k: System, task: TaskId, ofd: number, pfn: Pfn, off: number): Steps<number> {
  if (k.ofd.kind[ofd] !== OFD.pipeWrite) return -EINVAL;
  yield* copyFromPage(k, task, pfn, off, 1);
  const written = yield* pipeWrite(k, task, k.ofd.target[ofd], 1);
  bounceClear(k, task);
  return written;
}

/** Between the page cache of a file and the pinned pages, page by page. */
function* fixedCached(
  k: System,
  task: TaskId,
  isRead: boolean,
  file: FileId,
  vpn: Vpn,
  off: number,
  len: number,
  pos: number,
  slot: number,
): Steps<number> {
  const mm = k.task.mm[task];
  let done = 0;
  while (done < len) {
    const index = Math.floor((pos + done) / PAGE_SIZE);
    const inFile = (pos + done) % PAGE_SIZE;
    const inPage = (off + done) % PAGE_SIZE;
    let n = Math.min(PAGE_SIZE - inPage, PAGE_SIZE - inFile, len - done);
    if (isRead) n = Math.min(n, bytesLeft(k, file, index, inFile));
    if (n <= 0) break;
    const pfn = ringPage(k, mm, slot, vpn + Math.floor((off + done) / PAGE_SIZE));
    let error = 0;
    if (isRead) {
      const folio = yield* fileGetFolio(k, file, index);
      if (folio < 0) error = folio;
      if (folio > 0) {
        yield* copyFromPage(k, task, folio + (index - k.page.index[folio]), inFile, n);
        yield* folioPut(k, folio, 1);
      }
      if (error === 0) yield* copyToPage(k, task, pfn, inPage, n);
      bounceClear(k, task);
    } else {
      yield* copyFromPage(k, task, pfn, inPage, n);
      error = yield* writeBounced(k, task, file, index, inFile, n);
    }
    if (error !== 0) return done > 0 ? done : error;
    done += n;
  }
  return done;
}
