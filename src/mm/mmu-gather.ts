/**
 * Batches of unmapped pages (mmu_gather.c): their references are dropped only when no processor can have a
 * translation any more (semantics.md A.26.1, A.31 M2 to M4).
 */
import { GUARD } from '../machine/guards.ts';
import { PG } from '../machine/page.ts';
import type { Pfn, Steps } from '../machine/types.ts';
import { enter, leave } from '../machine/workers.ts';
import { folioPut, headOf } from './folio.ts';
import { GATHER_PAGES } from './gather-tables.ts';
import type { Kernel } from './kernel.ts';
import { freeSwapCache } from './swap-state.ts';

/** tlb_gather_mmu(): the number of an empty batch. There is one for each task: RangeError means a missing `gatherEnd`. */
export function gatherBegin(k: Kernel): number {
  enter(k, GUARD.ids);
  let batch = 0;
  while (batch < k.gather.used.length && k.gather.used[batch] !== 0) batch++;
  const found = batch < k.gather.used.length;
  if (found) k.gather.used[batch] = 1;
  leave(k, GUARD.ids);
  if (!found) throw new RangeError('more ranges are being unmapped than there are tasks');
  return batch;
}

/** tlb_remove_page(): page number `n` of the batch (at most one table's worth). */
export function gatherPage(k: Kernel, batch: number, n: number, page: Pfn): void {
  k.gather.pages[batch * GATHER_PAGES + n] = page;
}

/** tlb_batch_pages_flush(): drops one reference of each of the batch's `n` pages; the TLBs have been flushed. */
export function* gatherFree(k: Kernel, batch: number, n: number): Steps<void> {
  for (let i = 0; i < n; i++) {
    const folio = headOf(k, k.gather.pages[batch * GATHER_PAGES + i]);
    k.gather.pages[batch * GATHER_PAGES + i] = 0;
    if ((k.page.flags[folio] & PG.swapcache) !== 0) yield* freeSwapCache(k, folio);
    yield* folioPut(k, folio, 1);
  }
}

/** tlb_finish_mmu(): the batch is free again. */
export function gatherEnd(k: Kernel, batch: number): void {
  k.gather.used[batch] = 0;
}
