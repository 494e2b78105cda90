/**
 * `entries.ts` for memory that several worker threads share. An entry is two words, and no atomic operation covers both,
 * so writers and readers keep to a protocol, as the kernel does with PAE (pgtable-3level.h):
 *
 * - A writer holds the lock of the entry's table. The high word changes only while the low word is 0: what was there
 *   goes first, then the high word is written, then the low one.
 * - A reader without the lock reads the low word, the high word, and the low word again: if that is still the same
 *   (`entryTorn` is false), the high word belongs to it. Walkers with interrupts off and faults do so; who locks the
 *   table and compares both words before it acts needn't.
 * - Hardware and software change the flags of a present entry by atomic operations on its low word alone.
 */
import { PTE } from './entry.ts';
import type { Machine } from './machine.ts';
import type { EntryAddr } from './types.ts';

/** As in the other forms. */
export function entryRead(k: Machine, e: EntryAddr): number {
  return Atomics.load(k.contents, e);
}

/** As in the other forms. */
export function entryHi(k: Machine, e: EntryAddr): number {
  return Atomics.load(k.contents, e + 1);
}

/** As in the other forms: another worker may have come between. */
export function entryTorn(k: Machine, e: EntryAddr, lo: number): boolean {
  return Atomics.load(k.contents, e) !== lo;
}

/** As in the other forms. */
export function entrySet(k: Machine, e: EntryAddr, lo: number, hi: number): void {
  const words = k.contents;
  if (words[e + 1] !== hi) {
    if (words[e] !== 0) Atomics.store(words, e, 0);
    Atomics.store(words, e + 1, hi);
  }
  Atomics.store(words, e, lo);
}

/** As in the other forms. */
export function entryClear(k: Machine, e: EntryAddr): number {
  const lo = Atomics.exchange(k.contents, e, 0);
  if (k.contents[e + 1] !== 0) Atomics.store(k.contents, e + 1, 0);
  return lo;
}

/** As in the other forms. */
export function entryCas(k: Machine, e: EntryAddr, from: number, to: number): boolean {
  return Atomics.compareExchange(k.contents, e, from, to) === from;
}

/** As in the other forms. */
export function entryMark(k: Machine, e: EntryAddr, from: number, to: number): boolean {
  if (from === to) return Atomics.load(k.contents, e) === from;
  return Atomics.compareExchange(k.contents, e, from, to) === from;
}

/** As in the other forms. */
export function entryWrprotect(k: Machine, e: EntryAddr): void {
  Atomics.and(k.contents, e, ~PTE.write);
}
