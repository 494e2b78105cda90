/** Reading a page back from the swap device (mm/swap_state.c: read_swap_cache_async). */
import { allocPages } from '../machine/buddy.ts';
import { EAGAIN } from '../machine/errno.ts';
import { folioLock, folioUnlock } from '../machine/locks.ts';
import { PG } from '../machine/page.ts';
import type { Folio, Steps } from '../machine/types.ts';
import { folioPut } from './folio.ts';
import type { Kernel } from './kernel.ts';
import { folioAddLru } from './lru.ts';
import { readSlot } from './swap-data.ts';
import { addReadToSwapCache } from './swap-state.ts';
import { vmstatAdd } from './vmstat.ts';
import { VMSTAT } from './vmstat-items.ts';

/**
 * read_swap_cache_async(): the page of a slot that isn't in the swap cache: read from the device, locked, uptodate, with
 * a reference. 0: out of memory; -EAGAIN: somebody else was faster, or nobody uses the slot any more.
 */
export function* readSwapSlot(k: Kernel, slot: number, gfp: number): Steps<Folio> {
  const folio = yield* allocPages(k, 0, gfp, 0);
  if (folio === 0) return 0;
  yield* folioLock(k, folio);
  const added = yield* addReadToSwapCache(k, folio, slot);
  if (!added) {
    yield* folioUnlock(k, folio);
    yield* folioPut(k, folio, 1);
    return -EAGAIN;
  }
  yield* readSlot(k, folio, slot);
  k.page.flags[folio] |= PG.uptodate;
  vmstatAdd(k, folio, VMSTAT.pswpin, 1);
  yield* folioAddLru(k, folio);
  return folio;
}
