/**
 * What the init program (init.ts) says on the second serial line, a line each, fields apart by tabs:
 *
 *     hello   RELEASE                 user space is there; uname -r
 *     note    TEXT                    something of the machine is missing
 *     begin   TEST                    number in the plan
 *     line    TEST  COUNT  TEXT...    a line that the test's program printed COUNT times (run-program.ts reads it)
 *     end     TEST  REASON            REASON is empty when the program came to its end
 *     done
 */
import type { Histogram } from '../run-program.ts';
import { Tally } from '../run-program.ts';

export class Serial {
  /** `uname -r`; null: user space was not reached. */
  release: string | null = null;
  /** The test that runs now. */
  running: number | null = null;
  done = false;
  readonly notes: string[] = [];
  readonly results = new Map<number, Histogram>();
  #tally = new Tally();
  #rest = '';

  /** Whole lines are read at once, the rest waits for more. */
  feed(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line.replace(/\r$/, ''));
  }

  #line(line: string): void {
    const [kind = '', first = '', second = '', ...more] = line.split('\t');
    if (kind === 'hello') this.release = first;
    else if (kind === 'note') this.notes.push(first);
    else if (kind === 'done') this.done = true;
    else if (kind === 'begin') {
      this.running = Number(first);
      this.#tally = new Tally();
    } else if (this.running === null || Number(first) !== this.running) return;
    else if (kind === 'line') this.#tally.add(more.join('\t'), Number(second));
    else if (kind === 'end') this.#close(second === '' ? null : second);
  }

  /** The test that runs now is over, though the program did not say so. */
  cut(reason: string): void {
    if (this.running !== null) this.#close(reason);
  }

  #close(reason: string | null): void {
    const tally = this.#tally;
    const early = !tally.ended && tally.skip === null ? 'the program ended early' : null;
    if (this.running !== null) this.results.set(this.running, tally.histogram(reason ?? early));
    this.running = null;
  }
}
