import type { Alloc } from '../machine/arena.ts';
import { PAGE_WORDS } from '../machine/contents.ts';

/** One swap area; slot 0 is never used, so that a swap entry is never 0. */
export interface SwapTables {
  /** References to each slot by page tables; the swap cache's own is in `cache`. */
  readonly map: Int32Array;
  /** Folio in the swap cache for each slot; 0: none. */
  readonly cache: Int32Array;
  /** What was written: `PAGE_WORDS` words a slot. */
  readonly data: Int32Array;
}

/** Swap space of so many pages, all free; slot 0 stands for none. */
export function swapTables(alloc: Alloc, pages: number): SwapTables {
  const slots = pages === 0 ? 0 : pages + 1;
  return { map: alloc(slots), cache: alloc(slots), data: alloc(slots * PAGE_WORDS) };
}
