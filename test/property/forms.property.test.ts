/**
 * The oracle of the whole model: random programs do the same in every execution, word for word, and after each call
 * everything adds up (mm/audit.ts). A failure prints the smallest program found, as code that runs it again.
 */
import { createRequire } from 'node:module';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Kernel } from '../../src/mm/kernel.ts';
import type { Runner } from './run.ts';

// Loaded by Node itself: what vitest makes of imports is three times slower here.
const load = createRequire(import.meta.url);
const { programs } = load('./arbitrary.ts') as typeof import('./arbitrary.ts');
const { plainForm, resumableForm, steppedForm } = load('./forms.ts') as typeof import('./forms.ts');
const { op } = load('./program.ts') as typeof import('./program.ts');
const { compareForms, execute, runnerOf } = load('./run.ts') as typeof import('./run.ts');

/** PINFOLD_RUNS multiplies the number of programs, PINFOLD_SEED replaces the seed, which is the same in every other run. */
const MORE = Number(process.env.PINFOLD_RUNS ?? 1);
const seed = Number(process.env.PINFOLD_SEED ?? 1);

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
    { numRuns: Math.ceil(runs * MORE), seed },
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

  test('a form that does something else is found, and the program printed as code', () => {
    const program = {
      setup: { version: '6.12', layout: 'small', lruBatch: 0, thpAlways: false },
      ops: [op('mmap', { n: 4 }), op('store', { at: 1, how: 6 })],
    } as const;
    expect(() => compareForms([stepped, direct], program, ['stepped', 'direct'])).not.toThrow();
    const spoiling = (array: (k: Kernel) => Int32Array) =>
      runnerOf({
        name: 'spoilt',
        call(k, name, args) {
          const result = direct.form.call(k, name, args);
          if (name === 'userAccess') {
            const words = array(k);
            words[0] = (words[0] ?? 0) + 1;
          }
          return result;
        },
      });
    const other = spoiling((k) => k.vmstat);
    expect(() => compareForms([stepped, other], program, [])).toThrow(
      /word \d+ \(vmstat\[0\]\) is 0 for stepped, 1 for spoilt/,
    );
    const leaking = spoiling((k) => k.area.subarray(5));
    expect(() => execute(leaking, program, true)).toThrow(
      [
        'at operation 1 of',
        '({ setup: {"version":"6.12","layout":"small","lruBatch":0,"thpAlways":false}, ops: [',
        "  op('mmap', { p: 0, q: 0, at: 0, n: 4, to: 0, how: 0 }), // 0",
        "  op('store', { p: 0, at: 1, how: 6 }), // 1",
        '] })',
      ].join('\n'),
    );
  });
});
