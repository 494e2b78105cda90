/**
 * Shows mutants to tests, in the copy of the project below `root`: a thread of its own, so that one that never comes back
 * can be ended.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import type { Checker as CheckerClass } from '../../src/explore/check.ts';
import type { missing as missingIn } from '../../src/explore/supported.ts';
import type { trackRules as trackRulesOf } from '../../src/explore/tracked-rules.ts';
import type * as Kernels from '../../src/kernels/index.ts';
import type { CheckedTest } from '../../src/litmus/checked.ts';
import type { parse as parseTest } from '../../src/litmus/parse.ts';
import type { expectedAt as expectedOf } from '../../src/litmus/result.ts';
import { SWITCH } from './schema.ts';

export interface WorkerData {
  readonly root: string;
  /** By name: text. */
  readonly tests: Readonly<Record<string, string>>;
}

/** A test at a kernel. */
export interface Showing {
  readonly test: string;
  readonly kernel: string;
  /** Beyond them the search is left. */
  readonly states: number;
  readonly milliseconds: number;
}

export interface Job {
  /** Number of the mutant and of the first of its function; zeros: none. */
  readonly chosen: readonly [number, number];
  readonly overrides: Kernels.RuleOverrides | null;
  readonly showings: readonly Showing[];
  /** Go on when a test disagrees. */
  readonly all: boolean;
}

export type Told =
  | { readonly kind: 'ready' }
  | { readonly kind: 'begin'; readonly showing: number }
  | { readonly kind: 'done' }
  | {
      readonly kind: 'end';
      readonly showing: number;
      /** What it saw instead of what was expected; null: it agrees, or nothing can be said. */
      readonly wrong: string | null;
      /** Nothing is expected of the test at this kernel. */
      readonly silent: boolean;
      /** Served by the search of an earlier kernel in the same job. */
      readonly served: boolean;
      readonly states: number;
      readonly milliseconds: number;
      /** Mutants whose place it came to. */
      readonly seen: readonly number[];
      /** Rules that were read. */
      readonly rules: readonly string[];
    };

const { root, tests }: WorkerData = workerData;
const load = (path: string): Promise<unknown> => import(pathToFileURL(join(root, path)).href);
const { Checker } = (await load('src/explore/check.ts')) as { Checker: typeof CheckerClass };
const { parse } = (await load('src/litmus/parse.ts')) as { parse: typeof parseTest };
const { expectedAt } = (await load('src/litmus/result.ts')) as { expectedAt: typeof expectedOf };
const { missing } = (await load('src/explore/supported.ts')) as { missing: typeof missingIn };
const { trackRules } = (await load('src/explore/tracked-rules.ts')) as {
  trackRules: typeof trackRulesOf;
};
const { rulesFor, withOverrides } = (await load('src/kernels/index.ts')) as typeof Kernels;
const { chosen, seen } = (await load(join('src', SWITCH))) as {
  chosen: Int32Array;
  seen: Uint8Array;
};
const tell = (told: Told): void => parentPort?.postMessage(told);

const checkedTests = new Map<string, CheckedTest>();

const checkedOf = (name: string): CheckedTest => {
  const known = checkedTests.get(name);
  if (known !== undefined) return known;
  const { checked } = parse(tests[name] ?? '', name);
  if (checked === undefined) throw new Error(`${name} does not parse`);
  checkedTests.set(name, checked);
  return checked;
};

const marks = (): number[] => {
  const found: number[] = [];
  seen.forEach((mark, number) => {
    if (mark !== 0) found.push(number);
  });
  return found;
};

const work = (job: Job): void => {
  const checkers = new Map<string, CheckerClass>();
  /** Marks by exploration: a search that is not repeated came where it came. */
  const markedBy = new Map<object, number[]>();
  for (const [showing, { test, kernel, states, milliseconds }] of job.showings.entries()) {
    tell({ kind: 'begin', showing });
    const start = performance.now();
    [chosen[0], chosen[1]] = job.chosen;
    seen.fill(0);
    let wrong: string | null = null;
    let silent = false;
    let served = false;
    let searched = 0;
    let came: number[] = [];
    let read = new Set<string>();
    try {
      const checked = checkedOf(test);
      const checker = checkers.get(test) ?? new Checker(checked);
      checkers.set(test, checker);
      const rules =
        job.overrides === null ? rulesFor(kernel) : withOverrides(kernel, job.overrides);
      const expected = expectedAt(checked.test, kernel, (name) => name);
      silent = expected === null;
      if (expected !== null) {
        const limits = { states, time: milliseconds };
        const exploration = checker.explore(rules, { limits });
        searched = exploration.explored.states;
        const { observation } = exploration;
        if (observation !== expected && observation !== 'Incomplete')
          wrong = `${kernel}: ${expected} became ${observation}`;
        if (job.all) {
          served = markedBy.has(exploration);
          came = markedBy.get(exploration) ?? marks();
          markedBy.set(exploration, came);
          const asked = trackRules(rules);
          const lack = missing(checked, asked.rules);
          read = new Set(asked.read.keys());
          if (lack === null) for (const name of checker.rulesRead(rules).keys()) read.add(name);
          if (observation === 'Incomplete') silent = true;
        }
      }
    } catch (error) {
      // The model refuses to go on: the test fails, which is noticed.
      wrong = `${kernel}: threw ${error instanceof Error ? error.message : String(error)}`;
    }
    [chosen[0], chosen[1]] = [0, 0];
    tell({
      kind: 'end',
      showing,
      wrong,
      silent,
      served,
      states: searched,
      milliseconds: performance.now() - start,
      seen: came,
      rules: [...read],
    });
    if (wrong !== null && !job.all) break;
  }
  tell({ kind: 'done' });
};

parentPort?.on('message', work);
tell({ kind: 'ready' });
