/**
 * Looking up pages without references (mm/hmm.c: hmm_range_fault). The answer is worth something only under an interval
 * notifier. Rules: semantics.md A.25.3.
 */
import { R } from '../machine/access.ts';
import { entryHi, entryRead } from '../machine/entries.ts';
import { entryPfn, isPresent, PTE } from '../machine/entry.ts';
import { EFAULT } from '../machine/errno.ts';
import { lockShared, unlockShared } from '../machine/locks.ts';
import type { MmId, Steps, TaskId, Vpn } from '../machine/types.ts';
import { FAULT, VMF } from './fault-flags.ts';
import type { Kernel } from './kernel.ts';
import { handleMmFault } from './memory.ts';
import { isLeaf, pmdEntry, pteEntry } from './pgtable.ts';
import { VM, vmaAt } from './vma.ts';

/**
 * hmm_range_fault() of one page: its page frame << 1 | 1 when the entry allows writes. Faults what is missing, and what is
 * read-only when `write`. -EFAULT: nothing may be had there. Takes mmap_lock shared.
 */
export function* hmmRangeFault(
  k: Kernel,
  task: TaskId,
  mm: MmId,
  vpn: Vpn,
  write: boolean,
): Steps<number> {
  yield* lockShared(k, R.mmapLock, mm);
  let found = 0;
  while (found === 0) {
    const vma = vmaAt(k, mm, vpn);
    const needed = write ? VM.write : VM.read;
    if (vma === 0 || (k.vma.flags[vma] & needed) === 0) {
      found = -EFAULT;
      break;
    }
    found = yield* hmmWalk(k, mm, vpn, write);
    if (found !== 0) break;
    const flags = FAULT.remote | (write ? FAULT.write : 0);
    const fault = yield* handleMmFault(k, task, vma, vpn, flags);
    if ((fault & VMF.error) !== 0) found = -EFAULT;
  }
  yield* unlockShared(k, R.mmapLock, mm);
  return found;
}

/** hmm_vma_handle_pte(), hmm_vma_walk_pmd(): one look at the entry; 0: it does not do. */
function* hmmWalk(k: Kernel, mm: MmId, vpn: Vpn, write: boolean): Steps<number> {
  const pmd = pmdEntry(k, mm, vpn);
  if (pmd === 0) return 0;
  let lo = yield* entryRead(k, pmd);
  let hi = entryHi(k, pmd);
  let sub = vpn & 511;
  if (!isLeaf(lo)) {
    const e = pteEntry(k, mm, vpn);
    if (e === 0) return 0;
    lo = yield* entryRead(k, e);
    hi = entryHi(k, e);
    sub = 0;
  }
  if (!isPresent(lo) || (lo & PTE.present) === 0) return 0;
  if (write && (lo & PTE.write) === 0) return 0;
  return ((entryPfn(lo, hi) + sub) << 1) | ((lo & PTE.write) !== 0 ? 1 : 0);
}
