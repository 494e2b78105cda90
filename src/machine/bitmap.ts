/**
 * A bitmap with summaries, in one Int32Array: finding the first set bit reads one word a level, so a
 * tebibyte of free pages costs six reads, and the answer is always the lowest one, whatever the order in
 * which bits were set: equal sets are equal words.
 *
 * Layout: word 0 holds the number of levels, words 1.. the start of each level's words and the
 * end of the last; level 0 holds the bits themselves, each bit of level n + 1 says that a word of level n is not zero.
 */
const HEADER = 9; // seven levels (2^35 bits), their end, and their number

/** Words that a bitmap of `bits` bits takes. */
export function bitmapWords(bits: number): number {
  let words = HEADER;
  let n = bits;
  do {
    n = Math.ceil(n / 32);
    words += n;
  } while (n > 1);
  return words;
}

/** Prepares `map` (all zero, `bitmapWords(bits)` words) as an empty bitmap. */
export function bitmapInit(map: Int32Array, bits: number): void {
  let start = HEADER;
  let n = bits;
  let level = 0;
  do {
    map[1 + level] = start;
    n = Math.ceil(n / 32);
    start += n;
    level++;
  } while (n > 1);
  map[1 + level] = start;
  map[0] = level;
}

/** Whether the bit is set. */
export function bitmapTest(map: Int32Array, bit: number): boolean {
  return (map[map[1] + (bit >>> 5)] & (1 << (bit & 31))) !== 0;
}

/** Sets a bit, and what says above that its word has one. */
export function bitmapSet(map: Int32Array, bit: number): void {
  const levels = map[0];
  let i = bit;
  for (let level = 0; level < levels; level++) {
    const w = map[1 + level] + (i >>> 5);
    const old = map[w];
    map[w] = old | (1 << (i & 31));
    if (old !== 0) return;
    i >>>= 5;
  }
}

/** Clears a bit, and what says above that its word has one if it was the last. */
export function bitmapClear(map: Int32Array, bit: number): void {
  const levels = map[0];
  let i = bit;
  for (let level = 0; level < levels; level++) {
    const w = map[1 + level] + (i >>> 5);
    const left = map[w] & ~(1 << (i & 31));
    map[w] = left;
    if (left !== 0) return;
    i >>>= 5;
  }
}

/** The lowest set bit that is >= `from` and < `end`, or -1. */
export function bitmapNext(map: Int32Array, from: number, end: number): number {
  const levels = map[0];
  let i = from;
  let level = 0;
  // Up: look at the rest of the word at each level, then at the words behind it one level higher.
  for (;;) {
    const w = map[1 + level] + (i >>> 5);
    if (w >= map[2 + level]) return -1;
    const rest = map[w] & (-1 << (i & 31));
    if (rest !== 0) {
      i = (i & ~31) + ctz(rest);
      break;
    }
    i = (i >>> 5) + 1;
    level++;
    if (level === levels) return -1;
  }
  // Down: the first set bit of each word on the way.
  while (level > 0) {
    level--;
    i = (i << 5) + ctz(map[map[1 + level] + i]);
  }
  return i < end ? i : -1;
}

function ctz(word: number): number {
  return 31 - Math.clz32(word & -word);
}
