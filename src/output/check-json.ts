/** `pinfold check --json`: schema pinfold.check/1. Fields are only ever added to it. */
import type { Verdict } from '../explore/check.ts';

export const checkJson = (kernels: readonly string[], verdicts: readonly Verdict[]): object => ({
  schema: 'pinfold.check/1',
  kernels,
  verdicts: verdicts.map((v) => ({
    test: v.test,
    file: v.file,
    kernel: v.kernel,
    observation: v.observation,
    expected: v.expected,
    agrees: v.agrees,
    reason: v.reason,
    problems: v.problems,
    notes: v.notes,
    states: [...v.states]
      .sort((a, b) => (a.text < b.text ? -1 : 1))
      .map((s) => ({
        state: s.text,
        holds: s.holds,
        ...(s.path === undefined ? {} : { path: s.path }),
      })),
    explored: v.explored,
    milliseconds: Math.round(v.milliseconds),
  })),
  summary: {
    asExpected: verdicts.filter((v) => v.agrees === true).length,
    notAsExpected: verdicts.filter((v) => v.agrees === false).length,
    incomplete: verdicts.filter((v) => v.observation === 'Incomplete').length,
    vacuous: verdicts.filter((v) => v.observation === 'Vacuous').length,
  },
});
