/**
 * The design variants: every test that says what it expects under a design is right, every design has a test that tells it from
 * mainline, and docs/designs.md is what tools/designs.ts would write of it.
 */
import { readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { columnsOf } from '../../src/cli/compare-designs.ts';
import { litmusFiles, readSources } from '../../src/cli/litmus-files.ts';
import { Checker } from '../../src/explore/check.ts';
import { DESIGNS, designNamed } from '../../src/kernels/index.ts';
import type { Comparison } from '../../src/output/compare.ts';
import { costTable, descriptions, differenceRows, differences } from '../../tools/designs-page.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(`${ROOT}docs/designs.md`, 'utf8');
const names: readonly string[] = DESIGNS.map((d) => d.name);
const columns = columnsOf(DESIGNS, null);

/** Tests of the family, and all others that expect something of a design. */
const sources = readSources(litmusFiles([`${ROOT}library`])).filter(
  ({ checked }) =>
    basename(dirname(checked.test.file)) === 'design' ||
    checked.test.expectations.some(
      (e) => e.range.kind === 'profile' && names.includes(e.range.name),
    ),
);

// In this thread: workers of their own for each column would take longer than the searches.
const limits = { states: 4_000_000, time: 120_000, bytes: 2 ** 31 };
let table: Comparison;
beforeAll(() => {
  const rows = sources.map(({ checked }) => {
    const checker = new Checker(checked);
    const { name, file } = checked.test;
    const verdicts = columns.map(({ design, kernel }) =>
      checker.check(kernel, { limits, design: design === null ? undefined : designNamed(design) }),
    );
    return { test: name, file, verdicts };
  });
  table = { columns, rows };
}, 600_000);

/** The page's part about a design: its verdicts. */
const section = (design: string, kernel: string): string =>
  page.split(/^### /m).find((part) => part.startsWith(`${design} on ${kernel}\n`)) ?? '';

describe('tests under designs', () => {
  test('say what their Result: lines expect, of mainline and of each design that they name', () => {
    const wrong = table.rows.flatMap(({ test: name, verdicts }) =>
      verdicts.flatMap((v, i) =>
        v?.agrees === false ? [[name, columns[i]?.design, v.observation, v.expected]] : [],
      ),
    );
    expect(wrong).toEqual([]);
    // Every line about a design was looked at.
    const lines = sources.flatMap(({ checked }) =>
      checked.test.expectations.filter(
        (e) => e.range.kind === 'profile' && names.includes(e.range.name),
      ),
    );
    const judged = table.rows.flatMap(({ verdicts }) =>
      verdicts.filter((v, i) => columns[i]?.design !== null && v?.agrees === true),
    );
    expect(lines.length).toBeGreaterThan(20);
    expect(judged.length).toBe(lines.length);
  });

  test.each(names)('%s: a test that expects it to differ from mainline, and does', (name) => {
    const i = columns.findIndex((c) => c.design === name);
    const base = columns.findIndex((c) => c.design === null && c.kernel === columns[i]?.kernel);
    const telling = table.rows.filter(({ verdicts }) => {
      const [design, mainline] = [verdicts[i], verdicts[base]];
      return design?.agrees === true && design.observation !== mainline?.observation;
    });
    expect(telling.map((r) => r.test)).not.toEqual([]);
  });
});

describe('docs/designs.md is current', () => {
  test('what the designs are', () => expect(page).toContain(descriptions()));

  test('what they cost', () => expect(page).toContain(costTable(columns)));

  test.each(columns.filter((c) => c.design !== null))(
    'verdicts of the family: $design',
    (column) => {
      const design = column.design ?? '';
      const text = section(design, column.kernel);
      const shown = new Map(
        text.split('\n').flatMap((line) => {
          const row = /^\| (\w+) \| (\w+) \| \d+ \| (.+) \|$/.exec(line);
          if (row === null) return [];
          return (row[3] ?? '').split(', ').map((name) => [name, `${row[1]} ${row[2]}`] as const);
        }),
      );
      const found = differences(table).filter(
        (d) => d.design === design && d.changed !== 'Incomplete',
      );
      expect(found.length).toBeGreaterThan(0);
      for (const d of found)
        expect([d.test, shown.get(d.test)]).toEqual([d.test, `${d.mainline} ${d.changed}`]);
      // And it shows no test of these that is not different.
      const same = sources
        .map((s) => s.checked.test.name)
        .filter((n) => !found.some((d) => d.test === n));
      expect(same.filter((name) => shown.has(name))).toEqual([]);
      for (const line of differenceRows(found, design))
        expect(line).toMatch(/^\| \w+ \| \w+ \| \d+ \| \S/);
    },
  );

  test('the tests that it names are in the library', () => {
    const library = new Set(litmusFiles([`${ROOT}library`]).map((f) => basename(f, '.litmus')));
    const listed = [...page.matchAll(/^\| [A-Z]\w+ \| [A-Z]\w+ \| \d+ \| (.+) \|$/gm)].flatMap(
      (m) => (m[1] ?? '').split(', '),
    );
    expect(listed.length).toBeGreaterThan(100);
    expect(listed.filter((name) => !library.has(name))).toEqual([]);
  });
});
