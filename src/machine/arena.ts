/** Gives an array of `words` zeroed 32-bit words. */
export type Alloc = (words: number) => Int32Array;

/** One buffer an array. The operating system backs it with memory only where it is touched. */
export const plainAlloc: Alloc = (words) => new Int32Array(words);

/** As `plainAlloc`, in memory that worker threads can share. */
export const sharedAlloc: Alloc = (words) => new Int32Array(new SharedArrayBuffer(words * 4));

/**
 * All arrays are views on one buffer, so that a word of the machine has one address: what the explorer
 * logs and compares. `words` of capacity, in `arena` if that is given, which must be all 0; throws RangeError when it is used up.
 */
export function arenaAlloc(
  words: number,
  arena = new Int32Array(words),
): {
  readonly arena: Int32Array;
  readonly alloc: Alloc;
  readonly used: () => number;
} {
  let next = 0;
  return {
    arena,
    used: () => next,
    alloc(count) {
      if (next + count > words) throw new RangeError(`arena of ${words} words is used up`);
      const view = new Int32Array(arena.buffer, next * 4, count);
      next += count;
      return view;
    },
  };
}
