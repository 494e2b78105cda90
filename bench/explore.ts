/**
 * `explore`: how fast the search goes: tests of the library, explored whole at one kernel, each
 * time by a checker that knows nothing yet; with and without the reduction.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Checker } from '../src/explore/check.ts';
import { parse, renderDiagnostics } from '../src/litmus/index.ts';
import { KERNEL } from './forms.ts';
import { median, printTable, shown } from './measure.ts';

const LIBRARY = join(import.meta.dirname, '..', 'library');
const ROUNDS = 5;
/** More states than this aren't waited for. */
const LIMITS = { states: 1_000_000, time: 60_000 };

/** A race of fork with a pin, one of the lockless walk with reclaim or collapse, and one of two releases. */
const TESTS = ['fork/pin-races-fork', 'thp/split-races-fast-get', 'thp/collapse-races-fast-pin'];

/**
 * Explores each test `ROUNDS` times, either way, and prints the table. States and steps are those of the
 * last search; the time is the whole check's, with set-up and the searches before it.
 */
export async function explore(): Promise<void> {
  console.log(
    `explore: the search over all interleavings, kernel ${KERNEL}, one thread; median of ${ROUNDS}`,
  );
  const rows = TESTS.flatMap((name) => [row(name, false), row(name, true)]);
  printTable(['', '', 'verdict', 'searches', 'states', 'steps', 'ms', 'states/s', 'steps/s'], rows);
}

function row(name: string, unreduced: boolean): string[] {
  const path = join(LIBRARY, `${name}.litmus`);
  const text = readFileSync(path, 'utf8');
  const { checked, diagnostics } = parse(text, path);
  if (checked === undefined) throw new Error(renderDiagnostics(diagnostics, text));
  const verdicts = Array.from({ length: ROUNDS }, () =>
    new Checker(checked).check(KERNEL, { limits: LIMITS, unreduced }),
  );
  const last = verdicts.at(-1);
  if (last === undefined) throw new Error('no round was made');
  const { searches, states, steps } = last.explored;
  const ms = median(verdicts.map((v) => v.milliseconds));
  return [
    name,
    unreduced ? 'unreduced' : 'reduced',
    last.reason === null ? last.observation : `${last.observation}: ${last.reason}`,
    String(searches),
    String(states),
    String(steps),
    shown(ms),
    String(Math.round((states / ms) * 1000)),
    String(Math.round((steps / ms) * 1000)),
  ];
}
