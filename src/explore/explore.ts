/** Explores a compiled test under given rules: all its final states and all other ends. */
import type { Rules } from '../kernels/index.ts';
import { type Compiled, type CompiledCondition, remembering } from '../litmus/compile/index.ts';
import { type CheckpointReader, CheckpointWriter, type Keeper } from './checkpoint.ts';
import {
  type Exploration,
  type FinalState,
  Findings,
  finalState,
  limitOf,
  nothing,
  problemOf,
} from './findings.ts';
import { type Decision, Graph } from './graph.ts';
import { type Knowledge, noKnowledge } from './knowledge.ts';
import type { Limits } from './limits.ts';
import { rehearse } from './rehearse.ts';
import { FULL, pathText } from './replay.ts';
import { type SampleOptions, sample } from './sample.ts';
import { search } from './search.ts';
import { InitFailure, type Machine, type Needs, setUp } from './setup.ts';
import type { Sharing } from './sharing.ts';

export interface ExploreOptions {
  readonly limits?: Partial<Limits> | undefined;
  /** Without the reduction of sharing.ts: for comparison. */
  readonly unreduced?: boolean;
  /** Keep the graph of the search, so that a way to an end can be asked for. */
  readonly graph?: boolean;
  /** Where the exploration is kept while it runs, and goes on from; not with `graph`. */
  readonly keeper?: Keeper | undefined;
  /** What threads shared when the same test was explored with other rules, for a start; null: nothing is known. */
  readonly shared?: Sharing | null | undefined;
  /** Sample this many executions instead of exploring all. */
  readonly sample?: Pick<SampleOptions, 'executions' | 'seed' | 'depth'> | undefined;
}

/** An exploration with what is needed to walk through it again; ends are called by the text of the state or problem. */
export interface Explored {
  readonly exploration: Exploration;
  readonly machine: Machine | null;
  readonly sharing: Sharing | null;
  /** null: nothing was kept. */
  readonly ways: Ways | null;
}

/** The ends that an exploration came to, and a way to each: the easiest, or what a sample took (then of single steps). */
export interface Ways {
  readonly names: readonly string[];
  easiestPath(name: string): readonly Decision[] | null;
}

/** Sets of threads are bits of a word, which also has room for the device and for one more mark. */
const MOST_THREADS = 30;

const DEFAULT_LIMITS: Limits = { states: 4_000_000, time: 120_000 };

const stopped = (reason: string): Explored => ({
  exploration: nothing('Incomplete', reason),
  machine: null,
  sharing: null,
  ways: null,
});

/** One clock for all the searches that an exploration takes. */
const withDeadline = (limits: Limits): Limits => ({
  ...limits,
  deadline: limits.deadline ?? performance.now() + limits.time,
});

/** Explores every interleaving; repeats the search until what it assumed to be unshared is (sharing.ts). */
export const explore = (
  compiled: Compiled,
  rules: Rules,
  needs: Needs,
  options: ExploreOptions = {},
): Explored => {
  const { condition } = compiled;
  const { keeper } = options;
  const program = options.graph === true ? remembering(compiled.program) : compiled.program;
  const limits = withDeadline({ ...DEFAULT_LIMITS, ...options.limits });
  if (program.threads.length > MOST_THREADS)
    return stopped(`${program.threads.length} threads; at most ${MOST_THREADS} can be explored`);
  let machine: Machine;
  try {
    machine = setUp(program, rules, needs);
  } catch (error) {
    if (error instanceof InitFailure) return stopped(error.message);
    throw error;
  }
  const trouble = limitOf(machine);
  if (trouble !== null) return stopped(trouble);
  if (options.sample !== undefined) {
    return {
      ...sampled(machine, condition, { ...options.sample, limits }),
      machine,
      sharing: null,
    };
  }
  const knowledge = noKnowledge(machine, options.unreduced !== true, options.graph === true);
  const { sharing } = knowledge;
  if (options.shared) sharing?.assume(options.shared);
  const from = keeper?.kept() ?? null;
  const [kept = 1] = from?.numbers() ?? [];
  if (from !== null) load(from, knowledge);
  for (let searches = kept; ; searches++) {
    const graph = options.graph === true ? new Graph() : null;
    const findings = new Findings(machine, condition);
    const goesOn = from !== null && searches === kept;
    if (goesOn) findings.load(from);
    else {
      sharing?.begin();
      knowledge.futures?.renew();
    }
    const write = (save: (out: CheckpointWriter) => void): void => {
      const out = new CheckpointWriter();
      out.numbers(searches);
      knowledge.sharing?.save(out);
      knowledge.snapshots.save(out);
      knowledge.futures?.save(out);
      findings.save(out);
      save(out);
      keeper?.keep(out);
    };
    const result = search(machine, knowledge, limits, (end) => findings.add(end), graph, {
      from: goesOn ? from : null,
      keep: (save, last) => {
        if (keeper !== undefined && (last || keeper.due())) write(save);
      },
    });
    if (findings.cut(result) === null && sharing?.broken === true) {
      if (searches === 1) rehearse(machine, sharing);
      continue;
    }
    if (result.cut === null) keeper?.done();
    return { exploration: findings.exploration(result, searches), machine, sharing, ways: graph };
  }
};

const load = (from: CheckpointReader, { sharing, snapshots, futures }: Knowledge): void => {
  sharing?.load(from);
  snapshots.load(from);
  futures?.load(from);
};

/** Samples; whatever is found, nothing is claimed of what was not run. */
const sampled = (
  m: Machine,
  condition: CompiledCondition,
  options: SampleOptions,
): Pick<Explored, 'exploration' | 'ways'> => {
  const states = new Map<string, FinalState>();
  const problems = new Map<string, string>();
  const ways = new Map<string, readonly Decision[]>();
  let limit: string | null = null;
  const result = sample(m, options, (end, path) => {
    limit ??= limitOf(m);
    const problem = problemOf(m, end);
    const state = problem === null ? finalState(m, condition) : null;
    const name = problem ?? state?.text ?? null;
    if (name === null || problems.has(name) || states.has(name)) return;
    const way = path();
    const text = FULL + pathText(way);
    const shown = state?.text ?? `${name} (path ${text})`;
    if (state !== null) states.set(name, { ...state, path: text });
    else problems.set(name, shown);
    ways.set(shown, way);
  });
  const gaveUp = result.endless > 0 ? `, ${result.endless} of them given up` : '';
  const cut = result.cut === null ? '' : `, ${result.cut}`;
  const exploration: Exploration = {
    observation: 'Incomplete',
    states: [...states.values()],
    problems: [...problems.values()],
    notes: [],
    reason:
      limit ??
      `a sample of ${result.executions} executions (seed ${options.seed})${gaveUp}${cut}, no proof`,
    explored: { states: 0, steps: result.steps, searches: 0 },
  };
  const names = [...ways.keys()];
  return { exploration, ways: { names, easiestPath: (name) => ways.get(name) ?? null } };
};
