/**
 * What all callers have in common: taking pages of a range by the reference that the kernel's version of the subsystem
 * uses, keeping them in a table, DMA to them by page, and giving them back. Rules: semantics.md A.28, A.10, A.26.2.
 */
import { HOLD, REGION, REGION_PAGES, REGIONS } from '../fs/device-tables.ts';
import type { System } from '../fs/system.ts';
import { at, R, READ, WRITE } from '../machine/access.ts';
import { touchAlso } from '../machine/also.ts';
import { pageByte, setPageByte } from '../machine/contents.ts';
import { EFAULT, EINVAL } from '../machine/errno.ts';
import { lockShared, unlockShared } from '../machine/locks.ts';
import { BUG, bug } from '../machine/report.ts';
import type { MmId, Pfn, Steps, TaskId, Vpn } from '../machine/types.ts';
import { headOf } from '../mm/folio.ts';
import { FOLL } from '../mm/foll.ts';
import { gupPutFolio } from '../mm/grab.ts';
import {
  getUserPages,
  getUserPagesFast,
  pinUserPages,
  pinUserPagesFast,
  pinUserPagesRemote,
} from '../mm/gup.ts';
import { LOCKED } from '../mm/gup-args.ts';
import { setPageDirtyLock } from '../mm/set-dirty.ts';
import { unpinUserPagesDirtyLock } from '../mm/unpin.ts';

const PAGE_SIZE = 4096;

/** How a subsystem takes pages. */
export const TAKE = {
  getFast: 0,
  get: 1,
  pinFast: 2,
  pin: 3,
  pinRemote: 4,
} as const;

/** Whether a rule of `users` names pins: `pin`, `pinLongterm`. */
export function holdsPins(value: string): boolean {
  return value === 'pin' || value === 'pinLongterm';
}

/** FOLL_LONGTERM where the value of a rule of `users` has it. */
export function longtermOf(value: string): number {
  return value === 'getLongterm' || value === 'pinLongterm' ? FOLL.longterm : 0;
}

/** A free row, taken for `kind`; 0: there is none. */
export function* newRegion(k: System, kind: number, mm: MmId): Steps<number> {
  yield WRITE | at(R.io, 2);
  let row = 1;
  while (row <= REGIONS && k.device.kind[row] !== REGION.free) row++;
  if (row > REGIONS) return 0;
  k.device.kind[row] = kind;
  k.device.mm[row] = mm;
  return row;
}

/** Forgets a row that holds nothing any more. */
export function* dropRegion(k: System, row: number): Steps<void> {
  yield WRITE | at(R.io, 2);
  k.device.kind[row] = REGION.free;
  k.device.mm[row] = 0;
  k.device.off[row] = 0;
  k.device.len[row] = 0;
  k.device.hold[row] = 0;
  k.device.writable[row] = 0;
  k.device.iova[row] = 0;
  k.device.counted[row] = 0;
}

/** Where in `kmem` the pages of a row are. */
export function regionPages(k: System, row: number): number {
  return k.device.kmem + (row - 1) * REGION_PAGES;
}

/** Pages that [off, off + len) fills; -EINVAL for none or more than a row holds. */
export function pagesOf(off: number, len: number): number {
  const nr = Math.ceil((off + len) / PAGE_SIZE);
  return len <= 0 || nr > REGION_PAGES ? -EINVAL : nr;
}

/**
 * Takes all `nr` pages from `vpn` on into the row: 0, or what the pinning call said (-EFAULT where it only stopped), and
 * nothing held. `wanted`: `TAKE`.
 */
export function* takePages(
  k: System,
  task: TaskId,
  row: number,
  vpn: Vpn,
  nr: number,
  wanted: number,
  flags: number,
): Steps<number> {
  const pages = regionPages(k, row);
  k.device.hold[row] = wanted >= TAKE.pinFast ? HOLD.pin : HOLD.get;
  let got = 0;
  let last = 1;
  while (got < nr && last > 0) {
    last = yield* takeSome(k, task, vpn + got, nr - got, wanted, flags, pages + got);
    if (last > 0) got += last;
  }
  k.device.pages[row] = got;
  if (got === nr) return 0;
  yield* putPages(k, row, false);
  return last < 0 ? last : -EFAULT;
}

function* takeSome(
  k: System,
  task: TaskId,
  vpn: Vpn,
  nr: number,
  wanted: number,
  flags: number,
  pages: number,
): Steps<number> {
  if (wanted === TAKE.getFast) return yield* getUserPagesFast(k, task, vpn, nr, flags, pages);
  if (wanted === TAKE.pinFast) return yield* pinUserPagesFast(k, task, vpn, nr, flags, pages);
  const mm = k.task.mm[task];
  let got = 0;
  yield* lockShared(k, R.mmapLock, mm);
  if (wanted === TAKE.get) got = yield* getUserPages(k, task, vpn, nr, flags, pages);
  else if (wanted === TAKE.pin) got = yield* pinUserPages(k, task, vpn, nr, flags, pages);
  else got = yield* pinUserPagesRemote(k, task, mm, vpn, nr, flags, pages, LOCKED.caller);
  yield* unlockShared(k, R.mmapLock, mm);
  return got;
}

/** Gives all pages of a row back, marked dirty where the device may have written. */
export function* putPages(k: System, row: number, dirty: boolean): Steps<void> {
  const pages = regionPages(k, row);
  const nr = k.device.pages[row];
  if (k.device.hold[row] === HOLD.pin) yield* unpinUserPagesDirtyLock(k, pages, nr, dirty);
  for (let i = 0; i < nr; i++) {
    if (k.device.hold[row] === HOLD.get) {
      if (dirty) yield* setPageDirtyLock(k, k.kmem[pages + i]);
      yield* gupPutFolio(k, headOf(k, k.kmem[pages + i]), 1, FOLL.get);
    }
    k.kmem[pages + i] = 0;
  }
  k.device.pages[row] = 0;
}

/** Whether `row` is a registration of `kind` that the device may use; to be asked in a step that announces the table. */
function isRegion(k: System, row: number, kind: number): boolean {
  return row > 0 && row <= REGIONS && k.device.kind[row] === kind && k.device.len[row] > 0;
}

/** From here on the device may use the row, to read and to write if `writable`. */
export function* startDevice(
  k: System,
  row: number,
  off: number,
  len: number,
  writable: boolean,
): Steps<void> {
  yield WRITE | at(R.io, 2);
  k.device.off[row] = off;
  k.device.len[row] = len;
  k.device.writable[row] = writable ? 1 : 0;
}

/** The device stops using the row; false: it is none of `kind`, or another has stopped it. What it holds stays held. */
export function* stopDevice(k: System, row: number, kind: number): Steps<boolean> {
  yield WRITE | at(R.io, 2);
  if (!isRegion(k, row, kind)) return false;
  k.device.len[row] = 0;
  return true;
}

/** The page behind byte `offset` of a registration; 0: outside of it. */
function pageAt(k: System, row: number, offset: number): Pfn {
  if (offset < 0 || offset >= k.device.len[row]) return 0;
  return k.kmem[regionPages(k, row) + Math.floor((k.device.off[row] + offset) / PAGE_SIZE)];
}

/**
 * The device reads one byte of a registration, of the page that it holds, whatever is mapped now. -EINVAL: there is no such
 * registration; -EFAULT: outside of it. One step: who stops the device waits for what it does.
 */
export function* dmaRead(k: System, row: number, kind: number, offset: number): Steps<number> {
  yield READ | at(R.io, 2);
  if (!isRegion(k, row, kind)) return -EINVAL;
  const pfn = pageAt(k, row, offset);
  if (pfn === 0) return -EFAULT;
  touchAlso(k, READ | at(R.content, pfn));
  reportIfFree(k, pfn);
  return pageByte(k, pfn, (k.device.off[row] + offset) % PAGE_SIZE);
}

/** The device writes one byte: 0, or -EFAULT outside of the registration or where it may only read. */
export function* dmaWrite(
  k: System,
  row: number,
  kind: number,
  offset: number,
  byte: number,
): Steps<number> {
  yield READ | at(R.io, 2);
  if (!isRegion(k, row, kind)) return -EINVAL;
  const pfn = pageAt(k, row, offset);
  if (pfn === 0 || k.device.writable[row] === 0) return -EFAULT;
  touchAlso(k, WRITE | at(R.content, pfn));
  reportIfFree(k, pfn);
  setPageByte(k, pfn, (k.device.off[row] + offset) % PAGE_SIZE, byte);
  return 0;
}

/** DMA to a page that belongs to nobody, or already to somebody else, is what pins are there to prevent. */
function reportIfFree(k: System, pfn: Pfn): void {
  if (k.page.refcount[headOf(k, pfn)] <= 0) bug(k, BUG.useAfterFree, pfn);
}
