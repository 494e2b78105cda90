/**
 * The library that ships: it agrees with what its files say at every kernel, says something for every kernel, is listed, and the
 * search that checks it is sound: with and without the reduction the same ends are found.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Verdict } from '../src/explore/check.ts';
import { checkAll } from '../src/explore/pool.ts';
import { kernelNames } from '../src/kernels/index.ts';
import type { CheckedTest } from '../src/litmus/checked.ts';
import { parse, renderDiagnostics } from '../src/litmus/index.ts';

const LIBRARY = fileURLToPath(new URL('../library', import.meta.url));
/** States up to which the unreduced search is tried. */
const UNREDUCED_STATES = 60_000;
/** Before pins; references decide; exclusivity decides; now. */
const COMPARED_AT = ['5.4', '5.10', '5.19', '6.12'];

interface File {
  /** Below library/, with slashes. */
  readonly path: string;
  readonly family: string;
  readonly text: string;
  readonly checked: CheckedTest;
}

const files: readonly File[] = readdirSync(LIBRARY, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.litmus'))
  .sort()
  .map((path) => {
    const text = readFileSync(join(LIBRARY, path), 'utf8');
    const { checked, diagnostics } = parse(text, path);
    if (checked === undefined) throw new Error(renderDiagnostics(diagnostics, text));
    return { path, family: path.split('/')[0] ?? '', text, checked };
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
    for (const { path, text } of files)
      expect(renderDiagnostics(parse(text, path).diagnostics, text)).toBe('');
  });

  test('library/README.md lists exactly these, each under its family', () => {
    const listed: string[] = [];
    let family = '';
    for (const line of readFileSync(join(LIBRARY, 'README.md'), 'utf8').split('\n')) {
      family = /^## (.+)$/.exec(line)?.[1] ?? family;
      const row = /^\| \[(.+?)\]\((.+?)\) \|/.exec(line);
      if (row === null) continue;
      expect(row[2]).toBe(`${family}/${row[1]}.litmus`);
      expect(line.split(' | ')[1]).not.toBe(row[1]?.replaceAll('-', ' '));
      listed.push(row[2] ?? '');
    }
    expect(listed.sort()).toEqual(files.map((f) => f.path).sort());
  });
});

/** Explores every test at `kernels` in worker threads, where the sources run as they are; by the name of the test. */
const explored = async (
  kernels: readonly string[],
  unreduced: boolean,
  limits: { readonly states: number },
): Promise<ReadonlyMap<string, readonly Verdict[]>> => {
  const options = { limits: { time: 120_000, ...limits }, unreduced, sample: undefined };
  const run = checkAll(
    files,
    () => kernels,
    options,
    null,
    2,
    () => undefined,
  );
  const verdicts = await run.verdicts;
  return new Map(files.map((f, i) => [f.checked.test.name, verdicts[i] ?? []]));
};

let found: ReadonlyMap<string, readonly Verdict[]>;
beforeAll(async () => {
  found = await explored(kernelNames, false, { states: 4_000_000 });
}, 600_000);

describe('Result: lines', () => {
  test.each(families)('%s: every version has an expectation, and comes to it', (family) => {
    const wrong: string[] = [];
    for (const { checked } of ofFamily(family)) {
      const { name } = checked.test;
      const verdicts = found.get(name) ?? [];
      expect(verdicts.map((v) => v.kernel)).toEqual(kernelNames);
      for (const { kernel, observation, expected, reason, problems } of verdicts) {
        if (expected === null) wrong.push(`${name} at ${kernel}: no Result: line`);
        else if (observation !== expected)
          wrong.push(
            `${name} at ${kernel}: expected ${expected}, observed ${observation} ${reason ?? ''} ${problems.join('; ')}`,
          );
      }
    }
    expect(wrong).toEqual([]);
  });
});

/** All that a search found, to compare. */
const ends = (v: Verdict | undefined): readonly string[] => [
  v?.observation ?? 'nothing',
  ...(v?.states ?? []).map((s) => `${s.holds ? 'yes' : 'no'} ${s.text}`).sort(),
  ...(v?.problems ?? []).toSorted(),
];

describe('the reduction finds what the whole search finds', () => {
  const compared = new Map<string, number>();
  const larger = new Set<string>();
  let whole: ReadonlyMap<string, readonly Verdict[]>;
  beforeAll(async () => {
    whole = await explored(COMPARED_AT, true, { states: UNREDUCED_STATES });
  }, 600_000);

  test.each(families)('%s: the same ends at 5.4, 5.10, 5.19 and 6.12', (family) => {
    for (const { checked } of ofFamily(family)) {
      const { name } = checked.test;
      for (const all of whole.get(name) ?? []) {
        if (all.observation === 'Unsupported') continue;
        if (all.observation === 'Incomplete') {
          larger.add(name);
          continue;
        }
        const some = found.get(name)?.find((v) => v.kernel === all.kernel);
        expect({ name, at: all.kernel, ends: ends(some) }).toEqual({
          name,
          at: all.kernel,
          ends: ends(all),
        });
        expect(some?.explored.states).toBeLessThanOrEqual(all.explored.states);
        compared.set(name, (compared.get(name) ?? 0) + 1);
      }
    }
  });

  test('enough was compared: 40 tests at least, all but a few', () => {
    expect(compared.size).toBeGreaterThanOrEqual(40);
    expect(larger.size).toBeLessThanOrEqual(files.length / 8);
    expect([...compared.values()].reduce((a, b) => a + b, 0)).toBeGreaterThanOrEqual(120);
  });
});
