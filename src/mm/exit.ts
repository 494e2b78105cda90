/**
 * The end of a task's use of its address space, and of the address space (exit.c: exit_mm; fork.c: mmput;
 * mmap.c: exit_mmap). Pinned pages outlive both: nobody looks at the drivers' lists here (A.26.3, A.26.4).
 */
import { R, WRITE } from '../machine/access.ts';
import { touchAlso } from '../machine/also.ts';
import { flushTlbMm } from '../machine/cpu.ts';
import { entryClear } from '../machine/entries.ts';
import { entryPfn } from '../machine/entry.ts';
import { GUARD } from '../machine/guards.ts';
import { lock, lockShared, unlock, unlockShared } from '../machine/locks.ts';
import { tableEntry } from '../machine/mmu.ts';
import { BUG, bug } from '../machine/report.ts';
import type { EntryAddr, MmId, Pfn, Steps, TaskId } from '../machine/types.ts';
import { enter, leave } from '../machine/workers.ts';
import { invalidateSeq, kmemAt } from './device-tables.ts';
import type { Kernel } from './kernel.ts';
import { freeRetired, freeTable, isTable, pgdFree, tableEmpty } from './pgtable.ts';
import { removeVma } from './vma.ts';
import { unmapVmas } from './zap.ts';

/** Above every page number of user memory (five levels: 2^45 pages). */
const TASK_END = 0x7fffffff;

/** exit_mm(): the task has no memory of its own any more; the last one to leave tears the address space down. */
export function* exitMm(k: Kernel, task: TaskId): Steps<void> {
  const mm = k.task.mm[task];
  if (mm === 0) return;
  k.task.mm[task] = 0;
  yield* mmPut(k, mm);
}

/** mmget_not_zero(): one user more; false when the address space is gone or going. */
export function mmGet(k: Kernel, mm: MmId): boolean {
  touchAlso(k, WRITE | usersAt(mm));
  enter(k, GUARD.ids);
  const alive = k.mm.users[mm] >= 1;
  if (alive) k.mm.users[mm] += 1;
  leave(k, GUARD.ids);
  return alive;
}

/** mmput(): one user less; at none the address space goes (exit_mmap). May sleep. */
export function* mmPut(k: Kernel, mm: MmId): Steps<void> {
  if (dropUser(k, mm)) yield* exitMmap(k, mm);
}

/** The object at which those meet who count users of an address space: nothing else of it is touched as rarely. */
function usersAt(mm: MmId): number {
  return kmemAt(invalidateSeq(mm));
}

/** One user less; true: that was the last, and nobody gets in any more. */
function dropUser(k: Kernel, mm: MmId): boolean {
  touchAlso(k, WRITE | usersAt(mm));
  enter(k, GUARD.ids);
  const last = k.mm.users[mm] <= 1;
  // mmget_not_zero fails below 1, yet the number is not free.
  if (last) k.mm.users[mm] = -1;
  else k.mm.users[mm] -= 1;
  leave(k, GUARD.ids);
  return last;
}

/**
 * exit_mmap(): unmaps everything, then the VMAs go, so that no reverse mapping leads here any more, then the tables.
 * At last the MmId is free, its words all zero.
 */
function* exitMmap(k: Kernel, mm: MmId): Steps<void> {
  yield* lockShared(k, R.mmapLock, mm);
  yield* unmapVmas(k, k.mm.vmaFirst[mm], 0, TASK_END);
  yield* unlockShared(k, R.mmapLock, mm);
  yield* lock(k, R.mmapLock, mm);
  while (k.mm.vmaFirst[mm] !== 0) yield* removeVma(k, k.mm.vmaFirst[mm]);
  yield* freeTables(k, mm);
  yield* freeRetired(k, mm);
  yield* unlock(k, R.mmapLock, mm);
  yield* flushTlbMm(k, mm);
  yield* pgdFree(k, mm);
  forgetMm(k, mm);
}

/**
 * free_pgtables() of a whole address space, leaves first. No lockless walker is inside: those walk the address space
 * of the task that runs them, and this one has none left.
 */
function* freeTables(k: Kernel, mm: MmId): Steps<void> {
  for (let level = 1; level < k.levels; level++) {
    let e = firstTableEntry(k, k.pgd[mm], k.levels - 1, level);
    while (e !== 0) {
      const table = entryPfn(k.contents[e], k.contents[e + 1]);
      if (!tableEmpty(k, table)) bug(k, BUG.badEntry, table);
      yield* entryClear(k, e);
      yield* freeTable(k, mm, table);
      e = firstTableEntry(k, k.pgd[mm], k.levels - 1, level);
    }
  }
}

/** The first entry at level `wanted` that points to a table, in the tree below `table`, whose entries are of `level`. */
function firstTableEntry(k: Kernel, table: Pfn, level: number, wanted: number): EntryAddr {
  for (let i = 0; i < 512; i++) {
    const e = tableEntry(k, table, i);
    if (e === 0 || !isTable(k.contents[e])) continue;
    if (level === wanted) return e;
    const found = firstTableEntry(k, entryPfn(k.contents[e], k.contents[e + 1]), level - 1, wanted);
    if (found !== 0) return found;
  }
  return 0;
}

function forgetMm(k: Kernel, mm: MmId): void {
  k.cpumask[mm] = 0;
  k.mm.writeProtectSeq[mm] = 0;
  k.mm.flags[mm] = 0;
  k.mm.totalVm[mm] = 0;
  k.mm.lockedVm[mm] = 0;
  k.mm.pinnedVm[mm] = 0;
  k.mm.lockedByDma[mm] = 0;
  k.mm.memlock[mm] = 0;
  k.mm.anonRss[mm] = 0;
  k.mm.fileRss[mm] = 0;
  k.mm.swapEnts[mm] = 0;
  k.mm.tables[mm] = 0;
  k.mm.users[mm] = 0;
}
