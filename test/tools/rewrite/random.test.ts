import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  loadForms,
  type Outcome,
  runDirect,
  runResumable,
  runStepped,
  runWithDetours,
} from './forms.ts';
import { randomProgram } from './program.ts';

const FUNCTIONS = 8;
const PROGRAMS = 50;
/** Detours cost the square of a run's length. */
const SHORT = 120;

function fixture(name: string): string {
  return readFileSync(join(import.meta.dirname, 'fixtures', name), 'utf8');
}

/** Calls in loops in calls in loops may take for ever; such functions are left out. */
function shortRun(run: () => Outcome): Outcome | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

it(`${PROGRAMS * FUNCTIONS} random functions do the same in every form`, async () => {
  let functions = 0;
  let steps = 0;
  let detoured = 0;
  const tape = fc.array(fc.nat(1 << 20), { minLength: 300, maxLength: 900, size: 'max' });
  await fc.assert(
    fc.asyncProperty(tape, fc.nat(20), fc.nat(20), fc.boolean(), async (numbers, a, b, c) => {
      const program = randomProgram(numbers, FUNCTIONS);
      const files = {
        'set/program.ts': program.text,
        'set/steps.ts': fixture('steps.ts'),
        'set/toy.ts': fixture('toy.ts'),
      };
      const loaded = await loadForms(files, 'set/program.ts');
      for (const name of program.names) {
        const args = [a, b, c];
        const stepped = loaded.stepped[name];
        const direct = loaded.direct[name];
        if (stepped === undefined || direct === undefined) throw new TypeError(name);
        const expected = shortRun(() => runStepped(stepped, args));
        if (expected === undefined) continue;
        functions++;
        steps += expected.accesses.length;
        expect(runDirect(direct, args)).toEqual({ result: expected.result, state: expected.state });
        expect(runResumable(loaded, name, args)).toEqual(expected);
        if (expected.accesses.length > SHORT) continue;
        const { outcome, detours } = runWithDetours(loaded, name, args);
        expect(outcome).toEqual(expected);
        for (const detour of detours) expect(detour).toEqual(expected);
        detoured += detours.length;
      }
      loaded.remove();
    }),
    { numRuns: PROGRAMS, endOnFailure: true },
  );
  expect(functions).toBeGreaterThan(300);
  expect(steps).toBeGreaterThan(1000);
  expect(detoured).toBeGreaterThan(500);
});
