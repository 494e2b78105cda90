/**
 * Runs tests against the copy of the project below `root`, in a thread of its own, so that a mutant's modules are loaded
 * afresh and one that never comes back can be ended.
 */
import { Session } from 'node:inspector';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import type { Checker as CheckerClass } from '../../src/explore/check.ts';
import type { parse as parseTest } from '../../src/litmus/parse.ts';

export interface Asked {
  readonly name: string;
  readonly text: string;
  /** States that the test has without a change, in all; 0: not known yet. */
  readonly states: number;
}

export interface WorkerJob {
  readonly root: string;
  readonly tests: readonly Asked[];
  readonly kernels: readonly string[];
  /** Report the functions that each test runs, and go on when a test disagrees. */
  readonly coverage: boolean;
}

export type Told =
  | { readonly kind: 'begin'; readonly test: string }
  | {
      readonly kind: 'end';
      readonly test: string;
      /** What it saw instead of what was expected; null: it agrees. */
      readonly wrong: string | null;
      readonly states: number;
      readonly milliseconds: number;
      /** `mm/grab.ts#makePins`, when asked for. */
      readonly functions: readonly string[];
    };

/** States beyond those of the unchanged test that a mutant may have. */
const MORE_STATES = 50_000;
const MOST_MILLISECONDS = 8_000;

const job: WorkerJob = workerData;
const load = (path: string): Promise<unknown> => import(pathToFileURL(join(job.root, path)).href);
const { Checker } = (await load('src/explore/check.ts')) as { Checker: typeof CheckerClass };
const { parse } = (await load('src/litmus/parse.ts')) as { parse: typeof parseTest };
const tell = (told: Told): void => parentPort?.postMessage(told);

const session = new Session();
if (job.coverage) {
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
}

/** Functions of gen/resumable that ran since the last call. */
const covered = (): string[] => {
  const names = new Set<string>();
  session.post('Profiler.takePreciseCoverage', (error, answer) => {
    if (error !== null) throw error;
    for (const script of answer.result) {
      const file = /gen\/resumable\/(.*)$/.exec(script.url)?.[1];
      if (file === undefined) continue;
      for (const { functionName, ranges } of script.functions)
        if (functionName !== '' && (ranges[0]?.count ?? 0) > 0)
          names.add(`${file}#${functionName.replace(/\$.*$/, '')}`);
    }
  });
  return [...names];
};

for (const test of job.tests) {
  tell({ kind: 'begin', test: test.name });
  const start = performance.now();
  let wrong: string | null = null;
  let states = 0;
  try {
    const { checked } = parse(test.text, test.name);
    if (checked === undefined) throw new Error('does not parse');
    const checker = new Checker(checked);
    for (const kernel of job.kernels) {
      const limits = { states: test.states + MORE_STATES, time: MOST_MILLISECONDS };
      const v = checker.check(kernel, { limits });
      states = Math.max(states, v.explored.states);
      if (v.agrees !== false) continue;
      wrong = `${kernel}: ${v.expected} became ${v.observation}`;
      break;
    }
  } catch (error) {
    wrong = `threw ${error instanceof Error ? error.message : String(error)}`;
  }
  const milliseconds = performance.now() - start;
  const functions = job.coverage ? covered() : [];
  tell({ kind: 'end', test: test.name, wrong, states, milliseconds, functions });
  if (wrong !== null && !job.coverage) break;
}
