/**
 * Calling the page fault handler for a page that the walk could not take (mm/gup.c:
 * faultin_page()). Rules: semantics.md A.7, S9.
 */
import { EAGAIN, EBUSY, EFAULT, EHWPOISON, ENOMEM } from '../machine/errno.ts';
import type { Steps, TaskId, VmaId, Vpn } from '../machine/types.ts';
import { FAULT, VMF } from './fault-flags.ts';
import { FOLL } from './foll.ts';
import type { Kernel } from './kernel.ts';
import { handleMmFault } from './memory.ts';
import { VM } from './vma.ts';

/** `faultinPage`: handled; look the page up again. */
export const FAULTED = 0;
/**
 * `faultinPage`: handled, and a write to a mapping without write permission has broken
 * copy-on-write (S9).
 */
export const COW_BROKEN = 1;

/**
 * faultin_page(): `FAULTED`, `COW_BROKEN` or -errno. -EAGAIN: done, and mmap_lock is dropped;
 * -EBUSY: must be tried again, and mmap_lock is dropped unless FOLL_NOWAIT (see
 * `faultDroppedLock`).
 */
export function* faultinPage(
  k: Kernel,
  task: TaskId,
  vma: VmaId,
  vpn: Vpn,
  flags: number,
  unshare: boolean,
): Steps<number> {
  if ((flags & FOLL.nofault) !== 0) return -EFAULT;
  const result = yield* handleMmFault(k, task, vma, vpn, faultFlags(flags, unshare));
  if ((result & VMF.completed) !== 0) return -EAGAIN;
  if ((result & VMF.error) !== 0) return faultErrno(result, flags);
  if ((result & VMF.retry) !== 0) return -EBUSY;
  const broken = (result & VMF.write) !== 0 && (k.vma.flags[vma] & VM.write) === 0;
  return broken ? COW_BROKEN : FAULTED;
}

/** Whether this answer of `faultinPage` means that mmap_lock is no longer held. */
export function faultDroppedLock(answer: number, flags: number): boolean {
  return answer === -EAGAIN || (answer === -EBUSY && (flags & FOLL.nowait) === 0);
}

function faultFlags(flags: number, unshare: boolean): number {
  let fault = 0;
  if (unshare) fault |= FAULT.unshare;
  else if ((flags & FOLL.write) !== 0) fault |= FAULT.write;
  if ((flags & FOLL.remote) !== 0) fault |= FAULT.remote;
  if ((flags & FOLL.unlockable) !== 0) {
    fault |= FAULT.allowRetry | FAULT.killable;
    if ((flags & FOLL.interruptible) !== 0) fault |= FAULT.interruptible;
  }
  if ((flags & FOLL.nowait) !== 0) fault |= FAULT.allowRetry | FAULT.retryNowait;
  if ((flags & FOLL.tried) !== 0) fault |= FAULT.tried;
  return fault;
}

/** vm_fault_to_errno(). */
function faultErrno(result: number, flags: number): number {
  if ((result & VMF.oom) !== 0) return -ENOMEM;
  if ((result & (VMF.hwpoison | VMF.hwpoisonLarge)) !== 0) {
    return (flags & FOLL.hwpoison) !== 0 ? -EHWPOISON : -EFAULT;
  }
  return -EFAULT;
}
