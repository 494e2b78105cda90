import type { Alloc } from '../machine/arena.ts';

/** Faults that wait for user space, by TaskId; see userfault-wait.ts. */
export interface UserfaultTables {
  /** 1: the task waits. Region `R.uffd`. */
  readonly waits: Int32Array;
  /** Where its fault was: address space and page; 0: nowhere. */
  readonly mm: Int32Array;
  readonly vpn: Int32Array;
}

/** The tables, with nobody waiting. */
export function userfaultTables(alloc: Alloc, tasks: number): UserfaultTables {
  return { waits: alloc(tasks), mm: alloc(tasks), vpn: alloc(tasks) };
}
