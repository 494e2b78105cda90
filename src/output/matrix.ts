/** Many verdicts as a matrix: one line a test, one column a kernel. */
import { styleText } from 'node:util';
import type { Verdict } from '../explore/check.ts';
import type { Observation } from '../explore/findings.ts';

const SYMBOL: Readonly<Record<Observation, string>> = {
  Always: 'A',
  Sometimes: 'S',
  Never: '.',
  Bug: 'B',
  Deadlock: 'D',
  Unsupported: '-',
  Vacuous: 'V',
  Incomplete: '?',
};

const LEGEND =
  'A Always  S Sometimes  . Never  B Bug  D Deadlock  - Unsupported  V Vacuous  ? Incomplete  ! not as expected';

export interface MatrixOptions {
  /** Where a terminal reads: colours. */
  readonly color: boolean;
}

/** The verdicts of one test, one for each kernel in the order of `kernels`. */
export interface Row {
  readonly test: string;
  readonly verdicts: readonly Verdict[];
}

/** The matrix with its header and legend, then what differs, then the totals. Without a final newline. */
export const matrixText = (
  kernels: readonly string[],
  rows: readonly Row[],
  options: MatrixOptions,
): string => {
  const all = rows.flatMap((r) => r.verdicts);
  const width = Math.max(4, ...rows.map((r) => r.test.length));
  // Marks take room only where there are any.
  const marked = all.some((v) => v.agrees === false);
  const paint = (style: Parameters<typeof styleText>[0], text: string): string =>
    options.color ? styleText(style, text, { validateStream: false }) : text;
  const lines = header(kernels, width, marked ? 2 : 1);
  for (const row of rows) {
    const cells = row.verdicts.map((v) => {
      const symbol = SYMBOL[v.observation];
      if (v.agrees === false) return paint(['red', 'bold'], `${symbol}!`);
      return paint(v.expected === null ? 'dim' : 'green', symbol) + (marked ? ' ' : '');
    });
    lines.push(`${row.test.padEnd(width)}  ${cells.join('')}`.trimEnd());
  }
  lines.push('', LEGEND);
  const remarks = [...differences(rows), ...unfinished(rows)];
  if (remarks.length > 0) lines.push('', ...remarks);
  lines.push('', totals(rows.length, kernels.length, all));
  return lines.join('\n');
};

/** Names of kernels written downwards, so that a column is as narrow as its cells. */
const header = (kernels: readonly string[], width: number, cell: number): string[] => {
  const height = Math.max(...kernels.map((k) => k.length));
  const lines: string[] = [];
  for (let y = 0; y < height; y++) {
    const row = kernels.map((k) => (k.padStart(height)[y] ?? ' ').padEnd(cell)).join('');
    lines.push(`${(y === height - 1 ? 'test' : '').padEnd(width)}  ${row}`.trimEnd());
  }
  return lines;
};

/** Runs of kernels with the same remark become one line: `test 5.4 .. 5.8: ...`. */
const remark = (rows: readonly Row[], say: (v: Verdict) => string | null): string[] => {
  const lines: string[] = [];
  for (const row of rows) {
    let from = 0;
    while (from < row.verdicts.length) {
      const text = say(row.verdicts[from] as Verdict);
      let to = from;
      while (to + 1 < row.verdicts.length && say(row.verdicts[to + 1] as Verdict) === text) to++;
      const first = row.verdicts[from]?.kernel ?? '';
      const last = row.verdicts[to]?.kernel ?? '';
      if (text !== null)
        lines.push(`${row.test} ${from === to ? first : `${first} .. ${last}`}: ${text}`);
      from = to + 1;
    }
  }
  return lines;
};

const differences = (rows: readonly Row[]): string[] =>
  remark(rows, (v) => {
    if (v.agrees !== false) return null;
    const why = v.problems.length > 0 ? ` (${v.problems.join('; ')})` : '';
    return `expected ${v.expected}, observed ${v.observation}${why}`;
  });

const unfinished = (rows: readonly Row[]): string[] =>
  remark(rows, (v) => {
    if (v.observation === 'Incomplete') return `incomplete: ${v.reason ?? ''}`;
    return v.observation === 'Vacuous' ? 'vacuous: the condition was never asked' : null;
  });

const count = (n: number, one: string): string => `${n} ${one}${n === 1 ? '' : 's'}`;

const totals = (tests: number, kernels: number, all: readonly Verdict[]): string => {
  const as = all.filter((v) => v.agrees === true).length;
  const differ = all.filter((v) => v.agrees === false).length;
  const open = all.filter((v) => v.expected === null && v.observation !== 'Incomplete').length;
  const cut = all.filter((v) => v.observation === 'Incomplete').length;
  const parts = [`${as} as expected`, `${differ} not as expected`];
  if (open > 0) parts.push(`${open} without an expectation`);
  if (cut > 0) parts.push(`${cut} incomplete`);
  return `${count(tests, 'test')} at ${count(kernels, 'kernel')}: ${parts.join(', ')}`;
};
