/** vmsplice(2): user pages into a pipe without a copy (fs/splice.c, iov_iter_get_pages2). */
import { EBADF } from '../machine/errno.ts';
import type { Pfn, Steps, TaskId, Vpn } from '../machine/types.ts';
import { dmaUnpin, tracksGup } from '../mm/dma-pinned.ts';
import { folioPut, headOf } from '../mm/folio.ts';
import { getUserPagesFast } from '../mm/gup.ts';
import { ofdOf } from './fd.ts';
import { pipePush } from './pipe.ts';
import { OFD, type System, TASK_PAGE_WORDS } from './system.ts';

const PAGE_SIZE = 4096;
const SPLICE_F_NONBLOCK = 2;

/**
 * Takes [vpn:off, +len) into the pipe behind `fd` page by page: a FOLL_GET reference for reading, never a pin
 * (A.28), which the pipe holds until somebody has read the page. Returns the bytes taken, or an error when none.
 */
export function* sysVmsplice(
  k: System,
  task: TaskId,
  fd: number,
  vpn: Vpn,
  off: number,
  len: number,
  flags: number,
): Steps<number> {
  const ofd = ofdOf(k, k.task.mm[task], fd);
  if (ofd === 0 || k.ofd.kind[ofd] !== OFD.pipeWrite) return -EBADF;
  const pipe = k.ofd.target[ofd];
  const page = bouncePage(k, task);
  let taken = 0;
  while (taken < len) {
    const from = (off + taken) % PAGE_SIZE;
    const bytes = Math.min(PAGE_SIZE - from, len - taken);
    const got = yield* getUserPagesFast(
      k,
      task,
      vpn + Math.floor((off + taken) / PAGE_SIZE),
      1,
      0,
      page,
    );
    if (got < 0) return taken > 0 ? taken : got;
    const pfn: Pfn = k.kmem[page];
    k.kmem[page] = 0;
    // A pipe's pages are not under DMA, and it gives them back by put_page().
    if (tracksGup(k)) yield* dmaUnpin(k, headOf(k, pfn), 1);
    // It waits for room only while it has put nothing in yet.
    const wait = taken === 0 && (flags & SPLICE_F_NONBLOCK) === 0;
    const error = yield* pipePush(k, pipe, pfn, from, bytes, wait);
    if (error < 0) {
      yield* folioPut(k, headOf(k, pfn), 1);
      return taken > 0 ? taken : error;
    }
    taken += bytes;
  }
  return taken;
}

/** `TASK_PAGE_WORDS` words of kernel memory of the task's own, for an array of pages. */
export function bouncePage(k: System, task: TaskId): number {
  return k.pageWord + task * TASK_PAGE_WORDS;
}
