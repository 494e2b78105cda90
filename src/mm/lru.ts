/**
 * The LRU lists (mm/swap.c, mm_inline.h, vmscan.c: folio_isolate_lru, folio_putback_lru): which folios
 * reclaim and migration may take. Rules: semantics.md A.12.3, A.12.5, A.16.3.
 *
 * A list is no chain here but the set of folios that carry the flag: `PG.lru`, with `PG.active` for the
 * active list, anonymous or file by the folio's mapping, node by its page frame. Reclaim takes them in
 * order of page frame, so that equal memories are equal words however they came about.
 */
import { at, R, READ, WRITE } from '../machine/access.ts';
import { touchAlso } from '../machine/also.ts';
import { flagClear, flagTestAndClear, refAdd } from '../machine/atomic.ts';
import { GUARD } from '../machine/guards.ts';
import { PG } from '../machine/page.ts';
import type { Folio, Pfn, Steps } from '../machine/types.ts';
import { enter, leave } from '../machine/workers.ts';
import { keptOffLru } from './dma-pinned.ts';
import { folioPut, isLarge } from './folio.ts';
import type { Kernel } from './kernel.ts';

/** Flags that say where on the lists a folio is. */
const LRU_FLAGS = PG.lru | PG.active | PG.isolated | PG.unevictable | PG.dmaPinned | PG.dmaOffLru;

/** Indexes of `R.lru`: the batch, the lists. */
const BATCH = 0;
const LISTS = 1;

/**
 * Notes that this step changes what a scan of the lists finds. Such changes don't disturb each other, only a scan: so
 * they are noted as reads, and the scan (`nextOnLru`) as the write.
 */
export function noteLists(k: Kernel): void {
  touchAlso(k, READ | at(R.lru, LISTS));
}

/** Lowest page frame from `from` on that is on a list, as reclaim meets them; 0: none. One step. */
export function* nextOnLru(k: Kernel, from: Pfn): Steps<Pfn> {
  yield WRITE | at(R.lru, LISTS);
  for (let pfn = from; pfn < k.pages; pfn++) if ((k.page.flags[pfn] & PG.lru) !== 0) return pfn;
  return 0;
}

/**
 * folio_add_lru(): a new folio goes on the inactive list; with batches (`lruBatch` pages) it first waits,
 * with one more reference, until the batch is full or drained. The caller has a reference.
 */
export function* folioAddLru(k: Kernel, folio: Folio): Steps<void> {
  if (k.lru.batch.length === 0) {
    yield* putOnList(k, folio);
    return;
  }
  yield* refAdd(k, folio, 1);
  yield WRITE | at(R.lru, BATCH);
  let added = addBatched(k, folio);
  while (!added) {
    yield* lruDrain(k);
    yield WRITE | at(R.lru, BATCH);
    added = addBatched(k, folio);
  }
  if (k.lru.batched[0] === k.lru.batch.length || isLarge(k, folio)) yield* lruDrain(k);
}

/** lruvec_add_folio(): one of the places that the proposal of 2018 stops at pages under DMA. */
function* putOnList(k: Kernel, folio: Folio): Steps<void> {
  yield WRITE | at(R.flags, folio);
  if (!keptOffLru(k, folio)) k.page.flags[folio] |= PG.lru;
  noteLists(k);
}

/** False: others have filled the batch, and not yet drained it. */
function addBatched(k: Kernel, folio: Folio): boolean {
  enter(k, GUARD.lru);
  const n = k.lru.batched[0];
  const room = n < k.lru.batch.length;
  if (room) {
    k.lru.batch[n] = folio;
    k.lru.batched[0] = n + 1;
  }
  leave(k, GUARD.lru);
  return room;
}

/** lru_add_drain(): what waits in the batch goes on its list, and the batch's references are dropped. */
export function* lruDrain(k: Kernel): Steps<void> {
  if (k.lru.batch.length === 0) return;
  let folio = yield* takeBatched(k);
  while (folio !== 0) {
    yield* putOnList(k, folio);
    yield* folioPut(k, folio, 1);
    folio = yield* takeBatched(k);
  }
}

/** Takes the newest folio out of the batch; 0: it is empty. */
function* takeBatched(k: Kernel): Steps<Folio> {
  yield WRITE | at(R.lru, BATCH);
  return newestBatched(k);
}

function newestBatched(k: Kernel): Folio {
  enter(k, GUARD.lru);
  const n = k.lru.batched[0];
  const folio = n === 0 ? 0 : k.lru.batch[n - 1];
  if (n !== 0) {
    k.lru.batch[n - 1] = 0;
    k.lru.batched[0] = n - 1;
  }
  leave(k, GUARD.lru);
  return folio;
}

/**
 * folio_isolate_lru(): takes the folio off its list, with a reference for the taker. False: it is not on
 * one (isolated by somebody else, still in a batch, never added). The caller has a reference or the lock
 * of a page table that maps it.
 */
export function* isolateLru(k: Kernel, folio: Folio): Steps<boolean> {
  const was = yield* flagTestAndClear(k, folio, PG.lru);
  noteLists(k);
  if (!was) return false;
  k.page.flags[folio] |= PG.isolated;
  yield* refAdd(k, folio, 1);
  return true;
}

/** folio_putback_lru(): back on its list; drops the reference of the isolation. */
export function* putbackLru(k: Kernel, folio: Folio): Steps<void> {
  yield* flagClear(k, folio, PG.isolated);
  yield* folioAddLru(k, folio);
  yield* folioPut(k, folio, 1);
}

/** __page_cache_release(): a folio that is being freed leaves its list. */
export function lruRemoveOnFree(k: Kernel, folio: Folio): void {
  noteLists(k);
  k.page.flags[folio] &= ~LRU_FLAGS;
  // Given back by put_page(): the kernel can't tell, and the count goes with the page.
  k.page.lruPrev[folio] = 0;
}

/** Whether a folio is on one of the lists. */
export function onLru(k: Kernel, folio: Folio): boolean {
  return (k.page.flags[folio] & PG.lru) !== 0;
}
