/**
 * Where a pinning call stores what it found (seeds B1 to B3), in kernel memory at index `pages`:
 *
 *   list    one page frame number a page, as the kernel's `struct page **`; at -1, NULL, nothing
 *   ranges  (`FOLL.ranges`) runs of consecutive pages of one folio: a `RANGES` header, then pairs
 *           (first page, number of pages)
 *   packed  (`FOLL.packed` besides) the same in fewer bytes: gup-packed.ts
 *
 * A list call that goes on behind pages already stored passes a higher index. A ranges call marks
 * the first range of its batch in the header instead, so that giving a batch back leaves earlier
 * ones alone.
 */

import type { Pfn } from '../machine/types.ts';
import { headOf } from './folio.ts';
import { FOLL } from './foll.ts';
import {
  packedDropBatch,
  packedLength,
  packedPage,
  packedRoom,
  packedStore,
} from './gup-packed.ts';
import type { Kernel } from './kernel.ts';

/** Words in front of the pairs: pairs stored, pairs that fit, first pair of the present batch. */
export const RANGES = { used: 0, capacity: 1, batch: 2, header: 3 } as const;

/** Prepares ranges output of `words` words at `pages`. Room for (words - 3) / 2 ranges. */
export function rangesInit(k: Kernel, pages: number, words: number): void {
  k.kmem[pages + RANGES.used] = 0;
  k.kmem[pages + RANGES.capacity] = (words - RANGES.header) >> 1;
  k.kmem[pages + RANGES.batch] = 0;
}

/**
 * Whether `n` more pages from `pfn` can be stored: always in a list, in the others unless they are full.
 */
export function outputRoom(k: Kernel, pages: number, pfn: Pfn, n: number, flags: number): boolean {
  if ((flags & FOLL.ranges) === 0) return true;
  if ((flags & FOLL.packed) !== 0) return packedRoom(k, pages, pfn, n);
  const used = k.kmem[pages + RANGES.used];
  return used < k.kmem[pages + RANGES.capacity] || continuesRange(k, pages, used, pfn);
}

/**
 * Stores `n` consecutive pages of one folio from `pfn`, behind the `nr` pages that are stored
 * already.
 */
export function outputPages(
  k: Kernel,
  pages: number,
  nr: number,
  pfn: Pfn,
  n: number,
  flags: number,
): void {
  if (pages < 0) return;
  if ((flags & FOLL.ranges) === 0) {
    for (let i = 0; i < n; i++) k.kmem[pages + nr + i] = pfn + i;
    return;
  }
  if ((flags & FOLL.packed) !== 0) {
    packedStore(k, pages, pfn, n);
    return;
  }
  const used = k.kmem[pages + RANGES.used];
  if (continuesRange(k, pages, used, pfn)) {
    k.kmem[pages + RANGES.header + 2 * used - 1] += n;
    return;
  }
  k.kmem[pages + RANGES.header + 2 * used] = pfn;
  k.kmem[pages + RANGES.header + 2 * used + 1] = n;
  k.kmem[pages + RANGES.used] = used + 1;
}

/**
 * Whether `pfn` is the next page of the last range's folio, and the range is of the present batch.
 */
function continuesRange(k: Kernel, pages: number, used: number, pfn: Pfn): boolean {
  if (used === k.kmem[pages + RANGES.batch]) return false;
  const last = pages + RANGES.header + 2 * (used - 1);
  const first = k.kmem[last];
  return first + k.kmem[last + 1] === pfn && headOf(k, first) === headOf(k, pfn);
}

/**
 * Output for the pages behind the `n` just stored: a higher index in a list, a new batch in ranges.
 */
export function outputBehind(k: Kernel, pages: number, n: number, flags: number): number {
  if (pages < 0) return pages;
  if ((flags & FOLL.ranges) === 0) return pages + n;
  k.kmem[pages + RANGES.batch] = k.kmem[pages + RANGES.used];
  return pages;
}

/** Runs of consecutive pages in the batch of `nr` pages at `pages`: each page is one in a list. */
export function outputRuns(k: Kernel, pages: number, nr: number, flags: number): number {
  if ((flags & FOLL.ranges) === 0) return nr;
  return k.kmem[pages + RANGES.used] - k.kmem[pages + RANGES.batch];
}

/** First page of run `i` of the batch. */
export function runPage(k: Kernel, pages: number, i: number, flags: number): Pfn {
  if ((flags & FOLL.ranges) === 0) return k.kmem[pages + i];
  if ((flags & FOLL.packed) !== 0) return packedPage(k, pages, k.kmem[pages + RANGES.batch] + i);
  return k.kmem[pages + RANGES.header + 2 * (k.kmem[pages + RANGES.batch] + i)];
}

/** Pages of run `i` of the batch. */
export function runLength(k: Kernel, pages: number, i: number, flags: number): number {
  if ((flags & FOLL.ranges) === 0) return 1;
  if ((flags & FOLL.packed) !== 0) return packedLength(k, pages, k.kmem[pages + RANGES.batch] + i);
  return k.kmem[pages + RANGES.header + 2 * (k.kmem[pages + RANGES.batch] + i) + 1];
}

/** Forgets the batch, after its pages were given back. */
export function outputDropBatch(k: Kernel, pages: number, flags: number): void {
  if ((flags & FOLL.packed) !== 0) packedDropBatch(k, pages);
  else if ((flags & FOLL.ranges) !== 0) k.kmem[pages + RANGES.used] = k.kmem[pages + RANGES.batch];
}
