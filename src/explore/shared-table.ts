/**
 * Rows of words, found by the number of a shared content and a key of words. The rows of one shared content lie together, in a
 * hash table of their own: a search stays with few shared contents for a while, since threads read more than they
 * write, and so their rows stay in the processor's caches when all rows together are far too many.
 */

import type { CheckpointReader, CheckpointWriter } from './checkpoint.ts';
import { longer } from './longer.ts';

/** Words of the directory for each shared content. */
const DIR = {
  /** Where its table begins in the pool. */
  base: 0,
  /** Places of its table, a power of two; 0: it has none. */
  places: 1,
  /** Rows in it. */
  count: 2,
  words: 4,
} as const;
const DIR_SHIFT = 2;
/** Places of a table at first. */
const FEWEST = 2;

export class SharedTable {
  /** The key that `find` and `add` are about: words for the caller to set. */
  readonly key: Int32Array;
  /** Words of a row: a value that is not 0 (0: the row is free), the other values, the key. */
  readonly #stride: number;
  readonly #values: number;
  #directory = new Int32Array(DIR.words << 6);
  /** Tables; behind them, from `#used` on, nothing. */
  #pool: Int32Array;
  #used = 0;
  /** By binary logarithm of their places: the last table that was given up plus 1; its first word is the one before. */
  readonly #free = new Int32Array(32);

  constructor(keyWords: number, values: number) {
    this.key = new Int32Array(keyWords);
    this.#values = values;
    this.#stride = values + keyWords;
    this.#pool = new Int32Array(this.#stride << 6);
  }

  save(out: CheckpointWriter): void {
    out.numbers(this.#used);
    out.words(this.#directory);
    out.words(this.#pool, this.#used);
    out.words(this.#free);
  }

  load(from: CheckpointReader): void {
    [this.#used = 0] = from.numbers();
    this.#directory = from.words();
    this.#pool = from.words(this.#stride << 6);
    this.#free.set(from.words());
  }

  /** Bytes that it takes. */
  get bytes(): number {
    return 4 * (this.#directory.length + this.#pool.length);
  }

  /** Shared contents have numbers below this. */
  get contents(): number {
    return this.#directory.length >> DIR_SHIFT;
  }

  /** Places for rows of a shared content, free or not. */
  placesOf(shared: number): number {
    return this.#directory[(shared << DIR_SHIFT) + DIR.places] as number;
  }

  /** The row at a place, for the other calls, whether it is free or not. */
  rowAt(shared: number, place: number): number {
    const base = this.#directory[(shared << DIR_SHIFT) + DIR.base] as number;
    return base + place * this.#stride;
  }

  /** The row of the key, for the other calls until a row is added; -1: there is none. */
  find(shared: number): number {
    if (shared >= this.contents) return -1;
    const at = this.#directory[(shared << DIR_SHIFT) + DIR.places] === 0 ? -1 : this.#slot(shared);
    return at >= 0 && this.#pool[at] !== 0 ? at : -1;
  }

  /** The row of the key, made if there was none: then all its values are 0 and the first one has to be set at once. */
  add(shared: number): number {
    while (shared >= this.contents) this.#directory = longer(this.#directory);
    const dir = shared << DIR_SHIFT;
    if (this.#directory[dir + DIR.places] !== 0) {
      const at = this.#slot(shared);
      if (this.#pool[at] !== 0) return at;
    }
    // Three of four rows are in use at most.
    const count = (this.#directory[dir + DIR.count] as number) + 1;
    if (4 * count > 3 * (this.#directory[dir + DIR.places] as number)) this.#grow(dir);
    this.#directory[dir + DIR.count] = count;
    const at = this.#slot(shared);
    const { key } = this;
    for (let i = 0; i < key.length; i++) this.#pool[at + this.#values + i] = key[i] as number;
    return at;
  }

  value(at: number, i: number): number {
    return this.#pool[at + i] as number;
  }

  setValue(at: number, i: number, value: number): void {
    this.#pool[at + i] = value;
  }

  /** Word `i` of the key of a row. */
  keyWord(at: number, i: number): number {
    return this.#pool[at + this.#values + i] as number;
  }

  /** Calls `visit` for each row. */
  each(visit: (shared: number, at: number) => void): void {
    for (let shared = 0; shared < this.contents; shared++)
      for (let place = 0; place < this.placesOf(shared); place++) {
        const at = this.rowAt(shared, place);
        if (this.#pool[at] !== 0) visit(shared, at);
      }
  }

  /** Where the row of the key is, or is to be, in the table that there is. */
  #slot(shared: number): number {
    const dir = shared << DIR_SHIFT;
    const base = this.#directory[dir + DIR.base] as number;
    const mask = (this.#directory[dir + DIR.places] as number) - 1;
    const pool = this.#pool;
    const key = this.key;
    const stride = this.#stride;
    const values = this.#values;
    for (let place = hashOf(key, 0, key.length) & mask; ; place = (place + 1) & mask) {
      const at = base + place * stride;
      if (pool[at] === 0) return at;
      let i = 0;
      while (i < key.length && pool[at + values + i] === key[i]) i++;
      if (i === key.length) return at;
    }
  }

  /** Twice as many places. */
  #grow(dir: number): void {
    const stride = this.#stride;
    const old = this.#directory[dir + DIR.base] as number;
    const before = this.#directory[dir + DIR.places] as number;
    const places = Math.max(FEWEST, 2 * before);
    const base = this.#allocate(places);
    const pool = this.#pool;
    const mask = places - 1;
    for (let from = old; from < old + before * stride; from += stride) {
      if (pool[from] === 0) continue;
      let place = hashOf(pool, from + this.#values, this.key.length) & mask;
      while (pool[base + place * stride] !== 0) place = (place + 1) & mask;
      const to = base + place * stride;
      for (let i = 0; i < stride; i++) pool[to + i] = pool[from + i] as number;
    }
    if (before > 0) this.#giveUp(old, before);
    this.#directory[dir + DIR.base] = base;
    this.#directory[dir + DIR.places] = places;
  }

  /** Room for a table, all zeros. */
  #allocate(places: number): number {
    const words = places * this.#stride;
    const size = 31 - Math.clz32(places);
    const given = (this.#free[size] as number) - 1;
    if (given >= 0) {
      this.#free[size] = this.#pool[given] as number;
      this.#pool.fill(0, given, given + words);
      return given;
    }
    const base = this.#used;
    this.#used += words;
    while (this.#used > this.#pool.length) this.#pool = longer(this.#pool);
    return base;
  }

  #giveUp(base: number, places: number): void {
    const size = 31 - Math.clz32(places);
    this.#pool[base] = this.#free[size] as number;
    this.#free[size] = base + 1;
  }
}

const hashOf = (words: Int32Array, from: number, length: number): number => {
  let h = words[from] as number;
  for (let i = 1; i < length; i++) {
    h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d) + (words[from + i] as number);
  }
  h = Math.imul(h ^ (h >>> 16), 0x85ebca77);
  return h ^ (h >>> 15);
};
