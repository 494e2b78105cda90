/**
 * Interning of short runs of words: equal runs get the same number, different ones different numbers. Exact: runs are
 * compared word by word, hashes only find candidates.
 */

import type { CheckpointReader, CheckpointWriter } from './checkpoint.ts';
import { longer } from './longer.ts';

/** Mixes one word into a hash. */
const mix = (h: number, word: number): number => {
  const x = Math.imul(h ^ word, 0x9e3779b1);
  return x ^ (x >>> 15);
};

const finish = (h: number): number => {
  const x = Math.imul(h ^ (h >>> 16), 0x85ebca77);
  return x ^ (x >>> 13);
};

export class Interner {
  /** Runs end to end. */
  #pool = new Int32Array(1 << 9);
  #used = 0;
  /** Where each run begins; the next entry is its end. Number 0 is never given. */
  #starts = new Int32Array(1 << 6);
  #count = 1;
  /** Open addressing, two words a slot: number of a run (0 free) and its hash. */
  #table = new Int32Array(1 << 7);

  save(out: CheckpointWriter): void {
    out.numbers(this.#used, this.#count);
    out.words(this.#pool, this.#used);
    out.words(this.#starts, this.#count + 1);
    out.words(this.#table);
  }

  load(from: CheckpointReader): void {
    [this.#used = 0, this.#count = 1] = from.numbers();
    this.#pool = from.words(1 << 9);
    this.#starts = from.words(1 << 6);
    this.#table = from.words();
  }

  /** Runs known. */
  get size(): number {
    return this.#count - 1;
  }

  /** Words in use, of runs and tables. */
  get words(): number {
    return this.#pool.length + this.#starts.length + this.#table.length;
  }

  /** The runs, to be read only; another array after the next `intern`. */
  get pool(): Int32Array {
    return this.#pool;
  }

  /** Where in `pool` the run begins. */
  startOf(id: number): number {
    return this.#starts[id] as number;
  }

  lengthOf(id: number): number {
    return (this.#starts[id + 1] as number) - (this.#starts[id] as number);
  }

  /** Word `i` of the run. */
  word(id: number, i: number): number {
    return this.#pool[(this.#starts[id] as number) + i] as number;
  }

  /** Number of the run of `length` words of `words` from `from`; a new number when it wasn't known. */
  intern(words: Int32Array, from: number, length: number): number {
    const h = hashOf(words, from, length);
    const table = this.#table;
    const mask = table.length - 2;
    for (let slot = (h << 1) & mask; ; slot = (slot + 2) & mask) {
      const id = table[slot] as number;
      if (id === 0) return this.#add(words, from, length, h, slot);
      if (table[slot + 1] === h && this.#equal(id, words, from, length)) return id;
    }
  }

  #equal(id: number, words: Int32Array, from: number, length: number): boolean {
    const starts = this.#starts;
    const start = starts[id] as number;
    if ((starts[id + 1] as number) - start !== length) return false;
    const pool = this.#pool;
    for (let i = 0; i < length; i++) if (pool[start + i] !== words[from + i]) return false;
    return true;
  }

  #add(words: Int32Array, from: number, length: number, h: number, slot: number): number {
    const id = this.#count++;
    if (this.#used + length > this.#pool.length)
      this.#pool = longer(this.#pool, this.#used + length);
    if (id + 1 >= this.#starts.length) this.#starts = longer(this.#starts, id + 2);
    for (let i = 0; i < length; i++) this.#pool[this.#used + i] = words[from + i] as number;
    this.#starts[id] = this.#used;
    this.#used += length;
    this.#starts[id + 1] = this.#used;
    this.#table[slot] = id;
    this.#table[slot + 1] = h;
    if (this.#count * 4 > this.#table.length) this.#rehash();
    return id;
  }

  #rehash(): void {
    const old = this.#table;
    const table = new Int32Array(old.length * 2);
    const mask = table.length - 2;
    for (let from = 0; from < old.length; from += 2) {
      const id = old[from] as number;
      if (id === 0) continue;
      const h = old[from + 1] as number;
      let slot = (h << 1) & mask;
      while (table[slot] !== 0) slot = (slot + 2) & mask;
      table[slot] = id;
      table[slot + 1] = h;
    }
    this.#table = table;
  }
}

/** Two chains, of the words at even and at odd places, so that the processor need not wait for one multiplication after the other. */
const hashOf = (words: Int32Array, from: number, length: number): number => {
  let even = length;
  let odd = 0;
  const end = from + length - 1;
  let i = from;
  for (; i < end; i += 2) {
    even = mix(even, words[i] as number);
    odd = mix(odd, words[i + 1] as number);
  }
  if (i === end) even = mix(even, words[i] as number);
  return finish(even ^ Math.imul(odd, 0xc2b2ae3d));
};
