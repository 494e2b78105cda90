import { PROFILES } from './profiles.ts';
import { ALL_RULES } from './rules/index.ts';
import type { RuleData, RuleLiteral, RuleOverrides, RuleStep, Rules } from './types.ts';
import { compareVersions, isRelease, RELEASES } from './versions.ts';

/** Every rule, typed for listings. */
export const RULES: readonly RuleData[] = ALL_RULES;

/** Versions that people ask about whether or not a rule changes there. */
const ASKED =
  '4.4 4.19 5.4 5.6 5.7 5.8 5.9 5.10 5.11 5.12 5.14 5.15 5.17 5.18 5.19 6.1 6.2 6.4 6.5 6.8 6.12 6.15 6.18 6.19 7.0 7.1 7.2 7.3';

/**
 * Mainline versions of the model, oldest first: those that people ask about, and every release in which some
 * rule changes. Another release behaves as the last of these before it.
 */
export const allKernels: readonly string[] = Object.freeze(
  RELEASES.filter(
    (v) => ASKED.split(' ').includes(v) || RULES.some((r) => r.values.some((s) => s.from === v)),
  ),
);

/** Every kernel with a name: mainline versions, then stable kernels with backports. */
export const kernelNames: readonly string[] = Object.freeze([
  ...allKernels,
  ...PROFILES.map((p) => p.name),
]);

/** The step of `rule` that holds in mainline release `version`. */
export function stepAt(rule: RuleData, version: string): RuleStep {
  let found: RuleStep | undefined;
  for (const step of rule.values) {
    if (step.from === undefined || compareVersions(step.from, version) <= 0) found = step;
  }
  if (found === undefined)
    throw new RangeError(`rule ${rule.name} has no value before ${rule.values[0]?.from ?? ''}`);
  return found;
}

const cache = new Map<string, Rules>();

/** True when `rulesFor` knows `name`: any mainline release from 4.4 to 7.3, or a profile. */
export function isKernel(name: string): boolean {
  return isRelease(name) || PROFILES.some((p) => p.name === name);
}

/** Mainline version that kernel `name` is or is based on. Throws RangeError for an unknown name. */
export function baseVersion(name: string): string {
  if (isRelease(name)) return name;
  const profile = PROFILES.find((p) => p.name === name);
  if (profile === undefined) throw new RangeError(`unknown kernel '${name}'`);
  return profile.base;
}

/**
 * The rules of a kernel: a mainline release (`'6.12'`) or a profile (`'debian-6.1.192'`). Frozen; every kernel's
 * object has the same shape, and the same name gives the same object. Throws RangeError for an unknown
 * name: `parseKernelList` tells users.
 */
export function rulesFor(name: string): Rules {
  const known = cache.get(name);
  if (known !== undefined) return known;
  const version = baseVersion(name);
  const profile = PROFILES.find((p) => p.name === name);
  const overrides: RuleOverrides =
    profile === undefined
      ? {}
      : Object.fromEntries(profile.overrides.map((o) => [o.rule, o.value]));
  const rules = withOverrides(version, overrides);
  cache.set(name, rules);
  return rules;
}

/** The rules of mainline `version` with some of them replaced. Frozen. */
export function withOverrides(version: string, overrides: RuleOverrides): Rules {
  const replaced: Readonly<Record<string, RuleLiteral>> = overrides;
  return buildRules((rule) => replaced[rule.name] ?? stepAt(rule, version).value);
}

/**
 * `rules` with those named in `from` taken over from another kernel: what lies between two kernels. Frozen.
 * Throws RangeError for an unknown rule.
 */
export function takeRules(rules: Rules, from: Rules, names: readonly string[]): Rules {
  const taken = new Set(names);
  return buildRules((rule) => ruleValue(taken.has(rule.name) ? from : rules, rule.name));
}

function buildRules(pick: (rule: RuleData) => RuleLiteral): Rules {
  const families: Record<string, Record<string, RuleLiteral>> = {};
  for (const rule of RULES) {
    const [family, member] = splitName(rule.name);
    families[family] ??= {};
    families[family][member] = pick(rule);
  }
  // Grown key by key an object becomes a hash table, parsed at once it doesn't; rules are read in every call.
  const rules: typeof families = JSON.parse(JSON.stringify(families));
  for (const family of Object.values(rules)) Object.freeze(family);
  // Built from the same data that the type is derived from.
  return Object.freeze(rules) as unknown as Rules;
}

/** Value of the rule `name` ('cow.smallReuse') in `rules`. Throws RangeError when there is no such rule. */
export function ruleValue(rules: Rules, name: string): RuleLiteral {
  const [family, member] = splitName(name);
  const families: Readonly<Record<string, Readonly<Record<string, RuleLiteral>>>> = rules;
  const value = families[family]?.[member];
  if (value === undefined) throw new RangeError(`unknown rule '${name}'`);
  return value;
}

function splitName(name: string): readonly [family: string, member: string] {
  const dot = name.indexOf('.');
  return [name.slice(0, dot), name.slice(dot + 1)];
}
