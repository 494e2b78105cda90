/**
 * The states of a search: rows of numbers, each stored once, exactly, with what is known of each: threads, as bits, that
 * slept whenever it was visited, and those whose step was taken from it. Open addressing; the rows lie in the table
 * itself, so that a look-up touches memory in one place.
 */

import type { CheckpointReader, CheckpointWriter } from './checkpoint.ts';

/** Bit beside the threads whose step was taken: all that can step have to. */
export const ALL = 1 << 31;

/**
 * Threads up to which one word says who slept and whose step was taken:
 *
 *   bits 0..14    who slept
 *   bits 16..30   whose step was taken
 *   bit 31        `ALL`
 */
const NARROW = 15;
const NARROW_MASK = (1 << NARROW) - 1;

/** Places up to which the table grows fourfold. */
const FAST_GROWTH = 1 << 20;

export class StateTable {
  readonly #width: number;
  /**
   * Words of a row: the state (word 0 of a free row is 0), who slept, whose step was taken (the same word for few threads), its
   * number where the states are to have one.
   */
  readonly #stride: number;
  readonly #narrow: boolean;
  readonly #numbered: boolean;
  #rows: Int32Array;
  #mask = (1 << 10) - 1;
  #count = 0;
  /** How often the rows moved: then `at` of a state is another. */
  moves = 0;

  /** `width`: numbers of a state, the first of which is never 0, one for each thread behind it. */
  constructor(width: number, numbered: boolean) {
    this.#width = width;
    this.#narrow = width - 1 <= NARROW;
    this.#numbered = numbered;
    this.#stride = width + (this.#narrow ? 1 : 2) + (numbered ? 1 : 0);
    this.#rows = new Int32Array(this.#stride * (this.#mask + 1));
  }

  save(out: CheckpointWriter): void {
    out.numbers(this.#mask, this.#count, this.moves);
    out.words(this.#rows);
  }

  load(from: CheckpointReader): void {
    [this.#mask = 0, this.#count = 0, this.moves = 0] = from.numbers();
    this.#rows = from.words();
  }

  /** States stored. */
  get size(): number {
    return this.#count;
  }

  /** Places for rows, taken or free: states are at multiples of `stride` below `stride * places`. */
  get places(): number {
    return this.#mask + 1;
  }

  get stride(): number {
    return this.#stride;
  }

  /** Bytes that it takes. */
  get bytes(): number {
    return 4 * this.#rows.length;
  }

  /** Where the state at `from` of `words` is stored; the complement of that place when it was not stored before. */
  add(words: Int32Array, from: number): number {
    const at = this.#find(words, from);
    if (this.#rows[at] !== 0) return at;
    // Two of three rows are in use at most.
    if (3 * (this.#count + 1) > 2 * this.#mask) {
      this.#grow();
      return this.add(words, from);
    }
    const rows = this.#rows;
    for (let i = 0; i < this.#width; i++) rows[at + i] = words[from + i] as number;
    this.#count++;
    if (this.#numbered) rows[at + this.#stride - 1] = this.#count;
    return ~at;
  }

  /** Copies the state at `at` to `to`; false: there is none. */
  read(at: number, to: Int32Array): boolean {
    for (let i = 0; i < this.#width; i++) to[i] = this.#rows[at + i] as number;
    return this.#rows[at] !== 0;
  }

  slept(at: number): number {
    const word = this.#rows[at + this.#width] as number;
    return this.#narrow ? word & NARROW_MASK : word;
  }

  setSlept(at: number, threads: number): void {
    const to = at + this.#width;
    const kept = this.#narrow ? (this.#rows[to] as number) & ~NARROW_MASK : 0;
    this.#rows[to] = kept | threads;
  }

  /** Bits that no thread has may be set besides `ALL`. */
  taken(at: number): number {
    return this.#narrow
      ? (this.#rows[at + this.#width] as number) >> 16
      : (this.#rows[at + this.#width + 1] as number);
  }

  setTaken(at: number, threads: number): void {
    if (!this.#narrow) {
      this.#rows[at + this.#width + 1] = threads;
      return;
    }
    const to = at + this.#width;
    const taken = ((threads & NARROW_MASK) << 16) | (threads & ALL);
    this.#rows[to] = ((this.#rows[to] as number) & NARROW_MASK) | taken;
  }

  /** Number of the state at `at`, from 1 in the order in which they came; it never changes. 0: they have none. */
  number(at: number): number {
    return this.#numbered ? (this.#rows[at + this.#stride - 1] as number) : 0;
  }

  #find(words: Int32Array, from: number): number {
    const length = this.#width;
    const rows = this.#rows;
    let h = words[from] as number;
    for (let i = 1; i < length; i++) {
      h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d) + (words[from + i] as number);
    }
    h = Math.imul(h ^ (h >>> 16), 0x85ebca77);
    h = Math.imul(h ^ (h >>> 13), 0x9e3779b1);
    // The upper bits: so a larger table has the rows in the same order, and growing goes through memory from front to back.
    for (let place = h >>> Math.clz32(this.#mask); ; place = (place + 1) & this.#mask) {
      const at = place * this.#stride;
      if (rows[at] === 0) return at;
      let i = 0;
      while (i < length && rows[at + i] === words[from + i]) i++;
      if (i === length) return at;
    }
  }

  #grow(): void {
    const old = this.#rows;
    const stride = this.#stride;
    // Moving rows costs more than room, as long as there is little of either.
    this.#mask = (this.#mask < FAST_GROWTH ? 4 : 2) * (this.#mask + 1) - 1;
    this.#rows = new Int32Array(stride * (this.#mask + 1));
    this.moves++;
    for (let from = 0; from < old.length; from += stride) {
      if (old[from] === 0) continue;
      const at = this.#find(old, from);
      for (let i = 0; i < stride; i++) this.#rows[at + i] = old[from + i] as number;
    }
  }
}
