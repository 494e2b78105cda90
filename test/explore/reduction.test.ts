/** The reductions lose nothing: final states and problems are those of the search without them. */
import { describe, expect, test } from 'vitest';
import { Checker } from '../../src/explore/check.ts';
import { rulesFor } from '../../src/kernels/index.ts';
import { parse, renderDiagnostics } from '../../src/litmus/index.ts';
import { racingProgram } from './racing-programs.ts';
import { variableProgram } from './variable-programs.ts';

/** More with PINFOLD_PROGRAMS=1000. */
const PROGRAMS = Number(process.env['PINFOLD_PROGRAMS'] ?? 60);
/** Without reductions some programs are too large to finish: they say nothing. */
const LIMITS = { states: 15_000, time: 30_000 };

const endsOf = (text: string, file: string, kernel: string, unreduced: boolean) => {
  const { checked, diagnostics } = parse(text, file);
  if (checked === undefined) throw new Error(renderDiagnostics(diagnostics, text));
  const e = new Checker(checked).explore(rulesFor(kernel), { unreduced, limits: LIMITS });
  return e.observation === 'Incomplete'
    ? null
    : { states: e.states.map((s) => s.text).sort(), problems: [...e.problems].sort() };
};

describe('reduced = unreduced', () => {
  test(`on ${PROGRAMS} generated racing programs`, () => {
    let compared = 0;
    let branching = 0;
    for (let seed = 1; seed <= PROGRAMS; seed++) {
      const { text, kernel } = racingProgram(seed);
      const full = endsOf(text, `racing-${seed}`, kernel, true);
      if (full === null) continue;
      const reduced = endsOf(text, `racing-${seed}`, kernel, false);
      expect(reduced, `seed ${seed} at ${kernel}:\n${text}`).toEqual(full);
      compared++;
      if (full.states.length > 1) branching++;
    }
    // The comparison must not become empty by itself.
    expect(compared).toBeGreaterThan(PROGRAMS * 0.5);
    expect(branching).toBeGreaterThan(PROGRAMS * 0.1);
  }, 600_000);

  test(`on ${PROGRAMS} generated programs that race on variables`, () => {
    let compared = 0;
    let branching = 0;
    for (let seed = 1; seed <= PROGRAMS; seed++) {
      const text = variableProgram(seed);
      const full = endsOf(text, `variables-${seed}`, '6.12', true);
      if (full === null) continue;
      const reduced = endsOf(text, `variables-${seed}`, '6.12', false);
      expect(reduced, `seed ${seed}:\n${text}`).toEqual(full);
      compared++;
      if (full.states.length > 1) branching++;
    }
    expect(compared).toBeGreaterThan(PROGRAMS * 0.9);
    expect(branching).toBeGreaterThan(PROGRAMS * 0.3);
  }, 600_000);

  test(`on ${PROGRAMS} generated programs that may go round for ever`, () => {
    let endless = 0;
    let several = 0;
    for (let seed = 1; seed <= PROGRAMS; seed++) {
      const text = variableProgram(seed, true);
      const full = endsOf(text, `endless-${seed}`, '6.12', true);
      if (full === null) continue;
      const reduced = endsOf(text, `endless-${seed}`, '6.12', false);
      expect(reduced, `seed ${seed}:\n${text}`).toEqual(full);
      const livelocks = full.problems.filter((p) => p.startsWith('livelock'));
      if (livelocks.length > 0) endless++;
      if (livelocks.some((p) => p.includes(','))) several++;
    }
    expect(endless).toBeGreaterThan(PROGRAMS * 0.2);
    expect(several).toBeGreaterThan(0);
  }, 600_000);
});
