/**
 * Mutants of the first kind: at a kernel, one rule has a value that it has at some other version. They need no change
 * of the source, and only tests that read the rule are run.
 */
import { RULES, type RuleLiteral, rulesFor, ruleValue } from '../../src/kernels/index.ts';

export interface RuleMutant {
  /** `cow.smallReuse=mapcount@6.12` */
  readonly id: string;
  readonly rule: string;
  readonly value: RuleLiteral;
  readonly kernel: string;
}

/** Before pins to now: each value of each rule is the own one or a mutant at one of them. */
export const RULE_KERNELS = ['5.7', '5.10', '6.12'] as const;

/** All of them at `kernels` (mainline), or those of one rule. */
export const ruleMutants = (
  kernels: readonly string[] = RULE_KERNELS,
  only: string | null = null,
): RuleMutant[] =>
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
