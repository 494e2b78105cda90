import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { draw } from '../../tools/mutate/draw.ts';
import { readLibrary } from '../../tools/mutate/library.ts';
import { documentText, powerOf, type Result, reasonFor } from '../../tools/mutate/report.ts';
import { ruleMutants } from '../../tools/mutate/rule-mutants.ts';
import { runMutants } from '../../tools/mutate/run.ts';
import { mutatedFiles } from '../../tools/mutate/source-mutants.ts';

const cache = mkdtempSync(join(tmpdir(), 'pinfold-mutate-'));
afterAll(() => rmSync(cache, { recursive: true, force: true }));

const TESTS = [
  'cow/ro-pin-previously-shared',
  'force/force-write-keeps-read-only',
  'fork/fork-races-migration',
  'longterm/ro-longterm-zero-page',
  'refusal/anon-flag',
  'refusal/pin-asks-for-get',
  'refusal/pin-prot-none',
  'refusal/pin-read-only',
];

/** Five of each kind (of the rare swaps, one) that these tests notice. */
const NOTICED = [
  'gup-args.ts#argsAtOnce:drop:4',
  'gup-check.ts#checkRead:drop:1',
  'gup-check.ts#checkVmaFlags:drop:2',
  'gup-check.ts#checkWrite:drop:3',
  'wp-reuse.ts#reuseByOwner:drop:3',
  'gup-args.ts#argsAtOnce:negate:1',
  'gup-check.ts#checkWrite:negate:2',
  'fault-wp.ts#doWpPage:negate:1',
  'gup-check.ts#checkRead:negate:1',
  'gup-check.ts#checkRead:negate:2',
  'gup-args.ts#argsAtOnce:weaken:1',
  'gup-args.ts#argsAtOnce:weaken:4',
  'gup-check.ts#checkVmaFlags:weaken:2',
  'gup-check.ts#checkVmaFlags:weaken:13',
  'gup-check.ts#checkWrite:weaken:7',
  'wp-reuse.ts#reuseByMapcount:swap:1',
  'cow.smallReuse=mapcount@6.12',
  'cow.smallReuse=refcount1@5.7',
  'gup.forceCowBreak=true@6.12',
  'gup.unshareAnon=true@5.7',
  'gup.unshareAnon=false@6.12',
] as const;

/** Mapping 0 is an empty entry that starts at 0: asking for it alone changes nothing. */
const EQUIVALENT = 'gup-check.ts#gupVma:weaken:1';
const UNREACHED = 'wp-reuse.ts#reuseKsmPage:drop:1';

const only = (all: readonly string[]): ReadonlySet<string> => new Set(all);

describe('mutants of the model', () => {
  test('fixed ones of each kind are noticed, an equivalent one is not', async () => {
    const wanted = only([...NOTICED, EQUIVALENT, UNREACHED]);
    const asked = {
      files: ['fault-wp', 'gup-args', 'gup-check', 'wp-reuse'],
      rules: ruleMutants(['5.7', '6.12']).filter(({ id }) => wanted.has(id)),
      sample: null,
      ids: wanted,
    };
    const tests = readLibrary().filter(({ name }) => TESTS.includes(name));
    const options = {
      cache,
      commit: 'abc',
      patience: 60_000,
      deadline: Number.POSITIVE_INFINITY,
      excused: () => false,
      onResult: () => undefined,
    };
    const results = await runMutants(asked, tests, options);
    const of = (fate: Result['fate']): string[] =>
      results.filter((r) => r.fate === fate).map((r) => r.id);
    expect(of('noticed').sort()).toEqual([...NOTICED].sort());
    expect(of('survived')).toEqual([EQUIVALENT]);
    expect(of('unreached')).toEqual([UNREACHED]);

    // A second run knows the answers, save the survivor's, which it shows to a new test.
    const more = readLibrary().filter(({ name }) => [...TESTS, 'refusal/pin-hole'].includes(name));
    expect(await runMutants(asked, more, options)).toEqual(
      results.map((r) => (r.id === EQUIVALENT ? { ...r, tests: r.tests + 1 } : r)),
    );
  });

  test('each has an id of its own, and changes one place', () => {
    const all = mutatedFiles().flatMap(({ text, mutants }) => mutants.map((m) => ({ text, m })));
    expect(new Set(all.map(({ m }) => m.id)).size).toBe(all.length);
    expect(new Set(all.map(({ m }) => m.number)).size).toBe(all.length);
    for (const { text, m } of all)
      expect(text.slice(m.edit.start, m.edit.end)).not.toBe(m.edit.text);
  });

  test('a larger sample holds the smaller one', () => {
    const all = Array.from({ length: 50 }, (_, i) => ({ id: `m${i}` }));
    const ten = draw(all, 10, 1);
    expect(draw(all, 20, 1).slice(0, 10)).toEqual(ten);
    expect(draw(all, 10, 2)).not.toEqual(ten);
    expect(new Set(draw(all, 50, 1)).size).toBe(50);
  });
});

describe('the report', () => {
  const result = (id: string, fate: Result['fate'], left = 0): Result => ({
    id,
    fate,
    by: null,
    how: null,
    tests: 1,
    left,
    commit: 'abc',
  });
  const results = [
    result('a.b=1@6.12', 'noticed'),
    result('a.b=2@6.12', 'survived'),
    result('a.c=2@6.12', 'unreached'),
    result('grab.ts#f:drop:1', 'survived'),
    result('grab.ts#f:drop:2', 'survived', 3),
    result('grab.ts#f:drop:3', 'noticed'),
  ];
  const reasons = { 'a.*': 'of the family', 'a.b=2*': 'of the value' };

  test('what nobody reaches counts against the library, what has a reason does not', () => {
    const power = powerOf(results, reasons);
    expect(power.noticed).toBe(2);
    expect(power.excused.map((r) => r.id)).toEqual(['a.b=2@6.12', 'a.c=2@6.12']);
    expect(power.open.map((r) => r.id)).toEqual(['grab.ts#f:drop:1']);
    expect(power.undecided.map((r) => r.id)).toEqual(['grab.ts#f:drop:2']);
    expect(power.percent).toBeCloseTo(66.7, 1);
    expect(power.least).toBe(50);
    expect(powerOf(results, {}).open).toHaveLength(3);
  });

  test('the nearest reason counts', () => {
    expect(reasonFor(reasons, 'a.b=2@5.7')).toBe('of the value');
    expect(reasonFor(reasons, 'a.b=3@5.7')).toBe('of the family');
    expect(reasonFor(reasons, 'b.a=3@5.7')).toBeNull();
  });

  test('the document says what was drawn and lists every mutant that was not noticed', () => {
    const text = documentText(results, reasons, { size: 3, seed: 7 });
    expect(text).toContain('--sample 3 --seed 7');
    expect(text).toContain('6 at abc');
    for (const r of results.filter((r) => r.fate !== 'noticed')) expect(text).toContain(r.id);
    expect(documentText(results, reasons, null)).toContain('Nothing is sampled');
  });

  test('the document tells of each other sample what it said when it was drawn', () => {
    const other = { size: 6, seed: 8, results };
    const text = documentText(results, reasons, { size: 3, seed: 7 }, [other], {
      7: 'half',
      8: 'a third',
    });
    expect(text).toContain('the first, half;');
    expect(text).toContain('--sample 6 --seed 8');
    expect(text).toContain('When it was drawn: a third. Now: 2 of 3 noticed');
  });
});
