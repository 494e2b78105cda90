/**
 * mlock(2), munlock(2) (mm/mlock.c: mlock_fixup). Locked memory is not reclaimed, which reclaim finds out by the mapping's
 * VM.locked; it can still be moved. Pinning locks nothing, and locking pins nothing (A.18.7). RLIMIT_MEMLOCK is infinite
 * until a test sets it.
 */
import { R } from '../machine/access.ts';
import { EAGAIN, EFAULT, EINVAL, ENOMEM, EPERM } from '../machine/errno.ts';
import { lock, unlock } from '../machine/locks.ts';
import type { MmId, Steps, TaskId, VmaId, Vpn } from '../machine/types.ts';
import type { Kernel } from './kernel.ts';
import { populateRange } from './populate.ts';
import { TASK_PAGES } from './unmapped-area.ts';
import { VM, VM_SPECIAL, vmaAt, vmaIsSecretmem } from './vma.ts';
import { isolateRange, mergeVma } from './vma-split.ts';

/**
 * mlock(): locks [vpn, vpn + nr) and faults all of it in. -EPERM, -ENOMEM for RLIMIT_MEMLOCK (0, or too small). -ENOMEM where something is not mapped or cannot be faulted in,
 * -EAGAIN when memory ran out on the way.
 */
export function* sysMlock(k: Kernel, task: TaskId, vpn: Vpn, nr: number): Steps<number> {
  const mm = k.task.mm[task];
  if (k.mm.memlock[mm] === 1) return -EPERM;
  if (overMemlock(k, mm, k.mm.lockedVm[mm] + nr - lockedIn(k, mm, vpn, vpn + nr))) return -ENOMEM;
  const error = yield* setLocked(k, task, vpn, nr, true);
  if (error !== 0 || nr === 0) return error;
  const populated = yield* populateRange(k, task, vpn, vpn + nr, true);
  if (populated === -EFAULT) return -ENOMEM;
  return populated === -ENOMEM ? -EAGAIN : populated;
}

/** Whether `n` pages are more than RLIMIT_MEMLOCK allows. */
export function overMemlock(k: Kernel, mm: MmId, n: number): boolean {
  return k.mm.memlock[mm] !== 0 && n > k.mm.memlock[mm] - 1;
}

/** count_mm_mlocked_page_nr(): pages of the range that are locked already. */
function lockedIn(k: Kernel, mm: MmId, start: Vpn, end: Vpn): number {
  let n = 0;
  for (let vma: VmaId = k.mm.vmaFirst[mm]; vma !== 0; vma = k.vma.next[vma]) {
    if ((k.vma.flags[vma] & VM.locked) === 0) continue;
    n += Math.max(0, Math.min(end, k.vma.end[vma]) - Math.max(start, k.vma.start[vma]));
  }
  return n;
}

/** munlock(): -ENOMEM where something is not mapped. */
export function* sysMunlock(k: Kernel, task: TaskId, vpn: Vpn, nr: number): Steps<number> {
  return yield* setLocked(k, task, vpn, nr, false);
}

/** apply_vma_lock_flags(), under mmap_lock. What lies before a gap is changed. */
function* setLocked(k: Kernel, task: TaskId, vpn: Vpn, nr: number, locked: boolean): Steps<number> {
  if (vpn < 0 || nr < 0 || vpn + nr > TASK_PAGES) return -EINVAL;
  const mm = k.task.mm[task];
  yield* lock(k, R.mmapLock, mm);
  let at = vpn;
  let error = 0;
  while (at < vpn + nr && error === 0) {
    const vma = vmaAt(k, mm, at);
    if (vma === 0) {
      error = -ENOMEM;
    } else {
      const stop = Math.min(vpn + nr, k.vma.end[vma]);
      error = yield* mlockFixup(k, mm, vma, at, stop, locked);
      at = stop;
    }
  }
  yield* unlock(k, R.mmapLock, mm);
  return error;
}

/** mlock_fixup(): special, huge (hugetlb) and secret memory never is reclaimed and stays as it is. */
function* mlockFixup(
  k: Kernel,
  mm: MmId,
  found: VmaId,
  start: Vpn,
  end: Vpn,
  locked: boolean,
): Steps<number> {
  const has = (k.vma.flags[found] & VM.locked) !== 0;
  if (
    has === locked ||
    (k.vma.flags[found] & (VM_SPECIAL | VM.hugetlb)) !== 0 ||
    vmaIsSecretmem(k, found)
  )
    return 0;
  const error = yield* isolateRange(k, mm, start, end);
  if (error !== 0) return error;
  const vma = vmaAt(k, mm, start);
  if (locked) k.vma.flags[vma] |= VM.locked;
  else k.vma.flags[vma] &= ~(VM.locked | VM.lockOnFault);
  k.mm.lockedVm[mm] += locked ? end - start : start - end;
  yield* mergeVma(k, vma);
  return 0;
}
