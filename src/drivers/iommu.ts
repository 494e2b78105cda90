/**
 * Memory that a device behind an IOMMU may use, by the device's own addresses: VFIO type 1 (vfio_iommu_type1.c:
 * vfio_pin_map_dma), iommufd (io_pagetable.c, pages.c) and the table of powerpc (mm/book3s64/iommu_api.c: mm_iommu_new).
 * They differ in what they count against RLIMIT_MEMLOCK. Rules: semantics.md A.28; S79, S210, S212.
 */

import { REGION, REGIONS } from '../fs/device-tables.ts';
import type { System } from '../fs/system.ts';
import { at, R, READ } from '../machine/access.ts';
import { touchAlso } from '../machine/also.ts';
import { EEXIST, EFAULT, EINVAL, ENOENT, ENOMEM } from '../machine/errno.ts';
import { lock, unlock } from '../machine/locks.ts';
import { PG } from '../machine/page.ts';
import type { MmId, Steps, TaskId, Vpn } from '../machine/types.ts';
import { IOMMU_LOCK } from '../mm/device-tables.ts';
import { FOLL } from '../mm/foll.ts';
import { ACCOUNT, accountPages, unaccountPages } from './memlock.ts';
import {
  dmaRead,
  dmaWrite,
  dropRegion,
  holdsPins,
  longtermOf,
  newRegion,
  pagesOf,
  putPages,
  regionPages,
  startDevice,
  stopDevice,
  TAKE,
  takePages,
} from './region.ts';

const PAGE_SIZE = 4096;

/**
 * Maps [vpn, +len) at `iova`, both in whole pages: 0, -EINVAL (not aligned, too long), -EEXIST (something is mapped there),
 * -ENOMEM (RLIMIT_MEMLOCK), or what pinning says.
 */
export function* iommuMap(
  k: System,
  task: TaskId,
  kind: number,
  vpn: Vpn,
  off: number,
  iova: number,
  len: number,
): Steps<number> {
  const nr = pagesOf(0, len);
  if (nr < 0 || off !== 0 || len % PAGE_SIZE !== 0 || iova % PAGE_SIZE !== 0) return -EINVAL;
  // One at a time: who comes second finds what the first has mapped.
  yield* lock(k, R.kmem, IOMMU_LOCK);
  const result = yield* mapLocked(k, task, kind, vpn, iova, len);
  yield* unlock(k, R.kmem, IOMMU_LOCK);
  return result;
}

function* mapLocked(
  k: System,
  task: TaskId,
  kind: number,
  vpn: Vpn,
  iova: number,
  len: number,
): Steps<number> {
  const nr = pagesOf(0, len);
  touchAlso(k, READ | at(R.io, 2));
  if (overlaps(k, kind, iova / PAGE_SIZE, nr)) return -EEXIST;
  const mm = k.task.mm[task];
  const row = yield* newRegion(k, kind, mm);
  if (row === 0) return -ENOMEM;
  // The table of powerpc counts before it pins, the others what they have pinned.
  if (kind === REGION.mmIommu) {
    const allowed = yield* count(k, row, mm, nr);
    if (!allowed) return yield* giveUp(k, row, -ENOMEM);
  }
  const flags = longtermOf(ruleOf(k, kind)) | FOLL.write;
  const error = yield* takePages(k, task, row, vpn, nr, takeOf(kind, ruleOf(k, kind)), flags);
  if (error !== 0) return yield* giveUp(k, row, kind === REGION.mmIommu ? -EFAULT : error);
  if (kind !== REGION.mmIommu) {
    const allowed = yield* count(k, row, mm, counted(k, row, nr));
    if (!allowed) return yield* giveUp(k, row, -ENOMEM);
  }
  k.device.iova[row] = iova / PAGE_SIZE;
  yield* startDevice(k, row, 0, len, true);
  return kind === REGION.mmIommu ? row : 0;
}

function ruleOf(k: System, kind: number): string {
  if (kind === REGION.mmIommu) return k.rules.users.mmIommu;
  return kind === REGION.vfio ? k.rules.users.vfio : k.rules.users.iommufd;
}

function takeOf(kind: number, rule: string): number {
  if (!holdsPins(rule)) return rule === 'get' ? TAKE.getFast : TAKE.get;
  if (kind === REGION.mmIommu) return TAKE.pin;
  return kind === REGION.vfio ? TAKE.pinRemote : TAKE.pinFast;
}

/** VFIO does not count reserved pages (is_invalid_reserved_pfn), the page of zeros among them. */
function counted(k: System, row: number, nr: number): number {
  if (k.device.kind[row] !== REGION.vfio) return nr;
  let n = 0;
  const pages = regionPages(k, row);
  for (let i = 0; i < nr; i++) if ((k.page.flags[k.kmem[pages + i]] & PG.reserved) === 0) n++;
  return n;
}

/** locked_vm of the mm for VFIO and powerpc; that of the user, and pinned_vm to look at, for iommufd. */
function* count(k: System, row: number, mm: MmId, nr: number): Steps<boolean> {
  const user = k.device.kind[row] === REGION.iommufd;
  const allowed = yield* accountPages(k, mm, user ? ACCOUNT.user : ACCOUNT.lockedVm, nr);
  if (!allowed) return false;
  k.device.counted[row] = nr;
  if (user) k.mm.pinnedVm[mm] += nr;
  return true;
}

function* uncount(k: System, row: number): Steps<void> {
  const mm = k.device.mm[row];
  const nr = k.device.counted[row];
  if (nr === 0) return;
  const user = k.device.kind[row] === REGION.iommufd;
  yield* unaccountPages(k, mm, user ? ACCOUNT.user : ACCOUNT.lockedVm, nr);
  if (user) k.mm.pinnedVm[mm] -= nr;
}

function* giveUp(k: System, row: number, error: number): Steps<number> {
  yield* putPages(k, row, false);
  yield* uncount(k, row);
  yield* dropRegion(k, row);
  return error;
}

/**
 * Takes a mapping away: it must be named as it was made. 0, or -EINVAL, from iommufd -ENOENT. The pages are dirty, for the
 * device could write.
 */
export function* iommuUnmap(k: System, kind: number, iova: number, len: number): Steps<number> {
  yield READ | at(R.io, 2);
  const row = rowAt(k, kind, iova / PAGE_SIZE);
  if (row === 0 || k.device.iova[row] * PAGE_SIZE !== iova || k.device.len[row] !== len)
    return kind === REGION.iommufd ? -ENOENT : -EINVAL;
  const released = yield* iommuRelease(k, row, kind);
  return released ? 0 : -EINVAL;
}

/** Unmaps, unpins and no longer counts a row; false: another has. */
export function* iommuRelease(k: System, row: number, kind: number): Steps<boolean> {
  const stopped = yield* stopDevice(k, row, kind);
  if (!stopped) return false;
  yield* putPages(k, row, true);
  yield* uncount(k, row);
  yield* dropRegion(k, row);
  return true;
}

/** The row of a kind that covers page `iova` of the device's address space; 0: none. */
function rowAt(k: System, kind: number, iova: number): number {
  for (let row = 1; row <= REGIONS; row++) {
    const first = k.device.iova[row];
    const mine = k.device.kind[row] === kind && k.device.len[row] > 0;
    if (mine && iova >= first && iova < first + k.device.len[row] / PAGE_SIZE) return row;
  }
  return 0;
}

function overlaps(k: System, kind: number, iova: number, nr: number): boolean {
  // The table of powerpc is found by user address and knows no device address.
  if (kind === REGION.mmIommu) return false;
  for (let i = 0; i < nr; i++) if (rowAt(k, kind, iova + i) !== 0) return true;
  return false;
}

function anyRowAt(k: System, iova: number): number {
  const vfio = rowAt(k, REGION.vfio, iova);
  return vfio !== 0 ? vfio : rowAt(k, REGION.iommufd, iova);
}

/** The device reads a byte at its address; -EFAULT: the IOMMU knows none there. */
export function* iommuRead(k: System, iova: number): Steps<number> {
  yield READ | at(R.io, 2);
  const row = anyRowAt(k, Math.floor(iova / PAGE_SIZE));
  if (row === 0) return -EFAULT;
  return yield* dmaRead(k, row, k.device.kind[row], iova - k.device.iova[row] * PAGE_SIZE);
}

/** The device writes a byte at its address. */
export function* iommuWrite(k: System, iova: number, byte: number): Steps<number> {
  yield READ | at(R.io, 2);
  const row = anyRowAt(k, Math.floor(iova / PAGE_SIZE));
  if (row === 0) return -EFAULT;
  return yield* dmaWrite(k, row, k.device.kind[row], iova - k.device.iova[row] * PAGE_SIZE, byte);
}
