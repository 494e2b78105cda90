/** As in the other forms. */
export function fillWords(words: Int32Array, start: number, count: number, value: number): void {
  words.fill(value, start, start + count);
}

/** As in the other forms. */
export function copyWords(words: Int32Array, from: number, to: number, count: number): void {
  words.copyWithin(to, from, from + count);
}

/** As in the other forms; another worker may change the other bits meanwhile. */
export function maskWord(words: Int32Array, i: number, mask: number, value: number): void {
  let seen = Atomics.load(words, i);
  for (;;) {
    const now = Atomics.compareExchange(words, i, seen, (seen & ~mask) | value);
    if (now === seen) return;
    seen = now;
  }
}
