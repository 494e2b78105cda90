/** A witness as a graph for Graphviz: a column of steps a thread, dashed lines where one thread goes on after another. */
import type { Explanation } from '../explore/explain/types.ts';
import { countsText, explainRows } from './explain-rows.ts';

/** Without a final newline. */
export const explainDot = (x: Explanation, full: boolean): string => {
  const nodes: { id: string; thread: number; label: string[]; bad: boolean }[] = [];
  let current: (typeof nodes)[number] | undefined;
  for (const row of explainRows(x, full)) {
    if (row.kind === 'statement' || current === undefined || current.thread !== row.thread) {
      current = { id: `n${nodes.length}`, thread: row.thread, label: [], bad: false };
      nodes.push(current);
    }
    const { label } = current;
    if (row.kind === 'statement') label.push(row.text);
    if (row.kind === 'step') {
      const text = [row.label, row.details.join('; ')].filter((t) => t !== '').join(': ');
      label.push(`${row.step.index} ${text}`);
    }
    if (row.kind === 'counts') label.push(...row.counts.map((c) => `= ${countsText(c, full)}`));
    if (row.kind === 'moment') {
      label.push(`<== ${row.text}`);
      current.bad = true;
    }
  }
  const lines = [
    'digraph witness {',
    `  label=${quoted([`${x.test} at ${x.kernel}: ${x.end.text}`])};`,
    '  node [shape=box, fontname="monospace", fontsize=10];',
  ];
  for (const [t, thread] of x.threads.entries()) {
    const own = nodes.filter((n) => n.thread === t);
    if (own.length === 0) continue;
    lines.push(`  subgraph cluster_${t} {`, `    label=${quoted([thread.name])};`);
    for (const n of own)
      lines.push(
        `    ${n.id} [label=${quoted(n.label)}${n.bad ? ', color=red, penwidth=2' : ''}];`,
      );
    lines.push('  }');
    for (let i = 1; i < own.length; i++)
      lines.push(`  ${own[i - 1]?.id} -> ${own[i]?.id} [weight=9];`);
  }
  for (let i = 1; i < nodes.length; i++) {
    const [a, b] = [nodes[i - 1], nodes[i]];
    if (a !== undefined && b !== undefined && a.thread !== b.thread)
      lines.push(`  ${a.id} -> ${b.id} [style=dashed, constraint=true];`);
  }
  lines.push('}');
  return lines.join('\n');
};

/** Lines of a label, left-aligned. */
const quoted = (lines: readonly string[]): string =>
  `"${lines.map((l) => l.replace(/[\\"]/g, '\\$&')).join('\\l')}${lines.length > 1 ? '\\l' : ''}"`;
