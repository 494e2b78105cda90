/** Starts an emitted program, reads what it prints, and ends it when its time is over. */
import { spawn } from 'node:child_process';

/** One final state that was seen. */
export interface Seen {
  readonly text: string;
  readonly holds: boolean;
  readonly count: number;
}

export interface Histogram {
  readonly runs: number;
  /** Most frequent first. */
  readonly states: readonly Seen[];
  /** Runs that the filter left out. */
  readonly filtered: number;
  /** Runs beside which somebody else moved the machine's counters. */
  readonly disturbed: number;
  /** `deadlock`, `timeout` or `died` with the threads, as the program says it: how the last run ended otherwise. */
  readonly problem: { readonly kind: string; readonly text: string } | null;
  /** Why the machine could not run it. */
  readonly skip: string | null;
  /** The program did not come to its own end. */
  readonly cut: string | null;
}

export interface RunLimits {
  readonly runs: number;
  readonly seed: number;
  /** After so many seconds no further run begins. */
  readonly seconds: number;
  /** Milliseconds for one run. */
  readonly runLimit: number;
}

/** Seconds that a program may take beyond its own limits before it is killed. */
const GRACE = 15;
/** Bytes of output after which something is wrong. */
const MAX_OUTPUT = 64 * 2 ** 20;

/** Runs a built program in `folder` with its options (`more`), and counts what it prints. */
export const runProgram = (
  program: string,
  folder: string,
  limits: RunLimits,
  more: readonly string[],
): Promise<Histogram> =>
  new Promise((resolve) => {
    const args = [
      ...['--root', folder],
      ...['--runs', String(limits.runs)],
      ...['--seed', String(limits.seed)],
      ...['--seconds', String(limits.seconds)],
      ...['--run-limit', String(limits.runLimit)],
      ...more,
    ];
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: '/' });
    const tally = new Tally();
    let cut: string | null = null;
    let rest = '';
    let bytes = 0;
    let complaint = '';
    const stop = (why: string): void => {
      cut ??= why;
      child.kill('SIGKILL');
    };
    const time = limits.seconds + limits.runLimit / 1000 + GRACE;
    const timer = setTimeout(() => stop(`killed after ${time.toFixed(0)} seconds`), 1000 * time);
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (text: string) => {
      bytes += text.length;
      if (bytes > MAX_OUTPUT) stop('killed: it printed without end');
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) tally.add(line);
    });
    child.stderr.setEncoding('utf8');
    child.stderr.on('data', (text: string) => {
      complaint = (complaint + text).slice(0, 500);
    });
    child.on('error', (error) => {
      cut ??= error.message;
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (!tally.ended && tally.skip === null)
        cut ??=
          `the program ended early (${signal ?? `status ${code}`}) ${complaint.trim()}`.trimEnd();
      resolve(tally.histogram(cut));
    });
  });

/** Lines of the program to a histogram. */
export class Tally {
  skip: string | null = null;
  ended = false;
  #runs = 0;
  #filtered = 0;
  #disturbed = 0;
  #problem: Histogram['problem'] = null;
  readonly #states = new Map<string, { holds: boolean; count: number }>();

  /** `times`: how often the line came. */
  add(line: string, times = 1): void {
    const [kind = '', first = '', ...more] = line.split('\t');
    if (kind === 'outcome') {
      const text = more.join('\t');
      const state = this.#states.get(text) ?? { holds: first === '1', count: 0 };
      state.count += times;
      this.#runs += times;
      this.#states.set(text, state);
    } else if (kind === 'filtered') {
      this.#filtered += times;
      this.#runs += times;
    } else if (kind === 'disturbed') {
      this.#disturbed += times;
    } else if (kind === 'skip') {
      this.skip = first;
    } else if (kind === 'end') {
      this.ended = true;
    } else if (kind === 'deadlock' || kind === 'timeout' || kind === 'died') {
      this.#runs += times;
      this.#problem = { kind, text: first.replace(/; $/, '') };
    }
  }

  histogram(cut: string | null): Histogram {
    const states = [...this.#states]
      .map(([text, { holds, count }]) => ({ text, holds, count }))
      .sort((a, b) => b.count - a.count || (a.text < b.text ? -1 : 1));
    return {
      runs: this.#runs,
      states,
      filtered: this.#filtered,
      disturbed: this.#disturbed,
      problem: this.#problem,
      skip: this.skip,
      cut,
    };
  }
}
