/**
 * fork()'s copy of an address space (fork.c: dup_mmap; memory.c: copy_page_range). Entries of one table are
 * copied by fork-pte.ts, huge ones by their own files.
 * Rules: semantics.md A.15, S12, S13, S14; steps K2, K4 and K6 of A.31 (the MMU notifier's K1 and K5 belong
 * around K2 and K4).
 */
import { R } from '../machine/access.ts';
import { flushTlbMm } from '../machine/cpu.ts';
import { entryHi, entryRead } from '../machine/entries.ts';
import { isNone } from '../machine/entry.ts';
import { EAGAIN, EBUSY, ENOMEM } from '../machine/errno.ts';
import { lock, unlock } from '../machine/locks.ts';
import { HPAGE_PMD_NR } from '../machine/page.ts';
import { seqWriteBegin, seqWriteEnd } from '../machine/seqcount.ts';
import type { MmId, Steps, TaskId, VmaId, Vpn } from '../machine/types.ts';
import { forkPartsFromPins } from './coherency.ts';
import { mmPut } from './exit.ts';
import { copyPteRange } from './fork-pte.ts';
import { copyHugePmd } from './huge-fork.ts';
import { copyHugetlbPageRange } from './hugetlb-fork.ts';
import { type Kernel, MMF } from './kernel.ts';
import { mmAlloc } from './mm-alloc.ts';
import { invalidateEnd, invalidateStart } from './mmu-notifier.ts';
import { isTable, pmdEntry } from './pgtable.ts';
import { isCowMapping, VM, vmaDup } from './vma.ts';

/**
 * dup_mm(): a copy of `task`'s address space, which becomes that of `childTask` (made by `newTask` with mm 0).
 * Returns the new MmId, or -ENOMEM, with nothing left behind but the parent's entries write-protected and tables filled
 * that it never minds. A child starts without MMF.hasPinned (S12).
 */
export function* dupMm(k: Kernel, task: TaskId, childTask: TaskId): Steps<MmId> {
  const parent = k.task.mm[task];
  const child = yield* mmAlloc(k);
  if (child === 0) return -ENOMEM;
  k.mm.flags[child] = k.mm.flags[parent] & ~MMF.hasPinned;
  k.mm.memlock[child] = k.mm.memlock[parent];
  yield* lock(k, R.mmapLock, parent);
  yield* lock(k, R.mmapLock, child);
  const result = yield* dupMmap(k, task, child, parent);
  // K6: until here the parent's other threads may write through what their TLBs remember.
  yield* flushTlbMm(k, parent);
  yield* unlock(k, R.mmapLock, child);
  yield* unlock(k, R.mmapLock, parent);
  if (result !== 0) {
    yield* mmPut(k, child);
    return result;
  }
  k.task.mm[childTask] = child;
  k.cpumask[child] |= 1 << k.task.cpu[childTask];
  return child;
}

/** dup_mmap(): each VMA, and what it maps where a fault could not bring it back. 0, -ENOMEM, or -EBUSY (S208). */
function* dupMmap(k: Kernel, task: TaskId, child: MmId, parent: MmId): Steps<number> {
  const parts = yield* forkPartsFromPins(k, parent);
  if (parts) return -EBUSY;
  for (let vma = k.mm.vmaFirst[parent]; vma !== 0; vma = k.vma.next[vma]) {
    if ((k.vma.flags[vma] & VM.dontCopy) !== 0) continue;
    const copy = yield* vmaDup(k, child, vma);
    if (copy === 0) return -ENOMEM;
    if ((k.vma.flags[vma] & VM.wipeOnFork) !== 0) continue;
    const result = yield* copyPageRange(k, task, copy, vma);
    if (result !== 0) return result;
  }
  return 0;
}

/** copy_page_range(): 0 or -ENOMEM. */
function* copyPageRange(k: Kernel, task: TaskId, copy: VmaId, vma: VmaId): Steps<number> {
  if (!vmaNeedsCopy(k, copy, vma)) return 0;
  const parent = k.vma.mm[vma];
  // K1, K5: entries of a mapping that is copied on write become read-only.
  const cow = isCowMapping(k.vma.flags[vma]);
  let told = false;
  if (cow) told = yield* invalidateStart(k, parent, k.vma.start[vma], k.vma.end[vma]);
  const result = yield* copyTold(k, task, copy, vma);
  yield* invalidateEnd(k, parent, told);
  return result;
}

function* copyTold(k: Kernel, task: TaskId, copy: VmaId, vma: VmaId): Steps<number> {
  const parent = k.vma.mm[vma];
  if ((k.vma.flags[vma] & VM.hugetlb) !== 0) {
    return yield* copyHugetlbPageRange(k, k.vma.mm[copy], parent, copy, vma);
  }
  const counted = isCowMapping(k.vma.flags[vma]) && k.rules.fork.seq !== 'none';
  if (counted) yield* seqWriteBegin(k, parent);
  const result = yield* copyTables(k, task, copy, vma);
  if (counted) yield* seqWriteEnd(k, parent);
  return result;
}

/** vma_needs_copy() (A.15.2). */
function vmaNeedsCopy(k: Kernel, copy: VmaId, vma: VmaId): boolean {
  if ((k.vma.flags[copy] & VM.uffdWp) !== 0) return true;
  return (k.vma.flags[vma] & (VM.pfnmap | VM.mixedmap)) !== 0 || k.vma.anonVma[vma] !== 0;
}

/** copy_p4d_range() down to copy_pmd_range(): table by table. */
function* copyTables(k: Kernel, task: TaskId, copy: VmaId, vma: VmaId): Steps<number> {
  let vpn: Vpn = k.vma.start[vma];
  while (vpn < k.vma.end[vma]) {
    const next = Math.min(k.vma.end[vma], vpn - (vpn % HPAGE_PMD_NR) + HPAGE_PMD_NR);
    const result = yield* copyPmd(k, task, copy, vma, vpn, next);
    if (result !== 0) return result;
    vpn = next;
  }
  return 0;
}

/** One PMD entry: a huge page whole, unless it may be pinned: then it has been split and goes by its PTEs (A.15.8). */
function* copyPmd(
  k: Kernel,
  task: TaskId,
  copy: VmaId,
  vma: VmaId,
  start: Vpn,
  end: Vpn,
): Steps<number> {
  const parent = k.vma.mm[vma];
  const pmd = pmdEntry(k, parent, start);
  if (pmd === 0) return 0;
  const lo = yield* entryRead(k, pmd);
  if (isNone(lo, entryHi(k, pmd))) return 0;
  if (!isTable(lo)) {
    const result = yield* copyHugePmd(k, k.vma.mm[copy], parent, copy, vma, start);
    if (result !== -EAGAIN) return result;
  }
  return yield* copyPteRange(k, task, copy, vma, start, end);
}
