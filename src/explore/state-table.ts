/**
 * The states of a search, each stored once, exactly, and numbered from 1 in the order in which they came; with what is known of
 * each: threads, as bits, that slept whenever it was visited, and those whose step was taken from it.
 */

import { Bits } from './bits.ts';
import type { CheckpointReader, CheckpointWriter } from './checkpoint.ts';
import { longer } from './longer.ts';
import { SharedTable } from './shared-table.ts';

/** Bit beside the threads whose step was taken: all that can step have to. */
export const ALL = 1 << 31;

/** Values of a row. */
const VALUE = { number: 0, slept: 1 } as const;

/** Numbers of local contents below this go by twos in a word. */
const HALF = 1 << 16;

export class StateTable {
  readonly #threads: number;
  readonly #sleeps: boolean;
  /** All local contents so far have numbers below `HALF`. */
  #halves = true;
  /**
   * By shared content and local contents, the number of the state and, where threads sleep, who did. The local contents are
   * the key: one a word, or while there are `#halves` two a word, the earlier one in bits 0..15.
   */
  #rows: SharedTable;
  #count = 0;
  /** By state: whose step was taken; shorter than there are states while nothing was said of the last of them. */
  #taken = new Int32Array(1 << 8);
  /** States in which threads that can step need not. */
  readonly #spared = new Bits();
  /** Where `nextSpared` goes on: shared content, place; and how many places there were when it came to that content. */
  #shared = 0;
  #place = 0;
  #places = 0;

  /** `sleeps`: threads may sleep. */
  constructor(threads: number, sleeps: boolean) {
    this.#threads = threads;
    this.#sleeps = sleeps;
    this.#rows = this.#newRows(this.#halves);
  }

  save(out: CheckpointWriter): void {
    out.numbers(this.#halves ? 1 : 0, this.#count, this.#shared, this.#place, this.#places);
    out.words(this.#taken);
    this.#spared.save(out);
    this.#rows.save(out);
  }

  load(from: CheckpointReader): void {
    const [halves, ...numbers] = from.numbers();
    this.#halves = halves !== 0;
    [this.#count = 0, this.#shared = 0, this.#place = 0, this.#places = 0] = numbers;
    this.#taken = from.words();
    this.#spared.load(from);
    this.#rows = this.#newRows(this.#halves);
    this.#rows.load(from);
  }

  /** States stored. */
  get size(): number {
    return this.#count;
  }

  /** Bytes that it takes. */
  get bytes(): number {
    return this.#rows.bytes + 4 * this.#taken.length + this.#spared.bytes;
  }

  /**
   * The row of the state (its shared content, which is never 0, and the local one of each thread), for the other calls until the
   * next `add`; its complement when it was not stored before.
   */
  add(state: Int32Array): number {
    this.#pack(state);
    const rows = this.#rows;
    const row = rows.add(state[0] as number);
    if (rows.value(row, VALUE.number) !== 0) return row;
    rows.setValue(row, VALUE.number, ++this.#count);
    return ~row;
  }

  /** The row of a state, as `add` gives it; -1: it is not stored. */
  find(state: Int32Array): number {
    this.#pack(state);
    return this.#rows.find(state[0] as number);
  }

  /** Calls `visit` with the number of each state, which is copied to `to` before. None may be added meanwhile. */
  each(to: Int32Array, visit: (state: number) => void): void {
    this.#rows.each((shared, row) => {
      to[0] = shared;
      this.#unpack(row, to);
      visit(this.number(row));
    });
  }

  /** Number of the state in a row; it never changes. */
  number(row: number): number {
    return this.#rows.value(row, VALUE.number);
  }

  slept(row: number): number {
    return this.#sleeps ? this.#rows.value(row, VALUE.slept) : 0;
  }

  setSlept(row: number, threads: number): void {
    this.#rows.setValue(row, VALUE.slept, threads);
  }

  /** By number of the state. Bits that no thread has may be set besides `ALL`. */
  taken(state: number): number {
    return state < this.#taken.length ? (this.#taken[state] as number) : 0;
  }

  setTaken(state: number, threads: number): void {
    if (state >= this.#taken.length) this.#taken = longer(this.#taken, state + 1);
    this.#taken[state] = threads;
  }

  /** Whether all that is known keeps threads that can step there from having to. */
  setSpared(state: number, spared: boolean): void {
    this.#spared.set(state, spared);
  }

  /** From here `nextSpared` begins. */
  rewind(): void {
    this.#shared = 0;
    this.#place = 0;
    this.#places = 0;
  }

  /**
   * Goes through the states where threads are spared: copies one to `to`; its row, or -1 after the last. One that is added
   * meanwhile may come or not; one may come twice.
   */
  nextSpared(to: Int32Array): number {
    const rows = this.#rows;
    for (; this.#shared < rows.contents; this.#shared++, this.#place = 0, this.#places = 0) {
      const places = rows.placesOf(this.#shared);
      if (places !== this.#places) {
        // It has grown, and its rows moved.
        this.#places = places;
        this.#place = 0;
      }
      while (this.#place < places) {
        const row = rows.rowAt(this.#shared, this.#place++);
        if (!this.#spared.has(rows.value(row, VALUE.number))) continue;
        to[0] = this.#shared;
        this.#unpack(row, to);
        return row;
      }
    }
    return -1;
  }

  #newRows(halves: boolean): SharedTable {
    const words = halves ? (this.#threads + 1) >> 1 : this.#threads;
    return new SharedTable(words, this.#sleeps ? 2 : 1);
  }

  /** Makes the local contents of `state` the key. */
  #pack(state: Int32Array): void {
    const { key } = this.#rows;
    if (!this.#halves) {
      for (let i = 0; i < key.length; i++) key[i] = state[1 + i] as number;
      return;
    }
    const last = this.#threads;
    let all = 0;
    for (let i = 0; i < key.length; i++) {
      const at = 2 * i + 1;
      const one = state[at] as number;
      const other = at < last ? (state[at + 1] as number) : 0;
      all |= one | other;
      key[i] = one | (other << 16);
    }
    if (all < HALF) return;
    this.#widen();
    this.#pack(state);
  }

  #unpack(row: number, to: Int32Array): void {
    const rows = this.#rows;
    for (let t = 0; t < this.#threads; t++) {
      if (!this.#halves) to[1 + t] = rows.keyWord(row, t);
      else if ((t & 1) === 0) to[1 + t] = rows.keyWord(row, t >> 1) & (HALF - 1);
      else to[1 + t] = rows.keyWord(row, t >> 1) >>> 16;
    }
  }

  /** From now on each local content has a word of its own. */
  #widen(): void {
    const old = this.#rows;
    const rows = this.#newRows(false);
    const state = new Int32Array(1 + this.#threads);
    old.each((shared, from) => {
      this.#unpack(from, state);
      rows.key.set(state.subarray(1));
      const to = rows.add(shared);
      rows.setValue(to, VALUE.number, old.value(from, VALUE.number));
      if (this.#sleeps) rows.setValue(to, VALUE.slept, old.value(from, VALUE.slept));
    });
    this.#halves = false;
    this.#rows = rows;
    // The rows have moved.
    this.#places = 0;
  }
}
