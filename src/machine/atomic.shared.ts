/** `atomic.ts` for memory that several worker threads share: each step one atomic operation. */
import type { Machine } from './machine.ts';
import type { Folio, Pfn } from './types.ts';

/** As in the other forms. */
export function refRead(k: Machine, pfn: Pfn): number {
  return Atomics.load(k.page.refcount, pfn);
}

/** As in the other forms. */
export function refAdd(k: Machine, pfn: Pfn, n: number): number {
  return (Atomics.add(k.page.refcount, pfn, n) + n) | 0;
}

/** As in the other forms, by compare-and-exchange. */
export function refAddUnlessZero(k: Machine, pfn: Pfn, n: number): boolean {
  const words = k.page.refcount;
  let value = Atomics.load(words, pfn);
  while (value !== 0) {
    const seen = Atomics.compareExchange(words, pfn, value, (value + n) | 0);
    if (seen === value) return true;
    value = seen;
  }
  return false;
}

/** As in the other forms. */
export function refSubAndTest(k: Machine, pfn: Pfn, n: number): boolean {
  return Atomics.sub(k.page.refcount, pfn, n) === n;
}

/** As in the other forms. */
export function refFreeze(k: Machine, pfn: Pfn, expected: number): boolean {
  return Atomics.compareExchange(k.page.refcount, pfn, expected, 0) === expected;
}

/** As in the other forms. */
export function refUnfreeze(k: Machine, pfn: Pfn, count: number): void {
  Atomics.store(k.page.refcount, pfn, count);
}

/** As in the other forms. */
export function pincountRead(k: Machine, folio: Folio): number {
  return Atomics.load(k.page.private, folio + 1);
}

/** As in the other forms. */
export function pincountAdd(k: Machine, folio: Folio, n: number): number {
  return (Atomics.add(k.page.private, folio + 1, n) + n) | 0;
}

/** As in the other forms. */
export function mapcountRead(k: Machine, pfn: Pfn): number {
  return Atomics.load(k.page.mapcount, pfn);
}

/** As in the other forms. */
export function mapcountAdd(k: Machine, pfn: Pfn, n: number): number {
  return (Atomics.add(k.page.mapcount, pfn, n) + n) | 0;
}

/** As in the other forms. */
export function flagsRead(k: Machine, pfn: Pfn): number {
  return Atomics.load(k.page.flags, pfn);
}

/** As in the other forms. */
export function flagSet(k: Machine, pfn: Pfn, bit: number): void {
  Atomics.or(k.page.flags, pfn, bit);
}

/** As in the other forms. */
export function flagClear(k: Machine, pfn: Pfn, bit: number): void {
  Atomics.and(k.page.flags, pfn, ~bit);
}

/** As in the other forms. */
export function flagTestAndSet(k: Machine, pfn: Pfn, bit: number): boolean {
  return (Atomics.or(k.page.flags, pfn, bit) & bit) !== 0;
}

/** As in the other forms. */
export function flagTestAndClear(k: Machine, pfn: Pfn, bit: number): boolean {
  return (Atomics.and(k.page.flags, pfn, ~bit) & bit) !== 0;
}

/** As in the other forms. */
export function compoundRead(k: Machine, pfn: Pfn): number {
  return Atomics.load(k.page.compound, pfn);
}
