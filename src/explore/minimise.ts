/**
 * Delta debugging of a litmus test: the smallest test that greedy edits (litmus/shrink.ts) come to, with the same verdict
 * at the given kernels, and where a change of rules flips it, with the same change.
 */
import { rulesFor, takeRules } from '../kernels/index.ts';
import type { LitmusTest } from '../litmus/ast.ts';
import { parse } from '../litmus/parse.ts';
import { print } from '../litmus/printer.ts';
import { SHRINK_PASSES } from '../litmus/shrink.ts';
import { countStatements, sizeOf, withoutComments } from '../litmus/tree.ts';
import type { Flip } from './bisect.ts';
import { Checker } from './check.ts';
import type { Exploration, Observation } from './findings.ts';
import type { Limits } from './limits.ts';

/** What every smaller test must show. */
interface Keep {
  readonly kernel: string;
  readonly observation: Observation;
  /** How executions went wrong, page frames aside. */
  readonly problems: string;
}

export interface Minimised {
  /** The smaller test, formatted, with what it shows in a comment. */
  readonly text: string;
  /** Statements and threads, before and after. */
  readonly before: readonly [statements: number, threads: number];
  readonly after: readonly [statements: number, threads: number];
  /** Tests that were explored on the way. */
  readonly tries: number;
  /** Why a smaller one was not looked for any more; null: no edit makes it smaller. */
  readonly cut: string | null;
}

export interface MinimiseOptions {
  /** Smaller tests to explore at most. */
  readonly tries: number;
  readonly limits: Partial<Limits>;
  /** Told after each try; true: stop. */
  readonly onTry: (tries: number, statements: number) => boolean;
}

/** How much more than the test itself a smaller one may take before it is given up. */
const PATIENCE = 4;

/** The kernels whose verdicts are kept: the sides of the flips, or else the first and the last. */
const keptKernels = (kernels: readonly string[], flips: readonly Flip[]): string[] => {
  const sides = flips.flatMap((f) => [f.from, f.to]);
  const ends = sides.length > 0 ? sides : [kernels[0], kernels.at(-1)];
  return [...new Set(ends)].filter((kernel) => kernel !== undefined);
};

const problemsOf = (e: Exploration): string =>
  [...new Set(e.problems.map((p) => p.replace(/\d+/g, '#')))].sort().join('; ');

/**
 * Shrinks the test of `checker`. Verdicts are kept at the sides of `flips`, where possible of those whose causes are known,
 * together with the first cause of each; without flips at the first and the last of `kernels`. Throws RangeError when one of these could not be explored.
 */
export const minimise = (
  checker: Checker,
  kernels: readonly string[],
  flips: readonly Flip[],
  options: MinimiseOptions,
): Minimised => {
  const explained = flips.filter((f) => f.causes.length > 0);
  const kept = keptKernels(kernels, explained.length > 0 ? explained : flips);
  const limits = { ...options.limits };
  let states = 0;
  const keep = kept.map((kernel): Keep => {
    const e = checker.explore(rulesFor(kernel), { limits });
    if (e.observation === 'Incomplete')
      throw new RangeError(`at ${kernel} it cannot be explored: ${e.reason ?? ''}`);
    states = Math.max(states, e.explored.states);
    return { kernel, observation: e.observation, problems: problemsOf(e) };
  });
  const enough = Math.min(limits.states ?? Number.POSITIVE_INFINITY, PATIENCE * states + 10_000);
  let cut: string | null = null;
  let tries = 0;
  const smallLimits: Partial<Limits> = { ...limits, states: enough };

  const shows = (candidate: Checker): boolean =>
    keep.every(({ kernel, observation, problems }) => {
      const e = candidate.explore(rulesFor(kernel), { limits: smallLimits });
      return e.observation === observation && problemsOf(e) === problems;
    }) && explained.every((flip) => isFlippedBy(candidate, flip, smallLimits));

  let best = withoutComments(checker.checked.test);
  let bestText = print(best);
  let bestSize = sizeOf(best, bestText);
  const refused = new Set<string>();
  const tryOut = (candidate: LitmusTest): boolean => {
    const text = print(candidate);
    const size = sizeOf(candidate, text);
    if (!isBelow(size, bestSize) || refused.has(text)) return false;
    const { checked } = parse(text, 'smaller');
    if (checked !== undefined) {
      tries++;
      if (shows(new Checker(checked))) {
        best = checked.test;
        bestText = text;
        bestSize = size;
      }
      if (options.onTry(tries, countStatements(best))) cut = 'interrupted';
      else if (tries >= options.tries) cut = `limit of ${options.tries} tries`;
    }
    if (best === checked?.test) return true;
    refused.add(text);
    return false;
  };

  let before: string;
  do {
    before = bestText;
    for (const pass of SHRINK_PASSES) {
      let shrinks = pass(best);
      for (let i = 0; i < shrinks.length && cut === null; ) {
        if (tryOut((shrinks[i] as () => LitmusTest)())) shrinks = pass(best);
        else i++;
      }
    }
  } while (bestText !== before && cut === null);

  return {
    text: withHeader(checker.checked.test.name, best, keep),
    before: [countStatements(checker.checked.test), checker.checked.test.threads.length],
    after: [countStatements(best), best.threads.length],
    tries,
    cut,
  };
};

/** Whether the first cause that is named for the flip brings the new verdict to this test too. */
const isFlippedBy = (
  checker: Checker,
  { from, to, after, causes }: Flip,
  limits: Partial<Limits>,
): boolean => {
  const taken = (causes[0] ?? []).map((d) => d.rule.name);
  const mixed = takeRules(rulesFor(from), rulesFor(to), taken);
  return checker.explore(mixed, { limits }).observation === after;
};

const isBelow = (a: readonly number[], b: readonly number[]): boolean => {
  const i = a.findIndex((n, at) => n !== b[at]);
  return i >= 0 && (a[i] as number) < (b[i] as number);
};

/** The test with a name of its own and `Result:` lines for what was seen. */
const withHeader = (name: string, test: LitmusTest, keep: readonly Keep[]): string => {
  const lines = keep.flatMap(({ kernel, observation }) =>
    observation === 'Vacuous' || observation === 'Incomplete'
      ? []
      : [` * Result: ${observation} (${/^\d/.test(kernel) ? '= ' : ''}${kernel})`],
  );
  const comment = ['(*', ` * Shrunk from ${name} by pinfold bisect --minimise.`, ...lines, ' *)'];
  const init = { ...test.init, comments: [comment.join('\n')] };
  return print({ ...test, name: `${name}-min`, init });
};
