/** Arenas for one exploration after the other: to clear one costs less than to have the system make one anew. */

let spare: Int32Array<ArrayBuffer> | null = null;
/** Words above which none is kept: the system then gives memory only where it is touched. */
const MOST_SPARE = 1 << 21;

/** `words` cleared words at least. */
export const takeArena = (words: number): Int32Array<ArrayBuffer> => {
  const found = spare;
  if (found === null || found.length < words || found.length > 2 * words)
    return new Int32Array(words);
  spare = null;
  return found.fill(0);
};

/** Gives an arena back: no view on it may be used any more. */
export const giveArena = (arena: Int32Array): void => {
  if (arena.length <= MOST_SPARE && arena.buffer instanceof ArrayBuffer)
    spare = new Int32Array(arena.buffer);
};
