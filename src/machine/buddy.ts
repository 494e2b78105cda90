import { at, R, WRITE } from './access.ts';
import { touchAlso } from './also.ts';
import { bitmapClear, bitmapNext, bitmapSet, bitmapTest } from './bitmap.ts';
import { clearPage } from './contents.ts';
import { GUARD } from './guards.ts';
import { AREA_FIELDS, MAX_ORDER, type Machine, type MachineConfig } from './machine.ts';
import { PG } from './page.ts';
import { BUG, bug } from './report.ts';
import type { Pfn, Steps } from './types.ts';
import { fillWords } from './words.ts';
import { enter, leave } from './workers.ts';

/** What an allocation may use and what it returns, as the kernel's gfp_t. */
export const GFP = {
  /** The page can be moved away later: ZONE_MOVABLE and CMA areas may give it. */
  movable: 1 << 0,
  zero: 1 << 1,
  /** Make a folio: head and tails know of each other. */
  comp: 1 << 2,
  /** PF_MEMALLOC_PIN: for a longterm pin, so neither CMA nor ZONE_MOVABLE (A.12.2). */
  pinnable: 1 << 3,
  /** The asked node, and no other. */
  thisNode: 1 << 4,
  /** From a CMA area, and nowhere else: for tests that begin with a page there. */
  cma: 1 << 5,
} as const;

/** Puts all memory of the areas on the free lists; page 0 and what `reserve` takes stay out. */
export function initAreas(k: Machine, config: MachineConfig): void {
  let start = 0;
  config.areas.forEach((area, i) => {
    const a = i * AREA_FIELDS.words;
    const end = start + area.pages;
    k.area[a + AREA_FIELDS.start] = start;
    k.area[a + AREA_FIELDS.end] = end;
    k.area[a + AREA_FIELDS.node] = area.node ?? 0;
    k.area[a + AREA_FIELDS.movable] = area.movable === true ? 1 : 0;
    k.area[a + AREA_FIELDS.cma] = area.cma === true ? 1 : 0;
    k.area[a + AREA_FIELDS.cpu] = area.cpu === undefined ? 0 : area.cpu + 1;
    k.area[a + AREA_FIELDS.device] = area.device === true ? 1 : 0;
    if (area.device !== true) freeRange(k, a, start === 0 ? 1 : start, end);
    start = end;
  });
}

/** Frees [from, to) in the largest aligned blocks that fit. */
function freeRange(k: Machine, a: number, from: number, to: number): void {
  let pfn = from;
  while (pfn < to) {
    let order = pfn === 0 ? MAX_ORDER : Math.min(MAX_ORDER, 31 - Math.clz32(pfn & -pfn));
    while (pfn + 2 ** order > to) order--;
    addBlock(k, pfn, order);
    pfn += 1 << order;
  }
  k.area[a + AREA_FIELDS.free] += to - from;
}

function addBlock(k: Machine, pfn: Pfn, order: number): void {
  k.page.flags[pfn] |= PG.buddy;
  k.page.private[pfn] = order;
  bitmapSet(k.freeBlocks[order], pfn >>> order);
}

function removeBlock(k: Machine, pfn: Pfn, order: number): void {
  k.page.flags[pfn] &= ~PG.buddy;
  k.page.private[pfn] = 0;
  bitmapClear(k.freeBlocks[order], pfn >>> order);
}

/** Offset in `k.area` of the area that holds `pfn`. */
export function areaOf(k: Machine, pfn: Pfn): number {
  let a = 0;
  while (pfn >= k.area[a + AREA_FIELDS.end]) a += AREA_FIELDS.words;
  return a;
}

/** The NUMA node of a page (page_to_nid). */
export function pageNode(k: Machine, pfn: Pfn): number {
  return k.area[areaOf(k, pfn) + AREA_FIELDS.node];
}

/** Whether it is in ZONE_MOVABLE. */
export function pageIsMovableZone(k: Machine, pfn: Pfn): boolean {
  return k.area[areaOf(k, pfn) + AREA_FIELDS.movable] === 1;
}

/** Whether it is in a CMA area (is_migrate_cma_page). */
export function pageIsCma(k: Machine, pfn: Pfn): boolean {
  return k.area[areaOf(k, pfn) + AREA_FIELDS.cma] === 1;
}

/** The block that holds the page is isolated (is_migrate_isolate_page): somebody is about to take it as a whole. */
export function pageIsIsolated(k: Machine, pfn: Pfn): boolean {
  return k.area[areaOf(k, pfn) + AREA_FIELDS.isolated] === 1;
}

/** Offset in `k.area` of the first area that has `field` set, as CMA or ZONE_MOVABLE; -1: there is none. */
export function findArea(k: Machine, field: number): number {
  for (let i = 0; i < k.areas; i++) {
    if (k.area[i * AREA_FIELDS.words + field] === 1) return i * AREA_FIELDS.words;
  }
  return -1;
}

/** start_isolate_page_range(), undo_isolate_page_range() for a whole area: free pages in it are given out or not. */
export function* isolateArea(k: Machine, a: number, isolated: boolean): Steps<void> {
  yield WRITE | at(R.zone, a / AREA_FIELDS.words);
  k.area[a + AREA_FIELDS.isolated] = isolated ? 1 : 0;
}

/** The page is free: part of some block of the buddy allocator (PageBuddy of its head). */
export function pageIsFree(k: Machine, pfn: Pfn): boolean {
  return freeBlockOrder(k, pfn) >= 0;
}

/** Order of the free block that holds `pfn`, -1: the page is in use. */
function freeBlockOrder(k: Machine, pfn: Pfn): number {
  for (let order = 0; order <= MAX_ORDER; order++) {
    const block = pfn >>> order;
    if ((block + 1) << order <= k.pages && bitmapTest(k.freeBlocks[order], block)) return order;
  }
  return -1;
}

/**
 * Takes exactly this page off the free lists (take_page_off_buddy(), isolate_freepages_range()); it gets one reference.
 * False: it is in use. One step.
 */
export function* takePageAt(k: Machine, pfn: Pfn): Steps<boolean> {
  yield WRITE | at(R.zone, areaOf(k, pfn) / AREA_FIELDS.words);
  enter(k, GUARD.zone);
  const free = unlinkPage(k, pfn);
  leave(k, GUARD.zone);
  if (free) prepareBlock(k, pfn, 0, 0);
  return free;
}

function unlinkPage(k: Machine, pfn: Pfn): boolean {
  const order = freeBlockOrder(k, pfn);
  if (order < 0) return false;
  removeBlock(k, (pfn >>> order) << order, order);
  for (let o = order - 1; o >= 0; o--) {
    const half = (pfn >>> o) << o;
    addBlock(k, half ^ (1 << o), o);
  }
  k.area[areaOf(k, pfn) + AREA_FIELDS.free] -= 1;
  return true;
}

/** Free pages of the whole machine. */
export function freePageCount(k: Machine): number {
  let sum = 0;
  for (let i = 0; i < k.areas; i++) sum += k.area[i * AREA_FIELDS.words + AREA_FIELDS.free];
  return sum;
}

/**
 * alloc_pages(): 2^order pages with reference count 1 on the first, or 0 when there are none. The lowest
 * block of the preferred area is taken, so that equal memories stay equal whatever was freed first.
 * One step: the zone's lock is held for all of it.
 */
export function* allocPages(k: Machine, order: number, gfp: number, node: number): Steps<Pfn> {
  yield WRITE | at(R.zone, pickArea(k, order, gfp, node));
  return takePages(k, order, gfp, node);
}

/** `allocPages` without the step; for set-up and for callers that hold the world still. */
export function takePages(k: Machine, order: number, gfp: number, node: number): Pfn {
  enter(k, GUARD.zone);
  const pfn = takeBlock(k, order, gfp, node);
  leave(k, GUARD.zone);
  if (pfn === 0) return 0;
  prepareBlock(k, pfn, order, gfp);
  return pfn;
}

function takeBlock(k: Machine, order: number, gfp: number, node: number): Pfn {
  const i = pickArea(k, order, gfp, node);
  return i < 0 ? 0 : takeFromArea(k, i * AREA_FIELDS.words, order);
}

/**
 * The area that an allocation comes from: the asked node first, then the others; in a node ZONE_MOVABLE,
 * then normal memory, then CMA; among equals not the areas of other CPUs. -1: none has a block left.
 */
function pickArea(k: Machine, order: number, gfp: number, node: number): number {
  let best = -1;
  let bestCost = 1 << 30;
  for (let i = 0; i < k.areas; i++) {
    const a = i * AREA_FIELDS.words;
    const far = k.area[a + AREA_FIELDS.node] !== node;
    if ((far && (gfp & GFP.thisNode) !== 0) || !areaAllowed(k, a, gfp) || !areaHas(k, a, order))
      continue;
    const owner = k.area[a + AREA_FIELDS.cpu];
    const foreign = owner !== 0 && owner !== k.cpuNow[0] + 1;
    const cost = (far ? 8 : 0) + areaRank(k, a) * 2 + (foreign ? 1 : 0);
    if (cost < bestCost) {
      best = i;
      bestCost = cost;
    }
  }
  return best;
}

function areaHas(k: Machine, a: number, order: number): boolean {
  if (k.area[a + AREA_FIELDS.free] < 1 << order) return false;
  const start = k.area[a + AREA_FIELDS.start];
  const end = k.area[a + AREA_FIELDS.end];
  for (let have = order; have <= MAX_ORDER; have++) {
    if (bitmapNext(k.freeBlocks[have], start >>> have, end >>> have) >= 0) return true;
  }
  return false;
}

function areaRank(k: Machine, a: number): number {
  if (k.area[a + AREA_FIELDS.movable] === 1) return 0;
  return k.area[a + AREA_FIELDS.cma] === 1 ? 2 : 1;
}

function areaAllowed(k: Machine, a: number, gfp: number): boolean {
  if (k.area[a + AREA_FIELDS.isolated] === 1) return false;
  if ((gfp & GFP.cma) !== 0) return k.area[a + AREA_FIELDS.cma] === 1;
  const plain = areaRank(k, a) === 1;
  return plain || ((gfp & GFP.movable) !== 0 && (gfp & GFP.pinnable) === 0);
}

function takeFromArea(k: Machine, a: number, order: number): Pfn {
  const start = k.area[a + AREA_FIELDS.start];
  const end = k.area[a + AREA_FIELDS.end];
  for (let have = order; have <= MAX_ORDER; have++) {
    const block = bitmapNext(k.freeBlocks[have], start >>> have, end >>> have);
    if (block < 0) continue;
    const pfn = block << have;
    removeBlock(k, pfn, have);
    for (let o = have - 1; o >= order; o--) addBlock(k, pfn + (1 << o), o);
    k.area[a + AREA_FIELDS.free] -= 1 << order;
    return pfn;
  }
  return 0;
}

function prepareBlock(k: Machine, pfn: Pfn, order: number, gfp: number): void {
  if ((gfp & GFP.zero) !== 0) for (let i = 0; i < 1 << order; i++) clearPage(k, pfn + i);
  k.page.refcount[pfn] = 1;
  if (order > 0 && (gfp & GFP.comp) !== 0) {
    k.page.compound[pfn] = -order;
    k.page.flags[pfn] |= PG.head;
    fillWords(k.page.compound, pfn + 1, (1 << order) - 1, pfn + 1);
  }
}

/** Gives 2^order pages back; their reference counts are 0 and nothing maps them. One step. */
export function* freePages(k: Machine, pfn: Pfn, order: number): Steps<void> {
  yield WRITE | at(R.zone, areaOf(k, pfn) / AREA_FIELDS.words);
  returnPages(k, pfn, order);
}

/** `freePages` without the step. */
export function returnPages(k: Machine, pfn: Pfn, order: number): void {
  if ((k.page.flags[pfn] & PG.buddy) !== 0) {
    bug(k, BUG.doubleFree, pfn);
    return;
  }
  // Lockless walkers may still look at the page whose structure is wiped here.
  touchAlso(k, WRITE | at(R.refcount, pfn));
  touchAlso(k, WRITE | at(R.compound, pfn));
  touchAlso(k, WRITE | at(R.flags, pfn));
  wipeStructs(k, pfn, 1 << order);
  enter(k, GUARD.zone);
  mergeBlock(k, pfn, order);
  leave(k, GUARD.zone);
}

/** Puts a block on the free lists, together with its buddies as far as they are free. */
function mergeBlock(k: Machine, pfn: Pfn, order: number): void {
  const a = areaOf(k, pfn);
  k.area[a + AREA_FIELDS.free] += 1 << order;
  let block = pfn;
  let o = order;
  while (o < MAX_ORDER) {
    const buddy = block ^ (1 << o);
    if (buddy < k.area[a + AREA_FIELDS.start] || buddy + (1 << o) > k.area[a + AREA_FIELDS.end])
      break;
    if (!bitmapTest(k.freeBlocks[o], buddy >>> o)) break;
    removeBlock(k, buddy, o);
    block = Math.min(block, buddy);
    o++;
  }
  addBlock(k, block, o);
}

/** A free page's structure is all zero (and its content forgotten), so that equal memories are equal words. */
function wipeStructs(k: Machine, pfn: Pfn, n: number): void {
  for (let i = pfn; i < pfn + n; i++) {
    clearPage(k, i);
    k.page.flags[i] = 0;
    k.page.refcount[i] = 0;
    k.page.mapcount[i] = 0;
    k.page.compound[i] = 0;
    k.page.mapping[i] = 0;
    k.page.index[i] = 0;
    k.page.private[i] = 0;
    k.page.lruNext[i] = 0;
    k.page.lruPrev[i] = 0;
  }
}
