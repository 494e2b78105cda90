/** What a test does at a kernel: explore, observe, and judge against its `Result:` lines. */

import type { RuleLiteral } from '../kernels/index.ts';
import {
  baseVersion,
  type Design,
  designRules,
  isRelease,
  type Rules,
  rulesFor,
} from '../kernels/index.ts';
import type { LitmusTest, Outcome } from '../litmus/ast.ts';
import type { CheckedTest } from '../litmus/checked.ts';
import {
  type Compiled,
  type CompiledCondition,
  compile,
  notModelled,
} from '../litmus/compile/index.ts';
import { expectedAt } from '../litmus/result.ts';
import { giveArena } from './arenas.ts';
import { type Explored, type ExploreOptions, explore } from './explore.ts';
import { type Exploration, nothing } from './findings.ts';
import type { Needs } from './setup.ts';
import type { Sharing } from './sharing.ts';
import { missing } from './supported.ts';
import { agrees, type TrackedRules, trackRules } from './tracked-rules.ts';

export interface Verdict extends Exploration {
  readonly test: string;
  readonly file: string;
  readonly kernel: string;
  readonly expected: Outcome | null;
  /** null: nothing was expected, or nothing can be said. */
  readonly agrees: boolean | null;
  readonly milliseconds: number;
}

export interface CheckOptions extends ExploreOptions {
  /** On top of the kernel; `Result:` lines then say nothing, unless they or the test's `Design:` line name it. */
  readonly design?: Design | undefined;
}

/** A test ready to be explored at any kernel; keeps what it found for kernels that would do the same. */
export class Checker {
  readonly checked: CheckedTest;
  readonly #compiled: Compiled | null;
  readonly #lacking: readonly string[];
  readonly #known: { readonly tracked: TrackedRules; readonly exploration: Exploration }[] = [];
  readonly #needs: Needs;
  /** What threads shared at the last kernel: most of it is shared at the next one too, and need not be found out again. */
  #shared: Sharing | null = null;

  constructor(checked: CheckedTest) {
    this.checked = checked;
    this.#lacking = notModelled(checked);
    this.#compiled = this.#lacking.length === 0 ? compile(checked) : null;
    this.#needs = needsOf(checked);
  }

  /** The final condition, compiled; null when the test makes calls that are not modelled yet. */
  get condition(): CompiledCondition | null {
    return this.#compiled?.condition ?? null;
  }

  /** Explores at `kernel` (a name that `isKernel` accepts) and judges. */
  check(kernel: string, options: CheckOptions = {}): Verdict {
    const start = performance.now();
    const { design } = options;
    const rules =
      design === undefined ? rulesFor(kernel) : designRules(design, baseVersion(kernel));
    const exploration = this.explore(rules, options);
    const { test } = this.checked;
    const ofVersion = (): Outcome | null =>
      expectedAt(test, kernel, (name) => (isRelease(name) ? name : baseVersion(name)));
    const expected =
      design === undefined ? ofVersion() : expectedOf(test, kernel, design, ofVersion);
    return {
      ...exploration,
      test: test.name,
      file: test.file,
      kernel,
      expected,
      agrees: expected === null ? null : agreement(exploration, expected),
      milliseconds: performance.now() - start,
    };
  }

  /** Explores, whatever is known, and keeps what `replay` needs; nothing of a test that cannot be explored. */
  exploreForReplay(rules: Rules, options: CheckOptions = {}): Explored {
    const program = this.#programAt(rules);
    if ('observation' in program)
      return { exploration: program, machine: null, sharing: null, ways: null };
    return explore(program, rules, this.#needs, { ...options, graph: true });
  }

  /** What there is to explore, or what is said of a test that cannot be. */
  #programAt(rules: Rules): Compiled | Exploration {
    const lack = missing(this.checked, rules);
    if (lack !== null) return nothing('Unsupported', `this kernel has no ${lack}`);
    return this.#compiled ?? nothing('Incomplete', `not modelled yet: ${this.#lacking.join(', ')}`);
  }

  /** Rules that the exploration at `rules` read; empty when it was not explored. */
  rulesRead(rules: Rules): ReadonlyMap<string, RuleLiteral> {
    return (
      this.#known.find(({ tracked }) => agrees(rules, tracked.read))?.tracked.read ?? new Map()
    );
  }

  /** Explores with given rules; a search that read the same answers before is not repeated. */
  explore(rules: Rules, options: CheckOptions = {}): Exploration {
    const program = this.#programAt(rules);
    if ('observation' in program) return program;
    // Only what the ordinary search found may stand for another kernel's.
    const ordinary = options.sample === undefined && options.unreduced !== true;
    const known = this.#known.find(({ tracked }) => agrees(rules, tracked.read));
    if (known !== undefined && ordinary) return known.exploration;
    const tracked = trackRules(rules);
    const { exploration, machine, sharing } = explore(program, tracked.rules, this.#needs, {
      ...options,
      shared: this.#shared,
    });
    if (sharing !== null) this.#shared = sharing;
    if (machine !== null) giveArena(machine);
    // One that went on from an earlier run's has not read all its rules in this one.
    const whole = exploration.observation !== 'Incomplete' && options.keeper?.resumed !== true;
    if (ordinary && whole) this.#known.push({ tracked, exploration });
    return exploration;
  }
}

/**
 * What a test expects of a design: a line `Result: Never (NAME)` speaks of it on top of the release that it was made for;
 * without such a line, a `Design:` line that names it says that the lines about versions hold with it too.
 */
const expectedOf = (
  test: LitmusTest,
  kernel: string,
  design: Design,
  ofVersion: () => Outcome | null,
): Outcome | null => {
  const own = test.expectations.find(
    ({ range }) => range.kind === 'profile' && range.name === design.name,
  );
  if (own !== undefined) return kernel === design.base ? own.outcome : null;
  return test.designs.includes(design.name) ? ofVersion() : null;
};

/** The verdict of a test at a kernel that a check did not come to. */
export const notReached = ({ test }: CheckedTest, kernel: string): Verdict => ({
  ...nothing('Incomplete', 'interrupted before it began'),
  test: test.name,
  file: test.file,
  kernel,
  expected: null,
  agrees: null,
  milliseconds: 0,
});

/** What an exploration says about an expectation; what was cut short or sampled can only refute it. */
const agreement = (e: Exploration, expected: Outcome): boolean | null => {
  if (e.observation !== 'Incomplete') return e.observation === expected;
  if (e.problems.length > 0) return expected === 'Bug' || expected === 'Deadlock' ? null : false;
  if (expected === 'Never' && e.states.some((s) => s.holds)) return false;
  return expected === 'Always' && e.states.some((s) => !s.holds) ? false : null;
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
    'MADV_COLLAPSE',
    'MADV_HUGEPAGE',
    'MAP_HUGETLB',
    'MFD_HUGETLB',
    'set_nr_hugepages',
    'MAP_HUGE_2MB',
    'khugepaged',
  );
  const zones = any(
    'migrate',
    'cma_alloc',
    'place_in_cma',
    'numa_balance',
    'compact',
    'offline_memory',
  );
  const device = any('migrate_to_device');
  const notifiers = any('ibv_reg_mr', 'mmu_interval_notifier_insert');
  const pud = any('PUD_SIZE');
  return { huge: huge || gigantic, gigantic, pud, zones, swap: true, device, notifiers };
};
