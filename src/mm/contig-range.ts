/**
 * Emptying a range of page frames: what CMA and memory offline do before they take it (mm/page_alloc.c:
 * __alloc_contig_migrate_range; mm/memory_hotplug.c: do_migrate_range). What somebody holds, pinned or not, cannot be
 * moved. Rules: semantics.md A.19.1, A.19.5.
 */
import { GFP, pageIsFree, pageNode } from '../machine/buddy.ts';
import { EBUSY } from '../machine/errno.ts';
import { refTryAdd } from '../machine/grab-words.ts';
import type { Folio, Pfn, Steps } from '../machine/types.ts';
import { folioPut, headOf, nrPages } from './folio.ts';
import type { Kernel } from './kernel.ts';
import { lruDrain } from './lru.ts';
import { isolateFolio, migrateFolio, putbackFolio } from './migrate.ts';

/**
 * Moves every page in use of [start, end) elsewhere. 0; -EBUSY when one cannot be isolated or moved; -ENOMEM when there is no
 * room. Pages given back after their block was isolated stay free.
 */
export function* migrateRange(k: Kernel, start: Pfn, end: Pfn): Steps<number> {
  yield* lruDrain(k);
  let result = 0;
  let pfn = start;
  while (pfn < end) {
    const folio = headOf(k, pfn);
    if (!pageIsFree(k, pfn)) {
      const error = yield* moveAway(k, folio);
      if (error !== 0) result = error;
    }
    pfn = Math.max(pfn + 1, folio + nrPages(k, folio));
  }
  return result;
}

/** One folio that may be gone by now: isolated and moved, or -EBUSY, -ENOMEM. */
function* moveAway(k: Kernel, folio: Folio): Steps<number> {
  const got = yield* refTryAdd(k, folio, 1);
  if (!got) return 0;
  const isolated = yield* isolateFolio(k, folio);
  yield* folioPut(k, folio, 1);
  if (!isolated) return pageIsFree(k, folio) ? 0 : -EBUSY;
  const error = yield* migrateFolio(k, folio, GFP.movable, pageNode(k, folio));
  if (error === 0) return 0;
  yield* putbackFolio(k, folio);
  return -EBUSY;
}
