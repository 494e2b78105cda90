/**
 * CMA: memory lent to movable pages until its owner wants it in one piece (mm/cma.c: cma_alloc; mm/page_alloc.c:
 * alloc_contig_range). Rules: semantics.md A.19.5: a page that cannot move makes the allocation fail, which is why longterm pins
 * leave CMA first (A.12), if they know that it is CMA (S160).
 */
import { findArea, isolateArea, pageIsFree, takePageAt } from '../machine/buddy.ts';
import { AREA_FIELDS } from '../machine/machine.ts';
import type { Pfn, Steps } from '../machine/types.ts';
import { migrateRange } from './contig-range.ts';
import { folioPut } from './folio.ts';
import type { Kernel } from './kernel.ts';

/**
 * cma_alloc(): the first of `n` pages in a row from the CMA area, each with a reference; 0 when no such row can be emptied. Rows are
 * tried from the lowest page frame on.
 */
export function* cmaAlloc(k: Kernel, n: number): Steps<Pfn> {
  const a = findArea(k, AREA_FIELDS.cma);
  if (a < 0 || n <= 0) return 0;
  const end = k.area[a + AREA_FIELDS.end];
  let got = 0;
  for (let first = k.area[a + AREA_FIELDS.start]; first + n <= end && got === 0; first++) {
    got = yield* allocContigRange(k, a, first, n);
  }
  return got;
}

/** alloc_contig_range(): isolates the block, moves what is in the range, takes it. `first`, or 0. */
function* allocContigRange(k: Kernel, a: number, first: Pfn, n: number): Steps<Pfn> {
  yield* isolateArea(k, a, true);
  const error = yield* migrateRange(k, first, first + n);
  let taken = 0;
  if (error === 0) taken = yield* takeRange(k, first, n);
  yield* isolateArea(k, a, false);
  return taken === n ? first : 0;
}

/** isolate_freepages_range(): all `n` pages or none. Returns how many were taken. */
function* takeRange(k: Kernel, first: Pfn, n: number): Steps<number> {
  let taken = 0;
  while (taken < n && pageIsFree(k, first + taken)) {
    const free = yield* takePageAt(k, first + taken);
    if (!free) break;
    taken++;
  }
  if (taken === n) return n;
  for (let i = 0; i < taken; i++) yield* folioPut(k, first + i, 1);
  return 0;
}
