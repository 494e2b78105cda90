/**
 * Page faults: which handler a fault belongs to (memory.c: handle_mm_fault, __handle_mm_fault,
 * handle_pte_fault), and an access of a task as its processor makes it (arch/x86/mm/fault.c).
 * Rules: semantics.md A.4.2 to A.7 (what GUP asks for), A.14 to A.16.
 */
import { R } from '../machine/access.ts';
import { entryHi, entryRead, entrySet } from '../machine/entries.ts';
import { isNone, isPresent, isProtnone, PTE } from '../machine/entry.ts';
import { EFAULT, EHWPOISON, ENOMEM } from '../machine/errno.ts';
import { lockShared, unlockShared } from '../machine/locks.ts';
import { mmuAccess } from '../machine/mmu.ts';
import { HPAGE_PUD_ORDER } from '../machine/page.ts';
import type { EntryAddr, MmId, Pfn, Steps, TaskId, VmaId, Vpn } from '../machine/types.ts';
import { devicePud } from './dax-insert.ts';
import { deviceFileFault } from './device-dax.ts';
import { doAnonymousPage } from './fault-anon.ts';
import { entrySame, mayWriteBit, PTE_MKDIRTY, vmaAccessible } from './fault-common.ts';
import { doFault } from './fault-file.ts';
import { FAULT, VMF } from './fault-flags.ts';
import { doNumaPage } from './fault-numa.ts';
import { doWpPage } from './fault-wp.ts';
import { FILE } from './file-tables.ts';
import { doHugePmdAnonymousPage } from './huge-memory.ts';
import { doHugePmdWpPage } from './huge-wp.ts';
import { hugetlbFault } from './hugetlb-fault.ts';
import { type Kernel, PF } from './kernel.ts';
import { isLeaf, isTable, pmdAlloc, pteEntry, pteLock, pteUnlock } from './pgtable.ts';
import { signalled } from './signals.ts';
import { faultGrowsStack, stackAbove } from './stack.ts';
import { doSwapPage } from './swap-fault.ts';
import { handleUserfault, USERFAULT } from './userfault-wait.ts';
import { isCowMapping, VM, vmaAt, vmaIsAnonymous } from './vma.ts';

/**
 * handle_mm_fault(): makes the page at `vpn` accessible as `faultFlags` (`FAULT` bits) ask. Returns `VMF` bits:
 * 0 is "try the access again". The caller holds mmap_lock shared and has checked the mapping's
 * permissions; with VMF.retry or VMF.completed (only after FAULT.allowRetry) the lock is gone.
 */
export function* handleMmFault(
  k: Kernel,
  task: TaskId,
  vma: VmaId,
  vpn: Vpn,
  faultFlags: number,
): Steps<number> {
  // Unsharing only means something where writes make copies; elsewhere it is a read (sanitize_fault_flags).
  const flags = isCowMapping(k.vma.flags[vma]) ? faultFlags : faultFlags & ~FAULT.unshare;
  if ((k.vma.flags[vma] & VM.hugetlb) !== 0) return yield* hugetlbFault(k, task, vma, vpn, flags);

  const giga = k.file.order[k.vma.file[vma]] === HPAGE_PUD_ORDER;
  // An entry of 1 GiB that is there already is as good as it gets: the access is tried again.
  if (giga && devicePud(k, vma, vpn) !== 0) return 0;
  if (giga) return yield* deviceFileFault(k, vma, vpn);
  const pmd = yield* pmdAlloc(k, k.vma.mm[vma], vpn);
  if (pmd === 0) return VMF.oom;
  const lo = yield* entryRead(k, pmd);
  const hi = entryHi(k, pmd);
  if (isNone(lo, hi)) {
    if (vmaIsAnonymous(k, vma)) {
      const result = yield* doHugePmdAnonymousPage(k, task, vma, vpn, flags);
      if ((result & VMF.fallback) === 0) return result;
    } else if (
      k.file.kind[k.vma.file[vma]] === FILE.devdax &&
      k.file.order[k.vma.file[vma]] !== 0
    ) {
      return yield* deviceFileFault(k, vma, vpn);
    }
  } else if (isLeaf(lo)) {
    const result = yield* handleHugePmd(k, task, vma, vpn, flags, pmd, lo, hi);
    if ((result & VMF.fallback) === 0) return result;
  } else if (!isTable(lo)) {
    // Just being split: when the entry's lock is free it is over.
    yield* pteLock(k, pmd);
    yield* pteUnlock(k, pmd);
    return 0;
  }
  return yield* handlePteFault(k, task, vma, vpn, flags);
}

/** The part of __handle_mm_fault() for a huge PMD. VMF.fallback: it has been split, go on with the PTE. */
function* handleHugePmd(
  k: Kernel,
  task: TaskId,
  vma: VmaId,
  vpn: Vpn,
  flags: number,
  pmd: EntryAddr,
  lo: number,
  hi: number,
): Steps<number> {
  if (isProtnone(lo) && vmaAccessible(k, vma)) return yield* doNumaPage(k, vma, pmd, lo, hi);
  if (
    (flags & FAULT.write) !== 0 &&
    (lo & PTE.uffdWp) !== 0 &&
    (k.vma.flags[vma] & VM.uffdWp) !== 0
  )
    return yield* handleUserfault(k, task, vma, vpn, flags, USERFAULT.wp);
  if ((flags & (FAULT.write | FAULT.unshare)) !== 0 && (lo & PTE.write) === 0) {
    // wp_huge_pmd(): the file has a say of its own (vm_ops->huge_fault).
    if (k.file.kind[k.vma.file[vma]] === FILE.devdax) return yield* deviceFileFault(k, vma, vpn);
    return yield* doHugePmdWpPage(k, task, vma, vpn, pmd, lo, flags);
  }
  yield* setAccessed(k, vma, pmd, lo, hi, flags);
  return 0;
}

/** handle_pte_fault(): what the PTE says decides. */
function* handlePteFault(
  k: Kernel,
  task: TaskId,
  vma: VmaId,
  vpn: Vpn,
  flags: number,
): Steps<number> {
  const e = pteEntry(k, k.vma.mm[vma], vpn);
  if (e === 0) return yield* handleEmpty(k, task, vma, vpn, flags);
  const lo = yield* entryRead(k, e);
  const hi = entryHi(k, e);
  if (isNone(lo, hi)) return yield* handleEmpty(k, task, vma, vpn, flags);
  if (!isPresent(lo)) return yield* doSwapPage(k, task, vma, vpn, e, lo, flags);
  if (isProtnone(lo) && vmaAccessible(k, vma)) return yield* doNumaPage(k, vma, e, lo, hi);
  if ((flags & (FAULT.write | FAULT.unshare)) === 0 || (lo & PTE.write) !== 0) {
    yield* setAccessed(k, vma, e, lo, hi, flags);
    return 0;
  }
  yield* pteLock(k, e);
  const same = yield* entrySame(k, e, lo, hi);
  if (same) return yield* doWpPage(k, task, vma, vpn, e, lo, hi, flags);
  yield* pteUnlock(k, e);
  return 0;
}

/** do_pte_missing(). */
function* handleEmpty(k: Kernel, task: TaskId, vma: VmaId, vpn: Vpn, flags: number): Steps<number> {
  if (vmaIsAnonymous(k, vma)) return yield* doAnonymousPage(k, task, vma, vpn, flags);
  return yield* doFault(k, task, vma, vpn, flags);
}

/** ptep_set_access_flags(), huge_pmd_set_accessed(): the entry allows the access already; it becomes young, and dirty by a write. */
function* setAccessed(
  k: Kernel,
  vma: VmaId,
  e: EntryAddr,
  lo: number,
  hi: number,
  flags: number,
): Steps<void> {
  yield* pteLock(k, e);
  const same = yield* entrySame(k, e, lo, hi);
  if (same) {
    const dirty = (flags & FAULT.write) !== 0 ? PTE_MKDIRTY | (lo & mayWriteBit(k, vma)) : 0;
    const now = lo | PTE.accessed | dirty;
    if (now !== lo) yield* entrySet(k, e, now, hi);
  }
  yield* pteUnlock(k, e);
}

/**
 * One access of a running task to its own memory, with the faults that it takes. Returns the page frame
 * (what the caller does to its content before its next step is part of the access), or the signal's cause:
 * -EFAULT (SIGSEGV, SIGBUS), -EHWPOISON (SIGBUS of a broken page), -ENOMEM (killed for lack of memory).
 */
export function* userAccess(k: Kernel, task: TaskId, vpn: Vpn, write: boolean): Steps<Pfn> {
  return yield* access(k, task, vpn, write, true);
}

/** The same access made by the kernel on the task's behalf (copy_to_user, copy_from_user). */
export function* kernelAccess(k: Kernel, task: TaskId, vpn: Vpn, write: boolean): Steps<Pfn> {
  return yield* access(k, task, vpn, write, false);
}

function* access(k: Kernel, task: TaskId, vpn: Vpn, write: boolean, byUser: boolean): Steps<Pfn> {
  const mm = k.task.mm[task];
  if (mm === 0) return -EFAULT;
  for (;;) {
    const pfn = yield* mmuAccess(k, k.task.cpu[task], mm, vpn, write);
    if (pfn !== -1) return pfn;
    const result = yield* userFault(k, task, mm, vpn, write, byUser);
    if ((result & VMF.error) !== 0) return faultErrno(result);
    // fault_signal_pending(): who is to die does not try again.
    if ((result & VMF.retry) !== 0 && signalled(k, task, PF.sigkill)) return -EFAULT;
  }
}

/** do_user_addr_fault(): returns `VMF` bits; mmap_lock is not held any more. */
function* userFault(
  k: Kernel,
  task: TaskId,
  mm: MmId,
  vpn: Vpn,
  write: boolean,
  byUser: boolean,
): Steps<number> {
  yield* lockShared(k, R.mmapLock, mm);
  const vma = vmaAt(k, mm, vpn);
  if (stackAbove(k, mm, vpn) !== 0) {
    yield* unlockShared(k, R.mmapLock, mm);
    const again = yield* faultGrowsStack(k, mm, vpn, byUser);
    return again ? 0 : VMF.sigsegv;
  }
  if (vma === 0 || !accessAllowed(k, vma, write)) {
    yield* unlockShared(k, R.mmapLock, mm);
    return VMF.sigsegv;
  }
  const flags = FAULT.user | FAULT.allowRetry | FAULT.killable | (write ? FAULT.write : 0);
  const result = yield* handleMmFault(k, task, vma, vpn, flags);
  if ((result & (VMF.retry | VMF.completed)) === 0) yield* unlockShared(k, R.mmapLock, mm);
  return result;
}

/** access_error(). */
function accessAllowed(k: Kernel, vma: VmaId, write: boolean): boolean {
  return write ? (k.vma.flags[vma] & VM.write) !== 0 : vmaAccessible(k, vma);
}

/** The error number for a task that a fault could not help. */
function faultErrno(result: number): number {
  if ((result & VMF.oom) !== 0) return -ENOMEM;
  return (result & (VMF.hwpoison | VMF.hwpoisonLarge)) !== 0 ? -EHWPOISON : -EFAULT;
}
