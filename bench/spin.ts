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
  /** Of the processor, for `spin -a` and gcc, which make the search out of the model. */
  readonly making: number;
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
  const options = ['-O2', '-DSAFETY', ...(reduced ? [] : ['-DNOREDUCE'])];
  const made = run(cwd, 'sh', [
    '-c',
    `spin -a ${defined.join(' ')} '${join(MODELS, `${model}.pml`)}' && gcc ${options.join(' ')} -o pan pan.c; times`,
  ]);
  // All errors (-c0), and a search stack that is deep enough.
  const said = run(cwd, 'sh', ['-c', `./pan -c0 -m100000 -w${slots}; times`]);
  const number = (pattern: RegExp): number => Number(pattern.exec(said)?.[1] ?? Number.NaN);
  return {
    making: childSeconds(made),
    states: number(/(\d+) states, stored/),
    steps: number(/(\d+) transitions/),
    seconds: childSeconds(said),
    errors: number(/errors: (\d+)/),
  };
}

/** The last line of what the shell's `times` says is of its children: minutes and seconds, user and system. */
const childSeconds = (said: string): number =>
  (said.trim().split('\n').at(-1)?.split(' ') ?? []).reduce((sum, t) => sum + secondsOf(t), 0);

const secondsOf = (time: string): number => {
  const [, minutes, seconds] = /^(\d+)m([\d.]+)s$/.exec(time) ?? [];
  return 60 * Number(minutes ?? Number.NaN) + Number(seconds ?? Number.NaN);
};

function run(cwd: string, program: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} failed in ${cwd}: ${stdout}${stderr}`);
  return stdout;
}
