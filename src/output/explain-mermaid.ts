/** A witness as a Mermaid sequence diagram: threads are participants, page counts and moments are notes. */
import type { Explanation } from '../explore/explain/types.ts';
import { countsText, type ExplainRow, explainRows } from './explain-rows.ts';

/** Without a final newline. */
export const explainMermaid = (x: Explanation, full: boolean): string => {
  const rows = explainRows(x, full);
  const active = x.threads.map((_, t) => t).filter((t) => rows.some((r) => r.thread === t));
  const name = (t: number): string => x.threads[t]?.name ?? `T${t}`;
  const lines = [
    '---',
    `title: ${plain(`${x.test} at ${x.kernel}`)}`,
    '---',
    'sequenceDiagram',
    ...active.map((t) => `  participant ${name(t)}`),
  ];
  const [first, last] = [active[0] ?? 0, active.at(-1) ?? 0];
  const across = first === last ? name(first) : `${name(first)},${name(last)}`;
  for (const c of x.start) lines.push(`  Note over ${across}: ${plain(countsText(c, full))}`);
  for (const row of rows) lines.push(...rowLines(row, name(row.thread), full));
  lines.push(`  Note over ${across}: ${plain(`End: ${x.end.text}`)}`);
  return lines.join('\n');
};

const rowLines = (row: ExplainRow, name: string, full: boolean): string[] => {
  switch (row.kind) {
    case 'statement':
      return [`  ${name}->>${name}: ${plain(row.text)}`];
    case 'step': {
      const text = [row.label, row.details.join(', ')].filter((t) => t !== '').join(': ');
      return [`  ${name}-->>${name}: ${plain(`${row.step.index} ${text}`)}`];
    }
    case 'fold':
      return [];
    case 'counts':
      return row.counts.map((c) => `  Note over ${name}: ${plain(countsText(c, full))}`);
    case 'moment':
      return ['  rect rgb(255, 220, 220)', `  Note over ${name}: ${plain(row.text)}`, '  end'];
  }
};

/** Text of a message: semicolons end one and `#` begins an entity. */
const plain = (text: string): string =>
  text
    .replaceAll('#', '#35;')
    .replace(/;/g, (c, at: number) => (text[at - 3] === '#' ? c : '#59;'));
