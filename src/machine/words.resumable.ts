import { put } from './resumable.ts';

/** As in the other forms; each word that changes is logged, so that the explorer can take it back. */
export function fillWords(words: Int32Array, start: number, count: number, value: number): void {
  for (let i = start; i < start + count; i++) put(words, i, value);
}

/** As in the other forms; each word that changes is logged, so that the explorer can take it back. */
export function copyWords(words: Int32Array, from: number, to: number, count: number): void {
  for (let i = 0; i < count; i++) put(words, to + i, words[from + i] as number);
}

/** As in the other forms, logged. */
export function maskWord(words: Int32Array, i: number, mask: number, value: number): void {
  put(words, i, ((words[i] as number) & ~mask) | value);
}
