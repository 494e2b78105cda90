import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  compareVersions,
  expectedAt,
  formatRange,
  matches,
  parse,
} from '../../src/litmus/index.ts';
import { overlap, parseRange } from '../../src/litmus/range.ts';

const withResults = (...lines: string[]): NonNullable<ReturnType<typeof parse>['test']> => {
  const r = parse(
    `C t\n(*\n${lines.map((l) => ` * ${l}\n`).join('')} *)\n{ }\nP0() { r0 = 1; }\nexists (0:r0=1)\n`,
    't',
  );
  if (r.test === undefined) throw new Error(JSON.stringify(r.diagnostics));
  return r.test;
};

test('each version has the expectation of its range, or none', () => {
  const t = withResults(
    'Result: Unsupported (< 5.6)',
    'Result: Never (5.9 .. 5.18)',
    'Result: Always (>= 6.2)',
    'Result: Bug (5.7)',
  );
  const at = (v: string): unknown => expectedAt(t, v);
  expect(
    ['4.4', '5.5', '5.6', '5.7', '5.8', '5.9', '5.10', '5.18', '5.19', '6.1', '6.2', '6.18'].map(
      at,
    ),
  ).toEqual([
    'Unsupported',
    'Unsupported',
    null,
    'Bug',
    null,
    'Never',
    'Never',
    'Never',
    null,
    null,
    'Always',
    'Always',
  ]);
});

test('a profile by name wins over the range of its base version', () => {
  const t = withResults('Result: Always', 'Result: Never (debian-6.1.192)');
  const base = (p: string): string | null => (p.startsWith('debian-') ? '6.1' : null);
  expect(expectedAt(t, 'debian-6.1.192', base)).toBe('Never');
  expect(expectedAt(t, 'debian-6.1.1', base)).toBe('Always');
  expect(expectedAt(t, 'other', base)).toBe(null);
  expect(expectedAt(t, '6.1', base)).toBe('Always');
});

test('Design lines and comments of every form are read', () => {
  expect(withResults('Design: pg-dma-pinned, range-lock').designs).toEqual([
    'pg-dma-pinned',
    'range-lock',
  ]);
  const r = parse(
    '/* Result: Never (< 5.8) */\nC t // Result: Always (>= 5.8)\n{ }\nP0() { r0 = 1; }\nexists (0:r0=1)',
    't',
  );
  expect(r.test?.expectations.map((e) => `${e.outcome} ${formatRange(e.range)}`)).toEqual([
    'Never < 5.8',
    'Always >= 5.8',
  ]);
});

test('versions compare number by number', () => {
  expect(compareVersions('5.10', '5.9')).toBeGreaterThan(0);
  expect(compareVersions('6.1', '6.1.0')).toBe(0);
  expect(compareVersions('4.19', '5.0')).toBeLessThan(0);
});

const version = fc
  .tuple(fc.integer({ min: 4, max: 6 }), fc.integer({ min: 0, max: 20 }))
  .map(([a, b]) => `${a}.${b}`);
const range = fc.oneof(
  fc.tuple(fc.constantFrom('<', '<=', '>', '>=', '='), version).map(([op, v]) => `${op} ${v}`),
  fc.tuple(version, version).map((vs) => vs.sort(compareVersions).join(' .. ')),
);

test('ranges overlap when some version lies in both', () => {
  fc.assert(
    fc.property(range, range, version, (a, b, v) => {
      const x = parseRange(a);
      const y = parseRange(b);
      if (x === null || y === null) return false;
      expect(parseRange(formatRange(x))).toEqual(x);
      if (matches(x, v) && matches(y, v)) expect(overlap(x, y)).toBe(true);
      return overlap(x, y) === overlap(y, x);
    }),
    { numRuns: 500 },
  );
});
