/**
 * The journal of a long check: a line for each verdict as soon as it is known, so that a check that was interrupted, or
 * killed, goes on where it stopped. A verdict is used again only for the same test text, kernel, options and build. The
 * searches under way lie beside it in a folder (explore/checkpoint.ts), for the same build.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  writeSync,
} from 'node:fs';
import type { Verdict } from '../explore/check.ts';
import { reasonOf, userError } from './errors.ts';

interface Line {
  readonly key: string;
  readonly verdict: Verdict;
}

/** What made the verdicts: another build may find otherwise. */
const build = (): string => {
  const stamp = statSync(new URL('../../gen/.stamp', import.meta.url), { throwIfNoEntry: false });
  return stamp === undefined ? '' : String(stamp.mtimeMs);
};

export class Journal {
  readonly #file: number;
  readonly #known = new Map<string, Verdict>();
  readonly #options: string;
  readonly #path: string;
  /** What tells searches of this build from those of another. */
  readonly build: string;

  /** Opens `path`, made when it is not there. Throws UserError when it cannot be read, written, or is something else. */
  constructor(path: string, version: string, options: unknown) {
    this.#path = path;
    this.build = JSON.stringify([version, build()]);
    this.#options = JSON.stringify([this.build, options]);
    let text = '';
    try {
      text =
        statSync(path, { throwIfNoEntry: false }) === undefined ? '' : readFileSync(path, 'utf8');
      this.#file = openSync(path, 'a');
    } catch (error) {
      throw userError('C026', `cannot be read and written (${reasonOf(error)})`, path);
    }
    const lines = text.split('\n');
    lines.forEach((line, i) => {
      if (line === '') return;
      try {
        const { key, verdict } = JSON.parse(line) as Line;
        this.#known.set(key, verdict);
      } catch {
        // The last line may have been cut off by a kill; any other is not ours.
        if (i < lines.length - 1)
          throw userError('C027', 'no line of a journal of pinfold check', `${path}:${i + 1}`);
      }
    });
    if (text !== '' && !text.endsWith('\n')) writeSync(this.#file, '\n');
  }

  /** Folder of the searches that are under way. */
  get searches(): string {
    return `${this.#path}.searches`;
  }

  /** The verdict that is known for a test's text at a kernel, or undefined. */
  find(text: string, kernel: string): Verdict | undefined {
    return this.#known.get(this.#key(text, kernel));
  }

  /** Adds a verdict; what was cut short is not kept. */
  add(text: string, verdict: Verdict): void {
    if (verdict.observation === 'Incomplete') return;
    const line: Line = { key: this.#key(text, verdict.kernel), verdict };
    writeSync(this.#file, `${JSON.stringify(line)}\n`);
  }

  /** Writes it out for good. */
  close(): void {
    fsyncSync(this.#file);
    closeSync(this.#file);
    // Stays where a search was cut short in it.
    if (existsSync(this.searches) && readdirSync(this.searches).length === 0)
      rmdirSync(this.searches);
  }

  #key(text: string, kernel: string): string {
    return createHash('sha256')
      .update(JSON.stringify([this.#options, kernel, text]))
      .digest('hex');
  }
}
