/**
 * Mappings that grow down (MAP_GROWSDOWN; mm/mmap.c: expand_downwards, arch/x86/mm/fault.c). Rules: semantics.md A.4.2.
 */
import { R } from '../machine/access.ts';
import { lock, unlock } from '../machine/locks.ts';
import type { MmId, Steps, VmaId, Vpn } from '../machine/types.ts';
import type { Kernel } from './kernel.ts';
import { findVma, VM, vmaBefore } from './vma.ts';

/** RLIMIT_STACK's usual 8 MiB, in pages. */
const STACK_LIMIT = 2048;
/** stack_guard_gap, in pages. */
const STACK_GAP = 256;
const ACCESSIBLE = VM.read | VM.write | VM.exec;

/** The mapping above `vpn`, if it may grow down to it; 0: `vpn` is mapped, or what is above does not grow. */
export function stackAbove(k: Kernel, mm: MmId, vpn: Vpn): VmaId {
  const vma = findVma(k, mm, vpn);
  if (vma === 0 || vpn >= k.vma.start[vma]) return 0;
  return (k.vma.flags[vma] & VM.growsDown) !== 0 ? vma : 0;
}

/**
 * expand_downwards(): the mapping grows down to `vpn`. False when it would pass its limit or come too near to what is
 * mapped below. Not a step: the caller holds mmap_lock.
 */
export function growStack(k: Kernel, vma: VmaId, vpn: Vpn): boolean {
  const mm = k.vma.mm[vma];
  if (k.vma.end[vma] - vpn > STACK_LIMIT) return false;
  const below = vmaBefore(k, mm, k.vma.start[vma]);
  const near = below !== 0 && k.vma.end[below] + STACK_GAP > vpn;
  const other =
    (k.vma.flags[below] & VM.growsDown) === 0 && (k.vma.flags[below] & ACCESSIBLE) !== 0;
  if (near && (other || k.vma.end[below] > vpn)) return false;
  const grow = k.vma.start[vma] - vpn;
  if (grow > k.vma.pgoff[vma]) return false;
  k.vma.start[vma] -= grow;
  k.vma.pgoff[vma] -= grow;
  k.mm.totalVm[mm] += grow;
  if ((k.vma.flags[vma] & VM.locked) !== 0) k.mm.lockedVm[mm] += grow;
  return true;
}

/**
 * lock_mm_and_find_vma(), before 6.5 the same under mmap_lock held shared: an access below a growing mapping makes it
 * grow. Kernels before 5.0 refuse a program's own access that is far below its stack pointer, which no mapping of a
 * test is near to. True: look again. mmap_lock is not held.
 */
export function* faultGrowsStack(k: Kernel, mm: MmId, vpn: Vpn, byUser: boolean): Steps<boolean> {
  if (byUser && !k.rules.stack.belowPointer) return false;
  yield* lock(k, R.mmapLock, mm);
  const vma = stackAbove(k, mm, vpn);
  // Nothing to grow any more: somebody else was faster, or the mapping has gone; the next look tells.
  const grown = vma === 0 || growStack(k, vma, vpn);
  yield* unlock(k, R.mmapLock, mm);
  return grown;
}
