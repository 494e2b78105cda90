import { at, R, READ, WRITE } from './access.ts';
import { PTE } from './entry.ts';
import type { Machine } from './machine.ts';
import type { EntryAddr, Steps } from './types.ts';

/** Reads an entry: returns its low word; its high word is `entryHi` in the same step. */
export function* entryRead(k: Machine, e: EntryAddr): Steps<number> {
  yield READ | at(R.entry, e >>> 1);
  return k.contents[e];
}

/** High word of an entry; part of the step that read the low word. */
export function entryHi(k: Machine, e: EntryAddr): number {
  return k.contents[e + 1];
}

/** Stores an entry whole. */
export function* entrySet(k: Machine, e: EntryAddr, lo: number, hi: number): Steps<void> {
  yield WRITE | at(R.entry, e >>> 1);
  k.contents[e + 1] = hi;
  k.contents[e] = lo;
}

/** ptep_get_and_clear(): empties an entry and returns the low word that it held, dirty bit included. */
export function* entryClear(k: Machine, e: EntryAddr): Steps<number> {
  yield WRITE | at(R.entry, e >>> 1);
  const lo = k.contents[e];
  k.contents[e] = 0;
  k.contents[e + 1] = 0;
  return lo;
}

/** Replaces the low word if it still is `from`. */
export function* entryCas(k: Machine, e: EntryAddr, from: number, to: number): Steps<boolean> {
  yield WRITE | at(R.entry, e >>> 1);
  if (k.contents[e] !== from) return false;
  k.contents[e] = to;
  return true;
}

/** ptep_set_wrprotect(): clears the write bit; accessed and dirty bits that hardware sets meanwhile stay. */
export function* entryWrprotect(k: Machine, e: EntryAddr): Steps<void> {
  yield WRITE | at(R.entry, e >>> 1);
  k.contents[e] &= ~PTE.write;
}

/**
 * Whether the entry has changed since its low word was read as `lo`, so that the high word read after it may belong to
 * another entry. Never between the reads of one step; see `entries.shared.ts`.
 */
export function entryTorn(_k: Machine, _e: EntryAddr, _lo: number): boolean {
  return false;
}

/**
 * What hardware does in its walk: sets accessed and dirty bits, `to`, if the entry's low word still is `from`. Part of
 * the step that read it; false only where another worker came between.
 */
export function entryMark(k: Machine, e: EntryAddr, from: number, to: number): boolean {
  if (to !== from) k.contents[e] = to;
  return true;
}
