/**
 * Rules that remember which of them were asked for. A search whose rules answered the same is the same search: so one
 * search serves every kernel that agrees with it on the rules that it read.
 */
import type { RuleLiteral, Rules } from '../kernels/index.ts';

export interface TrackedRules {
  readonly rules: Rules;
  /** `family.rule` -> the value that was answered. */
  readonly read: ReadonlyMap<string, RuleLiteral>;
}

export const trackRules = (rules: Rules): TrackedRules => {
  const read = new Map<string, RuleLiteral>();
  const tracked = Object.fromEntries(
    Object.entries(rules).map(([family, members]) => {
      const answers = {};
      for (const [member, value] of Object.entries(members) as [string, RuleLiteral][]) {
        let known = false;
        const get = (): RuleLiteral => {
          if (!known) {
            known = true;
            read.set(`${family}.${member}`, value);
          }
          return value;
        };
        Object.defineProperty(answers, member, { enumerable: true, get });
      }
      return [family, answers];
    }),
  );
  return { rules: tracked as unknown as Rules, read };
};

/** Whether `rules` answers everything in `read` the same way. */
export const agrees = (rules: Rules, read: ReadonlyMap<string, RuleLiteral>): boolean => {
  const families = rules as unknown as Readonly<
    Record<string, Readonly<Record<string, RuleLiteral>>>
  >;
  for (const [name, value] of read) {
    const [family = '', member = ''] = name.split('.');
    if (families[family]?.[member] !== value) return false;
  }
  return true;
};
