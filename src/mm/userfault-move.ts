/**
 * UFFDIO_MOVE: a page moves to another address without a copy (mm/userfaultfd.c: move_pages, move_present_pte, move_swap_pte). A pin
 * would stay with the page and be found at an address that nobody pinned, so a page that may be pinned is refused; a plain reference
 * is not looked at. Rules: semantics.md A.22.5, S37.
 */
import { at, R, WRITE } from '../machine/access.ts';
import { flushTlbRange } from '../machine/cpu.ts';
import { entryClear, entryHi, entryRead, entrySet } from '../machine/entries.ts';
import {
  entryHiOf,
  entryPfn,
  isGuardEntry,
  isNone,
  isPresent,
  PTE,
  SWP,
  swpOffset,
  swpType,
} from '../machine/entry.ts';
import { EAGAIN, EBUSY, EEXIST, EFAULT, EINVAL, ENOENT, ENOMEM } from '../machine/errno.ts';
import { refTryAdd } from '../machine/grab-words.ts';
import {
  folioLock,
  folioUnlock,
  lock,
  lockShared,
  unlock,
  unlockShared,
} from '../machine/locks.ts';
import { HPAGE_PMD_NR, PAGE_SIZE } from '../machine/page.ts';
import type { EntryAddr, Folio, MmId, Steps, VmaId, Vpn } from '../machine/types.ts';
import { entrySame, makePteLo, mayWriteBit, PTE_MKDIRTY } from './fault-common.ts';
import { anonVmaOf, folioPut, headOf, isAnon, isKsm } from './folio.ts';
import { splitHugePmd } from './huge-split.ts';
import type { Kernel } from './kernel.ts';
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
import { folioMaybeDmaPinned } from './pinned.ts';
import { anonExclusiveRead, setAnonMapping } from './rmap.ts';
import { trySplitToPage } from './split-to-page.ts';
import { swapCacheGet } from './swap-state.ts';
import { wakeUserfaults } from './userfault-wait.ts';
import { anonVmaPrepare, VM, vmaAt, vmaIsAnonymous } from './vma.ts';

/** Bits of the mode. */
export const UFFD_MOVE = { dontwake: 1, allowSrcHoles: 2 } as const;

/**
 * Moves `nr` pages from `src` to `dst` within one process. Returns bytes; an error when there are none: -EBUSY: a page is pinned,
 * shared, or cannot be split; -EEXIST: there is a page at `dst`; -ENOENT: none at `src`; -EINVAL: not private anonymous memory, or
 * `dst` is not registered; -ENOMEM. Takes mmap_lock.
 */
export function* uffdioMove(
  k: Kernel,
  mm: MmId,
  dst: Vpn,
  src: Vpn,
  nr: number,
  mode: number,
): Steps<number> {
  if (nr <= 0 || (mode & ~(UFFD_MOVE.dontwake | UFFD_MOVE.allowSrcHoles)) !== 0) return -EINVAL;
  let done = 0;
  let error = 0;
  yield* lockShared(k, R.mmapLock, mm);
  while (done < nr && error === 0) {
    const from = movableVma(k, mm, src, src + nr, false);
    const to = movableVma(k, mm, dst, dst + nr, true);
    if (from === 0 || to === 0) error = -EINVAL;
    else error = yield* moveTold(k, from, to, src + done, dst + done);
    // Somebody changed an entry meanwhile, or had to be waited for.
    if (error === -EAGAIN) error = 0;
    else if (error === 0 || (error === -ENOENT && (mode & UFFD_MOVE.allowSrcHoles) !== 0)) {
      error = 0;
      done++;
    }
  }
  yield* unlockShared(k, R.mmapLock, mm);
  if (done > 0 && (mode & UFFD_MOVE.dontwake) === 0) yield* wakeUserfaults(k, mm, dst, dst + done);
  return done > 0 ? done * PAGE_SIZE : error;
}

/** validate_move_areas(): the private, writable anonymous VMA around [start, end), 0: none. */
function movableVma(k: Kernel, mm: MmId, start: Vpn, end: Vpn, registered: boolean): VmaId {
  const vma = vmaAt(k, mm, start);
  if (vma === 0 || end > k.vma.end[vma] || !vmaIsAnonymous(k, vma)) return 0;
  const flags = k.vma.flags[vma];
  if ((flags & VM.shared) !== 0 || (flags & VM.write) === 0) return 0;
  if (registered && (flags & (VM.uffdMissing | VM.uffdWp)) === 0) return 0;
  return vma;
}

/** move_pages_pte() between the calls to those who watch the source (A.25.1). */
function* moveTold(k: Kernel, from: VmaId, to: VmaId, src: Vpn, dst: Vpn): Steps<number> {
  const mm = k.vma.mm[from];
  const told = yield* invalidateStart(k, mm, src, src + 1);
  const error = yield* moveOne(k, from, to, src, dst);
  yield* invalidateEnd(k, mm, told);
  return error;
}

/** 0, -EAGAIN to look again, or -errno. */
function* moveOne(k: Kernel, from: VmaId, to: VmaId, src: Vpn, dst: Vpn): Steps<number> {
  const mm = k.vma.mm[from];
  const pmd = pmdEntry(k, mm, src);
  if (pmd !== 0 && isLeaf(k.contents[pmd]))
    yield* splitHugePmd(k, from, pmd, src - (src % HPAGE_PMD_NR));
  const prepared = yield* anonVmaPrepare(k, to);
  if (!prepared) return -ENOMEM;
  const target = yield* pteAlloc(k, mm, dst);
  if (target === 0) return -EEXIST;
  const source = pteEntry(k, mm, src);
  if (source === 0) return -ENOENT;
  yield* pteLock(k, source);
  const lo = yield* entryRead(k, source);
  const hi = entryHi(k, source);
  let folio = 0;
  if (isPresent(lo) && isAnon(k, headOf(k, entryPfn(lo, hi)))) {
    const got = yield* refTryAdd(k, headOf(k, entryPfn(lo, hi)), 1);
    if (got) folio = entryPfn(lo, hi);
  }
  yield* pteUnlock(k, source);
  if (isNone(lo, hi)) return -ENOENT;
  if (!isPresent(lo)) return yield* moveSwapEntry(k, to, source, target, dst, lo, hi);
  // A page of zeros or of a file: the kernel moves the former; nobody's pin is on it.
  if (folio === 0 || isKsm(k, headOf(k, folio))) {
    if (folio !== 0) yield* folioPut(k, headOf(k, folio), 1);
    return -EBUSY;
  }
  const error = yield* movePage(k, to, folio, source, target, src, dst, lo, hi);
  yield* folioPut(k, headOf(k, folio), 1);
  return error;
}

/** The page under its lock and that of its family, which keeps reverse mapping away while its place changes. */
function* movePage(
  k: Kernel,
  to: VmaId,
  page: Folio,
  source: EntryAddr,
  target: EntryAddr,
  src: Vpn,
  dst: Vpn,
  lo: number,
  hi: number,
): Steps<number> {
  const busy = yield* trySplitToPage(k, page);
  if (busy !== 0) return -EBUSY;
  const family = anonVmaOf(k, page);
  yield* lock(k, R.anonLock, family);
  yield* lockBoth(k, source, target);
  const error = yield* movePresent(k, to, page, source, target, src, dst, lo, hi);
  yield* unlockBoth(k, source, target);
  yield* unlock(k, R.anonLock, family);
  yield* folioUnlock(k, page);
  return error;
}

/** double_pt_lock(): in the order of addresses, once where both are in one table. */
function* lockBoth(k: Kernel, a: EntryAddr, b: EntryAddr): Steps<void> {
  yield* pteLock(k, Math.min(a, b));
  if (a >> 10 !== b >> 10) yield* pteLock(k, Math.max(a, b));
}

function* unlockBoth(k: Kernel, a: EntryAddr, b: EntryAddr): Steps<void> {
  if (a >> 10 !== b >> 10) yield* pteUnlock(k, Math.max(a, b));
  yield* pteUnlock(k, Math.min(a, b));
}

/** move_present_pte(): asks for pins before the entry is cleared, and again after, when no fast walk can take one any more. */
function* movePresent(
  k: Kernel,
  to: VmaId,
  page: Folio,
  source: EntryAddr,
  target: EntryAddr,
  src: Vpn,
  dst: Vpn,
  lo: number,
  hi: number,
): Steps<number> {
  const empty = yield* entryRead(k, target);
  if (!isNone(empty, entryHi(k, target))) return -EEXIST;
  const same = yield* entrySame(k, source, lo, hi);
  if (!same || !entryCurrent(k, k.vma.mm[to], dst, target)) return -EAGAIN;
  const exclusive = yield* anonExclusiveRead(k, page);
  let pinned = yield* folioMaybeDmaPinned(k, page);
  if (pinned || !exclusive) return -EBUSY;
  const old = yield* entryClear(k, source);
  yield* flushTlbRange(k, k.vma.mm[to], src, src + 1);
  pinned = yield* folioMaybeDmaPinned(k, page);
  if (pinned) {
    yield* entrySet(k, source, old, hi);
    return -EBUSY;
  }
  yield WRITE | at(R.mapping, page);
  setAnonMapping(k, page, to, dst);
  const kept = old & PTE.accessed;
  yield* entrySet(
    k,
    target,
    makePteLo(k, to, page, mayWriteBit(k, to) | PTE_MKDIRTY | kept),
    entryHiOf(page, 0),
  );
  return 0;
}

/** move_swap_pte(): the entry moves if the page is this process's alone; one that the swap cache still has goes along. */
function* moveSwapEntry(
  k: Kernel,
  to: VmaId,
  source: EntryAddr,
  target: EntryAddr,
  dst: Vpn,
  lo: number,
  hi: number,
): Steps<number> {
  if (isGuardEntry(lo, hi)) return -EFAULT;
  if (swpType(hi) !== SWP.swap || (lo & PTE.swpExclusive) === 0) return -EBUSY;
  const folio = yield* swapCacheGet(k, swpOffset(lo, hi));
  if (folio !== 0) yield* folioLock(k, folio);
  yield* lockBoth(k, source, target);
  const there = yield* entryRead(k, target);
  const same = yield* entrySame(k, source, lo, hi);
  let error = 0;
  if (!isNone(there, entryHi(k, target))) error = -EEXIST;
  else if (!same || !entryCurrent(k, k.vma.mm[to], dst, target)) error = -EAGAIN;
  if (error === 0) {
    yield* entryClear(k, source);
    yield* entrySet(k, target, lo | PTE.swpSoftDirty, hi);
    if (folio !== 0 && isAnon(k, folio)) {
      yield WRITE | at(R.mapping, folio);
      setAnonMapping(k, folio, to, dst);
    }
  }
  yield* unlockBoth(k, source, target);
  if (folio !== 0) {
    yield* folioUnlock(k, folio);
    yield* folioPut(k, folio, 1);
  }
  return error;
}
