/** A set of small whole numbers. */
import type { CheckpointReader, CheckpointWriter } from './checkpoint.ts';
import { longer } from './longer.ts';

export class Bits {
  /** Bit n is number n. */
  #words = new Int32Array(8);
  #count = 0;

  save(out: CheckpointWriter): void {
    out.numbers(this.#count);
    out.words(this.#words);
  }

  load(from: CheckpointReader): void {
    [this.#count = 0] = from.numbers();
    this.#words = from.words();
  }

  /** Members. */
  get size(): number {
    return this.#count;
  }

  /** Bytes that it takes. */
  get bytes(): number {
    return 4 * this.#words.length;
  }

  has(n: number): boolean {
    const at = n >> 5;
    return at < this.#words.length && ((this.#words[at] as number) & (1 << (n & 31))) !== 0;
  }

  set(n: number, member: boolean): void {
    if (this.has(n) === member) return;
    const at = n >> 5;
    if (at >= this.#words.length) this.#words = longer(this.#words, at + 1);
    this.#words[at] = (this.#words[at] as number) ^ (1 << (n & 31));
    this.#count += member ? 1 : -1;
  }
}
