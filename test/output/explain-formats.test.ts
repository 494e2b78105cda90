/** Every format, for every kind of end, short and in full. */
import { describe, expect, test } from 'vitest';
import { explainDot } from '../../src/output/explain-dot.ts';
import { explainItf } from '../../src/output/explain-itf.ts';
import { explainJson } from '../../src/output/explain-json.ts';
import { explainMermaid } from '../../src/output/explain-mermaid.ts';
import { explainPerfetto } from '../../src/output/explain-perfetto.ts';
import { explainText } from '../../src/output/explain-text.ts';
import { explanationOf } from '../explore/witness.ts';

const MEMORY =
  'char *buf = mmap(NULL, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); struct page *pages[1];';
const pin = 'kernel: pin_user_pages_fast(buf, 1, FOLL_WRITE, pages);';

/** By kind of end: a test, and what its end is called. */
const ENDS: readonly (readonly [kind: string, text: string, end: RegExp])[] = [
  [
    'a bug',
    `C bug\n{ ${MEMORY} }\nP0() { ${pin} kernel: unpin_user_page(pages[0]); kernel: unpin_user_page(pages[0]); }\nexists (true)\n`,
    /^pinUnderflow/,
  ],
  [
    'a deadlock',
    'C dead\n{ }\nP0() { await(a); post(b); }\nP1() { await(b); post(a); }\nexists (true)\n',
    /^deadlock: P0, P1 wait$/,
  ],
  [
    'a leak',
    `C leak\n{ ${MEMORY} }\nP0() { ${pin} kernel: pin_user_pages_fast(buf + PAGE_SIZE, 1, FOLL_WRITE, pages); kernel: unpin_user_page(pages[0]); }\nexists (true)\n`,
    /^leak: page frame \d+ is pinned/,
  ],
  [
    'a condition',
    `C condition\n{ ${MEMORY} buf[0] = 1; }\nP0() { ${pin} fork(P1); buf[0] = 2; kernel: r0 = page_read(pages[0], 0); }\nP1() { r0 = buf[0]; }\nexists (0:r0=1)\n`,
    /^0:r0=1;$/,
  ],
];

describe.each(ENDS)('%s', (_, text, end) => {
  const x = explanationOf(text, '5.8');

  test('is the end of the witness', () => {
    expect(x.end.text).toMatch(end);
    expect(x.steps.length).toBeGreaterThan(0);
    expect(x.verdict).not.toBeNull();
  });

  describe.each([false, true])('in full: %s', (full) => {
    test('text: the end and why, in 100 columns', () => {
      const shown = explainText(x, { color: false, full });
      expect(shown).toContain(`End       ${x.end.text}`);
      expect(shown).toMatch(/^Why: /m);
      expect(shown).toContain('<==');
      for (const line of shown.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
    });

    test('mermaid: a sequence diagram with all threads', () => {
      const lines = explainMermaid(x, full).split('\n');
      expect(lines.filter((l) => l.trim() === 'sequenceDiagram')).toHaveLength(1);
      for (const { name } of x.threads)
        expect(lines.some((l) => l.includes('participant') && l.includes(name))).toBe(true);
      expect(lines.length).toBeGreaterThan(x.threads.length + 2);
    });

    test('dot: a graph whose braces match', () => {
      const shown = explainDot(x, full);
      expect(shown).toMatch(/^digraph /);
      const bare = shown.replace(/"(?:[^"\\]|\\.)*"/g, '');
      expect(bare.split('{').length).toBe(bare.split('}').length);
    });
  });

  test('json: the schema, the end, every step', () => {
    const json = JSON.parse(JSON.stringify(explainJson(x))) as { end: object; steps: object[] };
    expect(json).toMatchObject({ schema: 'pinfold.explain/1', end: { text: x.end.text } });
    expect(json.steps).toHaveLength(x.steps.length);
  });

  test('perfetto: events with finite times', () => {
    const { traceEvents } = JSON.parse(JSON.stringify(explainPerfetto(x))) as {
      traceEvents: { ph: string; ts?: number }[];
    };
    expect(traceEvents.length).toBeGreaterThan(0);
    for (const e of traceEvents) if (e.ph !== 'M') expect(Number.isFinite(e.ts)).toBe(true);
  });

  test('itf: a state before the first step and one after each', () => {
    const { vars, states } = JSON.parse(JSON.stringify(explainItf(x))) as {
      vars: string[];
      states: Record<string, unknown>[];
    };
    expect(states.length).toBe(x.steps.length + 1);
    for (const state of states) for (const name of vars) expect(state).toHaveProperty(name);
  });
});
