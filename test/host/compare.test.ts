/** The judge between kernel and model. */
import { describe, expect, test } from 'vitest';
import { compareWith } from '../../src/host/compare.ts';
import { modelledRelease } from '../../src/host/release.ts';
import type { Histogram } from '../../src/host/run-program.ts';

const seen = (
  counts: Readonly<Record<string, number>>,
  more: Partial<Histogram> = {},
): Histogram => ({
  runs: Object.values(counts).reduce((a, b) => a + b, 0),
  states: Object.entries(counts).map(([text, count]) => ({ text, holds: text === 'yes', count })),
  filtered: 0,
  disturbed: 0,
  problem: null,
  skip: null,
  cut: null,
  ...more,
});
const model = (
  observation: string,
  states: readonly string[],
  problems: readonly string[] = [],
) => ({
  observation,
  states: states.map((text) => ({ text, holds: text === 'yes' })),
  problems,
  reason: null,
});

describe('compareWith', () => {
  test('all that was seen is allowed; what is allowed and was not seen is listed', () =>
    expect(compareWith(seen({ yes: 3 }), model('Sometimes', ['yes', 'no']), false)).toEqual({
      verdict: 'agrees',
      forbidden: [],
      stray: [],
      unseen: ['no'],
    }));

  test('one forbidden outcome in a thousand is a disagreement', () =>
    expect(compareWith(seen({ no: 999, yes: 1 }), model('Never', ['no']), false)).toMatchObject({
      verdict: 'disagrees',
      forbidden: ['yes'],
    }));

  test('the same by counters of the machine is a stray, unless it comes often', () => {
    expect(compareWith(seen({ no: 999, yes: 1 }), model('Never', ['no']), true)).toMatchObject({
      verdict: 'agrees',
      stray: ['yes'],
    });
    expect(compareWith(seen({ no: 90, yes: 10 }), model('Never', ['no']), true)).toMatchObject({
      verdict: 'disagrees',
      forbidden: ['yes'],
    });
  });

  test('counters that others moved on a busy machine are strays beside an allowed state that was seen', () => {
    const ok = '0:r0=1; nr_foll_pin_acquired=2;';
    const more = '0:r0=1; nr_foll_pin_acquired=9;';
    const other = '0:r0=2; nr_foll_pin_acquired=9;';
    const less = '0:r0=1; nr_foll_pin_acquired=1;';
    const allowed = model('Always', [ok]);
    const said = (states: Readonly<Record<string, number>>, disturbed: number, counters = true) =>
      compareWith(seen(states, { disturbed }), allowed, counters).forbidden;
    expect(said({ [ok]: 1, [more]: 3 }, 1)).toEqual([]);
    expect(said({ [ok]: 1, [more]: 3 }, 0)).toEqual([more]);
    expect(said({ [more]: 3 }, 1)).toEqual([more]);
    expect(said({ [ok]: 1, [other]: 1 }, 1)).toEqual([other]);
    expect(said({ [ok]: 1, [less]: 1 }, 1)).toEqual([less]);
    expect(said({ [ok]: 1, [more]: 1 }, 1, false)).toEqual([more]);
  });

  test('a deadlock is an outcome, too', () => {
    const stuck = seen({}, { runs: 1, problem: { kind: 'deadlock', text: 'P0 at line 9' } });
    expect(compareWith(stuck, model('Deadlock', [], ['deadlock: P0 wait']), false).verdict).toBe(
      'agrees',
    );
    expect(compareWith(stuck, model('Never', ['no']), false).verdict).toBe('disagrees');
  });

  test('a search that was cut short says nothing', () =>
    expect(compareWith(seen({ yes: 1 }), model('Incomplete', ['no']), false).verdict).toBe(
      'alone',
    ));

  test('runs that did not come to their end decide nothing', () => {
    const late = seen({ no: 5 }, { problem: { kind: 'timeout', text: 'P0 at line 9' } });
    expect(compareWith(late, model('Never', ['no']), false).verdict).toBe('cut');
    expect(compareWith(seen({}), model('Never', ['no']), false).verdict).toBe('cut');
  });
});

test.each([
  ['6.18.44-fc-v595', '6.18'],
  ['5.10.0-46-cloud-amd64', '5.10'],
  ['99.1', '7.3'],
  ['2.6.32', null],
  ['not a kernel', null],
])('%s is compared with %s', (release, wanted) => expect(modelledRelease(release)).toBe(wanted));
