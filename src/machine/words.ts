/** Sets `count` words of `words` from index `start` to `value`. */
export function fillWords(words: Int32Array, start: number, count: number, value: number): void {
  words.fill(value, start, start + count);
}

/** Copies `count` words inside `words`, from index `from` to index `to`; the ranges don't overlap. */
export function copyWords(words: Int32Array, from: number, to: number, count: number): void {
  words.copyWithin(to, from, from + count);
}

/** Sets the bits `mask` of a word to those of `value`, which has no others. */
export function maskWord(words: Int32Array, i: number, mask: number, value: number): void {
  words[i] = ((words[i] as number) & ~mask) | value;
}
