/** Explores a compiled test under given rules: all its final states and all other ends. */
import type { Rules } from '../kernels/index.ts';
import type { Outcome } from '../litmus/ast.ts';
import { type Compiled, type CompiledCondition, remembering } from '../litmus/compile/index.ts';
import { KILLED, LIMIT } from '../litmus/run/program.ts';
import { bugName } from '../machine/report.ts';
import { Graph } from './graph.ts';
import { leakedPins } from './leaks.ts';
import { rehearse } from './rehearse.ts';
import { FULL, pathText } from './replay.ts';
import { type SampleOptions, sample } from './sample.ts';
import { type End, type Limits, noKnowledge, search } from './search.ts';
import { InitFailure, type Machine, type Needs, setUp } from './setup.ts';
import type { Sharing } from './sharing.ts';

/** `Vacuous`: no final state was ever asked about. `Incomplete`: a limit was hit; nothing is claimed. */
export type Observation = Outcome | 'Vacuous' | 'Incomplete';

/** One final state as the condition's terms show it. */
export interface FinalState {
  readonly text: string;
  readonly holds: boolean;
  /** How a sampled execution came there (`pathText`); exploration finds ways of its own. */
  readonly path?: string;
}

/** What exploring a test found, before anything is expected of it. */
export interface Exploration {
  readonly observation: Observation;
  readonly states: readonly FinalState[];
  /** How executions ended that did not come to an end of all threads. */
  readonly problems: readonly string[];
  /** What happened on the way in some executions and the reader should know: threads that a signal ended. */
  readonly notes: readonly string[];
  /** Why it is Incomplete or Unsupported; null else. */
  readonly reason: string | null;
  /** Of the last, complete search. */
  readonly explored: { readonly states: number; readonly steps: number; readonly searches: number };
}

export interface ExploreOptions {
  readonly limits?: Partial<Limits> | undefined;
  /** Without the reduction of sharing.ts: for comparison. */
  readonly unreduced?: boolean;
  /** Keep the graph of the search, so that a way to an end can be asked for. */
  readonly graph?: boolean;
  /** Sample this many executions instead of exploring all. */
  readonly sample?: Pick<SampleOptions, 'executions' | 'seed' | 'depth'> | undefined;
}

/** An exploration with what is needed to walk through it again; ends are called by the text of the state or problem. */
export interface Explored {
  readonly exploration: Exploration;
  readonly machine: Machine | null;
  readonly sharing: Sharing | null;
  readonly graph: Graph | null;
}

const DEFAULT_LIMITS: Limits = { states: 4_000_000, time: 120_000 };

/** An exploration that found nothing, and why. */
export const nothing = (observation: Observation, reason: string): Exploration => ({
  observation,
  states: [],
  problems: [],
  notes: [],
  reason,
  explored: { states: 0, steps: 0, searches: 0 },
});

const stopped = (reason: string): Explored => ({
  exploration: nothing('Incomplete', reason),
  machine: null,
  sharing: null,
  graph: null,
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
  const program = options.graph === true ? remembering(compiled.program) : compiled.program;
  const limits = withDeadline({ ...DEFAULT_LIMITS, ...options.limits });
  let machine: Machine;
  try {
    machine = setUp(program, rules, needs);
  } catch (error) {
    if (error instanceof InitFailure) return stopped(error.message);
    throw error;
  }
  const { k } = machine;
  const trouble = limitOf(machine);
  if (trouble !== null) return stopped(trouble);
  if (k.lit.killed[program.threads.length] !== 0)
    return stopped('the initial block was killed by SIGSEGV');
  if (options.sample !== undefined) {
    const exploration = explorationOf(machine, condition, { ...options.sample, limits });
    return { exploration, machine, sharing: null, graph: null };
  }
  const knowledge = noKnowledge(machine, options.unreduced !== true, options.graph === true);
  const { sharing } = knowledge;
  for (let searches = 1; ; searches++) {
    const graph = options.graph === true ? new Graph() : null;
    const states = new Map<string, FinalState>();
    const problems = new Set<string>();
    const notes = new Set<string>();
    let limit: string | null = null;
    let bugs = 0;
    const onEnd = (end: End): string | null => {
      limit ??= limitOf(machine);
      const problem = problemOf(machine, end);
      if (problem !== null) {
        if (end.kind !== 'deadlock' && end.kind !== 'livelock') bugs++;
        problems.add(problem);
        return problem;
      }
      for (const note of notesOf(machine)) notes.add(note);
      const state = finalState(machine, condition);
      if (state !== null && !states.has(state.text)) states.set(state.text, state);
      return state?.text ?? null;
    };
    sharing?.begin();
    const result = search(machine, knowledge, limits, onEnd, graph);
    const cut = limit ?? result.cut;
    if (cut === null && sharing?.broken === true) {
      if (searches === 1) rehearse(machine, sharing);
      continue;
    }
    // Complete, and yet no execution came to an end: whatever happens, somebody goes round for ever.
    if (cut === null && result.ends === 0) problems.add('livelock: no execution comes to an end');
    const found = {
      states: [...states.values()],
      problems: [...problems],
      notes: [...notes],
      explored: { states: result.states, steps: result.steps, searches },
    };
    const exploration: Exploration =
      cut !== null
        ? { ...found, observation: 'Incomplete', reason: cut }
        : { ...found, observation: observe(found.states, problems.size, bugs), reason: null };
    return { exploration, machine, sharing, graph };
  }
};

/** Samples; whatever is found, nothing is claimed of what was not run. */
const explorationOf = (
  m: Machine,
  condition: CompiledCondition,
  options: SampleOptions,
): Exploration => {
  const states = new Map<string, FinalState>();
  const problems = new Map<string, string>();
  let limit: string | null = null;
  const result = sample(m, options, (end, path) => {
    limit ??= limitOf(m);
    const problem = problemOf(m, end);
    if (problem !== null) {
      if (!problems.has(problem))
        problems.set(problem, `${problem} (path ${FULL}${pathText(path())})`);
      return;
    }
    const state = finalState(m, condition);
    if (state === null || states.has(state.text)) return;
    states.set(state.text, { ...state, path: FULL + pathText(path()) });
  });
  const gaveUp = result.endless > 0 ? `, ${result.endless} of them given up` : '';
  const cut = result.cut === null ? '' : `, ${result.cut}`;
  return {
    observation: 'Incomplete',
    states: [...states.values()],
    problems: [...problems.values()],
    notes: [],
    reason:
      limit ??
      `a sample of ${result.executions} executions (seed ${options.seed})${gaveUp}${cut}, no proof`,
    explored: { states: 0, steps: result.steps, searches: 0 },
  };
};

/** What each limit of the model says. */
const LIMIT_TEXT: Readonly<Record<keyof typeof LIMIT, string>> = {
  fileSystem: 'not modelled yet: of this file system, only reads and writes with O_DIRECT are',
  endless: 'this loop does not end',
  inexact: 'a value that 53 bits do not hold exactly',
  address: 'an address or size above the 8 TiB of user space that the model has',
  disk: "a write past the last block of the model's disk (16 pages)",
  pipe: 'a pipe larger than the 16 pages that the model has',
};

/** A limit of the model that the execution ran into. */
const limitOf = ({ k }: Machine): string | null => {
  for (const [name, text] of Object.entries(LIMIT_TEXT)) {
    const line = k.lit.limits[LIMIT[name as keyof typeof LIMIT]] ?? 0;
    if (line !== 0) return `line ${line}: ${text}`;
  }
  return null;
};

/** What is wrong with an end, whatever the condition asks; null: it is a final state like any other. */
export const problemOf = (m: Machine, end: End): string | null => {
  if (end.kind === 'bug')
    return `${bugName(end.code)}${end.argument > 0 ? ` (page frame ${end.argument})` : ''}`;
  if (end.kind === 'deadlock') {
    const names = end.waiting.map((t) => m.k.program.threads[t]?.name ?? '?').join(', ');
    return `deadlock: ${names} wait`;
  }
  if (end.kind === 'livelock') {
    return `livelock: ${m.k.program.threads[end.thread]?.name ?? '?'} goes round for ever`;
  }
  const leaked = leakedPins(m.k);
  if (leaked.length === 0) return null;
  return `leak: page frame ${leaked.join(', ')} is pinned and nobody knows of it any more`;
};

/** Threads that a signal ended, and where. */
const notesOf = ({ k }: Machine): string[] =>
  k.program.threads.flatMap((thread, t) => {
    if (k.lit.killed[t] !== KILLED.sigsegv) return [];
    const line = k.program.code[k.lit.at[t] ?? 0]?.line ?? 0;
    return [`${thread.name} is killed by SIGSEGV in line ${line}`];
  });

/** A machine at its end as the condition sees it; null: the filter leaves it out. */
export const finalState = ({ k }: Machine, condition: CompiledCondition): FinalState | null => {
  if (!condition.filter(k)) return null;
  const text = condition.shown.map((s) => `${s.text}=${shownValue(s.value(k))};`).join(' ');
  return { text, holds: condition.holds(k) };
};

const shownValue = (value: number): string => (Number.isNaN(value) ? '-' : String(value));

/** A BUG weighs more than a deadlock or livelock, either more than any state. */
const observe = (states: readonly FinalState[], problems: number, bugs: number): Observation => {
  if (problems > 0) return bugs > 0 ? 'Bug' : 'Deadlock';
  if (states.length === 0) return 'Vacuous';
  const positive = states.filter((s) => s.holds).length;
  if (positive === 0) return 'Never';
  return positive === states.length ? 'Always' : 'Sometimes';
};
