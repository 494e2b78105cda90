/**
 * Memory that only a device can reach (mm/migrate_device.c: migrate_vma; memory.c: do_swap_page for device-private entries):
 * an anonymous page moves there, and the first access of a processor, or of GUP, brings it back. Nobody can pin it while it
 * is there. Rules: semantics.md A.24.8, A.25.1, S226.
 */
import { R } from '../machine/access.ts';
import { refAdd, refFreeze, refUnfreeze } from '../machine/atomic.ts';
import { copyUserPage } from '../machine/copy-page.ts';
import { flushTlbRange } from '../machine/cpu.ts';
import { entryClear, entryHi, entryRead, entrySet } from '../machine/entries.ts';
import {
  entryHiOf,
  entryPfn,
  isPresent,
  PTE,
  SWP,
  swpHi,
  swpLo,
  swpOffset,
} from '../machine/entry.ts';
import { EBUSY, EFAULT, EINVAL, ENOMEM } from '../machine/errno.ts';
import { folioTrylock, folioUnlock, lockShared, unlockShared } from '../machine/locks.ts';
import { PG } from '../machine/page.ts';
import type { EntryAddr, MmId, Pfn, Steps, TaskId, VmaId, Vpn } from '../machine/types.ts';
import { deviceStart } from './dev-pagemap.ts';
import { DEVICE } from './device-tables.ts';
import { allocUserPage, entrySame, makePteLo, mayWriteBit, PTE_MKDIRTY } from './fault-common.ts';
import { VMF } from './fault-flags.ts';
import { folioPut, headOf, isAnon, isKsm, isLarge } from './folio.ts';
import type { Kernel } from './kernel.ts';
import { folioAddLru, lruDrain } from './lru.ts';
import { invalidateEnd, invalidateStart } from './mmu-notifier.ts';
import { pteEntry, pteLock, pteUnlock } from './pgtable.ts';
import { anonExclusiveRead, folioAddAnonRmap, folioRemoveRmap, tryShareAnonRmap } from './rmap.ts';
import { vmaAt, vmaIsAnonymous } from './vma.ts';

/** A private device page that nobody uses, with one reference; 0: none left. */
function* allocDevicePage(k: Kernel): Steps<Pfn> {
  const start = deviceStart(k, DEVICE.private);
  for (let pfn = start; pfn < start + k.zoneDevice.quarter; pfn++) {
    if (k.page.refcount[pfn] !== 0) continue;
    const now = yield* refAdd(k, pfn, 1);
    if (now === 1) return pfn;
    yield* folioPut(k, pfn, 1);
  }
  return 0;
}

/**
 * migrate_vma_setup(), _pages(), _finalize() for the small anonymous page at `vpn`: 0; -EBUSY when somebody else refers to
 * it, as a pin does; -EFAULT, -EINVAL (not such a page), -ENOMEM.
 */
export function* migrateToDevice(k: Kernel, mm: MmId, vpn: Vpn): Steps<number> {
  yield* lruDrain(k);
  yield* lockShared(k, R.mmapLock, mm);
  const vma = vmaAt(k, mm, vpn);
  let error = -EFAULT;
  if (vma !== 0 && !vmaIsAnonymous(k, vma)) error = -EINVAL;
  else if (vma !== 0) {
    const told = yield* invalidateStart(k, mm, vpn, vpn + 1);
    error = yield* moveOut(k, vma, vpn);
    yield* invalidateEnd(k, mm, told);
  }
  yield* unlockShared(k, R.mmapLock, mm);
  return error;
}

function* moveOut(k: Kernel, vma: VmaId, vpn: Vpn): Steps<number> {
  const e = pteEntry(k, k.vma.mm[vma], vpn);
  if (e === 0) return -EFAULT;
  const target = yield* allocDevicePage(k);
  if (target === 0) return -ENOMEM;
  yield* pteLock(k, e);
  const error = yield* moveLocked(k, vma, vpn, e, target);
  yield* pteUnlock(k, e);
  if (error !== 0) yield* folioPut(k, target, 1);
  return error;
}

/** Under the table's lock: the entry goes first, so that a lockless walk either has its reference by now or sees it gone. */
function* moveLocked(k: Kernel, vma: VmaId, vpn: Vpn, e: EntryAddr, target: Pfn): Steps<number> {
  const seen = yield* entryRead(k, e);
  const hi = entryHi(k, e);
  const page = entryPfn(seen, hi);
  if (!isPresent(seen) || (seen & PTE.special) !== 0) return -EFAULT;
  if (isLarge(k, headOf(k, page)) || headOf(k, page) !== page) return -EINVAL;
  if (!isAnon(k, page) || isKsm(k, page) || (k.page.flags[page] & PG.swapcache) !== 0)
    return -EBUSY;
  const locked = yield* folioTrylock(k, page);
  if (!locked) return -EBUSY;
  const lo = yield* entryClear(k, e);
  yield* flushTlbRange(k, k.vma.mm[vma], vpn, vpn + 1);
  let alone = false;
  // The mapping's reference is the only one (migrate_vma_check_page).
  if (k.page.mapcount[page] === 1) alone = yield* refFreeze(k, page, 1);
  if (!alone) {
    yield* entrySet(k, e, lo, hi);
    yield* folioUnlock(k, page);
    return -EBUSY;
  }
  yield* refUnfreeze(k, page, 1);
  yield* takeOver(k, page, target, e, lo);
  yield* folioUnlock(k, page);
  yield* folioPut(k, page, 1);
  return 0;
}

/** The device page takes content, owner and mapping of `page`. */
function* takeOver(k: Kernel, page: Pfn, target: Pfn, e: EntryAddr, lo: number): Steps<void> {
  yield* copyUserPage(k, page, target);
  k.page.mapping[target] = k.page.mapping[page];
  k.page.index[target] = k.page.index[page];
  k.page.flags[target] = PG.uptodate | PG.swapbacked;
  let exclusive = (lo & PTE.write) !== 0;
  if (k.rules.anon.exclusive) exclusive = yield* anonExclusiveRead(k, page);
  if (exclusive && k.rules.anon.exclusive) yield* tryShareAnonRmap(k, page);
  yield* folioRemoveRmap(k, page, false);
  yield* folioAddAnonRmap(k, target, exclusive, false);
  const mark = exclusive ? PTE.swpExclusive : 0;
  yield* entrySet(k, e, swpLo(target, mark), swpHi(SWP.devicePrivate, target));
}

/** The driver's migrate_to_ram(): a processor needs the page. `VMF` bits; the access is tried again. */
export function* migrateToRam(
  k: Kernel,
  task: TaskId,
  vma: VmaId,
  vpn: Vpn,
  e: EntryAddr,
  lo: number,
  hi: number,
): Steps<number> {
  const fresh = yield* allocUserPage(k, task, 0);
  if (fresh === 0) return VMF.oom;
  const mm = k.vma.mm[vma];
  const told = yield* invalidateStart(k, mm, vpn, vpn + 1);
  yield* pteLock(k, e);
  const same = yield* entrySame(k, e, lo, hi);
  if (same) yield* bringBack(k, vma, e, lo, swpOffset(lo, hi), fresh);
  yield* pteUnlock(k, e);
  yield* invalidateEnd(k, mm, told);
  yield* folioPut(k, same ? swpOffset(lo, hi) : fresh, 1);
  return 0;
}

function* bringBack(
  k: Kernel,
  vma: VmaId,
  e: EntryAddr,
  lo: number,
  page: Pfn,
  fresh: Pfn,
): Steps<void> {
  yield* copyUserPage(k, page, fresh);
  k.page.mapping[fresh] = k.page.mapping[page];
  k.page.index[fresh] = k.page.index[page];
  k.page.flags[fresh] |= PG.swapbacked;
  // Two processes after a fork bring back one copy each: nobody shares it.
  const exclusive = (lo & PTE.swpExclusive) !== 0 || k.page.mapcount[page] === 1;
  k.page.flags[page] &= ~PG.anonExclusive;
  yield* folioRemoveRmap(k, page, false);
  yield* folioAddAnonRmap(k, fresh, exclusive, false);
  yield* folioAddLru(k, fresh);
  const write = exclusive ? mayWriteBit(k, vma) | PTE_MKDIRTY : PTE_MKDIRTY;
  yield* entrySet(k, e, makePteLo(k, vma, fresh, write), entryHiOf(fresh, 0));
}
