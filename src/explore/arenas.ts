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
export const giveArena = (m: Machine): void => {
  const { arena } = m;
  const { buffer } = arena;
  if (buffer.byteLength > 4 * MOST_SPARE || !(buffer instanceof ArrayBuffer)) return;
  if (spare !== null && spare.buffer.byteLength >= buffer.byteLength) return;
  clearContents(m);
  const [from, to] = contentsIn(m);
  arena.fill(0, 0, from);
  arena.fill(0, to);
  spare = new Int32Array(buffer);
};

/** Where the contents of pages lie in the arena: most of it. */
export const contentsIn = ({ k, arena }: Machine): readonly [from: number, to: number] => {
  const from = (k.contents.byteOffset - arena.byteOffset) / 4;
  return [from, from + k.contents.length];
};

/** Makes the contents of all pages zero, page by page: few have any, and only these have a slot. The slots stay given. */
export const clearContents = ({ k }: Machine): void => {
  const { slot } = k.page;
  for (let pfn = 0; pfn < slot.length; pfn++) {
    const s = slot[pfn] as number;
    if (s !== 0) k.contents.fill(0, s * PAGE_WORDS, (s + 1) * PAGE_WORDS);
  }
};
