/** The model's answer to a random program: one execution, since only one thread can run at a time. */
import { NO_NEEDS } from '../explore/setup.ts';
import { Straight } from '../explore/straight.ts';
import { missing } from '../explore/supported.ts';
import { type TrackedRules, trackRules } from '../explore/tracked-rules.ts';
import type { ModelOutcome } from '../host/fuzz/fuzz.ts';
import { type Rules, rulesFor } from '../kernels/index.ts';
import type { CheckedTest } from '../litmus/checked.ts';
import { compile } from '../litmus/compile/index.ts';

/** One program in so many runs where it is noted which rules are read, which is slow. */
const TRACKED = 16;

/** The model at one kernel, with swap or, as on a machine that has none, without. */
export class FuzzModel {
  readonly #rules: Rules;
  readonly #swap: boolean;
  readonly #straight: Straight;
  readonly #tracked: TrackedRules;
  readonly #tracking: Straight;
  #count = 0;
  #said = 0;

  constructor(kernel: string, swap = false) {
    this.#swap = swap;
    this.#rules = rulesFor(kernel);
    this.#straight = new Straight(this.#rules);
    this.#tracked = trackRules(this.#rules);
    this.#tracking = new Straight(this.#tracked.rules);
  }

  /** Runs `checked`; `seed` decides whenever there is a choice. The rules are those that were not read before. */
  outcome(checked: CheckedTest, seed = 1): ModelOutcome {
    if (missing(checked, this.#rules) !== null)
      return { how: 'unsupported', answers: [], rules: [] };
    const straight = this.#count++ % TRACKED === 0 ? this.#tracking : this.#straight;
    const needs = { ...NO_NEEDS, huge: needsHuge(checked), swap: this.#swap };
    const end = straight.run(compile(checked), needs, seed);
    const rules = [...this.#tracked.read.keys()].slice(this.#said);
    this.#said += rules.length;
    if ('problem' in end) {
      const how = end.problem.startsWith('deadlock') ? 'deadlock' : end.problem;
      return { how, answers: [], rules };
    }
    return { how: 'ok', answers: answersOf(end.state), rules };
  }
}

const needsHuge = (checked: CheckedTest): boolean =>
  [...checked.bindings.values()].some(
    (b) =>
      b.kind === 'constant' &&
      (/HUGE/.test(b.name) || b.name === 'HPAGE_SIZE' || b.name === 'MADV_COLLAPSE'),
  );

/** The values of a final state, in the order of its terms. */
const answersOf = (state: string): string[] =>
  state
    .split(';')
    .filter((t) => t.trim() !== '')
    .map((t) => t.slice(t.lastIndexOf('=') + 1));
