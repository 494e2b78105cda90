/**
 * Faulting a range in through the slow path (mm/gup.c: __mm_populate(), populate_vma_page_range(),
 * faultin_page_range()): MAP_POPULATE, mlock and MADV_POPULATE_READ/WRITE. No reference is kept.
 * Rules: semantics.md A.2.3, A.4.2.
 */
import { R } from '../machine/access.ts';
import { ENOMEM } from '../machine/errno.ts';
import { unlockShared } from '../machine/locks.ts';
import type { Steps, TaskId, VmaId, Vpn } from '../machine/types.ts';
import { vmaAccessible } from './fault-common.ts';
import { FOLL } from './foll.ts';
import { LOCKED } from './gup-args.ts';
import { getUserPagesLocked, lockKillable } from './gup-locked.ts';
import type { Kernel } from './kernel.ts';
import { findVma, VM } from './vma.ts';

/**
 * __mm_populate(): faults in what is mapped of [start, end), each mapping as its next access would:
 * private writable memory is written (when `write`, as mlock and MAP_POPULATE do), so that no page
 * of zeros stays. Holes and mappings without pages are passed over. 0; -ENOMEM for a hole, -EAGAIN
 * or another fault's error. Takes mmap_lock itself, once a mapping.
 */
export function* populateRange(
  k: Kernel,
  task: TaskId,
  start: Vpn,
  end: Vpn,
  write: boolean,
): Steps<number> {
  const mm = k.task.mm[task];
  let vpn = start;
  while (vpn < end) {
    const held = yield* lockKillable(k, task, mm);
    if (!held) return 0;
    const vma = findVma(k, mm, vpn);
    if (vma === 0 || k.vma.start[vma] >= end) {
      yield* unlockShared(k, R.mmapLock, mm);
      return vma === 0 && vpn === start ? -ENOMEM : 0;
    }
    const from = Math.max(vpn, k.vma.start[vma]);
    const to = Math.min(end, k.vma.end[vma]);
    const flags = populateFlags(k, vma, write);
    const skip =
      (k.vma.flags[vma] & (VM.io | VM.pfnmap | VM.lockOnFault)) !== 0 || !vmaAccessible(k, vma);
    yield* unlockShared(k, R.mmapLock, mm);
    if (!skip) {
      const error = yield* faultIn(k, task, from, to, flags);
      if (error !== 0) return error;
    }
    vpn = to;
  }
  return 0;
}

/** populate_vma_page_range() without `locked`: [start, end) of one mapping, whose mmap_lock the caller holds and keeps. */
export function* populateVma(
  k: Kernel,
  task: TaskId,
  vma: VmaId,
  start: Vpn,
  end: Vpn,
): Steps<void> {
  if ((k.vma.flags[vma] & VM.lockOnFault) !== 0 || !vmaAccessible(k, vma)) return;
  const flags = populateFlags(k, vma, true) & ~FOLL.unlockable;
  const mm = k.vma.mm[vma];
  let vpn = start;
  while (vpn < end) {
    const got = yield* getUserPagesLocked(k, task, mm, vpn, end - vpn, flags, -1, LOCKED.caller);
    if (got <= 0) return;
    vpn += got;
  }
}

/**
 * populate_vma_page_range(): writes where a write would copy; FORCE, for the mapping's protection
 * doesn't matter here.
 */
function populateFlags(k: Kernel, vma: VmaId, write: boolean): number {
  const vm = k.vma.flags[vma];
  const breakCow = write && (vm & VM.write) !== 0 && (vm & VM.shared) === 0;
  return FOLL.touch | FOLL.force | FOLL.unlockable | (breakCow ? FOLL.write : 0);
}

/**
 * faultin_page_range(), for MADV_POPULATE_READ and _WRITE (5.14+): 0 or -errno; a hole is -ENOMEM
 * (A.4.2).
 */
export function* faultinPageRange(
  k: Kernel,
  task: TaskId,
  start: Vpn,
  end: Vpn,
  write: boolean,
): Steps<number> {
  const flags =
    FOLL.touch | FOLL.hwpoison | FOLL.unlockable | FOLL.madvPopulate | (write ? FOLL.write : 0);
  return yield* faultIn(k, task, start, end, flags);
}

function* faultIn(k: Kernel, task: TaskId, start: Vpn, end: Vpn, flags: number): Steps<number> {
  const mm = k.task.mm[task];
  let vpn = start;
  while (vpn < end) {
    const got = yield* getUserPagesLocked(k, task, mm, vpn, end - vpn, flags, -1, LOCKED.self);
    if (got < 0) return got;
    vpn += got;
  }
  return 0;
}
