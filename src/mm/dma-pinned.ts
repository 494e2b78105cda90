/**
 * What the proposals of 2018 do when get_user_pages() hands a page out and put_user_page() takes it back (semantics.md
 * B.2, seed2018): a page flag with a count in the place of the LRU links, the page off its list meanwhile; or an entry
 * for the range in the file's interval tree (pin-ranges.ts). S204, S205.
 *
 * `page.lruPrev` of a folio is its count of such pins: in the design with the flag the count itself, in the other one
 * only what waiters wait for (region `R.lru`). Word 0, of the page that is none, is the lock (zone_gup_lock).
 */
import { at, R, READ, WAIT_ZERO, WRITE } from '../machine/access.ts';
import { touchAlso } from '../machine/also.ts';
import { lock, unlock } from '../machine/locks.ts';
import { PG } from '../machine/page.ts';
import { BUG, bug } from '../machine/report.ts';
import type { Folio, Steps } from '../machine/types.ts';
import { fileOf } from './folio.ts';
import type { Kernel } from './kernel.ts';
import { noteLists } from './lru.ts';
import { notePins } from './pin-ledger.ts';
import { rangeAdd, rangeCovers, rangeRemove } from './pin-ranges.ts';

/** Index of the lock in `R.lru`. */
const GUP_LOCK = 0;

/** Whether this kernel keeps track of the pages that get_user_pages() hands out (S204). */
export function tracksGup(k: Kernel): boolean {
  return k.rules.design.pins !== 'counts';
}

/** pin_page_for_dma(): `n` more pins of a folio on which the caller has just taken references. */
export function* dmaPin(k: Kernel, folio: Folio, n: number): Steps<void> {
  if (!isTracked(k, folio)) return;
  notePins(k, folio, n);
  yield* lock(k, R.lru, GUP_LOCK);
  noteFolio(k, folio);
  if (k.rules.design.pins === 'ranges') rangeAdd(k, fileOf(k, folio), k.page.index[folio], n);
  else markPinned(k, folio);
  k.page.lruPrev[folio] += n;
  yield* unlock(k, R.lru, GUP_LOCK);
}

/** unpin_page_for_dma(): `n` pins less; before the references are dropped. The last puts the folio back on its list. */
export function* dmaUnpin(k: Kernel, folio: Folio, n: number): Steps<void> {
  if (!isTracked(k, folio)) return;
  yield* lock(k, R.lru, GUP_LOCK);
  noteFolio(k, folio);
  notePins(k, folio, -n);
  if (k.page.lruPrev[folio] < n) bug(k, BUG.pinUnderflow, folio);
  else k.page.lruPrev[folio] -= n;
  if (k.rules.design.pins === 'ranges') rangeRemove(k, fileOf(k, folio), k.page.index[folio], n);
  else if (k.page.lruPrev[folio] === 0) unmarkPinned(k, folio);
  yield* unlock(k, R.lru, GUP_LOCK);
}

/** What asks before it cleans or unmaps a page: PageDmaPinned(), or a look into the tree. */
export function* dmaPinned(k: Kernel, folio: Folio): Steps<boolean> {
  if (!isTracked(k, folio)) return false;
  yield READ | at(R.lru, folio);
  if (k.rules.design.pins === 'flag') return (k.page.flags[folio] & PG.dmaPinned) !== 0;
  return rangeCovers(k, fileOf(k, folio), k.page.index[folio]);
}

/** Until nobody has the folio under DMA (WB_SYNC_ALL; a range lock keeps truncation out). Needs a reference. */
export function* dmaWait(k: Kernel, folio: Folio): Steps<void> {
  if (!isTracked(k, folio)) return;
  yield WAIT_ZERO | at(R.lru, folio);
}

/** Pages of no file are in no file's tree; the page of zeros is never written to. */
function isTracked(k: Kernel, folio: Folio): boolean {
  if (folio === k.zeroPfn) return false;
  return k.rules.design.pins === 'flag' || fileOf(k, folio) !== 0;
}

/** Both words of the folio change under the lock. */
function noteFolio(k: Kernel, folio: Folio): void {
  touchAlso(k, WRITE | at(R.lru, folio));
  touchAlso(k, WRITE | at(R.flags, folio));
}

/** The folio leaves its list, and remembers by `PG.dmaOffLru` that it belongs on one. */
function markPinned(k: Kernel, folio: Folio): void {
  if ((k.page.flags[folio] & PG.lru) !== 0) k.page.flags[folio] |= PG.dmaOffLru;
  k.page.flags[folio] = (k.page.flags[folio] | PG.dmaPinned) & ~(PG.lru | PG.active);
  noteLists(k);
}

function unmarkPinned(k: Kernel, folio: Folio): void {
  const back = (k.page.flags[folio] & PG.dmaOffLru) !== 0 ? PG.lru : 0;
  k.page.flags[folio] = (k.page.flags[folio] & ~(PG.dmaPinned | PG.dmaOffLru)) | back;
  noteLists(k);
}

/**
 * Asked at each of the places that put a folio on an LRU list, in the same step: true when it has to stay off, and is
 * remembered for when its last pin goes.
 */
export function keptOffLru(k: Kernel, folio: Folio): boolean {
  if ((k.page.flags[folio] & PG.dmaPinned) === 0) return false;
  k.page.flags[folio] |= PG.dmaOffLru;
  return true;
}
