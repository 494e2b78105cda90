/**
 * Compaction (mm/compaction.c: compact_zone, isolate_migratepages_block, isolate_freepages): one scanner collects movable pages from
 * the bottom of a zone, another free pages from its top, until they meet. Rules: semantics.md A.19.4.
 */
import { pageIsFree, takePageAt } from '../machine/buddy.ts';
import { refTryAdd } from '../machine/grab-words.ts';
import { AREA_FIELDS } from '../machine/machine.ts';
import { PG } from '../machine/page.ts';
import type { Folio, Pfn, Steps } from '../machine/types.ts';
import { folioMapcount, folioPut, isAnon, isLarge } from './folio.ts';
import type { Kernel } from './kernel.ts';
import { lruDrain } from './lru.ts';
import { isolateFolio, migrateFolioTo, putbackFolio } from './migrate.ts';
import { inSwapCache } from './swap-state.ts';

/** Writing to /proc/sys/vm/compact_memory: compacts every area. Returns how many pages moved. */
export function* compactMemory(k: Kernel): Steps<number> {
  yield* lruDrain(k);
  let moved = 0;
  for (let i = 0; i < k.areas; i++) {
    const inArea = yield* compactArea(k, i * AREA_FIELDS.words);
    moved += inArea;
  }
  return moved;
}

/** compact_zone(). */
function* compactArea(k: Kernel, a: number): Steps<number> {
  let moved = 0;
  let pfn = Math.max(1, k.area[a + AREA_FIELDS.start]);
  let free = k.area[a + AREA_FIELDS.end] - 1;
  while (pfn < free) {
    if ((k.page.flags[pfn] & PG.lru) !== 0 && !isLarge(k, pfn)) {
      while (free > pfn && !pageIsFree(k, free)) free--;
      if (free === pfn) break;
      const done = yield* movePage(k, pfn, free);
      if (done) moved++;
    }
    pfn++;
  }
  return moved;
}

/** Moves one small folio to the free page `to`; false: it stays. */
function* movePage(k: Kernel, folio: Folio, to: Pfn): Steps<boolean> {
  const got = yield* refTryAdd(k, folio, 1);
  if (!got) return false;
  let isolated = false;
  if (!heldByOthers(k, folio)) isolated = yield* isolateFolio(k, folio);
  yield* folioPut(k, folio, 1);
  if (!isolated) return false;
  const target = yield* takePageAt(k, to);
  let error = -1;
  if (target) error = yield* migrateFolioTo(k, folio, to);
  if (error !== 0) yield* putbackFolio(k, folio);
  return error === 0;
}

/** An anonymous page with more references than mappings is in vain (A.19.4); a file's may be anybody's, the move finds out. */
function heldByOthers(k: Kernel, folio: Folio): boolean {
  if (!isAnon(k, folio) || inSwapCache(k, folio)) return false;
  return k.page.refcount[folio] - 1 > folioMapcount(k, folio);
}
