/**
 * A witness in Apalache's Informal Trace Format (ADR 015): a state after each step, with the counts of the pages, the
 * variables that have changed so far, and whose step it was.
 */
import type { Explanation, PageCounts } from '../explore/explain/types.ts';

const VARS = ['step', 'thread', 'statement', 'function', 'pages', 'variables', 'entries'] as const;

export const explainItf = (x: Explanation): object => {
  const pages = new Map<string, PageCounts>(x.start.map((c) => [c.page, c]));
  const variables = new Map<string, string>();
  const entries = new Map<string, string>();
  const state = (index: number, more: Readonly<Record<string, unknown>>): object => ({
    '#meta': { index },
    step: int(index),
    ...more,
    pages: map(pages, (c) => ({
      refs: int(c.refs),
      pins: int(c.pins),
      maps: int(c.maps),
      exclusive: c.exclusive === true,
    })),
    variables: map(variables, (v) => v),
    entries: map(entries, (v) => v),
  });
  const states = [state(0, { thread: '', statement: '', function: '' })];
  for (const s of x.steps) {
    const name = x.threads[s.thread]?.name ?? '';
    for (const c of s.counts) pages.set(c.page, c);
    for (const d of s.differences) {
      if (d.kind === 'variable')
        variables.set(d.object.includes(' of ') ? d.object : `${d.object} of ${name}`, d.after);
      if (d.kind === 'entry' && d.shown) entries.set(d.object, d.after);
    }
    states.push(
      state(s.index, {
        thread: name,
        statement: s.statement ?? '',
        function: s.kernelFunction ?? '',
      }),
    );
  }
  return {
    '#meta': {
      format: 'ITF',
      'format-description': 'https://apalache-mc.org/docs/adr/015adr-trace.html',
      description: `${x.test} at ${x.kernel}: ${x.end.text}`,
      source: x.file,
      command: x.command,
    },
    vars: VARS,
    states,
  };
};

/** Integers of any size are kept as text. */
const int = (n: number): object => ({ '#bigint': String(n) });

const map = <V>(entries: ReadonlyMap<string, V>, value: (v: V) => unknown): object => ({
  '#map': [...entries].map(([k, v]) => [k, value(v)]),
});
