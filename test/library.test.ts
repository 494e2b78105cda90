/**
 * The library that ships: it agrees with what its files say at every kernel, says something for every kernel, is listed, and the
 * search that checks it is sound: with and without the reduction the same ends are found.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { Checker, type Verdict } from '../src/explore/check.ts';
import { baseVersion, isRelease, kernelNames } from '../src/kernels/index.ts';
import type { CheckedTest } from '../src/litmus/checked.ts';
import { expectedAt, parse, renderDiagnostics } from '../src/litmus/index.ts';

const LIBRARY = fileURLToPath(new URL('../library', import.meta.url));
/** States up to which the unreduced search is tried. */
const UNREDUCED_STATES = 60_000;
/** Before pins; references decide; exclusivity decides; now. */
const COMPARED_AT = ['5.4', '5.10', '5.19', '6.12'];

interface File {
  /** Below library/, with slashes. */
  readonly path: string;
  readonly family: string;
  readonly checked: CheckedTest;
  /** Keeps what it found: each search is made once in this file. */
  readonly checker: Checker;
}

const files: readonly File[] = readdirSync(LIBRARY, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.litmus'))
  .sort()
  .map((path) => {
    const text = readFileSync(join(LIBRARY, path), 'utf8');
    const { checked, diagnostics } = parse(text, path);
    if (checked === undefined) throw new Error(renderDiagnostics(diagnostics, text));
    return { path, family: path.split('/')[0] ?? '', checked, checker: new Checker(checked) };
  });
const families = [...new Set(files.map((f) => f.family))];
const ofFamily = (family: string): readonly File[] => files.filter((f) => f.family === family);

describe('files of the library', () => {
  test('there are tests, each in a folder of its family', () => {
    expect(files.length).toBeGreaterThanOrEqual(80);
    expect(files.filter((f) => f.path.split('/').length !== 2)).toEqual([]);
  });

  test('a file is called as the test in it', () => {
    for (const { path, checked } of files)
      expect(`${checked.test.name}.litmus`).toBe(basename(path));
  });

  test('no name stands twice', () => {
    const names = files.map((f) => f.checked.test.name);
    expect(names.filter((n, i) => names.indexOf(n) !== i)).toEqual([]);
  });

  test('parsing them warns of nothing', () => {
    for (const { path } of files) {
      const text = readFileSync(join(LIBRARY, path), 'utf8');
      expect(renderDiagnostics(parse(text, path).diagnostics, text)).toBe('');
    }
  });

  test('library/README.md lists exactly these, each under its family', () => {
    const listed: string[] = [];
    let family = '';
    for (const line of readFileSync(join(LIBRARY, 'README.md'), 'utf8').split('\n')) {
      family = /^## (.+)$/.exec(line)?.[1] ?? family;
      const row = /^\| \[(.+?)\]\((.+?)\) \|/.exec(line);
      if (row === null) continue;
      expect(row[2]).toBe(`${family}/${row[1]}.litmus`);
      listed.push(row[2] ?? '');
    }
    expect(listed.sort()).toEqual(files.map((f) => f.path).sort());
  });
});

describe('Result: lines', () => {
  test.each(families)('%s: every version has an expectation, and comes to it', (family) => {
    const wrong: string[] = [];
    for (const { checked, checker } of ofFamily(family)) {
      for (const kernel of kernelNames) {
        const name = `${checked.test.name} at ${kernel}`;
        const base = (k: string): string => (isRelease(k) ? k : baseVersion(k));
        if (expectedAt(checked.test, kernel, base) === null) wrong.push(`${name}: no Result: line`);
        const { observation, expected, reason, problems } = checker.check(kernel);
        if (observation !== expected)
          wrong.push(
            `${name}: expected ${expected}, observed ${observation} ${reason ?? ''} ${problems.join('; ')}`,
          );
      }
    }
    expect(wrong).toEqual([]);
  });
});

/** All that a search found, to compare. */
const ends = (v: Verdict): readonly string[] =>
  [...v.states.map((s) => `${s.holds ? 'yes' : 'no'} ${s.text}`), ...v.problems].sort();

describe('the reduction finds what the whole search finds', () => {
  const compared = new Map<string, number>();
  const larger: string[] = [];

  test.each(families)('%s: the same ends at 5.4, 5.10, 5.19 and 6.12', (family) => {
    for (const { checked, checker } of ofFamily(family)) {
      const { name } = checked.test;
      const whole = new Checker(checked);
      for (const kernel of COMPARED_AT) {
        const limits = { states: UNREDUCED_STATES };
        const all = whole.check(kernel, { unreduced: true, limits });
        if (all.observation === 'Unsupported') continue;
        if (all.observation === 'Incomplete') {
          // Too large to compare at any kernel: one try is enough.
          larger.push(name);
          break;
        }
        const some = checker.check(kernel);
        expect({ kernel, name, at: some.observation, ends: ends(some) }).toEqual({
          kernel,
          name,
          at: all.observation,
          ends: ends(all),
        });
        expect(some.explored.states).toBeLessThanOrEqual(all.explored.states);
        compared.set(name, (compared.get(name) ?? 0) + 1);
      }
    }
  });

  test('enough was compared: 40 tests at least, all but a few', () => {
    expect(compared.size).toBeGreaterThanOrEqual(40);
    expect(larger.length).toBeLessThanOrEqual(files.length / 8);
    expect([...compared.values()].reduce((a, b) => a + b, 0)).toBeGreaterThanOrEqual(120);
  });
});
