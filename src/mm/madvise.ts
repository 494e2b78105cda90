/**
 * madvise(2) (mm/madvise.c: madvise_vma_behavior). Advice that takes memory away does not look at pins: the process gets other
 * pages, the device keeps the old ones (A.26.1). What exists depends on the version (S91 to S97).
 */
import { R } from '../machine/access.ts';
import { EACCES, EBADF, EINVAL, ENOMEM } from '../machine/errno.ts';
import { lock, lockShared, unlock, unlockShared } from '../machine/locks.ts';
import type { FileId, MmId, Steps, TaskId, VmaId, Vpn } from '../machine/types.ts';
import { fileGet, filePut } from './file-refs.ts';
import { FALLOC, sysFallocate } from './file-size.ts';
import { guardInstall, guardRemove } from './guard-regions.ts';
import type { Kernel } from './kernel.ts';
import { madviseCollapse } from './khugepaged.ts';
import { unmergeKsm } from './ksm.ts';
import { madvFreeRange } from './lazyfree.ts';
import { injectError } from './memory-failure.ts';
import { madviseCold, madvisePageout } from './pageout.ts';
import { faultinPageRange } from './populate.ts';
import { linearIndex } from './rmap.ts';
import { TASK_PAGES } from './unmapped-area.ts';
import { findVma, VM, VM_SPECIAL, vmaAt, vmaIsAnonymous } from './vma.ts';
import { isolateRange, mergeVma, vmaAlign } from './vma-split.ts';
import { zapRangeAndTables } from './zap.ts';

/** MADV_*. */
export const MADV = {
  normal: 0,
  random: 1,
  sequential: 2,
  willneed: 3,
  dontneed: 4,
  free: 8,
  remove: 9,
  dontfork: 10,
  dofork: 11,
  mergeable: 12,
  unmergeable: 13,
  hugepage: 14,
  nohugepage: 15,
  dontdump: 16,
  dodump: 17,
  wipeonfork: 18,
  keeponfork: 19,
  cold: 20,
  pageout: 21,
  populateRead: 22,
  populateWrite: 23,
  dontneedLocked: 24,
  collapse: 25,
  hwpoison: 100,
  softOffline: 101,
  guardInstall: 102,
  guardRemove: 103,
} as const;

/** madvise_behavior_valid(). */
function exists(k: Kernel, advice: number): boolean {
  const rules = k.rules.madvise;
  switch (advice) {
    case MADV.free:
      return rules.free;
    case MADV.wipeonfork:
    case MADV.keeponfork:
      return rules.wipeonfork;
    case MADV.cold:
    case MADV.pageout:
      return rules.pageout;
    case MADV.populateRead:
    case MADV.populateWrite:
      return rules.populate;
    case MADV.dontneedLocked:
      return rules.dontneedLocked;
    case MADV.collapse:
      return rules.collapse;
    case MADV.guardInstall:
    case MADV.guardRemove:
      return rules.guard !== 'none';
    default:
      return (
        (advice >= MADV.normal && advice <= MADV.dontneed) ||
        (advice >= MADV.remove && advice <= MADV.dodump) ||
        advice === MADV.hwpoison ||
        advice === MADV.softOffline
      );
  }
}

/**
 * madvise(): -EINVAL for advice that does not exist or a mapping that it does not suit, -ENOMEM when a part of the range is
 * not mapped (the rest has been advised), others as madvise(2). Takes mmap_lock.
 */
export function* sysMadvise(
  k: Kernel,
  task: TaskId,
  vpn: Vpn,
  nr: number,
  advice: number,
): Steps<number> {
  if (!exists(k, advice) || vpn < 0 || nr < 0 || vpn + nr > TASK_PAGES) return -EINVAL;
  if (nr === 0) return 0;
  const end = vpn + nr;
  switch (advice) {
    case MADV.populateRead:
    case MADV.populateWrite:
      return yield* faultinPageRange(k, task, vpn, end, advice === MADV.populateWrite);
    case MADV.collapse:
      return yield* madviseCollapse(k, task, vpn, end);
    case MADV.hwpoison:
    case MADV.softOffline:
      return yield* injectError(k, task, vpn, end, advice === MADV.softOffline);
    case MADV.normal:
    case MADV.random:
    case MADV.sequential:
    case MADV.willneed:
    case MADV.dontneed:
    case MADV.dontneedLocked:
    case MADV.free:
    case MADV.remove:
    case MADV.cold:
    case MADV.pageout:
    case MADV.guardInstall:
    case MADV.guardRemove:
      return yield* adviseContents(k, task, vpn, end, advice);
    default:
      return yield* adviseFlags(k, k.task.mm[task], vpn, end, advice);
  }
}

/** Advice about what is in the memory: mmap_lock is held shared. */
function* adviseContents(
  k: Kernel,
  task: TaskId,
  start: Vpn,
  end: Vpn,
  advice: number,
): Steps<number> {
  const mm = k.task.mm[task];
  let at = start;
  let gap = 0;
  yield* lockShared(k, R.mmapLock, mm);
  while (at < end) {
    // Looked up again for each part, for some advice drops the lock.
    const vma = findVma(k, mm, at);
    if (vma === 0 || k.vma.start[vma] > at) gap = -ENOMEM;
    if (vma === 0 || k.vma.start[vma] >= end) break;
    const from = Math.max(at, k.vma.start[vma]);
    at = Math.min(end, k.vma.end[vma]);
    const error = yield* adviseVma(k, task, vma, from, at, advice);
    if (error !== 0) {
      gap = error;
      break;
    }
  }
  yield* unlockShared(k, R.mmapLock, mm);
  return gap;
}

function* adviseVma(
  k: Kernel,
  task: TaskId,
  vma: VmaId,
  start: Vpn,
  end: Vpn,
  advice: number,
): Steps<number> {
  switch (advice) {
    case MADV.dontneed:
    case MADV.dontneedLocked:
      return yield* adviseDontneed(k, vma, start, end, advice === MADV.dontneedLocked);
    case MADV.free:
      if ((k.vma.flags[vma] & (VM.pfnmap | VM.locked)) !== 0 || !vmaIsAnonymous(k, vma))
        return -EINVAL;
      return yield* madvFreeRange(k, task, vma, start, end);
    case MADV.remove:
      return yield* adviseRemove(k, vma, start, end);
    case MADV.pageout:
      if ((k.vma.flags[vma] & (VM.locked | VM.pfnmap | VM.hugetlb)) !== 0) return -EINVAL;
      return yield* madvisePageout(k, task, vma, start, end);
    case MADV.cold:
      if ((k.vma.flags[vma] & (VM.locked | VM.pfnmap | VM.hugetlb)) !== 0) return -EINVAL;
      return yield* madviseCold(k, vma, start, end);
    case MADV.guardInstall:
      return yield* guardInstall(k, vma, start, end);
    case MADV.guardRemove:
      return yield* guardRemove(k, vma, start, end);
    case MADV.willneed:
      return k.vma.file[vma] === 0 && k.swap.map.length === 0 ? -EBADF : 0;
    default:
      return 0;
  }
}

/** madvise_dontneed_single_vma(): the pages go, pinned or not. Huge pages (hugetlb) by whole ones, since 5.18. */
function* adviseDontneed(
  k: Kernel,
  vma: VmaId,
  start: Vpn,
  end: Vpn,
  lockedToo: boolean,
): Steps<number> {
  const flags = k.vma.flags[vma];
  if ((flags & VM.pfnmap) !== 0 || ((flags & VM.locked) !== 0 && !lockedToo)) return -EINVAL;
  let stop = end;
  if ((flags & VM.hugetlb) !== 0) {
    // The call learnt of huge pages together with MADV_DONTNEED_LOCKED.
    if (!k.rules.madvise.dontneedLocked || start % vmaAlign(k, vma) !== 0) return -EINVAL;
    const whole = vmaAlign(k, vma);
    stop = end - (end % whole);
    if (stop < end && k.rules.madvise.hugetlbEnd === 'up') stop += whole;
  }
  if (start < stop) yield* zapRangeAndTables(k, vma, start, stop);
  return 0;
}

/** madvise_remove(): punches a hole into the file; mmap_lock is dropped meanwhile. */
function* adviseRemove(k: Kernel, vma: VmaId, start: Vpn, end: Vpn): Steps<number> {
  const flags = k.vma.flags[vma];
  const file: FileId = k.vma.file[vma];
  const mm = k.vma.mm[vma];
  if ((flags & VM.locked) !== 0 || file === 0) return -EINVAL;
  const sharedWritable = VM.shared | VM.mayWrite;
  if ((flags & sharedWritable) !== sharedWritable) return -EACCES;
  const index = linearIndex(k, vma, start);
  yield* fileGet(k, file);
  yield* unlockShared(k, R.mmapLock, mm);
  const error = yield* sysFallocate(
    k,
    file,
    FALLOC.punchHole | FALLOC.keepSize,
    index,
    0,
    end - start,
    0,
  );
  yield* filePut(k, file);
  yield* lockShared(k, R.mmapLock, mm);
  return error;
}

/** Advice that is kept with the mapping: mmap_lock is held exclusively. */
function* adviseFlags(k: Kernel, mm: MmId, start: Vpn, end: Vpn, advice: number): Steps<number> {
  let at = start;
  let result = 0;
  yield* lock(k, R.mmapLock, mm);
  while (at < end) {
    const found = findVma(k, mm, at);
    if (found === 0 || k.vma.start[found] > at) result = -ENOMEM;
    if (found === 0 || k.vma.start[found] >= end) break;
    const from = Math.max(at, k.vma.start[found]);
    at = Math.min(end, k.vma.end[found]);
    const error = yield* adviseFlagsOf(k, mm, found, from, at, advice);
    if (error !== 0) {
      result = error;
      break;
    }
  }
  yield* unlock(k, R.mmapLock, mm);
  return result;
}

function* adviseFlagsOf(
  k: Kernel,
  mm: MmId,
  found: VmaId,
  from: Vpn,
  to: Vpn,
  advice: number,
): Steps<number> {
  if (!suits(k, found, advice)) return -EINVAL;
  const flags = advisedFlags(k.vma.flags[found], advice);
  if (flags === k.vma.flags[found]) return 0;
  if (advice === MADV.unmergeable) {
    const failed = yield* unmergeKsm(k, 0, found, from, to);
    if (failed !== 0) return failed;
  }
  const error = yield* isolateRange(k, mm, from, to);
  if (error !== 0) return error;
  const vma = vmaAt(k, mm, from);
  k.vma.flags[vma] = flags;
  yield* mergeVma(k, vma);
  return 0;
}

/** Whether the mapping can take this advice. */
function suits(k: Kernel, vma: VmaId, advice: number): boolean {
  const flags = k.vma.flags[vma];
  switch (advice) {
    case MADV.dofork:
      return (flags & VM.io) === 0;
    case MADV.wipeonfork:
      return k.vma.file[vma] === 0 && (flags & VM.shared) === 0;
    case MADV.dodump:
      return (flags & VM.hugetlb) !== 0 || (flags & VM_SPECIAL) === 0;
    default:
      return true;
  }
}

/** `flags` as they become by the advice. */
function advisedFlags(flags: number, advice: number): number {
  switch (advice) {
    case MADV.dontfork:
      return flags | VM.dontCopy;
    case MADV.dofork:
      return flags & ~VM.dontCopy;
    case MADV.mergeable: {
      // KSM takes private memory of no special kind, and ignores the advice for other.
      const refused = VM.shared | VM.mayShare | VM_SPECIAL | VM.hugetlb;
      return (flags & refused) !== 0 ? flags : flags | VM.mergeable;
    }
    case MADV.unmergeable:
      return flags & ~VM.mergeable;
    case MADV.hugepage:
      return (flags & ~VM.noHugepage) | VM.hugepage;
    case MADV.nohugepage:
      return (flags & ~VM.hugepage) | VM.noHugepage;
    case MADV.dontdump:
      return flags | VM.dontDump;
    case MADV.dodump:
      return flags & ~VM.dontDump;
    case MADV.wipeonfork:
      return flags | VM.wipeOnFork;
    case MADV.keeponfork:
      return flags & ~VM.wipeOnFork;
    default:
      return flags;
  }
}
