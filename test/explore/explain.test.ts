/** What a witness is said to show: names, counts, and the moment where it goes wrong. */
import { describe, expect, test } from 'vitest';
import { chooseEnd, findEnd } from '../../src/explore/explain/ends.ts';
import { endOfPath, explain, testHash } from '../../src/explore/explain/explain.ts';
import type { Explanation } from '../../src/explore/explain/types.ts';
import { parsePath } from '../../src/explore/replay.ts';
import { rulesFor } from '../../src/kernels/index.ts';
import { explanationOf, witnessOf } from './witness.ts';

const BUFFER =
  'char *buf = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);';

/** Kernel functions at the step of the verdict. */
const atVerdict = (x: Explanation): string | null | undefined =>
  x.steps.find((s) => s.index === x.verdict?.step)?.kernelFunction;

describe('the moment where things go wrong', () => {
  test('the pinned page is no longer the page at its address', () => {
    const x = explanationOf('cow/pin-mprotect-write', '5.9');
    expect(x.verdict?.text).toMatch(
      /^buf in P0 is page copy of buf from here on, no longer page buf, which P0 holds a pin on \(taken in step \d+\)/,
    );
    expect(atVerdict(x)).toBe('wp_page_copy');
  });

  test('a race parts pin and address the same way', () => {
    const x = explanationOf('fork/pin-races-fork', '5.10');
    expect(x.verdict?.text).toMatch(/no longer page buf, which P2 holds a pin on/);
  });

  test('another process sees private memory through a reference', () => {
    const x = explanationOf('vmsplice/vmsplice-child', '5.7');
    expect(x.verdict?.text).toMatch(
      /^P0 writes its private memory in page buf itself, which P1 holds a reference on/,
    );
  });

  test('a file is written through a private mapping (CVE-2016-5195)', () => {
    const x = explanationOf('force/dirty-cow', '4.6');
    expect(x.verdict?.text).toMatch(/a page of the file itself, .* a private mapping$/);
  });

  test('a BUG stands in the statement that made it, not in the one before', () => {
    const x = explanationOf('release/double-unpin', '6.12');
    expect(x.verdict?.text).toMatch(
      /^BUG pinUnderflow: a pin of page buf is released, but none is held/,
    );
    const step = x.steps.find((s) => s.index === x.verdict?.step);
    expect(step?.line).toBe(x.steps.at(-1)?.line);
    expect(step?.statement).toBe('kernel: unpin_user_page(pages[0])');
    expect(step?.line).toBeGreaterThan(x.steps.at(-2)?.line ?? 0);
  });

  test('a leak begins where the last word that knew of the pin is overwritten', () => {
    const x = explanationOf('release/overwritten-array-leaks', '6.12');
    expect(x.verdict?.text).toBe(
      'page buf stays pinned, and from here on nobody knows of it any more',
    );
    const step = x.steps.find((s) => s.index === x.verdict?.step);
    expect(step?.differences.filter((d) => d.kind === 'variable').map((d) => d.object)).toEqual([
      'pages[0]',
    ]);
  });

  test('a deadlock says who waits for what', () => {
    const x = explanationOf(
      'C d\n{ }\nP0() { await(first); post(second); }\nP1() { await(second); post(first); }\nexists (true)\n',
      '6.12',
    );
    expect(x.verdict?.text).toBe('deadlock: P0 waits for event first; P1 waits for event second');
    expect(x.steps.slice(-2).map((s) => s.statement)).toEqual([
      'P0() { await(first); post(second); }',
      'P1() { await(second); post(first); }',
    ]);
  });

  test('where nothing else does, it is where the condition comes to hold', () => {
    const x = explanationOf(
      `C s\n{\n  ${BUFFER}\n}\nP0()\n{\n  buf[0] = 1;\n  r0 = buf[0];\n}\nexists (0:r0=1)\n`,
      '6.12',
    );
    expect(x.verdict?.text).toBe('from here on the condition holds');
    expect(x.steps.find((s) => s.index === x.verdict?.step)?.statement).toBe('r0 = buf[0]');
  });

  test('an end of no interest has none', () => {
    const { witness, end } = witnessOf('cow/pin-mprotect-write', '6.12');
    const x = explain(witness, end, 'why not', false);
    expect(x.verdict).toBeNull();
    expect(x.steps.flatMap((s) => s.moments)).toEqual([]);
  });
});

describe('what steps say', () => {
  const x = explanationOf('cow/pin-mprotect-write', '5.9');

  test('a pin of a small page is 1024 references and one pin (A.9.2)', () => {
    const shown = x.steps.flatMap((s) => s.differences.filter((d) => d.kind === 'page' && d.shown));
    expect(shown).toContainEqual({
      ...{ kind: 'page', object: 'pins of page buf', before: '0', after: '1' },
      ...{ frame: expect.any(Number) as number, shown: true },
    });
    const pinned = x.steps
      .flatMap((s) => s.counts)
      .find((c) => c.pins === 1 && c.page === 'page buf');
    expect(pinned?.refs).toBe(1025);
  });

  test('the release of a pin and of its references is one step', () => {
    const step = x.steps.find((s) =>
      s.differences.some((d) => d.object === 'pins of page buf' && d.after === '0'),
    );
    expect(step?.statement).toBe('kernel: unpin_user_page(pages[0])');
    expect(step?.differences.map((d) => d.object)).toContain('refs of page buf');
  });

  test('entries say page and permission', () => {
    const entries = x.steps.flatMap((s) =>
      s.differences.filter((d) => d.kind === 'entry' && d.shown),
    );
    expect(entries.map((d) => `${d.object}: ${d.before} -> ${d.after}`).slice(0, 2)).toEqual([
      'pte of buf in P0: page buf rw dirty -> none',
      'pte of buf in P0: none -> page buf ro dirty',
    ]);
  });

  test('names, rules and places come from the docstrings', () => {
    const step = x.steps.find((s) => s.kernelFunction === 'try_get_folio');
    expect(step?.rules).toContain('S17');
    expect(step?.source).toMatch(/^src\/mm\/grab\.ts:\d+$/);
  });

  test('a flag that the kernel does not have is no difference that shows (PG_anon_exclusive is of 5.19)', () => {
    const exclusive = (kernel: string): boolean[] =>
      explanationOf('vmsplice/vmsplice-child', kernel).steps.flatMap((s) =>
        s.differences
          .filter((d) => d.object.startsWith('anonExclusive') || d.object.startsWith('exclusive'))
          .map((d) => d.shown),
      );
    expect(exclusive('5.7')).not.toContain(true);
    expect(exclusive('6.12')).toContain(true);
  });

  test('a result that equals what the variable held is told all the same', () => {
    const y = explanationOf(
      `C z\n{\n  ${BUFFER}\n  buf[0] = 0;\n}\nP0()\n{\n  r0 = buf[0];\n}\nexists (0:r0=0)\n`,
      '6.12',
    );
    expect(y.steps.flatMap((s) => s.differences).filter((d) => d.object === 'r0')).toMatchObject([
      { before: '0', after: '0', shown: true },
    ]);
  });

  test('each step has a number, each decision too', () => {
    expect(x.steps.map((s) => s.index)).toEqual(x.steps.map((_, i) => i + 1));
    const y = explanationOf('fork/pin-races-fork', '5.10');
    const decisions = y.steps.flatMap((s) => s.decision ?? []);
    expect(decisions).toEqual(decisions.map((_, i) => i + 1));
    expect(decisions).toHaveLength(parsePath(y.path)?.length ?? -1);
  });
});

describe('which end, and where', () => {
  test('a problem, else a state as the quantifier wants it, else any', () => {
    const { checker } = witnessOf('cow/pin-mprotect-write', '5.9');
    const at = (kernel: string) => chooseEnd(checker.checked, checker.explore(rulesFor(kernel)));
    expect(at('5.9')).toMatchObject({ interesting: true, end: { holds: true } });
    expect(at('6.12')).toMatchObject({ interesting: false, end: { holds: false } });
    expect(at('5.4')).toBeNull();
  });

  test('forall wants a state in which the proposition does not hold', () => {
    const { end } = witnessOf(
      'C f\n{ int x = 0; }\nP0() { x = 1; r0 = x; }\nP1() { x = 2; }\nforall (0:r0=1)\n',
      '6.12',
    );
    expect(end).toMatchObject({ text: '0:r0=2;', holds: false });
  });

  test('an end is found by a part of its text, if no other has it', () => {
    const { checker } = witnessOf('fork/pin-races-fork', '5.10');
    const exploration = checker.explore(rulesFor('5.10'));
    expect(findEnd(exploration, 'r0=2')).toMatchObject({ text: '0:r0=2;' });
    expect(findEnd(exploration, 'r0')).toEqual(expect.arrayContaining(['0:r0=1;', '0:r0=2;']));
    expect(findEnd(exploration, 'r7')).toHaveLength(2);
  });

  test('a path leads to its end, and is the same after a second exploration', () => {
    const one = witnessOf('fork/pin-races-fork', '5.10');
    const two = witnessOf('fork/pin-races-fork', '5.10');
    expect(two.witness.path).toEqual(one.witness.path);
    expect(endOfPath(two.witness)).toEqual(one.end);
    expect(() => endOfPath({ ...one.witness, path: one.witness.path.slice(1, 3) })).toThrow(
      RangeError,
    );
  });

  test('a witness that leads elsewhere than it should is a fault of ours', () => {
    const { witness, end } = witnessOf('fork/pin-races-fork', '5.10');
    expect(() => explain(witness, { ...end, text: '0:r0=7;' }, '', true)).toThrow(
      /leads to '0:r0=1;' when it is replayed/,
    );
  });

  test('the hash is that of the test, not of its spelling', () => {
    const hash = (text: string): string => testHash(witnessOf(text, '6.12').witness.checked);
    const text = 'C h\n{ int x = 0; }\nP0() { x = 1; }\nexists (0:x=1)\n';
    expect(hash(text)).toMatch(/^[0-9a-f]{12}$/);
    expect(hash(text.replace('x = 1;', 'x  =  1 ;'))).toBe(hash(text));
    expect(hash(text.replace('x = 1;', 'x = 2;'))).not.toBe(hash(text));
  });
});
