import type { ALL_RULES } from './rules/index.ts';

/** What a rule can say: yes or no, one of several ways (a string), or a number. */
export type RuleLiteral = boolean | number | string;

/** One value of a rule and the mainline release that brought it. */
export interface RuleStep {
  readonly value: RuleLiteral;
  /** First mainline `.0` release with this value; absent on the first step: since before 4.4. */
  readonly from?: string;
  /** Abbreviated id of the commit that brought the value; only ids that were seen in an archive, none from memory. */
  readonly commit?: string;
  /** Title of that commit. */
  readonly title?: string;
}

/** One independent switch of the kernel's behaviour (semantics.md A.30) and its values by version. */
export interface RuleData {
  /** Number in semantics.md A.30 (`S1`..`S40`), or a number from S41 on for those that only this model needs. */
  readonly id: string;
  /** `family.rule`, as code reads it: `k.rules.family.rule`. */
  readonly name: `${string}.${string}`;
  /** What the rule decides, one sentence. */
  readonly sentence: string;
  /** Oldest first. The value of a step holds until the next step's release. */
  readonly values: readonly RuleStep[];
  /** Values that no mainline release has, only a profile or a design. */
  readonly also?: readonly RuleLiteral[];
  /** Where the facts are from. */
  readonly source: string;
  /** Why no code reads the rule: it is known, but changes nothing in the model. */
  readonly unread?: string;
}

type AnyRule = (typeof ALL_RULES)[number];

/** Name of a rule: `'cow.smallReuse'`. */
export type RuleName = AnyRule['name'];

/** Booleans and numbers lose their literal types, strings keep them. */
type Widen<T> = T extends boolean ? boolean : T extends number ? number : T;
type Values<R> = R extends { readonly values: readonly { readonly value: infer V }[] } ? V : never;
type Also<R> = R extends { readonly also: readonly (infer V)[] } ? V : never;

/** Type of the value of one rule: `RuleValue<'ksm.reuse'>` is `boolean`. */
export type RuleValue<N extends RuleName> = Widen<
  Values<Extract<AnyRule, { readonly name: N }>> | Also<Extract<AnyRule, { readonly name: N }>>
>;

type Family<N extends string> = N extends `${infer F}.${string}` ? F : never;
type Member<F extends string> = RuleName extends infer N
  ? N extends `${F}.${infer M}`
    ? M
    : never
  : never;

/** How one kernel behaves: every rule's value by family and name, `rules.cow.smallReuse`. Frozen; the same shape for every kernel. */
export type Rules = {
  readonly [F in Family<RuleName>]: {
    readonly [M in Member<F>]: `${F}.${M}` extends infer N extends RuleName ? RuleValue<N> : never;
  };
};

/** Rules that differ from those of a base kernel. */
export type RuleOverrides = { readonly [N in RuleName]?: RuleValue<N> };
