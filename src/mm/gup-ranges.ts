/**
 * Pinning with ranges of folios as output: what the June 2018 discussion asked for, so that a
 * caller's work is by folio and not by page (seeds B1, B2). The kernel has no such call yet; it is
 * pin_user_pages_fast() with `FOLL.ranges`, so all of its rules hold. Output format: gup-output.ts.
 */
import { EINVAL } from '../machine/errno.ts';
import type { Steps, TaskId, Vpn } from '../machine/types.ts';
import { headOf } from './folio.ts';
import { FOLL } from './foll.ts';
import { pinUserPagesFast } from './gup.ts';
import { RANGES, rangesInit } from './gup-output.ts';
import { PACKED, packedInit } from './gup-packed.ts';
import type { Kernel } from './kernel.ts';

/**
 * Pins `nr` pages from `start` and stores them as ranges in the `words` words of kernel memory at
 * `ranges`. Returns the number of pages pinned: fewer when the ranges are full, or for the reasons
 * of any pinning call; or -errno. Release with `unpinUserRanges`.
 */
export function* pinUserPagesFastRanges(
  k: Kernel,
  task: TaskId,
  start: Vpn,
  nr: number,
  flags: number,
  ranges: number,
  words: number,
): Steps<number> {
  if (words < RANGES.header + 2) return -EINVAL;
  rangesInit(k, ranges, words);
  const pinned = yield* pinUserPagesFast(k, task, start, nr, flags | FOLL.ranges, ranges);
  // All ranges are one batch for who releases them.
  k.kmem[ranges + RANGES.batch] = 0;
  return pinned;
}

/** The same with the packed array as output (gup-packed.ts). Release with `unpinUserPacked`. */
export function* pinUserPagesFastPacked(
  k: Kernel,
  task: TaskId,
  start: Vpn,
  nr: number,
  flags: number,
  packed: number,
  words: number,
): Steps<number> {
  if (words < PACKED.header + 3) return -EINVAL;
  packedInit(k, packed, words);
  const all = flags | FOLL.ranges | FOLL.packed;
  const pinned = yield* pinUserPagesFast(k, task, start, nr, all, packed);
  // All runs are one batch for who releases them.
  k.kmem[packed + PACKED.batch] = 0;
  return pinned;
}

/** How many ranges are stored at `ranges`. */
export function rangeCount(k: Kernel, ranges: number): number {
  return k.kmem[ranges + RANGES.used];
}

/** First page of range `i`. */
export function rangePage(k: Kernel, ranges: number, i: number): number {
  return k.kmem[ranges + RANGES.header + 2 * i];
}

/** Pages of range `i`. */
export function rangeLength(k: Kernel, ranges: number, i: number): number {
  return k.kmem[ranges + RANGES.header + 2 * i + 1];
}

/** First page of range `i`, counted from the head of its folio. */
export function rangeOffset(k: Kernel, ranges: number, i: number): number {
  const pfn = rangePage(k, ranges, i);
  return pfn - headOf(k, pfn);
}
