/** What of a witness is told: rows that the text, the sequence diagram and the graph are made of. */
import type {
  Difference,
  ExplainedStep,
  Explanation,
  PageCounts,
} from '../explore/explain/types.ts';

export type ExplainRow =
  | {
      readonly kind: 'statement';
      readonly thread: number;
      readonly text: string;
      readonly line: number;
    }
  | {
      readonly kind: 'step';
      readonly thread: number;
      readonly step: ExplainedStep;
      readonly label: string;
      readonly details: readonly string[];
    }
  | { readonly kind: 'fold'; readonly thread: number; readonly steps: number }
  | { readonly kind: 'counts'; readonly thread: number; readonly counts: readonly PageCounts[] }
  | { readonly kind: 'moment'; readonly thread: number; readonly text: string };

/** Fewer steps left out are not worth a row: their numbers are missing, that tells. */
const FOLD_FROM = 4;

/** Rows of one thread in a row: more than this are shown only at both ends, and where things go wrong. */
const LONG = 80;
const LONG_HEAD = 24;
const LONG_TAIL = 12;

/** Rows in order. `full`: every step with every change. */
export const explainRows = (x: Explanation, full: boolean): ExplainRow[] => {
  const rows: ExplainRow[] = [];
  /** By thread: the line that its last row belongs to. */
  const lineOf = new Map<number, number>();
  for (const steps of Map.groupBy(x.steps, (s) => s.run).values()) {
    const [first] = steps;
    if (first === undefined) continue;
    const body = runRows(steps, full);
    const { thread, line } = first;
    if (line !== null) {
      const isOn = lineOf.get(thread) === line;
      // Others had no row in between: it is one and the same run for the reader.
      if (!(isOn && rows.at(-1)?.thread === thread)) {
        const text = first.statement ?? '';
        rows.push({
          kind: 'statement',
          thread,
          text: isOn && body.length > 0 ? `... ${text}` : text,
          line,
        });
      }
      lineOf.set(thread, line);
    }
    rows.push(...body);
  }
  return full ? rows : shortened(rows);
};

/** What one run of a statement has to show. */
const runRows = (steps: readonly ExplainedStep[], full: boolean): ExplainRow[] => {
  const rows: ExplainRow[] = [];
  const [first] = steps;
  if (first === undefined) return rows;
  const { thread } = first;
  let folded = 0;
  const unfold = (): void => {
    if (folded >= FOLD_FROM) rows.push({ kind: 'fold', thread, steps: folded });
    folded = 0;
  };
  const counts = new Map<number, PageCounts>();
  for (const step of steps) {
    for (const c of step.counts) counts.set(c.frame, c);
    const details = detailsOf(step, full);
    if (!full && details.length === 0 && step.moments.length === 0) {
      folded++;
      continue;
    }
    unfold();
    rows.push({ kind: 'step', thread, step, label: labelOf(step), details });
    for (const text of step.moments) rows.push({ kind: 'moment', thread, text });
  }
  if (first.line !== null || first.functions.length > 1) unfold();
  if (counts.size > 0) rows.push({ kind: 'counts', thread, counts: [...counts.values()] });
  return rows;
};

/** Without the middle of what one thread does on and on: loops. */
const shortened = (rows: readonly ExplainRow[]): ExplainRow[] => {
  const kept: ExplainRow[] = [];
  for (let i = 0; i < rows.length; ) {
    const thread = rows[i]?.thread ?? 0;
    let end = i;
    while (end < rows.length && rows[end]?.thread === thread) end++;
    const stretch = rows.slice(i, end);
    i = end;
    if (stretch.length <= LONG) {
      kept.push(...stretch);
      continue;
    }
    const middle = stretch.slice(LONG_HEAD, -LONG_TAIL);
    kept.push(...stretch.slice(0, LONG_HEAD));
    let steps = 0;
    for (const [n, row] of middle.entries()) {
      const wrong = row.kind === 'moment' || middle[n + 1]?.kind === 'moment';
      if (!wrong) {
        steps += row.kind === 'step' ? 1 : row.kind === 'fold' ? row.steps : 0;
        continue;
      }
      if (steps > 0) kept.push({ kind: 'fold', thread, steps });
      steps = 0;
      kept.push(row);
    }
    if (steps > 0) kept.push({ kind: 'fold', thread, steps });
    kept.push(...stretch.slice(-LONG_TAIL));
  }
  return kept;
};

/** `try_get_folio()`, `load`, `store`; empty: the statement above says it all. */
export const labelOf = (step: ExplainedStep): string => {
  if (step.kernelFunction !== null) return `${step.kernelFunction}()`;
  if (!step.access.object.startsWith('memory of ')) return '';
  return step.access.operation === 'write' ? 'store' : 'load';
};

const detailsOf = (step: ExplainedStep, full: boolean): string[] => {
  const shown = full ? step.differences : step.differences.filter((d) => d.shown);
  const details = differencesText(shown);
  if (step.meets !== null && (full || details.length === 0)) details.unshift(step.meets);
  if (full && details.length === 0) details.push(`${step.access.operation} ${step.access.object}`);
  return details;
};

/** More pages than this that change alike are one entry; more changes than this are only counted. JSON has them all. */
const ALIKE = 2;
const LISTED = 24;

/** Differences in words, those of one page together: `page buf: refs 1 -> 2, maps 1 -> 2`. */
export const differencesText = (differences: readonly Difference[]): string[] => {
  const texts: string[] = [];
  const results: string[] = [];
  const pages = new Map<string, string[]>();
  for (const d of differences) {
    const [, what, page] = d.kind === 'page' ? (/^(.*?) of (page .*)$/.exec(d.object) ?? []) : [];
    if (what === undefined || page === undefined) {
      (d.kind === 'variable' ? results : texts).push(differenceText(d));
      continue;
    }
    const known = pages.get(page);
    if (known === undefined) pages.set(page, [`${what} ${d.before} -> ${d.after}`]);
    else known.push(`${what} ${d.before} -> ${d.after}`);
  }
  // Pages of a large folio change alike.
  const alike = Map.groupBy(pages, ([, list]) => list.join(', '));
  for (const [change, list] of alike) {
    const names = list.map(([page]) => page);
    const some = names.length > ALIKE ? [`${names[0] ?? ''} and ${names.length - 1} more`] : names;
    texts.push(...some.map((page) => `${page}: ${change}`));
  }
  if (texts.length > LISTED)
    texts.splice(LISTED, texts.length, `and ${texts.length - LISTED} more changes`);
  return [...texts, ...results];
};

const differenceText = (d: Difference): string => {
  if (d.kind === 'variable') return `${d.object} = ${d.after}`;
  if (d.kind === 'process') return d.object;
  return `${d.object}: ${d.before} -> ${d.after}`;
};

/** `page buf: refs 1025, pins 1, maps 1, exclusive`. */
export const countsText = (c: PageCounts, frames: boolean): string => {
  const words = [`refs ${c.refs}`, `pins ${c.pins}`];
  if (c.pincount !== null) words.push(`pincount ${c.pincount}`);
  words.push(`maps ${c.maps}${c.entire === null ? '' : ` (${c.entire} whole)`}`);
  if (c.exclusive !== null) words.push(c.exclusive ? 'exclusive' : 'shared');
  return `${c.page}${frames ? ` (frame ${c.frame})` : ''}: ${c.refs === 0 ? 'free' : words.join(', ')}`;
};
