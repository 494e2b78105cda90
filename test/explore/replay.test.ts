import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { finalState, problemOf } from '../../src/explore/findings.ts';
import { parsePath, pathText, replay, type TraceStep } from '../../src/explore/replay.ts';
import { witnessOf } from './witness.ts';

describe('the text of a path', () => {
  const decision = fc.record({ thread: fc.nat(9), choice: fc.nat(2) });

  test('reads back as what it was written from', () => {
    fc.assert(
      fc.property(fc.array(decision, { maxLength: 40 }), (path) => {
        expect(parsePath(pathText(path))).toEqual(path);
      }),
    );
  });

  test('is short', () => {
    const path = [0, 0, 0, 1, 0].map((thread) => ({ thread, choice: 0 }));
    expect(pathText(path)).toBe('0.3/1/0');
    expect(pathText([{ thread: 1, choice: 1 }])).toBe('1c1');
    expect(pathText([])).toBe('-');
  });

  test.each(['', '0.3/', 'x', '0.a', '1c', '0/-1', '0.3 /1'])('"%s" is none', (text) => {
    expect(parsePath(text)).toBeNull();
  });
});

describe('replay', () => {
  test.each([
    ['fork/pin-races-fork', '5.10'],
    // Begins with a choice.
    ['device/pud-protected', '6.11'],
  ])('comes to the end that the search said, for every end of %s', (test, kernel) => {
    const { witness, ways } = witnessOf(test, kernel);
    const { machine, sharing, condition } = witness;
    expect(ways.names.length).toBeGreaterThan(1);
    for (const name of ways.names) {
      let reached: string | null = null;
      replay(
        machine,
        sharing,
        ways.easiestPath(name) ?? [],
        () => undefined,
        (end) => {
          if (end !== null)
            reached = problemOf(machine, end) ?? finalState(machine, condition)?.text ?? null;
        },
      );
      expect(reached).toBe(name);
    }
  });

  test('leaves the machine as it was, and tells the same story again', () => {
    const { witness } = witnessOf('vmsplice/vmsplice-child', '5.7');
    const { machine, sharing, path } = witness;
    const before = machine.arena.slice();
    const tell = (): TraceStep[] => {
      const steps: TraceStep[] = [];
      replay(machine, sharing, path, (s) => steps.push(s));
      return steps;
    };
    const first = tell();
    expect(machine.arena).toEqual(before);
    expect(tell()).toEqual(first);
    expect(first.filter((s) => s.decision)).toHaveLength(path.length);
  });

  test('steps carry the statement that they belong to, its last step too', () => {
    const { witness } = witnessOf('cow/pin-mprotect-write', '5.9');
    const lines: number[] = [];
    replay(witness.machine, witness.sharing, witness.path, (s) => {
      const line = witness.machine.k.program.code[s.instruction]?.line ?? 0;
      if (s.functions.includes('sysMprotect') && !lines.includes(line)) lines.push(line);
    });
    expect(lines.map((l) => witness.source.split('\n')[l - 1]?.trim())).toEqual([
      'mprotect(buf, PAGE_SIZE, PROT_READ);',
      'mprotect(buf, PAGE_SIZE, PROT_READ | PROT_WRITE);',
    ]);
  });

  test.each([
    ['9', /decision 1 of 1: there is no thread 9/],
    ['1', /decision 1 of 1: P1 cannot step there/],
    ['0c1', /decision 1 of 1: P0 has no alternative 1 there/],
  ])('refuses the path %s, and leaves the machine as it was', (text, message) => {
    const { witness } = witnessOf('fork/pin-races-fork', '5.10');
    const { machine, sharing } = witness;
    const before = machine.arena.slice();
    expect(() => replay(machine, sharing, parsePath(text) ?? [], () => undefined)).toThrow(message);
    expect(machine.arena).toEqual(before);
  });

  test('says of a path that stops early that the execution could go on', () => {
    const { witness } = witnessOf('fork/pin-races-fork', '5.10');
    const { machine, sharing, path } = witness;
    let end: unknown = 'not called';
    replay(
      machine,
      sharing,
      path.slice(0, 3),
      () => undefined,
      (e) => {
        end = e;
      },
    );
    expect(end).toBeNull();
  });
});
