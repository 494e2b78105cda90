import { ADD, at, R, READ, WRITE } from './access.ts';
import type { Machine } from './machine.ts';
import type { Folio, Pfn, Steps } from './types.ts';

/** folio_ref_count(): one read. */
export function* refRead(k: Machine, pfn: Pfn): Steps<number> {
  yield READ | at(R.refcount, pfn);
  return k.page.refcount[pfn];
}

/** Additions commute as long as none of them meets 0 or the overflow, where tests of the count begin to differ. */
export function addOp(k: Machine, pfn: Pfn, n: number): number {
  const value = k.page.refcount[pfn];
  return n > 0 && value > 0 && value < 1 << 30 ? ADD : WRITE;
}

/** page_ref_add(): adds `n` (may be negative) and returns the new value; wraps at 2^31 as the kernel's does. */
export function* refAdd(k: Machine, pfn: Pfn, n: number): Steps<number> {
  yield addOp(k, pfn, n) | at(R.refcount, pfn);
  const value = (k.page.refcount[pfn] + n) | 0;
  k.page.refcount[pfn] = value;
  return value;
}

/** folio_ref_add_unless_zero(): false, and nothing done, when the count is 0. */
export function* refAddUnlessZero(k: Machine, pfn: Pfn, n: number): Steps<boolean> {
  yield addOp(k, pfn, n) | at(R.refcount, pfn);
  const value = k.page.refcount[pfn];
  if (value === 0) return false;
  k.page.refcount[pfn] = value + n;
  return true;
}

/** folio_ref_sub_and_test(): true when the count has come to 0. */
export function* refSubAndTest(k: Machine, pfn: Pfn, n: number): Steps<boolean> {
  yield WRITE | at(R.refcount, pfn);
  const value = (k.page.refcount[pfn] - n) | 0;
  k.page.refcount[pfn] = value;
  return value === 0;
}

/** folio_ref_freeze(): sets the count to 0 if it is `expected`; nobody can take a reference then. */
export function* refFreeze(k: Machine, pfn: Pfn, expected: number): Steps<boolean> {
  yield WRITE | at(R.refcount, pfn);
  if (k.page.refcount[pfn] !== expected) return false;
  k.page.refcount[pfn] = 0;
  return true;
}

/** folio_ref_unfreeze(). */
export function* refUnfreeze(k: Machine, pfn: Pfn, count: number): Steps<void> {
  yield WRITE | at(R.refcount, pfn);
  k.page.refcount[pfn] = count;
}

/** The `_pincount` of a large folio: one read. */
export function* pincountRead(k: Machine, folio: Folio): Steps<number> {
  yield READ | at(R.pincount, folio);
  return k.page.private[folio + 1];
}

/** Adds `n` to the `_pincount` of a large folio and returns the new value. */
export function* pincountAdd(k: Machine, folio: Folio, n: number): Steps<number> {
  yield WRITE | at(R.pincount, folio);
  const value = (k.page.private[folio + 1] + n) | 0;
  k.page.private[folio + 1] = value;
  return value;
}

/** PTE mappings of this very page. */
export function* mapcountRead(k: Machine, pfn: Pfn): Steps<number> {
  yield READ | at(R.mapcount, pfn);
  return k.page.mapcount[pfn];
}

/** Adds `n` to the PTE mappings of this very page and returns the new value. */
export function* mapcountAdd(k: Machine, pfn: Pfn, n: number): Steps<number> {
  yield WRITE | at(R.mapcount, pfn);
  const value = k.page.mapcount[pfn] + n;
  k.page.mapcount[pfn] = value;
  return value;
}

/** The page's flags word. */
export function* flagsRead(k: Machine, pfn: Pfn): Steps<number> {
  yield READ | at(R.flags, pfn);
  return k.page.flags[pfn];
}

export function* flagSet(k: Machine, pfn: Pfn, bit: number): Steps<void> {
  yield WRITE | at(R.flags, pfn);
  k.page.flags[pfn] |= bit;
}

export function* flagClear(k: Machine, pfn: Pfn, bit: number): Steps<void> {
  yield WRITE | at(R.flags, pfn);
  k.page.flags[pfn] &= ~bit;
}

/** test_and_set_bit(): whether it was set before. */
export function* flagTestAndSet(k: Machine, pfn: Pfn, bit: number): Steps<boolean> {
  yield WRITE | at(R.flags, pfn);
  const old = k.page.flags[pfn];
  k.page.flags[pfn] = old | bit;
  return (old & bit) !== 0;
}

/** test_and_clear_bit(): whether it was set before. */
export function* flagTestAndClear(k: Machine, pfn: Pfn, bit: number): Steps<boolean> {
  yield WRITE | at(R.flags, pfn);
  const old = k.page.flags[pfn];
  k.page.flags[pfn] = old & ~bit;
  return (old & bit) !== 0;
}

/** The page's compound word (see `PageArrays.compound`): which folio it belongs to, right now. */
export function* compoundRead(k: Machine, pfn: Pfn): Steps<number> {
  yield READ | at(R.compound, pfn);
  return k.page.compound[pfn];
}
