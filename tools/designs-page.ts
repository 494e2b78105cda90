/** The parts of docs/designs.md, each from what it is made of: the design variants, their costs, and verdicts of tests. */
import { DESIGNS } from '../src/kernels/index.ts';
import { type Column, type Comparison, columnName } from '../src/output/compare.ts';
import { type Cost, costOf, type Memory } from './design-costs.ts';

const MEMORIES: readonly Memory[] = ['anonymous', 'file', 'huge', 'device'];

const number = (n: number): string => String(Math.round(n * 100) / 100);

const cell = ({ atomics, locks, bytes }: Cost): string =>
  `${number(atomics)} / ${number(locks)} / ${number(bytes)}`;

const costRow = (column: Column): string => {
  const design = DESIGNS.find((d) => d.name === column.design) ?? null;
  // FOLL_PIN without FOLL_LONGTERM is refused there: what its callers do for a moment costs what mainline's get does.
  if (design?.overrides['design.pinFor'] === 'longterm')
    return `| ${columnName(column)} | as mainline, for longterm pins | | | |`;
  const cells = MEMORIES.map((memory) => cell(costOf(design, column.kernel, memory)));
  return `| ${columnName(column)} | ${cells.join(' | ')} |`;
};

/** What a page costs in each column, counted. */
export const costTable = (columns: readonly Column[]): string =>
  [
    '| | small anonymous page | page of a file | 4 KiB of a huge page | 4 KiB of device-dax |',
    '|---|---|---|---|---|',
    ...columns.map(costRow),
  ].join('\n');

/** What each design is, with its rules. */
export const descriptions = (): string =>
  DESIGNS.map(({ name, base, sentence, notes, overrides, source }) =>
    [
      `### ${name}`,
      '',
      `${sentence} Made for ${base}.`,
      '',
      ...notes.map((n) => `- ${n}`),
      '',
      `Rules: ${Object.entries(overrides)
        .map(([rule, value]) => `\`${rule}\` = ${String(value)}`)
        .join(', ')}. Source: ${source}.`,
    ].join('\n'),
  ).join('\n\n');

/** One test of which a design says something else than mainline on the same release. */
export interface Difference {
  readonly design: string;
  readonly test: string;
  readonly mainline: string;
  readonly changed: string;
  /** Why a search is not finished; '' for one that is. */
  readonly reason: string;
}

/** All of them, by column and then by test. */
export const differences = ({ columns, rows }: Comparison): Difference[] =>
  columns.flatMap(({ design, kernel }, i) => {
    if (design === null) return [];
    const base = columns.findIndex((c) => c.design === null && c.kernel === kernel);
    return rows.flatMap(({ test, verdicts }) => {
      const mainline = verdicts[base]?.observation ?? 'Incomplete';
      const changed = verdicts[i]?.observation ?? 'Incomplete';
      const reason = verdicts[i]?.reason ?? '';
      return mainline === changed ? [] : [{ design, test, mainline, changed, reason }];
    });
  });

/** The lines of one design's table, a line for each pair of verdicts. */
export const differenceRows = (all: readonly Difference[], design: string): string[] => {
  const pairs = new Map<string, string[]>();
  for (const d of all) {
    if (d.design !== design || d.changed === 'Incomplete') continue;
    const pair = `| ${d.mainline} | ${d.changed} |`;
    pairs.set(pair, [...(pairs.get(pair) ?? []), d.test]);
  }
  return [...pairs]
    .sort(([a, x], [b, y]) => y.length - x.length || (a < b ? -1 : 1))
    .map(([pair, tests]) => `${pair} ${tests.length} | ${tests.join(', ')} |`);
};

const unfinished = (all: readonly Difference[], design: string): string[] =>
  all
    .filter((d) => d.design === design && d.changed === 'Incomplete')
    .map((d) => `- Not finished: ${d.test}, ${d.reason}. Mainline: ${d.mainline}.`);

/** What the designs say of the tests. */
export const verdictSections = (table: Comparison): string => {
  const all = differences(table);
  return table.columns
    .flatMap(({ design, kernel }) => {
      if (design === null) return [];
      const notes = unfinished(all, design);
      return [
        [
          `### ${design} on ${kernel}`,
          '',
          '| mainline | with the design | tests | |',
          '|---|---|---|---|',
          ...differenceRows(all, design),
          ...(notes.length === 0 ? [] : ['', ...notes]),
        ].join('\n'),
      ];
    })
    .join('\n\n');
};

/** How many tests of each family each design changes; families that none changes are left out. */
export const familyTable = (table: Comparison): string => {
  const designs = table.columns.flatMap(({ design }) => (design === null ? [] : [design]));
  const all = differences(table);
  const familyOf = new Map(
    table.rows.map(({ test, file }) => [test, file.split('/').at(-2) ?? '']),
  );
  const families = [...new Set(familyOf.values())].sort();
  const rows = families.flatMap((family) => {
    const counts = designs.map(
      (design) => all.filter((d) => d.design === design && familyOf.get(d.test) === family).length,
    );
    return counts.every((n) => n === 0) ? [] : [`| ${family} | ${counts.join(' | ')} |`];
  });
  return [
    `| family | ${designs.join(' | ')} |`,
    `|---|${designs.map(() => '---|').join('')}`,
    ...rows,
  ].join('\n');
};
