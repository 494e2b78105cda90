/**
 * Interning of short runs of words: equal runs get the same number, different ones different numbers. Exact: runs are
 * compared word by word, hashes only find candidates.
 */

/** Mixes one word into a hash. */
const mix = (h: number, word: number): number => {
  let x = Math.imul(h ^ word, 0x9e3779b1);
  x ^= x >>> 15;
  return Math.imul(x, 0x85ebca77);
};

const finish = (h: number): number => (h ^ (h >>> 13)) >>> 0;

export class Interner {
  /** Runs end to end. */
  #pool = new Int32Array(1 << 12);
  #used = 0;
  /** Where each run begins; the next entry is its end. Number 0 is never given. */
  #starts = new Int32Array(1 << 10);
  #hashes = new Int32Array(1 << 10);
  #count = 1;
  /** Open addressing: number of a run, 0 free. */
  #table = new Int32Array(1 << 11);

  /** Runs known. */
  get size(): number {
    return this.#count - 1;
  }

  /** Words in use, of runs and tables. */
  get words(): number {
    return this.#pool.length + this.#starts.length * 2 + this.#table.length;
  }

  /** Number of the run of `length` words of `words` from `from`; a new number when it wasn't known. */
  intern(words: Int32Array, from: number, length: number): number {
    let h = length;
    for (let i = from; i < from + length; i++) h = mix(h, words[i] as number);
    h = finish(h);
    const mask = this.#table.length - 1;
    for (let slot = h & mask; ; slot = (slot + 1) & mask) {
      const id = this.#table[slot] as number;
      if (id === 0) return this.#add(words, from, length, h, slot);
      if (this.#hashes[id] === (h | 0) && this.#equal(id, words, from, length)) return id;
    }
  }

  #equal(id: number, words: Int32Array, from: number, length: number): boolean {
    const start = this.#starts[id] as number;
    if ((this.#starts[id + 1] as number) - start !== length) return false;
    const pool = this.#pool;
    for (let i = 0; i < length; i++) if (pool[start + i] !== words[from + i]) return false;
    return true;
  }

  #add(words: Int32Array, from: number, length: number, h: number, slot: number): number {
    const id = this.#count++;
    if (this.#used + length > this.#pool.length)
      this.#pool = longer(this.#pool, this.#used + length);
    if (id + 1 >= this.#starts.length) {
      this.#starts = longer(this.#starts, id + 2);
      this.#hashes = longer(this.#hashes, id + 2);
    }
    for (let i = 0; i < length; i++) this.#pool[this.#used + i] = words[from + i] as number;
    this.#starts[id] = this.#used;
    this.#used += length;
    this.#starts[id + 1] = this.#used;
    this.#hashes[id] = h;
    this.#table[slot] = id;
    if (this.#count * 2 > this.#table.length) this.#rehash();
    return id;
  }

  #rehash(): void {
    const table = new Int32Array(this.#table.length * 2);
    const mask = table.length - 1;
    for (let id = 1; id < this.#count; id++) {
      let slot = (this.#hashes[id] as number) & mask;
      while (table[slot] !== 0) slot = (slot + 1) & mask;
      table[slot] = id;
    }
    this.#table = table;
  }
}

const longer = (words: Int32Array, least: number): Int32Array<ArrayBuffer> => {
  const grown = new Int32Array(Math.max(least, words.length * 2));
  grown.set(words);
  return grown;
};
