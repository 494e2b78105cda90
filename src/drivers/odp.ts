/**
 * RDMA memory regions with on-demand paging (drivers/infiniband/core/umem_odp.c, mlx5/odp.c): nothing is pinned. The device
 * has a page table of its own; what is missing there it asks for, and an MMU notifier takes entries away before the
 * process's own change. Rules: semantics.md A.25.3 to A.25.5, S78.
 */

import { bouncePage } from '../fs/splice.ts';
import type { System } from '../fs/system.ts';
import { at, R, READ, WRITE } from '../machine/access.ts';
import { touchAlso } from '../machine/also.ts';
import { pageByte, setPageByte } from '../machine/contents.ts';
import { EFAULT, EINVAL, ENOMEM, EOPNOTSUPP } from '../machine/errno.ts';
import { lock, lockShared, unlock, unlockShared } from '../machine/locks.ts';
import { BUG, bug } from '../machine/report.ts';
import type { Pfn, Steps, TaskId, Vpn } from '../machine/types.ts';
import { kmemAt, NOTIFIER_PAGES, notifierLock } from '../mm/device-tables.ts';
import { folioPut, headOf } from '../mm/folio.ts';
import { FOLL } from '../mm/foll.ts';
import { getUserPagesRemote } from '../mm/gup.ts';
import { LOCKED } from '../mm/gup-args.ts';
import { hmmRangeFault } from '../mm/hmm.ts';
import {
  deviceEntry,
  faultBegin,
  faultEnd,
  intervalInsert,
  intervalReadBegin,
  intervalReadRetry,
  intervalRemove,
  intervalUsed,
  setDeviceEntry,
} from '../mm/mmu-notifier.ts';

const PAGE_SIZE = 4096;
/** Handles of regions with on-demand paging begin behind this. */
export const ODP_HANDLE = 0x100;

/**
 * ib_umem_odp_get(): watches `len` bytes of the task's memory from byte `off` of page `start`; the region's handle, or
 * -EINVAL, -ENOMEM (no room for another, or for one so large), -EOPNOTSUPP (a machine without notifiers). No page is touched.
 */
export function* odpRegister(
  k: System,
  task: TaskId,
  start: Vpn,
  off: number,
  len: number,
  writable: boolean,
): Steps<number> {
  const nr = Math.ceil((off + len) / PAGE_SIZE);
  if (len <= 0) return -EINVAL;
  if (k.notifier.mm.length === 0) return -EOPNOTSUPP;
  if (nr > NOTIFIER_PAGES) return -ENOMEM;
  const mm = k.task.mm[task];
  yield* lock(k, R.mmapLock, mm);
  const n = yield* intervalInsert(k, mm, start, start + nr, writable);
  if (n !== 0) k.notifier.off[n] = off;
  yield* unlock(k, R.mmapLock, mm);
  return n === 0 ? -ENOMEM : ODP_HANDLE + n;
}

/** ib_umem_odp_release(): 0, or -EINVAL where there is none (any more). The device has stopped before. */
export function* odpDeregister(k: System, n: number): Steps<number> {
  const removed = yield* intervalRemove(k, n);
  return removed ? 0 : -EINVAL;
}

/** The device reads byte `offset` of the region: the byte, or -EFAULT, -EINVAL. */
export function* odpRead(k: System, task: TaskId, n: number, offset: number): Steps<number> {
  for (;;) {
    const pfn = yield* deviceTranslate(k, n, offset, false);
    if (pfn > 0) return pageByte(k, pfn, (k.notifier.off[n] + offset) % PAGE_SIZE);
    if (pfn < 0) return pfn;
    const error = yield* deviceFault(k, task, n, offset);
    if (error !== 0) return error;
  }
}

/** The device writes a byte: 0, -EFAULT, -EINVAL. */
export function* odpWrite(
  k: System,
  task: TaskId,
  n: number,
  offset: number,
  value: number,
): Steps<number> {
  for (;;) {
    const pfn = yield* deviceTranslate(k, n, offset, true);
    if (pfn > 0) {
      setPageByte(k, pfn, (k.notifier.off[n] + offset) % PAGE_SIZE, value);
      return 0;
    }
    if (pfn < 0) return pfn;
    const error = yield* deviceFault(k, task, n, offset);
    if (error !== 0) return error;
  }
}

/**
 * The device looks byte `offset` up in its page table and goes to the page, in one step: an invalidation returns only when no
 * access is under way. The page frame; -EINVAL, -EFAULT: never; 0: no entry, and a fault is under way that keeps the region.
 */
function* deviceTranslate(k: System, n: number, offset: number, write: boolean): Steps<Pfn> {
  if (n <= 0 || n >= k.notifier.mm.length || offset < 0) return -EINVAL;
  yield READ | kmemAt(notifierLock(n));
  const i = Math.floor((k.notifier.off[n] + offset) / PAGE_SIZE);
  if (!intervalUsed(k, n) || k.notifier.start[n] + i >= k.notifier.end[n]) return -EINVAL;
  if (write && k.notifier.writes[n] === 0) return -EFAULT;
  const entry = deviceEntry(k, n, i);
  if (entry === 0 || (write && (entry & 1) === 0)) {
    faultBegin(k, n);
    return 0;
  }
  const pfn = entry >> 1;
  touchAlso(k, (write ? WRITE : READ) | at(R.content, pfn));
  if (k.page.refcount[headOf(k, pfn)] <= 0) bug(k, BUG.useAfterFree, pfn);
  return pfn;
}

/** The device asks for page `i` of the region, wanted or not: 0, -EFAULT, -EINVAL. */
export function* odpFaultPage(k: System, task: TaskId, n: number, i: number): Steps<number> {
  yield READ | kmemAt(notifierLock(n));
  if (!intervalUsed(k, n) || i < 0 || k.notifier.start[n] + i >= k.notifier.end[n]) return -EINVAL;
  faultBegin(k, n);
  const error = yield* odpFault(k, task, n, i);
  yield* faultEnd(k, n);
  return error;
}

/** The device's page fault at byte `offset`, begun by `deviceTranslate`. */
function* deviceFault(k: System, task: TaskId, n: number, offset: number): Steps<number> {
  const i = Math.floor((k.notifier.off[n] + offset) / PAGE_SIZE);
  const error = yield* odpFault(k, task, n, i);
  yield* faultEnd(k, n);
  return error;
}

/**
 * ib_umem_odp_map_dma_and_lock(): brings page `i` into the device's table; begins anew when an invalidation came between
 * the look at the page tables and the lock. 0 or -EFAULT.
 */
function* odpFault(k: System, task: TaskId, n: number, i: number): Steps<number> {
  const writes = k.notifier.writes[n] !== 0;
  for (;;) {
    const seq = yield* intervalReadBegin(k, n);
    const found = yield* odpLook(k, task, n, i, writes);
    if (found < 0) return found;
    yield* lock(k, R.kmem, notifierLock(n));
    const changed = yield* intervalReadRetry(k, n, seq);
    if (!changed) setDeviceEntry(k, n, i, found >> 1, writes);
    yield* unlock(k, R.kmem, notifierLock(n));
    if (k.rules.users.rdmaOdp === 'gup') yield* folioPut(k, headOf(k, found >> 1), 1);
    if (!changed) return 0;
  }
}

/** The page of the process that the device needs: by hmm_range_fault(), before 5.10 with a reference. */
function* odpLook(k: System, task: TaskId, n: number, i: number, writes: boolean): Steps<number> {
  const mm = k.notifier.mm[n];
  const vpn = k.notifier.start[n] + i;
  if (k.rules.users.rdmaOdp !== 'gup') return yield* hmmRangeFault(k, task, mm, vpn, writes);
  const word = bouncePage(k, task);
  yield* lockShared(k, R.mmapLock, mm);
  const got = yield* getUserPagesRemote(
    k,
    task,
    mm,
    vpn,
    1,
    writes ? FOLL.write : 0,
    word,
    LOCKED.caller,
  );
  yield* unlockShared(k, R.mmapLock, mm);
  if (got !== 1) return -EFAULT;
  const pfn = k.kmem[word];
  k.kmem[word] = 0;
  return pfn << 1;
}
