/**
 * Mutants of the first kind: at a kernel, one rule has a value that it has at some other version. They need no change
 * of the source, and only tests that read the rule are run.
 */
import { Checker } from '../../src/explore/check.ts';
import { missing } from '../../src/explore/supported.ts';
import { trackRules } from '../../src/explore/tracked-rules.ts';
import {
  RULES,
  type RuleLiteral,
  type RuleOverrides,
  rulesFor,
  ruleValue,
  withOverrides,
} from '../../src/kernels/index.ts';
import type { Outcome } from '../../src/litmus/ast.ts';
import { expectedAt } from '../../src/litmus/result.ts';
import type { LibraryTest } from './library.ts';
import type { Result } from './report.ts';

export interface RuleMutant {
  /** `cow.smallReuse=mapcount@6.12` */
  readonly id: string;
  readonly rule: string;
  readonly value: RuleLiteral;
  readonly kernel: string;
}

/** All of them at `kernels` (mainline), or those of one rule. */
export const ruleMutants = (kernels: readonly string[], only: string | null): RuleMutant[] =>
  RULES.filter((rule) => only === null || rule.name === only).flatMap((rule) =>
    kernels.flatMap((kernel) => {
      const own = ruleValue(rulesFor(kernel), rule.name);
      const values = new Set<RuleLiteral>(rule.values.map((s) => s.value));
      for (const value of rule.also ?? []) values.add(value);
      values.delete(own);
      return [...values].map((value) => ({
        id: `${rule.name}=${value}@${kernel}`,
        rule: rule.name,
        value,
        kernel,
      }));
    }),
  );

/** A test that is expected to do something at a kernel, and what it read to do so. */
interface Base {
  readonly test: LibraryTest;
  readonly checker: Checker;
  readonly expected: Outcome;
  readonly read: ReadonlySet<string>;
  readonly states: number;
}

/** States that a mutant may have beyond those that the test has: a mutant that goes wild is left. */
const MORE_STATES = 100_000;

const basesAt = (
  kernel: string,
  tests: readonly LibraryTest[],
  checkers: ReadonlyMap<LibraryTest, Checker>,
): Base[] => {
  const rules = rulesFor(kernel);
  const bases: Base[] = [];
  for (const test of tests) {
    const expected = expectedAt(test.checked.test, kernel, (name) => name);
    const checker = checkers.get(test);
    if (expected === null || checker === undefined) continue;
    const asked = trackRules(rules);
    const supported = missing(test.checked, asked.rules) === null;
    const read = new Set(asked.read.keys());
    const { observation, explored } = checker.explore(rules);
    if (observation !== expected)
      throw new Error(`${test.name} at ${kernel}: expected ${expected}, observed ${observation}`);
    if (supported) for (const name of checker.rulesRead(rules).keys()) read.add(name);
    bases.push({ test, checker, expected, read, states: explored.states });
  }
  return bases.sort((a, b) => a.states - b.states);
};

/** Shows each mutant to the tests that read its rule, the small ones first, until one of them notices. */
export const runRuleMutants = (
  mutants: readonly RuleMutant[],
  tests: readonly LibraryTest[],
  onResult: (result: Result) => void,
): Result[] => {
  const checkers = new Map(tests.map((test) => [test, new Checker(test.checked)]));
  const bases = new Map<string, Base[]>();
  return mutants.map((mutant) => {
    const at = bases.get(mutant.kernel) ?? basesAt(mutant.kernel, tests, checkers);
    bases.set(mutant.kernel, at);
    const overrides = { [mutant.rule]: mutant.value } as RuleOverrides;
    const rules = withOverrides(mutant.kernel, overrides);
    const readers = at.filter((b) => b.read.has(mutant.rule));
    const result = judge(mutant.id, readers, (b) => {
      const limits = { states: b.states + MORE_STATES };
      try {
        return b.checker.explore(rules, { limits }).observation;
      } catch (error) {
        // The model refuses to go on with such a mixture of rules: that is noticed too.
        return `threw ${error instanceof Error ? error.message : String(error)}`;
      }
    });
    onResult(result);
    return result;
  });
};

const judge = (id: string, readers: readonly Base[], observe: (b: Base) => string): Result => {
  for (const base of readers) {
    const observed = observe(base);
    if (observed !== base.expected && observed !== 'Incomplete')
      return {
        id,
        fate: 'noticed',
        by: base.test.name,
        how: `${base.expected} became ${observed}`,
        tests: readers.length,
      };
  }
  return {
    id,
    fate: readers.length === 0 ? 'unreached' : 'survived',
    by: null,
    how: null,
    tests: readers.length,
  };
};
