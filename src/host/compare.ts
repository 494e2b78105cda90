/** What the kernel did beside what the model allows. */
import type { Histogram } from './run-program.ts';

/** What the model says of a test at a kernel, as far as it is compared. */
export interface Allowed {
  readonly observation: string;
  readonly states: readonly { readonly text: string; readonly holds: boolean }[];
  readonly problems: readonly string[];
  /** Why nothing can be said. */
  readonly reason: string | null;
}

export interface Comparison {
  /** agrees: all that was seen is allowed. alone: the model says nothing. cut: the kernel's side is not whole. */
  readonly verdict: 'agrees' | 'disagrees' | 'alone' | 'cut';
  /** Seen, and not allowed. */
  readonly forbidden: readonly string[];
  /**
   * Not allowed, and told from what is allowed by counters of the whole machine, which others move too: seen in few
   * runs, or only larger than in a state that is allowed and was seen, while others were caught counting. It is shown,
   * and does not decide: an outcome of the test itself comes again when it is run again.
   */
  readonly stray: readonly string[];
  /** Allowed, and not seen. */
  readonly unseen: readonly string[];
}

/** Of so many runs, less than one is a stray. */
const STRAY = 20;

/** Terms of a shown state: counters stand without a thread, memory and questions with one. */
const termsIn = (state: string): (readonly [string, string])[] =>
  state
    .split(';')
    .map((t) => t.trim())
    .filter((t) => t !== '')
    .map((t) => [t.slice(0, t.indexOf('=')), t.slice(t.indexOf('=') + 1)] as const);

/** Whether `state` is `other` with more counted. */
const countsMore = (state: string, other: string): boolean => {
  const [a, b] = [termsIn(state), termsIn(other)];
  return (
    a.length === b.length &&
    a.every(([name, value], i) => {
      const [same, least] = b[i] ?? [];
      return (
        name === same && (value === least || (/^\w+$/.test(name) && Number(value) > Number(least)))
      );
    })
  );
};

/** `counters`: the condition asks for counters of the machine. */
export const compareWith = (seen: Histogram, model: Allowed, counters: boolean): Comparison => {
  const allowed = new Set(model.states.map((s) => s.text));
  const found = new Set(seen.states.map((s) => s.text));
  const unseen = model.states.map((s) => s.text).filter((t) => !found.has(t));
  const deadlocks = model.problems.filter((p) => p.startsWith('deadlock'));
  if (seen.problem?.kind !== 'deadlock') unseen.push(...deadlocks);
  if (model.observation === 'Incomplete' || model.observation === 'Unsupported')
    return { verdict: 'alone', forbidden: [], stray: [], unseen: [] };
  const seldom = new Set(
    counters ? seen.states.filter((s) => s.count * STRAY < seen.runs).map((s) => s.text) : [],
  );
  const ours = [...found].filter((t) => allowed.has(t));
  const byOthers = (t: string): boolean =>
    seldom.has(t) || (counters && seen.disturbed > 0 && ours.some((o) => countsMore(t, o)));
  const stray = [...found].filter((t) => !allowed.has(t) && byOthers(t));
  const forbidden = [...found].filter((t) => !allowed.has(t) && !byOthers(t));
  if (seen.problem?.kind === 'deadlock' && deadlocks.length === 0)
    forbidden.push(`deadlock: ${seen.problem.text}`);
  if (forbidden.length > 0) return { verdict: 'disagrees', forbidden, stray, unseen };
  const whole = seen.cut === null && (seen.problem === null || seen.problem.kind === 'deadlock');
  return { verdict: whole && seen.runs > 0 ? 'agrees' : 'cut', forbidden, stray, unseen };
};
