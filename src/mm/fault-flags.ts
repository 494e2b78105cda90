/**
 * The bits that a page fault is called with and the bits that it answers with: the kernel's
 * `enum fault_flag` and `enum vm_fault_reason` (include/linux/mm_types.h), same numbers.
 * Rules: semantics.md A.4.2-A.7.
 */

/** How a fault was asked for (`FAULT_FLAG_*`). */
export const FAULT = {
  /** The access is a write. */
  write: 0x1,
  /** A write to a present entry that only write notification protects (dirty tracking). */
  mkwrite: 0x2,
  /** The fault may drop mmap_lock and answer VMF.retry. */
  allowRetry: 0x4,
  /** With VMF.retry the lock is kept and nothing was waited for. */
  retryNowait: 0x8,
  /** A fatal signal ends a wait. */
  killable: 0x10,
  /** This fault was retried once already. */
  tried: 0x20,
  /** The access came from user space. */
  user: 0x40,
  /** The memory belongs to another process than the caller's. */
  remote: 0x80,
  /** An instruction fetch. */
  instruction: 0x100,
  /** Any signal ends a wait. */
  interruptible: 0x200,
  /** A read fault that must make a shared anonymous page exclusive (A.8, A.16.1). */
  unshare: 0x400,
  /** Model only: the faulting task allocates for a longterm pin (PF_MEMALLOC_PIN), told to handlers that have no task. */
  pinnable: 0x10000,
} as const;

/** What a fault answers (`VM_FAULT_*`) or-ed together; 0 = done, access again. */
export const VMF = {
  oom: 0x1,
  sigbus: 0x2,
  /** The page had to be read from a device. */
  major: 0x4,
  /** A write fault that made the entry writable, or as good as (VM_FAULT_WRITE, which kernels to 6.0 ask for: S9). */
  write: 0x8,
  hwpoison: 0x10,
  /** hwpoison inside a huge page. */
  hwpoisonLarge: 0x20,
  sigsegv: 0x40,
  /** The handler installed the entry itself. */
  nopage: 0x100,
  /** The handler returned its folio locked. */
  locked: 0x200,
  /** mmap_lock was dropped: look the mapping up again (see FAULT.retryNowait). */
  retry: 0x400,
  /** A huge page fault that must be handled by small pages. */
  fallback: 0x800,
  /** A private file page was copied. */
  doneCow: 0x1000,
  /** Handled, and mmap_lock was dropped (5.19+). */
  completed: 0x4000,
  /** Every bit that means failure (`VM_FAULT_ERROR`). */
  error: 0x1 | 0x2 | 0x10 | 0x20 | 0x40 | 0x800,
} as const;
