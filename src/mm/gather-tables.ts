import type { Alloc } from '../machine/arena.ts';

/** Pages that one batch holds: as many as one page table maps. */
export const GATHER_PAGES = 512;

/** Batches of pages whose entries are cleared and whose references wait for the TLB flush (mmu_gather.c). */
export interface GatherTables {
  /** 1 while somebody uses the batch. */
  readonly used: Int32Array;
  /** `GATHER_PAGES` page frames a batch; zero where unused, so that equal states are equal words. */
  readonly pages: Int32Array;
}

/** One batch for each of `tasks`: no task zaps two ranges at once. */
export function gatherTables(alloc: Alloc, tasks: number): GatherTables {
  return { used: alloc(tasks), pages: alloc(tasks * GATHER_PAGES) };
}
