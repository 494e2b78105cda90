/** What a test does at a kernel: explore, observe, and judge against its `Result:` lines. */
import {
  baseVersion,
  type Design,
  designRules,
  isRelease,
  type Rules,
  rulesFor,
} from '../kernels/index.ts';
import type { Outcome } from '../litmus/ast.ts';
import type { CheckedTest } from '../litmus/checked.ts';
import { type Compiled, compile, notModelled } from '../litmus/compile/index.ts';
import { expectedAt } from '../litmus/result.ts';
import { bugName } from '../machine/report.ts';
import { leakedPins } from './leaks.ts';
import { type End, type Limits, search } from './search.ts';
import { InitFailure, type Needs, setUp } from './setup.ts';
import { Sharing } from './sharing.ts';
import { missing } from './supported.ts';
import { agrees, type TrackedRules, trackRules } from './tracked-rules.ts';

/** `Vacuous`: no final state was ever asked about. `Incomplete`: a limit was hit; nothing is claimed. */
export type Observation = Outcome | 'Vacuous' | 'Incomplete';

/** One final state as the condition's terms show it. */
export interface FinalState {
  readonly text: string;
  readonly holds: boolean;
}

/** What exploring a test found, before anything is expected of it. */
export interface Exploration {
  readonly observation: Observation;
  readonly states: readonly FinalState[];
  /** How executions ended that did not come to an end of all threads. */
  readonly problems: readonly string[];
  /** Why it is Incomplete or Unsupported; null else. */
  readonly reason: string | null;
  /** Of the last, complete search. */
  readonly explored: { readonly states: number; readonly steps: number; readonly searches: number };
}

export interface Verdict extends Exploration {
  readonly test: string;
  readonly file: string;
  readonly kernel: string;
  readonly expected: Outcome | null;
  /** null: nothing was expected, or nothing can be said. */
  readonly agrees: boolean | null;
  readonly milliseconds: number;
}

export interface CheckOptions {
  readonly limits?: Partial<Limits> | undefined;
  /** Without the reduction of sharing.ts: for comparison. */
  readonly unreduced?: boolean;
  /** On top of the kernel; `Result:` lines then say nothing, unless the test names it on a `Design:` line. */
  readonly design?: Design | undefined;
}

const DEFAULT_LIMITS: Limits = { states: 4_000_000, time: 120_000 };

/** A test ready to be explored at any kernel; keeps what it found for kernels that would do the same. */
export class Checker {
  readonly checked: CheckedTest;
  readonly #compiled: Compiled | null;
  readonly #lacking: readonly string[];
  readonly #known: { readonly tracked: TrackedRules; readonly exploration: Exploration }[] = [];
  readonly #needs: Needs;

  constructor(checked: CheckedTest) {
    this.checked = checked;
    this.#lacking = notModelled(checked);
    this.#compiled = this.#lacking.length === 0 ? compile(checked) : null;
    this.#needs = needsOf(checked);
  }

  /** Explores at `kernel` (a name that `isKernel` accepts) and judges. */
  check(kernel: string, options: CheckOptions = {}): Verdict {
    const start = performance.now();
    const { design } = options;
    const rules =
      design === undefined ? rulesFor(kernel) : designRules(design, baseVersion(kernel));
    const exploration = this.explore(rules, options);
    const { test } = this.checked;
    const judged = design === undefined || test.designs.includes(design.name);
    const expected = judged
      ? expectedAt(test, kernel, (name) => (isRelease(name) ? name : baseVersion(name)))
      : null;
    const said = exploration.observation !== 'Incomplete';
    return {
      ...exploration,
      test: test.name,
      file: test.file,
      kernel,
      expected,
      agrees: expected === null || !said ? null : expected === exploration.observation,
      milliseconds: performance.now() - start,
    };
  }

  /** Explores with given rules; a search that read the same answers before is not repeated. */
  explore(rules: Rules, options: CheckOptions = {}): Exploration {
    const lack = missing(this.checked, rules);
    if (lack !== null) return nothing('Unsupported', `this kernel has no ${lack}`);
    if (this.#compiled === null)
      return nothing(
        'Incomplete',
        `not modelled yet: ${this.#lacking.map((n) => `${n}()`).join(', ')}`,
      );
    const known = this.#known.find(({ tracked }) => agrees(rules, tracked.read));
    if (known !== undefined) return known.exploration;
    const tracked = trackRules(rules);
    const exploration = exploreWith(this.#compiled, tracked.rules, this.#needs, options);
    if (exploration.observation !== 'Incomplete') this.#known.push({ tracked, exploration });
    return exploration;
  }
}

const nothing = (observation: Observation, reason: string): Exploration => ({
  observation,
  states: [],
  problems: [],
  reason,
  explored: { states: 0, steps: 0, searches: 0 },
});

const exploreWith = (
  compiled: Compiled,
  rules: Rules,
  needs: Needs,
  options: CheckOptions,
): Exploration => {
  const { program, condition } = compiled;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  let m: ReturnType<typeof setUp>;
  try {
    m = setUp(program, rules, needs);
  } catch (error) {
    if (error instanceof InitFailure) return nothing('Incomplete', error.message);
    throw error;
  }
  const { k } = m;
  if (k.lit.limits[0] !== 0)
    return nothing(
      'Incomplete',
      `line ${k.lit.limits[0]}: this use of the call is not modelled yet`,
    );
  if (k.lit.killed[program.threads.length] !== 0)
    return nothing('Incomplete', 'the initial block was killed by SIGSEGV');
  const sharing = options.unreduced === true ? null : new Sharing();
  for (let searches = 1; ; searches++) {
    const states = new Map<string, FinalState>();
    const problems = new Map<string, string>();
    let limit: string | null = null;
    let deadlocks = 0;
    let bugs = 0;
    const onEnd = (end: End): void => {
      if (k.lit.limits[0] !== 0)
        limit = `line ${k.lit.limits[0]}: this use of the call is not modelled yet`;
      if (k.lit.limits[1] !== 0) limit = `line ${k.lit.limits[1]}: this loop does not end`;
      const leaked = end.kind === 'final' ? leakedPins(k) : [];
      if (leaked.length > 0) {
        bugs++;
        const text = `leak: page frame ${leaked.join(', ')} is pinned and nobody knows of it any more`;
        problems.set(text, text);
      } else if (end.kind === 'final') {
        if (!condition.filter(k)) return;
        const text = condition.shown
          .map(({ text: t, value }) => `${t}=${shownValue(value(k))};`)
          .join(' ');
        if (!states.has(text)) states.set(text, { text, holds: condition.holds(k) });
      } else if (end.kind === 'bug') {
        bugs++;
        const text = `${bugName(end.code)} (page frame ${end.argument})`;
        problems.set(text, text);
      } else {
        deadlocks++;
        const names = end.waiting.map((t) => program.threads[t]?.name ?? '?').join(', ');
        problems.set(names, `deadlock: ${names} wait`);
      }
    };
    sharing?.begin();
    const result = search(m, sharing, limits, onEnd);
    const cut = limit ?? result.cut;
    if (cut === null && sharing?.broken === true) continue;
    const explored = { states: result.states, steps: result.steps, searches };
    const found = { states: [...states.values()], problems: [...problems.values()], explored };
    if (cut !== null) return { ...found, observation: 'Incomplete', reason: `${cut} reached` };
    return { ...found, observation: observe(found.states, bugs, deadlocks), reason: null };
  }
};

const shownValue = (value: number): string => (Number.isNaN(value) ? '-' : String(value));

const observe = (states: readonly FinalState[], bugs: number, deadlocks: number): Observation => {
  if (bugs > 0) return 'Bug';
  if (deadlocks > 0) return 'Deadlock';
  if (states.length === 0) return 'Vacuous';
  const positive = states.filter((s) => s.holds).length;
  if (positive === 0) return 'Never';
  return positive === states.length ? 'Always' : 'Sometimes';
};

/** Names in a test that tell what memory it needs. */
const needsOf = (checked: CheckedTest): Needs => {
  const names = new Set(checked.callNames);
  for (const binding of checked.bindings.values())
    if (binding.kind === 'constant') names.add(binding.name);
  const any = (...list: string[]): boolean => list.some((name) => names.has(name));
  const gigantic = any('MAP_HUGE_1GB', 'MFD_HUGE_1GB');
  const huge = any(
    'HPAGE_SIZE',
    'MADV_HUGEPAGE',
    'MAP_HUGETLB',
    'MFD_HUGETLB',
    'set_nr_hugepages',
    'MAP_HUGE_2MB',
    'khugepaged',
  );
  const zones = any('migrate', 'cma_alloc', 'numa_balance', 'compact');
  return { huge: huge || gigantic, gigantic, zones, swap: true };
};
