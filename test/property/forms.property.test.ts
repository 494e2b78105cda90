/**
 * The oracle of the whole model: random programs do the same in every execution, word for word, and after each call
 * everything adds up (mm/audit.ts). A failure prints the smallest program found, as code that runs it again.
 */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { programs } from './arbitrary.ts';
import { plainForm, resumableForm, steppedForm } from './forms.ts';
import { op, programText } from './program.ts';
import { compareForms, execute, type Runner, runnerOf } from './run.ts';

/** PINFOLD_RUNS multiplies the number of programs, PINFOLD_SEED replaces the seed. */
const MORE = Number(process.env.PINFOLD_RUNS ?? 1);
const seed =
  process.env.PINFOLD_SEED === undefined ? {} : { seed: Number(process.env.PINFOLD_SEED) };

let stepped: Runner;
let direct: Runner;
let shared: Runner;
let resumable: Runner;

beforeAll(() => {
  stepped = runnerOf(steppedForm());
  direct = runnerOf(plainForm('direct'));
  shared = runnerOf(plainForm('shared'));
  resumable = runnerOf(resumableForm());
});

function check(
  layouts: readonly ('tiny' | 'small' | 'huge')[],
  runs: number,
  runners: readonly Runner[],
  audited: readonly string[],
): void {
  fc.assert(
    fc.property(programs(layouts), (program) => compareForms(runners, program, audited)),
    { numRuns: Math.ceil(runs * MORE), ...seed },
  );
}

describe('random programs', () => {
  test('stepped and direct: same results, same words, a clean audit after each call', {
    timeout: 600_000,
  }, () => {
    check(['small', 'small', 'tiny'], 10_000, [stepped, direct], ['stepped', 'direct']);
  });

  test('the same with pages of 2 MiB', { timeout: 600_000 }, () => {
    check(['huge'], 250, [stepped, direct], ['stepped', 'direct']);
  });

  test('resumable and shared: same results, same words', { timeout: 600_000 }, () => {
    check(['small', 'tiny'], 1_000, [direct, resumable, shared], ['direct']);
    check(['huge'], 30, [direct, resumable, shared], ['direct']);
  });

  test('a program that breaks a law is printed as code', () => {
    const program = {
      setup: { version: '6.12', layout: 'small', lruBatch: 0, thpAlways: false },
      ops: [op('mmap', { n: 4 }), op('store', { at: 1, how: 6 })],
    } as const;
    const { results, world } = execute(stepped, program, true);
    expect(results.slice(0, 2)).toEqual([0x1000 - 12, expect.any(Number)]);
    expect(world.audit()).toEqual([]);
    expect(programText(program)).toBe(
      [
        'runProgram({"version":"6.12","layout":"small","lruBatch":0,"thpAlways":false}, [',
        "  op('mmap', { p: 0, q: 0, at: 0, n: 4, to: 0, how: 0 }), // 0",
        "  op('store', { p: 0, at: 1, how: 6 }), // 1",
        '])',
      ].join('\n'),
    );
  });
});
