/**
 * READ_FIXED and WRITE_FIXED (io_uring/rw.c): the bytes go to or come from the pages that were pinned at
 * registration, whatever is mapped at the address now.
 */

import { copyFromPage } from '../fs/bounce.ts';
import { growDisk } from '../fs/direct-io.ts';
import { diskBlock } from '../fs/disk.ts';
import { fdRefuses, ofdOf } from '../fs/fd.ts';
import { pipeReadValue, pipeWrite } from '../fs/pipe.ts';
import { readValue } from '../fs/read-write.ts';
import { DISK_BLOCKS, OFD, type System } from '../fs/system.ts';
import { at, R, READ, WRITE } from '../machine/access.ts';
import { pageByte, setPageByte } from '../machine/contents.ts';
import { EBADF, EFAULT, EINVAL, ENOSPC } from '../machine/errno.ts';
import type { Pfn, Steps, TaskId, Vpn } from '../machine/types.ts';
import { bounceClear } from '../mm/file-io.ts';
import { ringCovers, ringPage } from './io-uring.ts';

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
  if (k.ofd.kind[ofd] === OFD.disk)
    return yield* fixedDisk(k, mm, isRead, k.ofd.target[ofd], vpn, off, len, pos, slot);
  let done = 0;
  while (done < len) {
    const pfn = ringPage(k, mm, slot, vpn + Math.floor((off + done) / PAGE_SIZE));
    const moved = isRead
      ? yield* byteIn(k, task, fd, pos + done, pfn, (off + done) % PAGE_SIZE)
      : yield* byteOut(k, task, ofd, pfn, (off + done) % PAGE_SIZE);
    if (moved < 0) return done > 0 ? done : moved;
    done++;
    if (isRead && k.ofd.kind[ofd] === OFD.pipeRead && k.pipe.used[k.ofd.target[ofd]] === 0)
      return done;
  }
  return done;
}

/** One byte of a pipe or memory file into the pinned page. */
function* byteIn(
  k: System,
  task: TaskId,
  fd: number,
  pos: number,
  pfn: Pfn,
  off: number,
): Steps<number> {
  const ofd = ofdOf(k, k.task.mm[task], fd);
  const value =
    k.ofd.kind[ofd] === OFD.pipeRead
      ? yield* pipeReadValue(k, k.ofd.target[ofd], 1)
      : yield* readValue(k, task, fd, 1, pos);
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

/** The device moves the data itself, page by page. */
function* fixedDisk(
  k: System,
  mm: number,
  isRead: boolean,
  disk: number,
  vpn: Vpn,
  off: number,
  len: number,
  pos: number,
  slot: number,
): Steps<number> {
  yield READ | at(R.io, 0);
  const bytes = isRead ? Math.max(0, Math.min(len, k.disk.size[disk] - pos)) : len;
  if (pos + bytes > DISK_BLOCKS * PAGE_SIZE) return -ENOSPC;
  let done = 0;
  while (done < bytes) {
    const pfn = ringPage(k, mm, slot, vpn + Math.floor((off + done) / PAGE_SIZE));
    const from = (off + done) % PAGE_SIZE;
    const at2 = (pos + done) % PAGE_SIZE;
    const n = Math.min(PAGE_SIZE - from, PAGE_SIZE - at2, bytes - done);
    const block = yield* diskBlock(k, disk, Math.floor((pos + done) / PAGE_SIZE), !isRead);
    yield (isRead ? WRITE : READ) | at(R.content, pfn);
    for (let i = 0; i < n; i++) {
      if (isRead) setPageByte(k, pfn, from + i, block === 0 ? 0 : pageByte(k, block, at2 + i));
      else setPageByte(k, block, at2 + i, pageByte(k, pfn, from + i));
    }
    done += n;
  }
  if (!isRead) yield* growDisk(k, disk, pos + bytes);
  return done;
}
