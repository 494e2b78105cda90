/** The words that a step changed, by the array that they belong to. */
import type { Places } from '../places.ts';
import type { Change } from '../replay.ts';

export interface Word {
  readonly index: number;
  readonly before: number;
  readonly after: number;
}

export class Words {
  readonly #byArray = new Map<string, Map<number, Word>>();

  constructor(places: Places, changes: readonly Change[]) {
    for (const { address, before, after } of changes) {
      const { array, index } = places.placeOf(address);
      const known = this.#byArray.get(array);
      const word = { index, before, after };
      if (known === undefined) this.#byArray.set(array, new Map([[index, word]]));
      else known.set(index, word);
    }
  }

  /** Names of the arrays that have changed, as `Places` calls them. */
  get arrays(): string[] {
    return [...this.#byArray.keys()];
  }

  /** Changed words of an array, by index. */
  of(array: string): Word[] {
    return [...(this.#byArray.get(array)?.values() ?? [])].sort((a, b) => a.index - b.index);
  }

  /** What the word was before the step; `now` is what it is. */
  before(array: string, index: number, now: number): number {
    return this.#byArray.get(array)?.get(index)?.before ?? now;
  }

  /** Takes the array's changed words away. */
  take(array: string): Word[] {
    const words = this.of(array);
    this.#byArray.delete(array);
    return words;
  }

  /** Puts back what `take` gave, of an earlier step. */
  give(array: string, words: readonly Word[]): void {
    for (const word of words) {
      const known = this.#byArray.get(array);
      if (known === undefined) this.#byArray.set(array, new Map([[word.index, word]]));
      else known.set(word.index, { ...word, after: known.get(word.index)?.after ?? word.after });
    }
  }

  has(array: string, index: number): boolean {
    return this.#byArray.get(array)?.has(index) === true;
  }
}
