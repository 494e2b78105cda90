import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Arg,
  type Loaded,
  loadForms,
  runDirect,
  runResumable,
  runStepped,
  runWithDetours,
} from './forms.ts';

function fixture(name: string): string {
  return readFileSync(join(import.meta.dirname, 'fixtures', name), 'utf8');
}

const NUMBERS: readonly Arg[][] = [0, 1, 2, 3, 5, 6, 9].map((n) => [n]);

const CASES: Readonly<Record<string, readonly Arg[][]>> = {
  shadowing: NUMBERS,
  bools: [[true], [false]],
  expressions: NUMBERS,
  conditions: NUMBERS,
  loops: NUMBERS,
  earlyReturns: [...NUMBERS, [12]],
  switches: NUMBERS,
  recursion: NUMBERS,
  mutual: [
    [0, true],
    [4, true],
    [5, false],
  ],
  plainCalls: NUMBERS,
  aliases: NUMBERS,
  slots: [
    [1, 2, true],
    [3, 4, false],
  ],
  asi: NUMBERS,
  split: NUMBERS,
};

let loaded: Loaded;
beforeAll(async () => {
  loaded = await loadForms(
    {
      'set/statements.ts': fixture('statements.ts'),
      'set/steps.ts': fixture('steps.ts'),
      'set/toy.ts': fixture('toy.ts'),
      'outside/plain.ts': fixture('plain.ts'),
    },
    'set/statements.ts',
  );
});
afterAll(() => loaded.remove());

describe('the forms of the fixture do the same', () => {
  it('has a case for every function', () => {
    expect(Object.keys(loaded.stepped).sort()).toEqual(Object.keys(CASES).sort());
  });

  for (const [name, rows] of Object.entries(CASES)) {
    for (const args of rows) {
      it(`${name}(${args.join(', ')})`, () => {
        const stepped = loaded.stepped[name];
        const direct = loaded.direct[name];
        if (stepped === undefined || direct === undefined) throw new TypeError(name);
        const expected = runStepped(stepped, args);
        expect(runDirect(direct, args)).toEqual({ result: expected.result, state: expected.state });
        expect(runResumable(loaded, name, args)).toEqual(expected);
        const { outcome, detours } = runWithDetours(loaded, name, args);
        expect(outcome).toEqual(expected);
        for (const detour of detours) expect(detour).toEqual(expected);
      });
    }
  }
});
