/**
 * The slow path's two loops (mm/gup.c: __get_user_pages(), __get_user_pages_locked()): page by
 * page, fault and look again; and around it the lock that a fault may drop. Rules: semantics.md
 * A.2.3, A.2.5, A.3, A.4, S9.
 */
import { at, R, READ } from '../machine/access.ts';
import { touchAlso } from '../machine/also.ts';
import { EAGAIN, EBUSY, EEXIST, EFAULT, EINTR, EMLINK } from '../machine/errno.ts';
import { lockShared, unlockShared } from '../machine/locks.ts';
import { WARN, warn } from '../machine/report.ts';
import type { MmId, Steps, TaskId, Vpn } from '../machine/types.ts';
import { FOLL } from './foll.ts';
import { LOCKED } from './gup-args.ts';
import { checkVmaFlags, gupVma, noVmaError } from './gup-check.ts';
import { COW_BROKEN, FAULTED, faultDroppedLock, faultinPage } from './gup-fault.ts';
import { outputBehind } from './gup-output.ts';
import { NO_ROOM } from './gup-take.ts';
import { forceCowBreak } from './gup-unshare.ts';
import { followPages, NO_PAGE } from './gup-walk.ts';
import { mmSetHasPinned } from './has-pinned.ts';
import { type Kernel, PF } from './kernel.ts';
import { signalled } from './signals.ts';

/**
 * What `walkPages` answers when mmap_lock was dropped after `n` pages: `DROPPED - n`. Below every
 * errno, so that one number tells count, error and lock.
 */
const DROPPED = -8192;

/**
 * __get_user_pages(): takes `nr` pages of `mm` from `start`, with mmap_lock held. Returns how many
 * it stored; an error only when that is none (A.3.2); `DROPPED` minus how many when a fault dropped
 * the lock.
 */
function* walkPages(
  k: Kernel,
  task: TaskId,
  mm: MmId,
  start: Vpn,
  nr: number,
  given: number,
  pages: number,
): Steps<number> {
  let done = 0;
  let vma = 0;
  let flags = given;
  while (done < nr) {
    const vpn = start + done;
    if (vma === 0 || vpn >= k.vma.end[vma]) {
      vma = gupVma(k, mm, vpn);
      if (vma === 0) return done > 0 ? done : noVmaError(given);
      const refused = checkVmaFlags(k, vma, given);
      if (refused !== 0) return done > 0 ? done : refused;
      flags = pageFlags(k, vma, given);
    }
    if (signalled(k, task, PF.sigkill)) return done > 0 ? done : -EINTR;
    const taken = yield* followPages(k, vma, vpn, flags, nr - done, pages, done);
    if (taken > 0) {
      done += taken;
      flags = pageFlags(k, vma, given);
    } else if (taken === NO_PAGE || taken === -EMLINK) {
      const fault = yield* faultinPage(k, task, vma, vpn, flags, taken === -EMLINK);
      if (fault === COW_BROKEN) flags = flagsAfterCow(k, flags);
      else if (fault !== FAULTED) {
        if (faultDroppedLock(fault, flags)) return DROPPED - done;
        if (fault === -EBUSY || done > 0) return done;
        return fault;
      }
    } else if (taken === -EEXIST && pages < 0) {
      done += 1;
      flags = pageFlags(k, vma, given);
    } else if (taken === NO_ROOM) {
      return done;
    } else {
      return done > 0 ? done : taken;
    }
  }
  return done;
}

/** The flags that the next page of `vma` starts with. */
function pageFlags(k: Kernel, vma: number, given: number): number {
  return forceCowBreak(k, vma, given) ? given | FOLL.write : given;
}

/**
 * What a broken copy-on-write leaves for the next look at this page (S9): no FOLL_WRITE <= 4.8,
 * FOLL_COW <= 5.19.
 */
function flagsAfterCow(k: Kernel, flags: number): number {
  if (k.rules.gup.followForce === 'dropWrite') return flags & ~FOLL.write;
  return k.rules.gup.followForce === 'cowDirty' ? flags | FOLL.cow : flags;
}

/**
 * __get_user_pages_locked(): `locked` see `LOCKED`; a pointer's word says whether the caller holds
 * mmap_lock and is cleared when the lock was dropped. Retries after a fault that dropped the lock
 * (A.3.3). Returns pages or -errno.
 */
export function* getUserPagesLocked(
  k: Kernel,
  task: TaskId,
  mm: MmId,
  start: Vpn,
  nr: number,
  given: number,
  pages: number,
  locked: number,
): Steps<number> {
  if (nr === 0) return 0;
  let held = locked === LOCKED.caller || (locked > 0 && k.kmem[locked] !== 0);
  let mustUnlock = !held;
  if (!held) {
    held = yield* lockKillable(k, task, mm);
    if (!held) return -EAGAIN;
  }
  if ((given & FOLL.pin) !== 0) yield* mmSetHasPinned(k, mm);
  const flags = pages >= 0 && (given & FOLL.pin) === 0 ? given | FOLL.get : given;
  let done = 0;
  let out = pages;
  for (;;) {
    // After a dropped lock one page alone is retried, with TRIED; then the rest as before.
    const retry: boolean = !held;
    if (retry) {
      if (signalPending(k, task, flags)) {
        if (done === 0) done = -EINTR;
        break;
      }
      held = yield* lockKillable(k, task, mm);
      if (!held) {
        if (done === 0) done = -EINTR;
        break;
      }
    }
    const want: number = retry ? 1 : nr - done;
    const answer: number = yield* walkPages(
      k,
      task,
      mm,
      start + done,
      want,
      retry ? flags | FOLL.tried : flags,
      out,
    );
    held = answer > DROPPED;
    const got = held ? answer : DROPPED - answer;
    if (!held) mustUnlock = true;
    if (got > 0) {
      done += got;
      out = outputAhead(k, out, got, flags);
    } else if (held && done === 0) {
      done = got;
    }
    if (done === nr || (held && got !== want) || (held && !retry)) break;
  }
  if (mustUnlock) {
    if (held) yield* unlockShared(k, R.mmapLock, mm);
    if (locked > 0) k.kmem[locked] = 0;
  }
  if (done === 0 && (flags & FOLL.nowait) === 0 && (flags & FOLL.ranges) === 0) {
    warn(k, WARN.zeroReturn);
    return -EFAULT;
  }
  return done;
}

/** Where the next pages of the same batch go: ranges are appended by themselves. */
function outputAhead(k: Kernel, pages: number, n: number, flags: number): number {
  return (flags & FOLL.ranges) !== 0 ? pages : outputBehind(k, pages, n, flags);
}

/** mmap_read_lock_killable(): false when a fatal signal is pending and the lock isn't free. */
export function* lockKillable(k: Kernel, task: TaskId, mm: MmId): Steps<boolean> {
  if (signalled(k, task, PF.sigkill)) {
    touchAlso(k, READ | at(R.mmapLock, mm));
    if (k.mm.mmapLock[mm] < 0) return false;
  }
  yield* lockShared(k, R.mmapLock, mm);
  return true;
}

/** gup_signal_pending(): a fatal signal, or any with FOLL_INTERRUPTIBLE. */
function signalPending(k: Kernel, task: TaskId, flags: number): boolean {
  const any = (flags & FOLL.interruptible) !== 0 ? PF.sigkill | PF.signal : PF.sigkill;
  return signalled(k, task, any);
}
