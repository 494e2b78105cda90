/**
 * The states of a search: rows of numbers, each stored once, exactly, with what is known of each: threads, as bits, that
 * slept whenever it was visited, and those whose step was taken from it.
 */

/** Bit beside the threads whose step was taken: all that can step have to. */
export const ALL = 1 << 31;

export class StateTable {
  readonly #width: number;
  /** Row by row: the state, who slept, whose step was taken. Row 0 is no state's. */
  #rows: Int32Array;
  #count = 1;
  /** Open addressing, two words a slot: number of a state (0 free) and its hash. */
  #table = new Int32Array(1 << 11);

  /** `width`: numbers of a state. */
  constructor(width: number) {
    this.#width = width;
    this.#rows = new Int32Array((width + 2) * 1024);
  }

  /** States stored. */
  get size(): number {
    return this.#count - 1;
  }

  /** Bytes that it takes. */
  get bytes(): number {
    return 4 * (this.#rows.length + this.#table.length);
  }

  /** Number (from 1) of the state; negative when it was stored before. */
  add(state: Int32Array): number {
    const width = this.#width;
    let h = 0;
    for (let i = 0; i < width; i++) {
      h = Math.imul(h ^ (state[i] as number), 0x9e3779b1);
      h ^= h >>> 15;
    }
    h = Math.imul(h, 0x85ebca77);
    h ^= h >>> 13;
    const table = this.#table;
    const mask = table.length - 2;
    for (let slot = (h << 1) & mask; ; slot = (slot + 2) & mask) {
      const id = table[slot] as number;
      if (id === 0) return this.#store(state, h, slot);
      if (table[slot + 1] === h && this.#equal(id, state)) return -id;
    }
  }

  /** Copies the state's numbers to `to`. */
  read(id: number, to: Int32Array): void {
    const from = id * (this.#width + 2);
    for (let i = 0; i < this.#width; i++) to[i] = this.#rows[from + i] as number;
  }

  slept(id: number): number {
    return this.#rows[id * (this.#width + 2) + this.#width] as number;
  }

  setSlept(id: number, threads: number): void {
    this.#rows[id * (this.#width + 2) + this.#width] = threads;
  }

  taken(id: number): number {
    return this.#rows[id * (this.#width + 2) + this.#width + 1] as number;
  }

  setTaken(id: number, threads: number): void {
    this.#rows[id * (this.#width + 2) + this.#width + 1] = threads;
  }

  #equal(id: number, state: Int32Array): boolean {
    const from = id * (this.#width + 2);
    for (let i = 0; i < this.#width; i++) if (this.#rows[from + i] !== state[i]) return false;
    return true;
  }

  #store(state: Int32Array, h: number, slot: number): number {
    const id = this.#count++;
    const from = id * (this.#width + 2);
    if (from + this.#width + 2 > this.#rows.length) this.#rows = longer(this.#rows);
    for (let i = 0; i < this.#width; i++) this.#rows[from + i] = state[i] as number;
    this.#rows[from + this.#width] = 0;
    this.#rows[from + this.#width + 1] = 0;
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

const longer = (words: Int32Array): Int32Array<ArrayBuffer> => {
  const grown = new Int32Array(words.length * 2);
  grown.set(words);
  return grown;
};
