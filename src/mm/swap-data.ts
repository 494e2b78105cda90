/** What the swap device holds (mm/page_io.c): the bytes of each slot, words of zero while it is free. */
import { at, R, READ, WRITE } from '../machine/access.ts';
import { clearPage, contentSlot, PAGE_WORDS } from '../machine/contents.ts';
import type { Folio, Steps } from '../machine/types.ts';
import { fillWords } from '../machine/words.ts';
import type { Kernel } from './kernel.ts';

/** Forgets the bytes of a slot that was given back. */
export function clearSlotData(k: Kernel, slot: number): void {
  if (slotIsZero(k, slot)) return;
  fillWords(k.swap.data, slot * PAGE_WORDS, PAGE_WORDS, 0);
}

/** Whether every byte of a slot is zero. */
export function slotIsZero(k: Kernel, slot: number): boolean {
  const base = slot * PAGE_WORDS;
  for (let w = base; w < base + PAGE_WORDS; w++) if (k.swap.data[w] !== 0) return false;
  return true;
}

/** swap_writepage(): the device reads the page. One step; a device that writes through a pin races with it. */
export function* writeSlot(k: Kernel, folio: Folio, slot: number): Steps<void> {
  yield READ | at(R.content, folio);
  const from = k.page.slot[folio] * PAGE_WORDS;
  const to = slot * PAGE_WORDS;
  for (let w = 0; w < PAGE_WORDS; w++) {
    if (k.swap.data[to + w] !== k.contents[from + w]) k.swap.data[to + w] = k.contents[from + w];
  }
}

/** swap_read_folio(): the device fills the page. One step. */
export function* readSlot(k: Kernel, folio: Folio, slot: number): Steps<void> {
  yield WRITE | at(R.content, folio);
  if (slotIsZero(k, slot)) {
    clearPage(k, folio);
    return;
  }
  const to = contentSlot(k, folio) * PAGE_WORDS;
  const from = slot * PAGE_WORDS;
  for (let w = 0; w < PAGE_WORDS; w++) k.contents[to + w] = k.swap.data[from + w];
}
