/** A witness as text: one column a thread, only what changes, the moment where it goes wrong marked. */
import { styleText } from 'node:util';
import type { Explanation } from '../explore/explain/types.ts';
import { countsText, type ExplainRow, explainRows } from './explain-rows.ts';

export interface TextOptions {
  readonly color: boolean;
  /** Every step and every change, with page frames, rules and places in the source. */
  readonly full: boolean;
}

const WIDTH = 100;
/** Room for a step's number. */
const NUMBERS = 6;
/** The last column has at least this much room; the others may reach over those to their right. */
const LAST_COLUMN = 48;
const COLUMN = 66;

type Style = Parameters<typeof styleText>[0];

/** Without a final newline. */
export const explainText = (x: Explanation, options: TextOptions): string => {
  const paint = (style: Style, text: string): string =>
    options.color && text !== '' ? styleText(style, text, { validateStream: false }) : text;
  const rows = explainRows(x, options.full);
  const layout = new Columns(x, rows, paint);
  const lines = [...header(x, options, paint), '', layout.heads()];
  for (const row of rows) lines.push(...rowLines(row, layout, options));
  lines.push('', ...wrap(endText(x), WIDTH, ''));
  if (x.verdict !== null)
    lines.push(
      ...wrap(`Why: step ${x.verdict.step}: ${x.verdict.text}.`, WIDTH, '     ').map((l) =>
        paint('bold', l),
      ),
    );
  return lines.join('\n');
};

const endText = (x: Explanation): string => {
  if (x.end.kind === 'problem') return `End: ${x.end.text}`;
  return `End: ${x.end.text} (the condition ${x.end.holds === true ? 'holds' : 'does not hold'})`;
};

const header = (
  x: Explanation,
  options: TextOptions,
  paint: (style: Style, text: string) => string,
): string[] => {
  const entry = (name: string, text: string): string[] => {
    const [first = '', ...rest] = wrap(text, WIDTH - 10, '');
    return [`${paint('bold', name.padEnd(10))}${first}`, ...rest.map((l) => ' '.repeat(10) + l)];
  };
  return [
    ...entry('Test', `${x.test} (${x.hash})`),
    ...entry('Kernel', x.kernel),
    ...entry('Condition', x.condition),
    ...entry('End', x.end.text),
    ...entry('', x.reason),
    // To be pasted: never in several lines.
    `${paint('bold', 'Path'.padEnd(10))}${x.path}`,
    `${paint('bold', 'Again'.padEnd(10))}${x.command}`,
    ...x.start.flatMap((c, i) => entry(i === 0 ? 'Start' : '', countsText(c, options.full))),
  ];
};

const rowLines = (row: ExplainRow, layout: Columns, { full }: TextOptions): string[] => {
  switch (row.kind) {
    case 'statement':
      return layout.lines(row.thread, `L${row.line}`, row.text, 'bold');
    case 'fold':
      return layout.lines(row.thread, '', `  ... ${row.steps} steps`, 'dim');
    case 'counts':
      return row.counts.flatMap((c) =>
        layout.lines(row.thread, '', `  = ${countsText(c, full)}`, 'cyan'),
      );
    case 'moment':
      return layout.lines(row.thread, '', `<== ${row.text}`, ['red', 'bold']);
    case 'step': {
      const { step } = row;
      // A.31 lists the steps themselves.
      const list = step.rules.filter((r) => r !== 'A.31');
      const rules = list.length > 0 ? ` [${list.join(' ')}]` : '';
      const name = row.label === '' ? '' : `${row.label}${rules}`;
      const text = [name, row.details.join('; ')].filter((t) => t !== '').join(': ');
      const lines = layout.lines(row.thread, String(step.index), `  ${text}`);
      if (full && step.source !== null) {
        const more = `    ${step.functions.slice(-3).join(' > ')} (${step.source})${step.decision === null ? '' : ` decision ${step.decision}`}`;
        lines.push(...layout.lines(row.thread, '', more, 'dim'));
      }
      return lines;
    }
  }
};

/** Places text of a thread in its column, and draws the other threads' lines where there is room. */
class Columns {
  readonly #starts = new Map<number, number>();
  readonly #names: readonly string[];
  readonly #paint: (style: Style, text: string) => string;

  constructor(
    x: Explanation,
    rows: readonly ExplainRow[],
    paint: (style: Style, text: string) => string,
  ) {
    this.#paint = paint;
    this.#names = x.threads.map((t) => t.name);
    const active = x.threads.map((_, t) => t).filter((t) => rows.some((r) => r.thread === t));
    const stride =
      active.length < 2
        ? 0
        : Math.min(40, Math.floor((WIDTH - NUMBERS - LAST_COLUMN) / (active.length - 1)));
    for (const [i, t] of active.entries()) this.#starts.set(t, NUMBERS + i * stride);
  }

  heads(): string {
    let line = '';
    for (const [t, start] of this.#starts) line = line.padEnd(start) + (this.#names[t] ?? '');
    return this.#paint('bold', line);
  }

  /** Wrapped; further lines are indented by two more than the first. */
  lines(thread: number, number: string, text: string, style?: Style): string[] {
    const start = this.#starts.get(thread) ?? NUMBERS;
    const indent = /^(?:[=.<]*\s*)*/.exec(text)?.[0].length ?? 0;
    const wrapped = wrap(text, Math.min(COLUMN, WIDTH - start), ' '.repeat(indent + 2));
    return wrapped.map((part, i) => {
      const left = this.#rails(0, start, i === 0 ? number.padStart(NUMBERS - 2) : '');
      const right = this.#rails(start + part.length, WIDTH, '');
      const shown = style === undefined ? part : this.#paint(style, part);
      return `${this.#paint('dim', left)}${shown}${this.#paint('dim', right)}`.trimEnd();
    });
  }

  /** Characters from `from` to `to` of a line: bars of the threads that begin there, after `head`. */
  #rails(from: number, to: number, head: string): string {
    let line = head;
    for (const start of this.#starts.values())
      if (start > from && start < to) line = `${line.padEnd(start - from)}|`;
    return from === 0 ? line.padEnd(to) : line;
  }
}

/** Lines of at most `width` characters, broken at blanks; those after the first begin with `indent`. */
export const wrap = (text: string, width: number, indent: string): string[] => {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > width) {
    const least = lines.length === 0 ? (/^ */.exec(rest)?.[0].length ?? 0) : indent.length;
    const blank = rest.lastIndexOf(' ', width);
    const slash = rest.lastIndexOf('/', width - 1) + 1;
    const cut = blank > least ? blank : slash > least ? slash : width;
    lines.push(rest.slice(0, cut).trimEnd());
    rest = indent + rest.slice(cut).trimStart();
  }
  lines.push(rest);
  return lines;
};
