/**
 * Reads and read-modify-writes of page words that taking a reference needs, beside those of `atomic.ts`
 * (try_get_folio(), READ_ONCE(folio->mapping), mm->flags). Rules: semantics.md A.9.1, A.9.2, A.13.4h, A.2.5.
 */
import { at, R, READ, WRITE } from './access.ts';
import { addOp } from './atomic.ts';
import type { Machine } from './machine.ts';
import type { Folio, MmId, Steps } from './types.ts';

/**
 * Adds `n` references to a folio that has a positive number of them; false, and nothing done, at 0 (free
 * or frozen) or below (overflowed: since 5.1, S30).
 */
export function* refTryAdd(k: Machine, folio: Folio, n: number): Steps<boolean> {
  yield addOp(k, folio, n) | at(R.refcount, folio);
  const value = k.page.refcount[folio];
  if (value <= 0) return false;
  k.page.refcount[folio] = (value + n) | 0;
  return true;
}

/** READ_ONCE(folio->mapping): whom the folio belongs to, 0 once it was truncated. */
export function* mappingRead(k: Machine, folio: Folio): Steps<number> {
  yield READ | at(R.mapping, folio);
  return k.page.mapping[folio];
}

/** The mm's flags word. */
export function* mmFlagsRead(k: Machine, mm: MmId): Steps<number> {
  yield READ | at(R.mmFlags, mm);
  return k.regions[R.mmFlags][mm];
}

/** set_bit() on the mm's flags. */
export function* mmFlagSet(k: Machine, mm: MmId, bit: number): Steps<void> {
  yield WRITE | at(R.mmFlags, mm);
  const words = k.regions[R.mmFlags];
  words[mm] = words[mm] | bit;
}
