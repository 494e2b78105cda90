/** Which rules flip what a test does between two kernels. */
import { diffRules, type RuleDifference, rulesFor, takeRules } from '../kernels/index.ts';
import type { Checker, CheckOptions } from './check.ts';
import { type Exploration, nothing, type Observation } from './findings.ts';

/** A point in the history of kernels where the outcome of a test changes. */
export interface Flip {
  /** Neighbours: the last kernel with the old outcome and the first with the new one. */
  readonly from: string;
  readonly to: string;
  readonly before: Observation;
  readonly after: Observation;
  /** States of each, as text, for flips within the same observation. */
  readonly statesBefore: readonly string[];
  readonly statesAfter: readonly string[];
  /** Smallest sets of rules whose new values alone bring the new outcome; several if they are equally small. */
  readonly causes: readonly (readonly RuleDifference[])[];
  /** Why no set is named: the test cannot run before, or none was found among sets of up to `MAX_SET` rules. */
  readonly reason: string | null;
}

const MAX_SET = 3;

export interface BisectOptions extends CheckOptions {
  /** A change of the set of final states is a flip too, otherwise only one of the observation. */
  readonly states?: boolean;
  /** Told before each exploration what it is about; true: stop, with what was found. */
  readonly onExplore?: (about: string) => boolean;
}

/** What is compared: the observation and the final states. */
const outcome = (e: Exploration): string =>
  JSON.stringify([e.observation, [...e.states.map((s) => s.text)].sort(), [...e.problems].sort()]);

/** What was found along some kernels. */
export interface Flips {
  readonly flips: readonly Flip[];
  /** Kernels about which nothing can be said, in order, and why; no flip has one of them as a side. */
  readonly unknown: readonly { readonly kernel: string; readonly reason: string }[];
}

/** The flips of a test along `kernels` (in order). */
export const bisect = (
  checker: Checker,
  kernels: readonly string[],
  options: BisectOptions = {},
): Flips => {
  const unknown: { kernel: string; reason: string }[] = [];
  const known: Side[] = [];
  let stopped = false;
  for (const kernel of kernels) {
    stopped ||= options.onExplore?.(kernel) === true;
    const found = stopped
      ? nothing('Incomplete', 'interrupted')
      : checker.explore(rulesFor(kernel), options);
    if (found.observation !== 'Incomplete') known.push({ kernel, found });
    else unknown.push({ kernel, reason: found.reason ?? 'Incomplete' });
  }
  return { flips: flipsAlong(checker, known, options), unknown };
};

interface Side {
  readonly kernel: string;
  readonly found: Exploration;
}

const flipsAlong = (checker: Checker, sides: readonly Side[], options: BisectOptions): Flip[] => {
  const flips: Flip[] = [];
  sides.forEach(({ kernel: from, found: before }, i) => {
    const next = sides[i + 1];
    if (next === undefined) return;
    const { kernel: to, found: after } = next;
    const same =
      options.states === true
        ? outcome(before) === outcome(after)
        : before.observation === after.observation;
    if (same) return;
    flips.push({
      from,
      to,
      before: before.observation,
      after: after.observation,
      statesBefore: before.states.map((s) => s.text),
      statesAfter: after.states.map((s) => s.text),
      ...causesOf(checker, from, to, before, after, options),
    });
  });
  return flips;
};

const causesOf = (
  checker: Checker,
  from: string,
  to: string,
  before: Exploration,
  after: Exploration,
  options: BisectOptions,
): Pick<Flip, 'causes' | 'reason'> => {
  for (const [kernel, side] of [
    [from, before],
    [to, after],
  ] as const) {
    if (side.observation === 'Unsupported')
      return { causes: [], reason: `${kernel}: ${side.reason ?? side.observation}` };
  }
  const [oldRules, newRules] = [rulesFor(from), rulesFor(to)];
  // Only a rule that one of the two explorations asked for can matter.
  const read = new Set([
    ...checker.rulesRead(oldRules).keys(),
    ...checker.rulesRead(newRules).keys(),
  ]);
  const differences = diffRules(from, to).filter((d) => read.has(d.rule.name));
  const wanted = options.states === true ? outcome(after) : after.observation;
  let stopped = false;
  const brings = (set: readonly RuleDifference[]): boolean => {
    stopped ||= options.onExplore?.(`${from} with rules of ${to}`) === true;
    if (stopped) return false;
    const mixed = takeRules(
      oldRules,
      newRules,
      set.map((d) => d.rule.name),
    );
    const got = checker.explore(mixed, options);
    return (options.states === true ? outcome(got) : got.observation) === wanted;
  };
  for (let size = 1; size <= Math.min(MAX_SET, differences.length); size++) {
    const causes = subsets(differences, size).filter(brings);
    if (stopped) return { causes, reason: 'interrupted before all sets of rules were tried' };
    if (causes.length > 0) return { causes, reason: null };
  }
  return {
    causes: [],
    reason: `no set of up to ${MAX_SET} of the ${differences.length} rules that differ brings it alone`,
  };
};

const subsets = <T>(items: readonly T[], size: number): T[][] => {
  if (size === 0) return [[]];
  return items.flatMap((item, i) =>
    subsets(items.slice(i + 1), size - 1).map((rest) => [item, ...rest]),
  );
};
