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

type Families = Readonly<Record<string, Readonly<Record<string, RuleLiteral>>>>;

/** The rules of one family, by their place among its members. */
class Answers {
  readonly values: readonly RuleLiteral[];
  /** 1: was asked for. */
  readonly known: Uint8Array;
  readonly read: Map<string, RuleLiteral>;

  constructor(values: readonly RuleLiteral[], read: Map<string, RuleLiteral>) {
    this.values = values;
    this.known = new Uint8Array(values.length);
    this.read = read;
  }
}

/** A class with a getter for each member. */
const answersOf = (family: string, members: readonly string[]): typeof Answers => {
  const made = class extends Answers {};
  for (const [i, member] of members.entries()) {
    const name = `${family}.${member}`;
    Object.defineProperty(made.prototype, member, {
      get(this: Answers): RuleLiteral {
        const value = this.values[i] as RuleLiteral;
        if (this.known[i] === 0) {
          this.known[i] = 1;
          this.read.set(name, value);
        }
        return value;
      },
    });
  }
  return made;
};

/** By family: its members, which are the same at every kernel, and their class. Made once, since tests are explored at many kernels. */
const shapes = new Map<
  string,
  { readonly members: readonly string[]; readonly made: typeof Answers }
>();

export const trackRules = (rules: Rules): TrackedRules => {
  const read = new Map<string, RuleLiteral>();
  const tracked: Record<string, Answers> = {};
  for (const [family, answers] of Object.entries(rules as unknown as Families)) {
    let shape = shapes.get(family);
    if (shape === undefined) {
      const members = Object.keys(answers);
      shape = { members, made: answersOf(family, members) };
      shapes.set(family, shape);
    }
    const values = shape.members.map((member) => answers[member] as RuleLiteral);
    tracked[family] = new shape.made(values, read);
  }
  return { rules: tracked as unknown as Rules, read };
};

/** `family.rule` as two words. */
const halves = new Map<string, readonly [string, string]>();

const halvesOf = (name: string): readonly [string, string] => {
  let found = halves.get(name);
  if (found === undefined) {
    const [family = '', member = ''] = name.split('.');
    found = [family, member];
    halves.set(name, found);
  }
  return found;
};

/** Whether `rules` answers everything in `read` the same way. */
export const agrees = (rules: Rules, read: ReadonlyMap<string, RuleLiteral>): boolean => {
  const families = rules as unknown as Families;
  for (const [name, value] of read) {
    const [family, member] = halvesOf(name);
    if (families[family]?.[member] !== value) return false;
  }
  return true;
};
