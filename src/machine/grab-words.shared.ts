/** `grab-words.ts` for memory that several worker threads share: each step one atomic operation. */

import { R } from './access.ts';
import type { Machine } from './machine.ts';
import type { Folio, MmId } from './types.ts';

/** As in the other forms, by compare-and-exchange. */
export function refTryAdd(k: Machine, folio: Folio, n: number): boolean {
  const words = k.page.refcount;
  let value = Atomics.load(words, folio);
  while (value > 0) {
    const seen = Atomics.compareExchange(words, folio, value, (value + n) | 0);
    if (seen === value) return true;
    value = seen;
  }
  return false;
}

/** As in the other forms. */
export function mappingRead(k: Machine, folio: Folio): number {
  return Atomics.load(k.page.mapping, folio);
}

/** As in the other forms. */
export function mmFlagsRead(k: Machine, mm: MmId): number {
  return Atomics.load(k.regions[R.mmFlags], mm);
}

/** As in the other forms. */
export function mmFlagSet(k: Machine, mm: MmId, bit: number): void {
  Atomics.or(k.regions[R.mmFlags], mm, bit);
}
