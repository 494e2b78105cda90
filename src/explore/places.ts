/** What a word of the arena is: the array it belongs to and its place there. */
import type { Machine } from './setup.ts';

export interface Place {
  /** `page.refcount`, `contents`, `lit.vars`, `stacks`. */
  readonly array: string;
  readonly index: number;
}

/** Finds the arrays of a machine, once; `placeOf` looks an address up. */
export class Places {
  readonly #starts: number[];
  readonly #arrays: readonly {
    readonly name: string;
    readonly start: number;
    readonly length: number;
  }[];

  constructor(m: Machine) {
    const found: { name: string; start: number; length: number }[] = [];
    const note = (name: string, value: unknown): void => {
      if (value instanceof Int32Array && value.buffer === m.arena.buffer) {
        found.push({ name, start: value.byteOffset >> 2, length: value.length });
      } else if (Array.isArray(value)) {
        for (const [i, inner] of value.entries()) note(`${name}[${i}]`, inner);
      } else if (
        value !== null &&
        typeof value === 'object' &&
        Object.getPrototypeOf(value) === Object.prototype
      ) {
        for (const [key, inner] of Object.entries(value))
          note(name === '' ? key : `${name}.${key}`, inner);
      }
    };
    const { regions: _, rules: __, program: ___, ...k } = m.k;
    note('', k);
    note('stacks', m.stacks);
    // An array that two names share is known by the first; empty ones are nobody's.
    found.sort((a, b) => a.start - b.start || b.length - a.length);
    this.#arrays = found.filter((f, i) => f.length > 0 && found[i - 1]?.start !== f.start);
    this.#starts = this.#arrays.map((a) => a.start);
  }

  /** Throws RangeError for an address outside all arrays. */
  placeOf(address: number): Place {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#starts[middle] as number) <= address) low = middle;
      else high = middle - 1;
    }
    const array = this.#arrays[low];
    if (array === undefined || address < array.start || address >= array.start + array.length) {
      throw new RangeError(`no array holds word ${address}`);
    }
    return { array: array.name, index: address - array.start };
  }
}
