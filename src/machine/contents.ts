import { at, R, READ, WRITE } from './access.ts';
import { bitmapClear, bitmapNext, bitmapSet } from './bitmap.ts';
import { GUARD } from './guards.ts';
import type { Machine } from './machine.ts';
import type { Pfn, Steps } from './types.ts';
import { copyWords, fillWords, maskWord } from './words.ts';
import { enter, leave } from './workers.ts';

/** Words of one page's content. */
export const PAGE_WORDS = 1024;

/**
 * The slot that holds the content of `pfn`, given out on first use. Where there are as many slots as
 * pages, page frame n has slot n, so that a state doesn't depend on the order of first writes.
 * Throws RangeError when a machine runs out of slots (its configuration was too small).
 */
export function contentSlot(k: Machine, pfn: Pfn): number {
  const have = k.page.slot[pfn];
  if (have !== 0) return have;
  if (k.slotOwner.length >= k.pages) {
    k.slotOwner[pfn] = pfn;
    k.page.slot[pfn] = pfn;
    return pfn;
  }
  enter(k, GUARD.slots);
  const slot = takeSlot(k, pfn);
  leave(k, GUARD.slots);
  if (slot === 0) {
    throw new RangeError(
      `this machine holds the contents of at most ${k.slotOwner.length} pages; raise "slots" in its configuration`,
    );
  }
  return slot;
}

/** A slot of the pool, now that of `pfn` unless somebody has just given it one; 0: none is left. */
function takeSlot(k: Machine, pfn: Pfn): number {
  const have = k.page.slot[pfn];
  if (have !== 0) return have;
  const slot = poolSlot(k);
  if (slot === 0) return 0;
  k.slotOwner[slot] = pfn;
  k.page.slot[pfn] = slot;
  return slot;
}

function poolSlot(k: Machine): number {
  const next = k.slotNext[0];
  const freed = bitmapNext(k.freeSlots, 0, next);
  if (freed >= 0) {
    bitmapClear(k.freeSlots, freed);
    return freed;
  }
  if (next >= k.slotOwner.length) return 0;
  k.slotNext[0] = next + 1;
  return next;
}

/** Makes every byte of `pfn` zero, and gives its slot back. */
export function clearPage(k: Machine, pfn: Pfn): void {
  const slot = k.page.slot[pfn];
  if (slot === 0) return;
  fillWords(k.contents, slot * PAGE_WORDS, PAGE_WORDS, 0);
  k.page.slot[pfn] = 0;
  k.slotOwner[slot] = 0;
  if (k.slotOwner.length >= k.pages) return;
  enter(k, GUARD.slots);
  bitmapSet(k.freeSlots, slot);
  leave(k, GUARD.slots);
}

/** Whether every byte of `pfn` is zero. */
export function pageIsZero(k: Machine, pfn: Pfn): boolean {
  const slot = k.page.slot[pfn];
  if (slot === 0) return true;
  const end = (slot + 1) * PAGE_WORDS;
  for (let w = slot * PAGE_WORDS; w < end; w++) if (k.contents[w] !== 0) return false;
  return true;
}

/** Copies the content of one page; a page of zeros takes no slot. */
export function copyPage(k: Machine, from: Pfn, to: Pfn): void {
  const source = k.page.slot[from];
  if (source === 0) {
    clearPage(k, to);
    return;
  }
  const target = contentSlot(k, to);
  copyWords(k.contents, source * PAGE_WORDS, target * PAGE_WORDS, PAGE_WORDS);
}

/** Byte `off` (0..4095) of a page. */
export function pageByte(k: Machine, pfn: Pfn, off: number): number {
  return (k.contents[k.page.slot[pfn] * PAGE_WORDS + (off >>> 2)] >>> ((off & 3) * 8)) & 255;
}

/** Sets byte `off` (0..4095) of a page to the low eight bits of `value`. */
export function setPageByte(k: Machine, pfn: Pfn, off: number, value: number): void {
  if (k.page.slot[pfn] === 0 && (value & 255) === 0) return;
  const w = contentSlot(k, pfn) * PAGE_WORDS + (off >>> 2);
  const shift = (off & 3) * 8;
  maskWord(k.contents, w, 255 << shift, (value & 255) << shift);
}

/** One access of a device, or of the kernel through its own mapping: by page, never by address (A.31 DMA). */
export function* dmaRead(k: Machine, pfn: Pfn, off: number): Steps<number> {
  yield READ | at(R.content, pfn);
  return pageByte(k, pfn, off);
}

/** See `dmaRead`. */
export function* dmaWrite(k: Machine, pfn: Pfn, off: number, value: number): Steps<void> {
  yield WRITE | at(R.content, pfn);
  setPageByte(k, pfn, off, value);
}
