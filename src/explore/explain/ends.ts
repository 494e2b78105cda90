/** Which end of a test is worth showing, and at which kernel. */
import type { Quantifier } from '../../litmus/ast.ts';
import type { CheckedTest } from '../../litmus/checked.ts';
import type { Exploration } from '../findings.ts';
import type { ExplainedEnd } from './types.ts';

export interface Choice {
  readonly end: ExplainedEnd;
  /** The end that the test is about; else any, because there is none. */
  readonly interesting: boolean;
}

/** The proposition's value in a state that is of interest. */
export const wantedOf = (quantifier: Quantifier): boolean => quantifier !== 'forall';

/** A problem before a state, the states in order of their text. */
export const chooseEnd = (checked: CheckedTest, exploration: Exploration): Choice | null => {
  const wanted = wantedOf(checked.test.condition.quantifier);
  const [problem] = [...exploration.problems].sort(bugsFirst);
  if (problem !== undefined)
    return { end: { kind: 'problem', text: problem, holds: null }, interesting: true };
  const states = [...exploration.states].sort((a, b) => (a.text < b.text ? -1 : 1));
  const state = states.find((s) => s.holds === wanted) ?? states[0];
  if (state === undefined) return null;
  return { end: { kind: 'state', ...state }, interesting: state.holds === wanted };
};

const bugsFirst = (a: string, b: string): number => {
  const late = (text: string): number => (/^(deadlock|livelock)/.test(text) ? 1 : 0);
  return late(a) - late(b) || (a < b ? -1 : 1);
};

/** The end that `text` names: all of it, or a part that no other end has. An array: the ends that it may mean. */
export const findEnd = (
  exploration: Exploration,
  text: string,
): ExplainedEnd | readonly string[] => {
  const ends: ExplainedEnd[] = [
    ...exploration.problems.map((p) => ({ kind: 'problem' as const, text: p, holds: null })),
    ...exploration.states.map((s) => ({ kind: 'state' as const, ...s })),
  ];
  const plain = (s: string): string => s.replace(/[\s;]+/g, '');
  const exact = ends.filter((e) => plain(e.text) === plain(text));
  const found = exact.length > 0 ? exact : ends.filter((e) => plain(e.text).includes(plain(text)));
  return found.length === 1 && found[0] !== undefined
    ? found[0]
    : (found.length > 0 ? found : ends).map((e) => e.text);
};
