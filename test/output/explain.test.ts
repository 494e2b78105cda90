/** Renderings of witnesses: the text against golden files, the other formats by what their readers need. */
import { describe, expect, test } from 'vitest';
import { explainDot } from '../../src/output/explain-dot.ts';
import { explainItf } from '../../src/output/explain-itf.ts';
import { explainJson } from '../../src/output/explain-json.ts';
import { explainMermaid } from '../../src/output/explain-mermaid.ts';
import { explainPerfetto } from '../../src/output/explain-perfetto.ts';
import { explainRows } from '../../src/output/explain-rows.ts';
import { explainText, wrap } from '../../src/output/explain-text.ts';
import { explanationOf } from '../explore/witness.ts';

const WITNESSES = [
  ['vmsplice/vmsplice-child', '5.7'],
  ['fork/pin-races-fork', '5.10'],
  ['release/double-unpin', '6.12'],
  ['cow/pin-mprotect-write', '5.9'],
] as const;

const explained = WITNESSES.map(([name, kernel]) => ({
  name: name.split('/')[1] ?? '',
  x: explanationOf(name, kernel),
}));

describe.each(explained)('$name', ({ name, x }) => {
  test('text', async () => {
    const text = explainText(x, { color: false, full: false });
    await expect(`${text}\n`).toMatchFileSnapshot(`golden/explain-${name}.txt`);
  });

  test('text fits 100 columns, in full too', () => {
    for (const full of [false, true]) {
      const lines = explainText(x, { color: false, full }).split('\n');
      expect(lines.filter((l) => l.length > 100)).toEqual([]);
      expect(lines.filter((l) => l !== l.trimEnd())).toEqual([]);
    }
  });

  test('text in colour is the same text', () => {
    const plain = explainText(x, { color: false, full: false });
    const colored = explainText(x, { color: true, full: false });
    expect(colored).not.toBe(plain);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is them that are taken away
    expect(colored.replace(/\u001b\[\d+m/g, '').replace(/ +$/gm, '')).toBe(plain);
  });

  test('text in full has every step', () => {
    const full = explainText(x, { color: false, full: true });
    for (const s of x.steps) expect(full).toMatch(new RegExp(`^ *${s.index}  `, 'm'));
  });

  test('every step that shows something has a row, or is counted in a fold', () => {
    const rows = explainRows(x, false);
    for (const s of x.steps) {
      if (s.moments.length === 0 && !s.differences.some((d) => d.shown)) continue;
      expect(rows.some((r) => r.kind === 'step' && r.step.index === s.index)).toBe(true);
    }
  });

  test('json has the schema, and everything decoded', () => {
    const json = JSON.parse(JSON.stringify(explainJson(x))) as Record<string, unknown>;
    expect(json).toMatchObject({
      schema: 'pinfold.explain/1',
      test: name,
      kernel: x.kernel,
      path: x.path,
      hash: x.hash,
    });
    expect(json['steps']).toHaveLength(x.steps.length);
  });

  test('mermaid: each line is one of the language, participants are declared', () => {
    const lines = explainMermaid(x, false).split('\n');
    expect(lines.slice(0, 4)).toEqual([
      '---',
      `title: ${x.test} at ${x.kernel}`,
      '---',
      'sequenceDiagram',
    ]);
    const declared = new Set<string>();
    let open = 0;
    for (const line of lines.slice(4)) {
      const [, participant] = /^ {2}participant (\w+)$/.exec(line) ?? [];
      if (participant !== undefined) declared.add(participant);
      const [, from, to] = /^ {2}(\w+)--?>>(\w+): [^;]*(?:#\d+;[^;]*)*$/.exec(line) ?? [];
      const [, over] = /^ {2}Note over (\w+(?:,\w+)?): [^;]*(?:#\d+;[^;]*)*$/.exec(line) ?? [];
      for (const who of [from, to, ...(over?.split(',') ?? [])])
        if (who !== undefined) expect(declared).toContain(who);
      if (line === '  rect rgb(255, 220, 220)') open++;
      else if (line === '  end') open--;
      else expect(participant ?? from ?? over, line).toBeDefined();
    }
    expect(open).toBe(0);
  });

  test('dot: brackets and quotes match, edges join nodes that there are', () => {
    const dot = explainDot(x, false);
    const bare = dot.replace(/"(?:[^"\\]|\\.)*"/g, '""');
    expect(bare.match(/"/g)?.length ?? 0).toBe(2 * (bare.match(/""/g)?.length ?? 0));
    for (const [open, close] of [
      ['{', '}'],
      ['[', ']'],
    ] as const)
      expect(bare.split(open).length).toBe(bare.split(close).length);
    const nodes = new Set([...bare.matchAll(/^ {4}(n\d+) \[/gm)].map((m) => m[1]));
    const edges = [...bare.matchAll(/^ {2}(n\d+) -> (n\d+) /gm)];
    expect(edges.length).toBeGreaterThanOrEqual(nodes.size - 1);
    for (const [, a, b] of edges) expect(nodes.has(a) && nodes.has(b)).toBe(true);
  });

  test('perfetto: slices of a track nest, counters are numbers', () => {
    const { traceEvents } = explainPerfetto(x) as {
      traceEvents: {
        ph: string;
        tid?: number;
        ts?: number;
        dur?: number;
        name: string;
        args?: Record<string, unknown>;
      }[];
    };
    const named = traceEvents.filter((e) => e.name === 'thread_name').map((e) => e.args?.['name']);
    expect(named).toEqual(x.threads.map((t) => t.name));
    for (const [tid] of x.threads.entries()) {
      const slices = traceEvents.filter((e) => e.ph === 'X' && e.tid === tid + 1);
      for (const a of slices)
        for (const b of slices) {
          const [a1, a2, b1, b2] = [
            a.ts ?? 0,
            (a.ts ?? 0) + (a.dur ?? 0),
            b.ts ?? 0,
            (b.ts ?? 0) + (b.dur ?? 0),
          ];
          const apart = a2 <= b1 || b2 <= a1;
          const inside = (a1 <= b1 && b2 <= a2) || (b1 <= a1 && a2 <= b2);
          expect(apart || inside).toBe(true);
        }
    }
    const counters = traceEvents.filter((e) => e.ph === 'C');
    expect(counters.length).toBeGreaterThan(0);
    for (const c of counters)
      expect(Object.values(c.args ?? {}).every(Number.isInteger)).toBe(true);
    expect(traceEvents.filter((e) => e.ph === 'i').map((e) => e.name)).toEqual(
      x.steps.flatMap((s) => s.moments),
    );
  });

  test('itf: a state before the first step and after each, all with the same variables', () => {
    const itf = explainItf(x) as {
      '#meta': { format: string };
      vars: string[];
      states: Record<string, unknown>[];
    };
    expect(itf['#meta'].format).toBe('ITF');
    expect(itf.states).toHaveLength(x.steps.length + 1);
    for (const [index, state] of itf.states.entries()) {
      expect(state['#meta']).toEqual({ index });
      expect(
        Object.keys(state)
          .filter((k) => k !== '#meta')
          .sort(),
      ).toEqual([...itf.vars].sort());
    }
  });
});

describe('wrap', () => {
  test('breaks at blanks, long paths at slashes, and loses nothing', () => {
    expect(wrap('one two three', 8, '  ')).toEqual(['one two', '  three']);
    expect(wrap('0.12/1.33/0.44', 6, '')).toEqual(['0.12/', '1.33/', '0.44']);
    expect(wrap('abcdefgh', 4, '')).toEqual(['abcd', 'efgh']);
  });
});

test('a loop of a thousand turns is shortened, its verdict stays', () => {
  const x = explanationOf('fork/many-gets-share', '6.12');
  const lines = explainText(x, { color: false, full: false }).split('\n');
  expect(lines.length).toBeLessThan(120);
  expect(lines.filter((l) => l.includes('<=='))).not.toEqual([]);
});

test('pages of a large folio that change alike are one entry', () => {
  const x = explanationOf('fork/pin-fork-write-thp', '5.8');
  const text = explainText(x, { color: false, full: false }).replace(/\n[ |]*/g, ' ');
  expect(text).toContain('page buf+PAGE_SIZE and 510 more: maps 0 -> 1');
});

test('a lock that its holder asks for again', () => {
  const x = explanationOf('release/dirty-lock-under-page-lock', '6.12');
  expect(x.verdict?.text).toMatch(
    /^deadlock: P0 waits for the lock of page buf, which it has itself held since step \d+$/,
  );
});
