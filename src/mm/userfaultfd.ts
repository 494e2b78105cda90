/**
 * userfaultfd(2), the side of the monitor (fs/userfaultfd.c, mm/userfaultfd.c: mfill_atomic, mwriteprotect_range). A process has one
 * userfaultfd at most, made at the first registration. Rules: semantics.md A.22.2, S37, S65, S164 to S166.
 *
 * Pins: device accesses see no protection (A.22.2); what a copy fills is a new page, as by a fault.
 */
import { R } from '../machine/access.ts';
import { copyPage } from '../machine/contents.ts';
import { flushTlbRange } from '../machine/cpu.ts';
import { entryClear, entryHi, entryRead, entrySet } from '../machine/entries.ts';
import {
  entryHiOf,
  isGuardEntry,
  isNone,
  isPresent,
  isSwapEntry,
  PTE,
  SWP,
  swpType,
} from '../machine/entry.ts';
import { EAGAIN, EBUSY, EEXIST, EFAULT, EINVAL, ENOENT, ENOMEM, EPERM } from '../machine/errno.ts';
import { folioUnlock, lock, lockShared, unlock, unlockShared } from '../machine/locks.ts';
import { HPAGE_PMD_NR, PAGE_SIZE, PG } from '../machine/page.ts';
import type { EntryAddr, FileId, MmId, Pfn, Steps, TaskId, VmaId, Vpn } from '../machine/types.ts';
import { partsFromPins } from './coherency.ts';
import {
  allocUserPage,
  hugeLeafStands,
  makePteLo,
  mayWriteBit,
  PTE_MKDIRTY,
} from './fault-common.ts';
import { filemapAddFolio, filemapGetFolio, filemapRemoveFolio } from './filemap.ts';
import { folioPut } from './folio.ts';
import { splitHugePmd } from './huge-split.ts';
import type { Kernel } from './kernel.ts';
import { folioAddLru } from './lru.ts';
import { userAccess } from './memory.ts';
import { invalidateEnd, invalidateStart } from './mmu-notifier.ts';
import {
  entryCurrent,
  isLeaf,
  pmdEntry,
  pteAlloc,
  pteEntry,
  pteLock,
  pteUnlock,
} from './pgtable.ts';
import { folioAddFileRmap, folioAddNewAnonRmap, linearIndex } from './rmap.ts';
import { folioMarkDirty } from './set-dirty.ts';
import { wakeUserfaults } from './userfault-wait.ts';
import { anonVmaPrepare, findVma, VM, vmaAt, vmaIsAnonymous, vmaIsShmem } from './vma.ts';
import { isolateRange, mergeVma } from './vma-split.ts';

/** UFFDIO_REGISTER_MODE_*, as the manual numbers them. */
export const UFFD_REGISTER = { missing: 1, wp: 2, minor: 4 } as const;
/** Bits of the mode of UFFDIO_COPY and UFFDIO_CONTINUE; of UFFDIO_WRITEPROTECT. */
export const UFFD_COPY = { dontwake: 1, wp: 2 } as const;
export const UFFD_WRITEPROTECT = { wp: 1, dontwake: 2 } as const;

const UFFD_FLAGS = VM.uffdMissing | VM.uffdWp | VM.uffdMinor;

/**
 * UFFDIO_REGISTER: faults of [start, start + nr) are user space's from now on. 0; -EINVAL: no mapping at `start`, no mode, or memory
 * that this kernel does not do it for; -EPERM: a shared mapping of what may not be written.
 */
export function* uffdioRegister(
  k: Kernel,
  mm: MmId,
  start: Vpn,
  nr: number,
  mode: number,
): Steps<number> {
  const known = UFFD_REGISTER.missing | UFFD_REGISTER.wp | UFFD_REGISTER.minor;
  if (mode === 0 || (mode & ~known) !== 0 || nr <= 0) return -EINVAL;
  let flags = 0;
  if ((mode & UFFD_REGISTER.missing) !== 0) flags |= VM.uffdMissing;
  if ((mode & UFFD_REGISTER.wp) !== 0) flags |= VM.uffdWp;
  if ((mode & UFFD_REGISTER.minor) !== 0) flags |= VM.uffdMinor;
  yield* lock(k, R.mmapLock, mm);
  const error = yield* registerRange(k, mm, start, start + nr, flags);
  yield* unlock(k, R.mmapLock, mm);
  return error;
}

function* registerRange(k: Kernel, mm: MmId, start: Vpn, end: Vpn, flags: number): Steps<number> {
  const refused = refusesRange(k, mm, start, end, flags);
  if (refused !== 0) return refused;
  let at = start;
  while (at < end) {
    const found = findVma(k, mm, at);
    if (found === 0 || k.vma.start[found] >= end) break;
    const from = Math.max(at, k.vma.start[found]);
    at = Math.min(end, k.vma.end[found]);
    const now = (k.vma.flags[found] & ~UFFD_FLAGS) | flags;
    if (now === k.vma.flags[found]) continue;
    const error = yield* isolateRange(k, mm, from, at);
    if (error !== 0) return error;
    const vma = vmaAt(k, mm, from);
    k.vma.flags[vma] = now;
    yield* mergeVma(k, vma);
  }
  return 0;
}

/** Every mapping of the range has to be one that userfaultfd can serve. */
function refusesRange(k: Kernel, mm: MmId, start: Vpn, end: Vpn, flags: number): number {
  const first = findVma(k, mm, start);
  if (first === 0 || k.vma.start[first] >= end) return -EINVAL;
  for (let vma = first; vma !== 0 && k.vma.start[vma] < end; vma = k.vma.next[vma]) {
    const shmem = vmaIsShmem(k, vma);
    if (!vmaIsAnonymous(k, vma) && !(shmem && k.rules.uffd.shmem)) return -EINVAL;
    if ((flags & VM.uffdWp) !== 0 && (!k.rules.uffd.wp || shmem)) return -EINVAL;
    if ((flags & VM.uffdMinor) !== 0 && (!k.rules.uffd.minor || !shmem)) return -EINVAL;
    if (k.rules.uffd.shmem && (k.vma.flags[vma] & VM.mayWrite) === 0) return -EPERM;
  }
  return 0;
}

/** The registered VMA that holds all of [start, end), 0: none (find_dst_vma). */
function registeredVma(k: Kernel, mm: MmId, start: Vpn, end: Vpn): VmaId {
  const vma = vmaAt(k, mm, start);
  if (vma === 0 || end > k.vma.end[vma] || (k.vma.flags[vma] & UFFD_FLAGS) === 0) return 0;
  return vma;
}

/**
 * UFFDIO_COPY: fills the missing pages of [dst, dst + nr) with copies of what the caller has at `src`, and wakes who waits for them.
 * Returns bytes; an error when there are none: -ENOENT: not registered; -EEXIST: there is a page; -EAGAIN: its table went
 * meanwhile; -EINVAL, -EFAULT, -ENOMEM.
 */
export function* uffdioCopy(
  k: Kernel,
  task: TaskId,
  dst: Vpn,
  src: Vpn,
  nr: number,
  mode: number,
): Steps<number> {
  if (nr <= 0 || (mode & ~(UFFD_COPY.dontwake | UFFD_COPY.wp)) !== 0) return -EINVAL;
  const mm = k.task.mm[task];
  let done = 0;
  let error = 0;
  while (done < nr && error === 0) {
    error = yield* copyOne(k, task, dst + done, dst + nr, src + done, (mode & UFFD_COPY.wp) !== 0);
    if (error === 0) done++;
  }
  if (done > 0 && (mode & UFFD_COPY.dontwake) === 0) yield* wakeUserfaults(k, mm, dst, dst + done);
  return done > 0 ? done * PAGE_SIZE : error;
}

/** mfill_atomic() for one page: 0 or -errno. The copy is made without mmap_lock, so the mapping is looked up again after it. */
function* copyOne(
  k: Kernel,
  task: TaskId,
  dst: Vpn,
  end: Vpn,
  src: Vpn,
  wp: boolean,
): Steps<number> {
  const mm = k.task.mm[task];
  yield* lockShared(k, R.mmapLock, mm);
  const there = registeredVma(k, mm, dst, end) !== 0;
  yield* unlockShared(k, R.mmapLock, mm);
  if (!there) return -ENOENT;
  const fresh = yield* allocUserPage(k, task, 0);
  if (fresh === 0) return -ENOMEM;
  const from = yield* userAccess(k, task, src, false);
  let error = -EFAULT;
  if (from >= 0) {
    copyPage(k, from, fresh);
    yield* lockShared(k, R.mmapLock, mm);
    const vma = registeredVma(k, mm, dst, end);
    if (vma === 0) error = -ENOENT;
    else if (wp && (k.vma.flags[vma] & VM.uffdWp) === 0) error = -EINVAL;
    else if ((k.vma.flags[vma] & VM.shared) !== 0) error = yield* fillFile(k, vma, dst, fresh, wp);
    else error = yield* fillAnon(k, vma, dst, fresh, wp);
    yield* unlockShared(k, R.mmapLock, mm);
  }
  // Filled, the reference became the mapping's, or the cache's and the mapping's have theirs.
  if (error !== 0) yield* folioPut(k, fresh, 1);
  return error;
}

/** The empty entry at `vpn` with its table locked, or -EEXIST, -ENOMEM, -EAGAIN (its table has gone) with nothing locked. */
function* lockEmpty(k: Kernel, vma: VmaId, vpn: Vpn): Steps<EntryAddr> {
  const mm = k.vma.mm[vma];
  const e = yield* pteAlloc(k, mm, vpn);
  if (e === 0) return hugeLeafStands(k, mm, vpn) ? -EEXIST : -ENOMEM;
  yield* pteLock(k, e);
  const lo = yield* entryRead(k, e);
  // pte_none_mostly(): a guard is no page either, and is written over.
  const none = isNone(lo, entryHi(k, e)) || isGuardEntry(lo, entryHi(k, e));
  if (none && entryCurrent(k, mm, vpn, e)) return e;
  yield* pteUnlock(k, e);
  return none ? -EAGAIN : -EEXIST;
}

/** mfill_atomic_install_pte(): a write-protected copy is writable once the protection ends. */
function installFlags(k: Kernel, vma: VmaId, wp: boolean): number {
  return PTE_MKDIRTY | (wp ? PTE.uffdWp : mayWriteBit(k, vma));
}

function* fillAnon(k: Kernel, vma: VmaId, vpn: Vpn, fresh: Pfn, wp: boolean): Steps<number> {
  const prepared = yield* anonVmaPrepare(k, vma);
  if (!prepared) return -ENOMEM;
  const e = yield* lockEmpty(k, vma, vpn);
  if (e < 0) return e;
  k.mm.anonRss[k.vma.mm[vma]] += 1;
  yield* folioAddNewAnonRmap(k, fresh, vma, vpn, false);
  yield* folioAddLru(k, fresh);
  const lo = makePteLo(k, vma, fresh, installFlags(k, vma, wp));
  yield* entrySet(k, e, wp ? lo & ~PTE.write : lo, entryHiOf(fresh, 0));
  yield* pteUnlock(k, e);
  return 0;
}

/** shmem_mfill_atomic_pte(): the page joins the file first. */
function* fillFile(k: Kernel, vma: VmaId, vpn: Vpn, fresh: Pfn, wp: boolean): Steps<number> {
  const file: FileId = k.vma.file[vma];
  const index = linearIndex(k, vma, vpn);
  if (index >= k.file.pages[file]) return -EFAULT;
  k.page.flags[fresh] |= PG.swapbacked;
  const error = yield* filemapAddFolio(k, fresh, file, index);
  if (error !== 0) return error;
  yield* folioAddLru(k, fresh);
  yield* folioMarkDirty(k, fresh);
  const mapped = yield* mapFilePage(k, vma, vpn, fresh, wp);
  // What could not be mapped does not stay in the file; its reference was the mapping's, and is the caller's to drop.
  if (mapped !== 0) yield* filemapRemoveFolio(k, fresh);
  yield* folioUnlock(k, fresh);
  return mapped;
}

/** Maps a locked page of the file with the caller's reference: 0, -EEXIST or -ENOMEM. */
function* mapFilePage(k: Kernel, vma: VmaId, vpn: Vpn, page: Pfn, wp: boolean): Steps<number> {
  const e = yield* lockEmpty(k, vma, vpn);
  if (e < 0) return e;
  k.mm.fileRss[k.vma.mm[vma]] += 1;
  yield* folioAddFileRmap(k, page, false);
  // To 5.15 a page of a file is mapped clean where it is only read (S65).
  const dirty = k.rules.uffd.continueDirty || mayWriteBit(k, vma) !== 0 ? PTE_MKDIRTY : 0;
  const lo = makePteLo(k, vma, page, (installFlags(k, vma, wp) & ~PTE_MKDIRTY) | dirty);
  yield* entrySet(k, e, wp ? lo & ~PTE.write : lo, entryHiOf(page, 0));
  yield* pteUnlock(k, e);
  return 0;
}

/**
 * UFFDIO_CONTINUE: maps the pages that the file already has. Returns bytes; -EFAULT where the file has none, others as `uffdioCopy`.
 */
export function* uffdioContinue(
  k: Kernel,
  mm: MmId,
  start: Vpn,
  nr: number,
  mode: number,
): Steps<number> {
  if (nr <= 0 || (mode & ~(UFFD_COPY.dontwake | UFFD_COPY.wp)) !== 0) return -EINVAL;
  let done = 0;
  let error = 0;
  while (done < nr && error === 0) {
    yield* lockShared(k, R.mmapLock, mm);
    const vma = registeredVma(k, mm, start + done, start + nr);
    if (vma === 0) error = -ENOENT;
    else if (!vmaIsShmem(k, vma)) error = -EINVAL;
    else error = yield* continueOne(k, vma, start + done, (mode & UFFD_COPY.wp) !== 0);
    yield* unlockShared(k, R.mmapLock, mm);
    if (error === 0) done++;
  }
  if (done > 0 && (mode & UFFD_COPY.dontwake) === 0)
    yield* wakeUserfaults(k, mm, start, start + done);
  return done > 0 ? done * PAGE_SIZE : error;
}

function* continueOne(k: Kernel, vma: VmaId, vpn: Vpn, wp: boolean): Steps<number> {
  const folio = yield* filemapGetFolio(k, k.vma.file[vma], linearIndex(k, vma, vpn));
  if (folio === 0) return -EFAULT;
  const error = yield* mapFilePage(k, vma, vpn, folio, wp);
  if (error !== 0) yield* folioPut(k, folio, 1);
  return error;
}

/**
 * UFFDIO_WRITEPROTECT: protects the pages that are there, or ends it and wakes who waits. The end leaves the write bit to the next
 * fault, which decides as always whether the page may be kept (A.16.3). 0; -ENOENT: not registered for it; -EINVAL.
 */
export function* uffdioWriteprotect(
  k: Kernel,
  mm: MmId,
  start: Vpn,
  nr: number,
  mode: number,
): Steps<number> {
  if (nr <= 0 || (mode & ~(UFFD_WRITEPROTECT.wp | UFFD_WRITEPROTECT.dontwake)) !== 0)
    return -EINVAL;
  const protect = (mode & UFFD_WRITEPROTECT.wp) !== 0;
  yield* lockShared(k, R.mmapLock, mm);
  const vma = registeredVma(k, mm, start, start + nr);
  let error = -ENOENT;
  if (vma !== 0 && (k.vma.flags[vma] & VM.uffdWp) !== 0) {
    let parts = false;
    if (protect) parts = yield* partsFromPins(k, mm, start, start + nr);
    if (!parts) yield* protectRange(k, vma, start, start + nr, protect);
    error = parts ? -EBUSY : 0;
  }
  yield* unlockShared(k, R.mmapLock, mm);
  if (error === 0 && !protect && (mode & UFFD_WRITEPROTECT.dontwake) === 0)
    yield* wakeUserfaults(k, mm, start, start + nr);
  return error;
}

/** change_protection() with MM_CP_UFFD_WP or MM_CP_UFFD_WP_RESOLVE. A huge page is split, so that its parts can differ. */
function* protectRange(k: Kernel, vma: VmaId, start: Vpn, end: Vpn, on: boolean): Steps<void> {
  const told = yield* invalidateStart(k, k.vma.mm[vma], start, end);
  for (let vpn = start; vpn < end; vpn++) {
    const pmd = pmdEntry(k, k.vma.mm[vma], vpn);
    if (pmd !== 0 && isLeaf(k.contents[pmd]))
      yield* splitHugePmd(k, vma, pmd, vpn - (vpn % HPAGE_PMD_NR));
    const e = pteEntry(k, k.vma.mm[vma], vpn);
    if (e === 0) continue;
    yield* pteLock(k, e);
    yield* protectEntry(k, e, on);
    yield* pteUnlock(k, e);
  }
  yield* flushTlbRange(k, k.vma.mm[vma], start, end);
  yield* invalidateEnd(k, k.vma.mm[vma], told);
}

function* protectEntry(k: Kernel, e: EntryAddr, on: boolean): Steps<void> {
  const now = yield* entryRead(k, e);
  const hi = entryHi(k, e);
  if (isPresent(now)) {
    const lo = yield* entryClear(k, e);
    yield* entrySet(k, e, on ? (lo & ~PTE.write) | PTE.uffdWp : lo & ~PTE.uffdWp, hi);
  } else if (isSwapEntry(now, hi) && swpType(hi) !== SWP.marker && !isGuardEntry(now, hi)) {
    yield* entrySet(k, e, on ? now | PTE.swpUffdWp : now & ~PTE.swpUffdWp, hi);
  }
}
