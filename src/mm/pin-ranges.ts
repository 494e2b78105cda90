/**
 * The interval tree of an inode in which the second proposal of 2018 keeps what is pinned: one entry for a range of the
 * file's pages, made by get_user_pages(), taken apart by put_user_page() in whatever order and in part, from completion
 * contexts too, where no memory may be had. S204; all of it under the lock of dma-pinned.ts.
 */
import { at, R, WRITE } from '../machine/access.ts';
import { touchAlso } from '../machine/also.ts';
import type { Alloc } from '../machine/arena.ts';
import type { FileId } from '../machine/types.ts';
import { type Kernel, MISC } from './kernel.ts';

/** The entries; one whose `pins` are 0 is free. */
export interface RangeTables {
  readonly file: Int32Array;
  /** Page indexes of the file: [start, end). */
  readonly start: Int32Array;
  readonly end: Int32Array;
  /** How often every page of the range is pinned. */
  readonly pins: Int32Array;
  /** [0]: the entry that was made last, which a pin of the next page extends. */
  readonly newest: Int32Array;
}

/** Entries of all files. */
const ENTRIES = 64;

/** No words where the kernel keeps no ranges. */
export function rangeTables(alloc: Alloc, used: boolean): RangeTables {
  const words = (): Int32Array => alloc(used ? ENTRIES : 0);
  return {
    file: words(),
    start: words(),
    end: words(),
    pins: words(),
    newest: alloc(used ? 1 : 0),
  };
}

/** `n` pins of page `index` of the file: the newest entry grows by the page behind it, else there is a new one. */
export function rangeAdd(k: Kernel, file: FileId, index: number, n: number): void {
  const r = k.ranges;
  const last = r.newest[0];
  if (r.pins[last] === n && r.file[last] === file && r.end[last] === index) {
    r.end[last] = index + 1;
    return;
  }
  k.ranges.newest[0] = newEntry(k, file, index, index + 1, n);
}

/**
 * `n` pins less of one page: its entry is cut, which takes one entry more when the page lies in the middle. Where there
 * is no memory for that, the whole entry stays, and its pages look pinned for ever.
 */
export function rangeRemove(k: Kernel, file: FileId, index: number, n: number): void {
  const e = entryOf(k, file, index, n);
  if (e < 0) return;
  const start = k.ranges.start[e];
  const end = k.ranges.end[e];
  const pins = k.ranges.pins[e];
  const middle = start < index && index + 1 < end;
  if (middle && noMemory(k)) return;
  if (index === start && index + 1 === end) {
    k.ranges.pins[e] = pins - n;
    if (pins === n) clearEntry(k, e);
    return;
  }
  if (index === start) k.ranges.start[e] = index + 1;
  else k.ranges.end[e] = index;
  if (middle) newEntry(k, file, index + 1, end, pins);
  if (pins > n) newEntry(k, file, index, index + 1, pins - n);
}

/** Part of the caller's step: the allocation of an entry without waiting (GFP_ATOMIC). */
function noMemory(k: Kernel): boolean {
  touchAlso(k, WRITE | at(R.kmem, 0));
  if (k.misc[MISC.failKmalloc] === 0) return false;
  k.misc[MISC.failKmalloc] -= 1;
  return true;
}

/** Whether some entry covers the page. */
export function rangeCovers(k: Kernel, file: FileId, index: number): boolean {
  return file !== 0 && entryOf(k, file, index, 1) >= 0;
}

/** An entry that covers the page with `n` pins or more; -1: none. */
function entryOf(k: Kernel, file: FileId, index: number, n: number): number {
  const r = k.ranges;
  for (let e = 0; e < r.pins.length; e++)
    if (r.pins[e] >= n && r.file[e] === file && r.start[e] <= index && index < r.end[e]) return e;
  return -1;
}

function newEntry(k: Kernel, file: FileId, start: number, end: number, pins: number): number {
  let e = 0;
  while (e < ENTRIES && k.ranges.pins[e] !== 0) e++;
  if (e === ENTRIES) throw new RangeError(`more than ${ENTRIES} pinned ranges`);
  k.ranges.file[e] = file;
  k.ranges.start[e] = start;
  k.ranges.end[e] = end;
  k.ranges.pins[e] = pins;
  return e;
}

function clearEntry(k: Kernel, e: number): void {
  k.ranges.file[e] = 0;
  k.ranges.start[e] = 0;
  k.ranges.end[e] = 0;
}
