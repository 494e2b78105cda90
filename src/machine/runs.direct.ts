/**
 * `runs.ts` for plain memory and one thread. Each loop is short and knows few arrays, for what it
 * holds must fit the processor's registers; and one branch answers all that is asked about an entry
 * or a page.
 */
import { PTE } from './entry.ts';
import type { EntryAddr } from './types.ts';

/** As in the other forms: here there are runs. */
export const RUNS = true;

/** As in the other forms. */
export function listRun(
  contents: Int32Array,
  first: EntryAddr,
  n: number,
  mask: number,
  flags: Int32Array,
  looked: number,
  wanted: number,
  list: Int32Array,
  at: number,
): number {
  const need = mask & ~PTE.special;
  let e = first | 0;
  let i = at | 0;
  const to = (i + n) | 0;
  while (i < to) {
    const lo = contents[e];
    const hi = contents[(e + 1) | 0];
    if ((((lo & mask) ^ need) | (hi & ~0xfff)) !== 0) break;
    const pfn = (lo >>> 12) | (hi << 20);
    if ((flags[pfn] & looked) !== wanted) break;
    list[i] = pfn;
    e = (e + 2) | 0;
    i = (i + 1) | 0;
  }
  return (i - at) | 0;
}

/** As in the other forms: nobody else is there. */
export function runStands(
  _contents: Int32Array,
  _first: EntryAddr,
  n: number,
  _mask: number,
  _list: Int32Array,
  _at: number,
  _flags: Int32Array,
  _looked: number,
  _wanted: number,
): number {
  return n;
}

/** As in the other forms. */
export function takeRun(
  list: Int32Array,
  at: number,
  n: number,
  refcount: Int32Array,
  each: number,
): number {
  let i = at | 0;
  const to = (i + n) | 0;
  while (i < to) {
    const pfn = list[i];
    const references = refcount[pfn];
    if (references <= 0) break;
    refcount[pfn] = references + each;
    i = (i + 1) | 0;
  }
  return (i - at) | 0;
}

/** As in the other forms. */
export function releaseRun(
  list: Int32Array,
  at: number,
  n: number,
  compound: Int32Array,
  refcount: Int32Array,
  free: number,
  each: number,
): number {
  let i = at | 0;
  const to = (i + n) | 0;
  while (i < to) {
    const pfn = list[i];
    if (pfn <= free || compound[pfn] !== 0) break;
    const left = refcount[pfn] - each;
    if (left <= 0) break;
    refcount[pfn] = left;
    i = (i + 1) | 0;
  }
  return (i - at) | 0;
}
