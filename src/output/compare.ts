/** What `pinfold check --design A,B --compare` prints: tests by design. Pure: data in, text or JSON out. */
import Table from 'cli-table3';
import type { Verdict } from '../explore/check.ts';

/** One column: mainline (`design` null) or a design, on top of a kernel. */
export interface Column {
  readonly design: string | null;
  readonly kernel: string;
}

export interface Comparison {
  readonly columns: readonly Column[];
  /** Verdicts in the order of the columns; null: not come to. */
  readonly rows: readonly {
    readonly test: string;
    readonly file: string;
    readonly verdicts: readonly (Verdict | null)[];
  }[];
}

/** `range-lock on 4.18`, `mainline 4.18`. */
export const columnName = ({ design, kernel }: Column): string =>
  design === null ? `mainline ${kernel}` : `${design} on ${kernel}`;

/** Whether the columns say different things of a test. */
const differs = (verdicts: readonly (Verdict | null)[]): boolean =>
  new Set(verdicts.map((v) => v?.observation ?? 'Incomplete')).size > 1;

const cell = (verdict: Verdict | null): string =>
  `${verdict?.observation ?? 'Incomplete'}${verdict?.agrees === false ? ' !' : ''}`;

/** A table with a line for each test, and what differs counted. */
export const compareText = ({ columns, rows }: Comparison): string => {
  const table = new Table({
    head: ['', 'test', ...columns.map(columnName)],
    style: { head: [], border: [], compact: true },
    chars: BARE,
  });
  for (const { test, verdicts } of rows)
    table.push([differs(verdicts) ? '*' : '', test, ...verdicts.map(cell)]);
  const lines = table.toString().split('\n');
  const different = rows.filter((r) => differs(r.verdicts)).length;
  const bad = rows.flatMap((r) => r.verdicts).filter((v) => v?.agrees === false).length;
  return [
    ...lines.map((line) => line.trimEnd()),
    '',
    '* the designs differ   ! not as expected',
    '',
    `${rows.length} ${rows.length === 1 ? 'test' : 'tests'}, ${columns.length} columns: ${different} differ, ${bad} verdicts not as expected`,
  ].join('\n');
};

const BARE = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: ' ',
};

/** The same, for programs. */
export const compareJson = ({ columns, rows }: Comparison) => ({
  schema: 'pinfold.compare/1',
  columns,
  tests: rows.map(({ test, file, verdicts }) => ({
    test,
    file,
    differs: differs(verdicts),
    verdicts: verdicts.map((v, i) => ({
      ...columns[i],
      observation: v?.observation ?? 'Incomplete',
      expected: v?.expected ?? null,
      agrees: v?.agrees ?? null,
    })),
  })),
});
