/**
 * Faults that user space answers (fs/userfaultfd.c: handle_userfault, userfaultfd_must_wait, wake_userfault). A thread that faults
 * waits, without mmap_lock, until somebody has filled the page or ended its protection. Rules: semantics.md A.6.2, A.7, A.16.1.
 *
 * The monitor that answers would learn of a fault by reading it; here it answers when it likes, so an answer that came before the
 * fault was queued counts: whether to wait is asked of the entry.
 */
import { at, R, WAIT_ZERO, WRITE } from '../machine/access.ts';
import { entryHi, entryRead } from '../machine/entries.ts';
import { isNone, PTE } from '../machine/entry.ts';
import { unlockShared } from '../machine/locks.ts';
import type { MmId, Steps, TaskId, VmaId, Vpn } from '../machine/types.ts';
import { FAULT, VMF } from './fault-flags.ts';
import { type Kernel, PF } from './kernel.ts';
import { isLeaf, pmdEntry, pteEntry } from './pgtable.ts';
import { signalled, WAITS } from './signals.ts';

/** What a fault waits for. */
export const USERFAULT = {
  /** A page where there is none (VM_UFFD_MISSING). */
  missing: 1,
  /** The end of a write protection (VM_UFFD_WP). */
  wp: 2,
  /** An entry for a page that the file has (VM_UFFD_MINOR). */
  minor: 3,
} as const;

/**
 * handle_userfault(): `VMF` bits. VMF.retry with mmap_lock dropped, after the wait; with FAULT.retryNowait at once, the lock kept;
 * VMF.sigbus where the fault may not be retried: pin_user_pages() without a `locked` pointer, say. mmap_lock is held shared.
 */
export function* handleUserfault(
  k: Kernel,
  task: TaskId,
  vma: VmaId,
  vpn: Vpn,
  flags: number,
  reason: number,
): Steps<number> {
  if ((flags & FAULT.allowRetry) === 0) return VMF.sigbus;
  if ((flags & FAULT.retryNowait) !== 0) return VMF.retry;
  const mm = k.vma.mm[vma];
  const signals = signalsOf(flags);
  yield WRITE | at(R.uffd, task);
  k.uffd.mm[task] = mm;
  k.uffd.vpn[task] = vpn;
  k.uffd.waits[task] = WAITS | signals;
  const dying = signalled(k, task, signals);
  const must = yield* mustWait(k, mm, vpn, reason);
  yield* unlockShared(k, R.mmapLock, mm);
  if (must && !dying) {
    yield WAIT_ZERO | at(R.uffd, task);
    if (k.uffd.waits[task] !== 0) stuck(vpn);
  }
  yield WRITE | at(R.uffd, task);
  k.uffd.waits[task] = 0;
  k.uffd.mm[task] = 0;
  k.uffd.vpn[task] = 0;
  return VMF.retry;
}

/** userfaultfd_get_blocking_state(): the signals that end the wait, as PF bits. */
function signalsOf(flags: number): number {
  if ((flags & FAULT.interruptible) !== 0) return PF.sigkill | PF.signal;
  return (flags & FAULT.killable) !== 0 ? PF.sigkill : 0;
}

function stuck(vpn: Vpn): never {
  throw new Error(`deadlock: nobody answers the userfault at page 0x${vpn.toString(16)}`);
}

/** userfaultfd_must_wait(): whether the reason still stands. */
function* mustWait(k: Kernel, mm: MmId, vpn: Vpn, reason: number): Steps<boolean> {
  let e = pmdEntry(k, mm, vpn);
  if (e === 0) return reason !== USERFAULT.wp;
  const pmd = yield* entryRead(k, e);
  let lo = pmd;
  if (!isLeaf(pmd)) {
    e = pteEntry(k, mm, vpn);
    if (e === 0) return reason !== USERFAULT.wp;
    lo = yield* entryRead(k, e);
  }
  if (reason === USERFAULT.wp) return (lo & PTE.uffdWp) !== 0;
  return isNone(lo, entryHi(k, e));
}

/** wake_userfault(): whoever waits for a page of [start, end) tries again. */
export function* wakeUserfaults(k: Kernel, mm: MmId, start: Vpn, end: Vpn): Steps<void> {
  for (let task = 1; task < k.uffd.waits.length; task++) {
    if (k.uffd.mm[task] !== mm || k.uffd.vpn[task] < start || k.uffd.vpn[task] >= end) continue;
    yield WRITE | at(R.uffd, task);
    k.uffd.waits[task] = 0;
  }
}
