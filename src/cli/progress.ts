import type { SearchProgress } from '../explore/limits.ts';

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

/**
 * How far searches are, in words: states, how many a second, how many wait to be gone on from, and an estimate of the whole: what the
 * same test took at the kernel before, and what the tests that are done took.
 */
export class SearchMeter {
  readonly #start = performance.now();
  /** When a search was first heard of, and its states then. */
  readonly #since = new Map<string, { readonly time: number; readonly states: number }>();
  readonly #usual = new Map<string, number>();

  /** `test` was explored at some kernel with so many states. */
  finished(test: string, states: number): void {
    this.#usual.set(test, states);
  }

  /** Of the search for `test` at what `at` names; '' for one that has only begun. */
  search(test: string, at: string, search: SearchProgress | null): string {
    const key = `${test} ${at}`;
    if (search === null) {
      this.#since.delete(key);
      return '';
    }
    const { states, depth, bytes } = search;
    const now = performance.now();
    let since = this.#since.get(key);
    // A search that was begun anew has fewer states than before.
    if (since === undefined || since.states > states) {
      since = { time: now, states };
      this.#since.set(key, since);
    }
    const seconds = (now - since.time) / 1000;
    const rate = seconds < 0.2 ? '' : `, ${short((states - since.states) / seconds)}/s`;
    const usual = this.#usual.get(test) ?? 0;
    const whole = usual > states ? ` of about ${short(usual)}` : '';
    return `: ${short(states)} states${whole}${rate}, queue ${short(depth)}, ${Math.round(bytes / 2 ** 20)} MiB`;
  }

  /** What the rest of `total` pieces of work may take, after `done` of them. */
  left(done: number, total: number): string {
    if (done < 3 || done >= total) return '';
    const seconds = ((performance.now() - this.#start) / 1000 / done) * (total - done);
    return ` (about ${seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`} left)`;
  }
}

/** A count in few characters: 950, 12.3k, 4.0M. */
const short = (n: number): string => {
  if (n < 10_000) return String(Math.round(n));
  return n < 1_000_000 ? `${(n / 1000).toFixed(1)}k` : `${(n / 1_000_000).toFixed(1)}M`;
};
