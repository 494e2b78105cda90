/**
 * The swap area and the swap cache (mm/swapfile.c, swap_state.c). A slot is one page; its number is the
 * offset in a swap entry. It is in use while page tables refer to it (`swap.map`) or the swap cache
 * has a folio for it (`swap.cache`). Rules: semantics.md A.18, S4.
 *
 * A folio in the swap cache has `PG.swapcache`, its slot in `page.private`, and one reference of the
 * cache. Only single pages are swapped: a large folio is split first, as without CONFIG_THP_SWAP.
 */
import { at, R, READ, WRITE } from '../machine/access.ts';
import { freePageCount } from '../machine/buddy.ts';
import { ENOMEM } from '../machine/errno.ts';
import { refTryAdd } from '../machine/grab-words.ts';
import { GUARD } from '../machine/guards.ts';
import { folioTrylock, folioUnlock } from '../machine/locks.ts';
import { PG } from '../machine/page.ts';
import { BUG, bug } from '../machine/report.ts';
import type { Folio, Steps } from '../machine/types.ts';
import { enter, leave } from '../machine/workers.ts';
import { folioMapcount, folioPut } from './folio.ts';
import { type Kernel, MISC } from './kernel.ts';
import { clearSlotData } from './swap-data.ts';

/** SWAP_MAP_MAX: above it a slot's count needs a continuation page. */
export const SWAP_MAP_MAX = 0x3e;

/** How many page table entries refer to a slot (__swap_count). */
export function swapCount(k: Kernel, slot: number): number {
  return k.swap.map[slot];
}

/** The slot of a folio in the swap cache. */
export function swapSlotOf(k: Kernel, folio: Folio): number {
  return k.page.private[folio];
}

/** Whether the folio has a place in swap (folio_test_swapcache). */
export function inSwapCache(k: Kernel, folio: Folio): boolean {
  return (k.page.flags[folio] & PG.swapcache) !== 0;
}

/** The lowest slot that nobody uses, 0: swap is full (or there is none). */
function freeSlot(k: Kernel): number {
  for (let slot = 1; slot < k.swap.map.length; slot++) {
    if (k.swap.map[slot] === 0 && k.swap.cache[slot] === 0) return slot;
  }
  return 0;
}

/** Whether `n` slots are free, so that a large folio of so many pages can go to swap whole. */
export function* swapHasRoom(k: Kernel, n: number): Steps<boolean> {
  yield READ | at(R.swap, 0);
  return k.misc[MISC.swapOff] === 0 && freeSlots(k, n);
}

/** Whether `n` slots are free. */
function freeSlots(k: Kernel, n: number): boolean {
  let free = 0;
  enter(k, GUARD.swap);
  for (let slot = 1; slot < k.swap.map.length && free < n; slot++)
    if (k.swap.map[slot] === 0 && k.swap.cache[slot] === 0) free += 1;
  leave(k, GUARD.swap);
  return free >= n;
}

/**
 * add_to_swap(): gives a locked anonymous page a slot and puts it in the swap cache, dirty. False: no
 * slot is free. From here on the cache holds a reference.
 */
export function* addToSwap(k: Kernel, folio: Folio): Steps<boolean> {
  yield WRITE | at(R.swap, 0);
  const slot = takeSlot(k, folio);
  if (slot === 0) return false;
  yield* enterSwapCache(k, folio, slot);
  return true;
}

/** Puts the folio into the cache at a slot that is free; 0: none is. */
function takeSlot(k: Kernel, folio: Folio): number {
  enter(k, GUARD.swap);
  const slot = k.misc[MISC.swapOff] === 1 ? 0 : freeSlot(k);
  if (slot !== 0) k.swap.cache[slot] = folio;
  leave(k, GUARD.swap);
  return slot;
}

/** add_to_swap_cache() for a slot whose folio is this one by now. */
function* enterSwapCache(k: Kernel, folio: Folio, slot: number): Steps<void> {
  yield WRITE | at(R.refcount, folio);
  k.page.refcount[folio] += 1;
  k.page.private[folio] = slot;
  k.page.flags[folio] |= PG.swapcache | PG.dirty;
}

/**
 * The swap cache's entry for a fresh, locked page that a fault reads `slot` into (__read_swap_cache_async).
 * False: somebody else was faster, or nobody refers to the slot any more.
 */
export function* addReadToSwapCache(k: Kernel, folio: Folio, slot: number): Steps<boolean> {
  yield WRITE | at(R.swap, 0);
  if (!cacheRead(k, folio, slot)) return false;
  yield WRITE | at(R.refcount, folio);
  k.page.refcount[folio] += 1;
  k.page.private[folio] = slot;
  k.page.flags[folio] |= PG.swapcache | PG.swapbacked;
  return true;
}

/** The cache's part of it: false where it has a folio for the slot, or nobody wants one. */
function cacheRead(k: Kernel, folio: Folio, slot: number): boolean {
  enter(k, GUARD.swap);
  const wanted = k.swap.cache[slot] === 0 && k.swap.map[slot] !== 0;
  if (wanted) k.swap.cache[slot] = folio;
  leave(k, GUARD.swap);
  return wanted;
}

/** swap_cache_get_folio(): the cached folio of a slot with a reference for the caller; 0: none. */
export function* swapCacheGet(k: Kernel, slot: number): Steps<Folio> {
  for (;;) {
    yield READ | at(R.swap, 0);
    const folio = k.swap.cache[slot];
    if (folio === 0) return 0;
    const got = yield* refTryAdd(k, folio, 1);
    yield READ | at(R.swap, 0);
    if (got && k.swap.cache[slot] === folio) return folio;
    if (got) yield* folioPut(k, folio, 1);
  }
}

/** swap_duplicate(): one more page table refers to the slot. 0, or -ENOMEM when its count can't grow. */
export function* swapEntryDup(k: Kernel, slot: number): Steps<number> {
  yield WRITE | at(R.swap, 0);
  if (k.swap.map[slot] >= SWAP_MAP_MAX && freePageCount(k) === 0) return -ENOMEM;
  k.swap.map[slot] += 1;
  return 0;
}

/** swap_free(): one page table less refers to the slot. */
export function* swapEntryFree(k: Kernel, slot: number): Steps<void> {
  yield WRITE | at(R.swap, 0);
  dropSwapCount(k, slot);
}

function dropSwapCount(k: Kernel, slot: number): void {
  enter(k, GUARD.swap);
  if (k.swap.map[slot] === 0) {
    bug(k, BUG.doubleFree, slot);
  } else {
    k.swap.map[slot] -= 1;
    if (k.swap.map[slot] === 0 && k.swap.cache[slot] === 0) clearSlotData(k, slot);
  }
  leave(k, GUARD.swap);
}

/**
 * Takes a locked folio out of the swap cache (delete_from_swap_cache); the cache's reference is the
 * caller's to drop. Part of the caller's step.
 */
export function removeFromSwapCache(k: Kernel, folio: Folio): void {
  enter(k, GUARD.swap);
  emptySlot(k, folio);
  leave(k, GUARD.swap);
}

function emptySlot(k: Kernel, folio: Folio): void {
  const slot = k.page.private[folio];
  k.swap.cache[slot] = 0;
  k.page.private[folio] = 0;
  k.page.flags[folio] &= ~PG.swapcache;
  if (k.swap.map[slot] === 0) clearSlotData(k, slot);
}

/** delete_from_swap_cache() with its reference; the caller holds the folio's lock and another reference. */
export function* deleteFromSwapCache(k: Kernel, folio: Folio): Steps<void> {
  yield WRITE | at(R.swap, 0);
  removeFromSwapCache(k, folio);
  yield* folioPut(k, folio, 1);
}

/**
 * folio_free_swap() (try_to_free_swap before 5.19): gives up the slot of a locked folio that no page table
 * refers to any more. The page is dirty then: no copy of it exists elsewhere.
 */
export function* tryToFreeSwap(k: Kernel, folio: Folio): Steps<boolean> {
  yield WRITE | at(R.swap, 0);
  if (!inSwapCache(k, folio) || (k.page.flags[folio] & PG.writeback) !== 0) return false;
  if (!emptyUnusedSlot(k, folio)) return false;
  k.page.flags[folio] |= PG.dirty;
  yield* folioPut(k, folio, 1);
  return true;
}

/** Takes the folio out of the cache if no page table refers to its slot. */
function emptyUnusedSlot(k: Kernel, folio: Folio): boolean {
  enter(k, GUARD.swap);
  const unused = k.swap.map[k.page.private[folio]] === 0;
  if (unused) emptySlot(k, folio);
  leave(k, GUARD.swap);
  return unused;
}

/** free_swap_cache(): as `tryToFreeSwap`, for a caller without the lock who has just unmapped the folio. */
export function* freeSwapCache(k: Kernel, folio: Folio): Steps<void> {
  if (!inSwapCache(k, folio) || folioMapcount(k, folio) !== 0) return;
  const locked = yield* folioTrylock(k, folio);
  if (!locked) return;
  yield* tryToFreeSwap(k, folio);
  yield* folioUnlock(k, folio);
}

/** free_swap_and_cache(): a swap entry goes away (munmap, exit); the last one takes the cached page along. */
export function* freeSwapAndCache(k: Kernel, slot: number): Steps<void> {
  yield WRITE | at(R.swap, 0);
  dropSwapCount(k, slot);
  if (k.swap.map[slot] !== 0 || k.swap.cache[slot] === 0) return;
  const folio = yield* swapCacheGet(k, slot);
  if (folio === 0) return;
  yield* freeSwapCache(k, folio);
  yield* folioPut(k, folio, 1);
}
