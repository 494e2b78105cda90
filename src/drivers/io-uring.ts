/**
 * io_uring's registered buffers (io_uring/rsrc.c: io_sqe_buffer_register; before 6.0 fs/io_uring.c): longterm pins
 * for writing, held until they are unregistered, whatever the process does with its mapping meanwhile (A.28).
 */

import { beginsPiece, coalesces } from '../fs/ring-buffers.ts';
import { RING_PAGES, RING_SLOTS, type System } from '../fs/system.ts';
import { R } from '../machine/access.ts';
import { EBUSY, EFAULT, EINVAL, ENOMEM, ENXIO, EOPNOTSUPP } from '../machine/errno.ts';
import { lockShared, unlockShared } from '../machine/locks.ts';
import type { MmId, Pfn, Steps, TaskId, Vpn } from '../machine/types.ts';
import { FILE } from '../mm/file-tables.ts';
import { headOf } from '../mm/folio.ts';
import { FOLL } from '../mm/foll.ts';
import { gupPutFolio } from '../mm/grab.ts';
import { getUserPages, pinUserPages, pinUserPagesFast } from '../mm/gup.ts';
import { unpinUserPages } from '../mm/unpin.ts';
import { vmaAt } from '../mm/vma.ts';
import { ACCOUNT, accountPages, unaccountPages } from './memlock.ts';

const PAGE_SIZE = 4096;

/** Where in `kmem` the pages of a slot are. */
function slotPages(k: System, mm: MmId, slot: number): number {
  return k.ring.kmem + ((mm - 1) * RING_SLOTS + slot) * RING_PAGES;
}

/**
 * Registers [vpn:off, +len) and returns the slot, or -EBUSY (all slots taken), -EINVAL (too long), -EFAULT (not
 * mapped), -EOPNOTSUPP (a file mapping that this kernel's io_uring refuses, S18), or what pinning says.
 */
export function* ringRegister(
  k: System,
  task: TaskId,
  vpn: Vpn,
  off: number,
  len: number,
): Steps<number> {
  const mm = k.task.mm[task];
  const nr = Math.ceil((off + len) / PAGE_SIZE);
  let slot = 0;
  while (slot < RING_SLOTS && k.ring.pages[mm * RING_SLOTS + slot] !== 0) slot++;
  if (slot === RING_SLOTS || mm > k.ring.mms) return -EBUSY;
  if (nr > RING_PAGES || len === 0) return -EINVAL;
  const pages = slotPages(k, mm, slot);
  let got = 0;
  if (k.rules.users.ioUringFast)
    got = yield* pinUserPagesFast(k, task, vpn, nr, FOLL.write | FOLL.longterm, pages);
  else got = yield* holdLocked(k, task, vpn, nr, pages);
  if (got < nr) {
    if (got > 0) yield* releasePages(k, pages, got);
    return got < 0 ? got : -EFAULT;
  }
  yield* unpinRest(k, pages, nr);
  // The user's locked_vm, in which sockets and iommufd count too, and mlock does not.
  const allowed = yield* accountPages(k, mm, ACCOUNT.user, nr);
  if (!allowed) {
    yield* releaseBuffer(k, pages, nr);
    return -ENOMEM;
  }
  const i = mm * RING_SLOTS + slot;
  k.ring.pages[i] = nr;
  k.ring.start[i] = vpn;
  k.ring.offset[i] = off;
  k.ring.length[i] = len;
  if (k.rules.users.ioUringPinnedVm) k.mm.pinnedVm[mm] += nr;
  return slot;
}

/** To 6.9: under mmap_lock, which is never dropped, so that a fault must not wait for user space. */
function* holdLocked(k: System, task: TaskId, vpn: Vpn, nr: number, pages: number): Steps<number> {
  const mm = k.task.mm[task];
  const refused = k.rules.users.ioUringFileBacked === 'eopnotsupp';
  yield* lockShared(k, R.mmapLock, mm);
  let got = yield* holdPages(k, task, vpn, nr, pages);
  if (got === nr && refused && fileBacked(k, mm, vpn, nr)) {
    yield* releasePages(k, pages, nr);
    got = -EOPNOTSUPP;
  }
  yield* unlockShared(k, R.mmapLock, mm);
  return got;
}

function* holdPages(k: System, task: TaskId, vpn: Vpn, nr: number, pages: number): Steps<number> {
  const flags = FOLL.write | FOLL.longterm;
  if (k.rules.users.ioUring === 'pinLongterm')
    return yield* pinUserPages(k, task, vpn, nr, flags, pages);
  return yield* getUserPages(k, task, vpn, nr, flags, pages);
}

function* releasePages(k: System, pages: number, nr: number): Steps<void> {
  if (k.rules.users.ioUring === 'pinLongterm') yield* unpinUserPages(k, pages, nr);
  else
    for (let i = 0; i < nr; i++) yield* gupPutFolio(k, headOf(k, k.kmem[pages + i]), 1, FOLL.get);
  for (let i = 0; i < nr; i++) k.kmem[pages + i] = 0;
}

/** io_coalesce_buffer(): of each run of pages that is kept as one piece, all pins but the first are given back. */
function* unpinRest(k: System, pages: number, nr: number): Steps<void> {
  if (!coalesces(k, pages, nr)) return;
  let i = 0;
  while (i < nr) {
    const first = i + 1;
    i = first;
    while (i < nr && !beginsPiece(k, pages, i)) i++;
    if (i > first) yield* unpinUserPages(k, pages + first, i - first);
  }
}

/** io_buffer_unmap(): gives back what a buffer still holds, one pin a piece or a page. */
function* releaseBuffer(k: System, pages: number, nr: number): Steps<void> {
  if (!coalesces(k, pages, nr)) {
    yield* releasePages(k, pages, nr);
    return;
  }
  // From the end: with its last pin the folio may be gone, and what its pages were one piece of.
  for (let i = nr - 1; i >= 0; i--)
    if (beginsPiece(k, pages, i)) yield* unpinUserPages(k, pages + i, 1);
  for (let i = 0; i < nr; i++) k.kmem[pages + i] = 0;
}

/** A mapping in the range shows a file that is neither shared memory nor hugetlbfs. */
function fileBacked(k: System, mm: MmId, vpn: Vpn, nr: number): boolean {
  for (let v = vpn; v < vpn + nr; v++) {
    const vma = vmaAt(k, mm, v);
    const file = vma === 0 ? 0 : k.vma.file[vma];
    if (file === 0) continue;
    const kind = k.file.kind[file];
    if (kind !== FILE.shmem && kind !== FILE.hugetlbfs) return true;
  }
  return false;
}

/** Gives all buffers of the process back: 0, or -ENXIO when there are none. */
export function* ringUnregister(k: System, mm: MmId): Steps<number> {
  let any = false;
  for (let slot = 0; slot < RING_SLOTS; slot++) {
    const i = mm * RING_SLOTS + slot;
    const nr = k.ring.pages[i];
    if (nr === 0) continue;
    any = true;
    yield* releaseBuffer(k, slotPages(k, mm, slot), nr);
    k.ring.pages[i] = 0;
    k.ring.start[i] = 0;
    k.ring.offset[i] = 0;
    k.ring.length[i] = 0;
    yield* unaccountPages(k, mm, ACCOUNT.user, nr);
    if (k.rules.users.ioUringPinnedVm) k.mm.pinnedVm[mm] -= nr;
  }
  return any ? 0 : -ENXIO;
}

/** Whether [vpn:off, +len) lies inside a registered buffer. */
export function ringCovers(
  k: System,
  mm: MmId,
  slot: number,
  vpn: Vpn,
  off: number,
  len: number,
): boolean {
  if (slot < 0 || slot >= RING_SLOTS) return false;
  const i = mm * RING_SLOTS + slot;
  if (k.ring.pages[i] === 0) return false;
  const from = (vpn - k.ring.start[i]) * PAGE_SIZE + off - k.ring.offset[i];
  return from >= 0 && from + len <= k.ring.length[i];
}

/** Where in `kmem` the page is that a registered buffer holds for `vpn`. */
export function ringPageAt(k: System, mm: MmId, slot: number, vpn: Vpn): number {
  return slotPages(k, mm, slot) + vpn - k.ring.start[mm * RING_SLOTS + slot];
}

/** The page that a registered buffer holds for `vpn`: the one that was pinned, whatever is mapped there now. */
export function ringPage(k: System, mm: MmId, slot: number, vpn: Vpn): Pfn {
  return k.kmem[ringPageAt(k, mm, slot, vpn)];
}
