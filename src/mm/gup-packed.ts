/**
 * The packed array of page frames (seed B3), as an output of a pinning call beside those of gup-output.ts (`FOLL.ranges |
 * FOLL.packed`). Entries of two words, 8 bytes, grow up from the start, sizes of one word, 4 bytes, down from the end:
 *
 *   header             entries, words in all, first entry of the present batch, sizes
 *   entry              first page; how long the run is: 0 one page, -1 2 MiB that are so aligned,
 *                      s > 0 as size s says
 *   ...
 *   size 2, size 1     pages of a run that its entry can't tell
 */
import { HPAGE_PMD_NR } from '../machine/page.ts';
import type { Pfn } from '../machine/types.ts';
import { headOf } from './folio.ts';
import type { Kernel } from './kernel.ts';

/** Words in front of the entries; the first three as in `RANGES`. */
export const PACKED = { used: 0, words: 1, batch: 2, sizes: 3, header: 4 } as const;

/** What an entry says of its length: one page; an aligned 2 MiB; any other, by the number of its size. */
const LENGTH = { page: 0, huge: -1 } as const;

/** Prepares packed output of `words` words at `at`. */
export function packedInit(k: Kernel, at: number, words: number): void {
  k.kmem[at + PACKED.used] = 0;
  k.kmem[at + PACKED.words] = words;
  k.kmem[at + PACKED.batch] = 0;
  k.kmem[at + PACKED.sizes] = 0;
}

/** Words that entries and sizes take. */
export function packedWords(k: Kernel, at: number): number {
  return 2 * k.kmem[at + PACKED.used] + k.kmem[at + PACKED.sizes];
}

/** Whether a run of `n` pages from `pfn` can be stored behind what is stored. */
export function packedRoom(k: Kernel, at: number, pfn: Pfn, n: number): boolean {
  const free = k.kmem[at + PACKED.words] - PACKED.header - packedWords(k, at);
  if (!packedContinues(k, at, pfn)) return free >= (sayable(pfn, n) ? 2 : 3);
  const last = k.kmem[at + PACKED.used] - 1;
  if (sayable(packedPage(k, at, last), packedLength(k, at, last) + n)) return true;
  return hasSize(k, at, last) || free >= 1;
}

/** Stores `n` consecutive pages of one folio from `pfn`, for which there is room. */
export function packedStore(k: Kernel, at: number, pfn: Pfn, n: number): void {
  if (packedContinues(k, at, pfn)) {
    const last = k.kmem[at + PACKED.used] - 1;
    const length = packedLength(k, at, last);
    // Sizes stand in the order of their entries: that of the last run is the last.
    if (hasSize(k, at, last)) k.kmem[at + PACKED.sizes] -= 1;
    setLength(k, at, last, length + n);
    return;
  }
  const i = k.kmem[at + PACKED.used];
  k.kmem[at + PACKED.used] = i + 1;
  k.kmem[entryAt(at, i)] = pfn;
  setLength(k, at, i, n);
}

/** First page of run `i`. */
export function packedPage(k: Kernel, at: number, i: number): Pfn {
  return k.kmem[entryAt(at, i)];
}

/** Pages of run `i`. */
export function packedLength(k: Kernel, at: number, i: number): number {
  const said = k.kmem[entryAt(at, i) + 1];
  if (said === LENGTH.page) return 1;
  return said === LENGTH.huge ? HPAGE_PMD_NR : k.kmem[sizeAt(k, at, said)];
}

/** Forgets the runs of the present batch. */
export function packedDropBatch(k: Kernel, at: number): void {
  const batch = k.kmem[at + PACKED.batch];
  for (let i = batch; i < k.kmem[at + PACKED.used]; i++) {
    if (hasSize(k, at, i)) k.kmem[at + PACKED.sizes] -= 1;
  }
  k.kmem[at + PACKED.used] = batch;
}

/** Whether an entry can say that it is `n` pages long. */
function sayable(pfn: Pfn, n: number): boolean {
  return n === 1 || (n === HPAGE_PMD_NR && pfn % HPAGE_PMD_NR === 0);
}

function setLength(k: Kernel, at: number, i: number, n: number): void {
  const said = entryAt(at, i) + 1;
  if (sayable(packedPage(k, at, i), n)) {
    k.kmem[said] = n === 1 ? LENGTH.page : LENGTH.huge;
    return;
  }
  const size = k.kmem[at + PACKED.sizes] + 1;
  k.kmem[at + PACKED.sizes] = size;
  k.kmem[said] = size;
  k.kmem[sizeAt(k, at, size)] = n;
}

function hasSize(k: Kernel, at: number, i: number): boolean {
  return k.kmem[entryAt(at, i) + 1] > 0;
}

function entryAt(at: number, i: number): number {
  return at + PACKED.header + 2 * i;
}

function sizeAt(k: Kernel, at: number, size: number): number {
  return at + k.kmem[at + PACKED.words] - size;
}

/** Whether `pfn` is the next page of the last run's folio, and that run is of the present batch. */
function packedContinues(k: Kernel, at: number, pfn: Pfn): boolean {
  const used = k.kmem[at + PACKED.used];
  if (used === k.kmem[at + PACKED.batch]) return false;
  const first = packedPage(k, at, used - 1);
  return first + packedLength(k, at, used - 1) === pfn && headOf(k, first) === headOf(k, pfn);
}
