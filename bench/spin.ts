/** Spin, where it is installed (Debian's package `spin`), on the models of bench/promela. */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

const MODELS = join(import.meta.dirname, 'promela');
const CACHE = join(import.meta.dirname, '..', '.cache', 'bench');

interface SpinRun {
  readonly states: number;
  readonly steps: number;
  /** Of the processor, for the search alone: neither `spin -a` nor gcc is counted. */
  readonly seconds: number;
  /** Executions in which an assertion failed; the search goes on after each. */
  readonly errors: number;
}

/** Why Spin cannot be run here; null: it can. */
export function spinMissing(): string | null {
  if (spawnSync('spin', ['-V']).error !== undefined) return 'there is no `spin` on this machine';
  if (spawnSync('gcc', ['--version']).error !== undefined) return 'there is no gcc on this machine';
  return null;
}

/**
 * Searches bench/promela/`model`.pml whole, states stored exactly in a table of 2^`slots` chains: its making is part of
 * the time, so it should fit the model. Throws with the output of what failed.
 */
export function runSpin(
  model: string,
  define: readonly string[],
  slots: number,
  reduced: boolean,
): SpinRun {
  const cwd = join(CACHE, ['spin', model, ...define, reduced ? 'reduced' : 'unreduced'].join('-'));
  mkdirSync(cwd, { recursive: true });
  const defined = define.map((d) => `-D${d}`);
  run(cwd, 'spin', ['-a', ...defined, join(MODELS, `${model}.pml`)]);
  const options = ['-O2', '-DSAFETY', ...(reduced ? [] : ['-DNOREDUCE'])];
  run(cwd, 'gcc', [...options, '-o', 'pan', 'pan.c']);
  // All errors (-c0), and a search stack that is deep enough.
  const said = run(cwd, 'sh', ['-c', `./pan -c0 -m100000 -w${slots}; times`]);
  const number = (pattern: RegExp): number => Number(pattern.exec(said)?.[1] ?? Number.NaN);
  // The second line of `times` is of the children: minutes and seconds, user and system.
  const times = said.trim().split('\n').at(-1)?.split(' ') ?? [];
  return {
    states: number(/(\d+) states, stored/),
    steps: number(/(\d+) transitions/),
    seconds: times.reduce((sum, time) => sum + secondsOf(time), 0),
    errors: number(/errors: (\d+)/),
  };
}

const secondsOf = (time: string): number => {
  const [, minutes, seconds] = /^(\d+)m([\d.]+)s$/.exec(time) ?? [];
  return 60 * Number(minutes ?? Number.NaN) + Number(seconds ?? Number.NaN);
};

function run(cwd: string, program: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} failed in ${cwd}: ${stdout}${stderr}`);
  return stdout;
}
