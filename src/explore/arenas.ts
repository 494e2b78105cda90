/** Arenas for one exploration after the other: to clear what one used of it costs less than to have the system make one anew. */
import { PAGE_WORDS } from '../machine/contents.ts';
import type { Machine } from './setup.ts';

let spare: Int32Array<ArrayBuffer> | null = null;
/** Words above which none is kept: the system then gives memory only where it is touched. */
const MOST_SPARE = 1 << 25;

/** `words` cleared words at least. */
export const takeArena = (words: number): Int32Array<ArrayBuffer> => {
  const found = spare;
  if (found === null || found.length < words) return new Int32Array(words);
  spare = null;
  return found;
};

/** Gives the arena of a machine back, which must be between two steps: no view on it may be used any more. */
export const giveArena = ({ arena, k }: Machine): void => {
  const { buffer } = arena;
  if (buffer.byteLength > 4 * MOST_SPARE || !(buffer instanceof ArrayBuffer)) return;
  if (spare !== null && spare.buffer.byteLength >= buffer.byteLength) return;
  // Most of it are contents of pages, and most of these are zero: then the page has no slot.
  const { contents, slotOwner } = k;
  for (let slot = 0; slot < slotOwner.length; slot++)
    if (slot === 0 || slotOwner[slot] !== 0)
      contents.fill(0, slot * PAGE_WORDS, (slot + 1) * PAGE_WORDS);
  const from = contents.byteOffset >> 2;
  arena.fill(0, 0, from);
  arena.fill(0, from + contents.length);
  spare = new Int32Array(buffer);
};
