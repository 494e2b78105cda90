import { baseVersion, RULES, rulesFor, ruleValue } from './kernels.ts';
import { PROFILES } from './profiles.ts';
import type { RuleData, RuleLiteral, RuleStep } from './types.ts';
import { compareVersions } from './versions.ts';

/** A rule that has another value in one kernel than in another. */
export interface RuleDifference {
  readonly rule: RuleData;
  readonly from: RuleLiteral;
  readonly to: RuleLiteral;
  /** The mainline changes of the rule between the two, in the order of travel (newest first when going back). */
  readonly steps: readonly RuleStep[];
  /** Backports of either kernel, when it is a profile. */
  readonly backports: readonly string[];
}

/**
 * The rules whose value differs between kernels `a` and `b`, in the order of the listings. A rule that changed
 * and changed back is no difference. Throws RangeError for an unknown kernel.
 */
export function diffRules(a: string, b: string): readonly RuleDifference[] {
  const [rulesA, rulesB] = [rulesFor(a), rulesFor(b)];
  const differences: RuleDifference[] = [];
  for (const rule of RULES) {
    const from = ruleValue(rulesA, rule.name);
    const to = ruleValue(rulesB, rule.name);
    if (from === to) continue;
    const backports = [a, b].flatMap((kernel) => backportsOf(kernel, rule.name));
    differences.push({
      rule,
      from,
      to,
      steps: stepsBetween(rule, baseVersion(a), baseVersion(b)),
      backports,
    });
  }
  return differences;
}

function stepsBetween(rule: RuleData, a: string, b: string): readonly RuleStep[] {
  const [low, high] = compareVersions(a, b) <= 0 ? [a, b] : [b, a];
  const steps = rule.values.filter(
    (s) =>
      s.from !== undefined &&
      compareVersions(low, s.from) < 0 &&
      compareVersions(s.from, high) <= 0,
  );
  return low === a ? steps : steps.reverse();
}

function backportsOf(kernel: string, rule: string): readonly string[] {
  const profile = PROFILES.find((p) => p.name === kernel);
  return (
    profile?.overrides.filter((o) => o.rule === rule).map((o) => `${kernel}: ${o.reason}`) ?? []
  );
}

/** The rules whose value in mainline `version` came with that very release. */
export function changesIn(version: string): readonly RuleData[] {
  return RULES.filter((rule) => rule.values.some((step) => step.from === version));
}
