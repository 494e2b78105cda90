import type { SearchProgress } from '../explore/search.ts';

/** A line on standard error, on a terminal only, for work that takes more than a second. */
export class Progress {
  readonly #start = performance.now();
  readonly #live = process.stderr.isTTY === true;
  #shown = false;
  #last = 0;

  /** Shows `text` in place of what was shown before. */
  update(text: string): void {
    const now = performance.now();
    if (!this.#live || now - this.#start < 1000 || now - this.#last < 100) return;
    this.#last = now;
    this.#shown = true;
    const width = process.stderr.columns ?? 80;
    process.stderr.write(`\r\x1b[K${text.slice(0, width - 1)}`);
  }

  /** Takes the line away. */
  done(): void {
    if (this.#shown) process.stderr.write('\r\x1b[K');
    this.#shown = false;
  }
}

/** How far a search is, to stand behind what it is about; '' for one that has only begun. */
export const searchText = (search: SearchProgress | null): string => {
  if (search === null) return '';
  const { states, steps, depth, bytes } = search;
  return `: ${states} states, ${steps} steps, depth ${depth}, ${Math.round(bytes / 2 ** 20)} MiB`;
};
