/**
 * Many pages of a list at once, for the forms that run without an explorer (`runs.direct.ts`,
 * `runs.shared.ts`): the same as page by page, in loops that know nothing but arrays. In the stepped
 * forms, where others may come between any two accesses, there are no runs: every function answers
 * that it did nothing.
 */
import type { EntryAddr } from './types.ts';

/** Whether this form has runs. */
export const RUNS: boolean = false;

/**
 * Lists the pages of up to `n` entries of `contents` from `first` on, from word `at` of `list`, as
 * far as they have all bits of `mask` but the special one, and no attribute in their high word, and
 * of the flags `looked` at the page has the `wanted` ones. Returns how many.
 */
export function listRun(
  _contents: Int32Array,
  _first: EntryAddr,
  _n: number,
  _mask: number,
  _flags: Int32Array,
  _looked: number,
  _wanted: number,
  _list: Int32Array,
  _at: number,
): number {
  return 0;
}

/**
 * Adds `each` to the reference count of the `n` pages listed from word `at` of `list`, as far as it
 * is positive. Returns how many.
 */
export function takeRun(
  _list: Int32Array,
  _at: number,
  _n: number,
  _refcount: Int32Array,
  _each: number,
): number {
  return 0;
}

/**
 * How many of the `n` pages listed from word `at` of `list` still are what the entries from `first`
 * on say, with permissions and flags as they were wanted.
 */
export function runStands(
  _contents: Int32Array,
  _first: EntryAddr,
  _n: number,
  _mask: number,
  _list: Int32Array,
  _at: number,
  _flags: Int32Array,
  _looked: number,
  _wanted: number,
): number {
  return 0;
}

/**
 * Takes `each` from the reference count of the `n` pages listed from word `at` of `list`, as far as
 * they are above `free`, in no folio of several pages, and keep a reference. Returns how many.
 */
export function releaseRun(
  _list: Int32Array,
  _at: number,
  _n: number,
  _compound: Int32Array,
  _refcount: Int32Array,
  _free: number,
  _each: number,
): number {
  return 0;
}
