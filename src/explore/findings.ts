/** What an exploration finds: final states, other ends, and what all that says. */
import type { Outcome } from '../litmus/ast.ts';
import type { CompiledCondition } from '../litmus/compile/index.ts';
import { CALL } from '../litmus/run/call-ids.ts';
import { KILLED, LIMIT } from '../litmus/run/program.ts';
import { bugName } from '../machine/report.ts';
import { PF } from '../mm/kernel.ts';
import type { CheckpointReader, CheckpointWriter } from './checkpoint.ts';
import type { End } from './end.ts';
import { errnoText } from './errno-text.ts';
import { leakedPins } from './leaks.ts';
import type { SearchResult } from './search.ts';
import type { Machine } from './setup.ts';

const CALL_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(CALL).map(([name, id]) => [id, name]),
);

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

/** An exploration that found nothing, and why. */
export const nothing = (observation: Observation, reason: string): Exploration => ({
  observation,
  states: [],
  problems: [],
  notes: [],
  reason,
  explored: { states: 0, steps: 0, searches: 0 },
});

/** Collects the ends of one search. */
export class Findings {
  readonly #machine: Machine;
  readonly #condition: CompiledCondition;
  readonly #states = new Map<string, FinalState>();
  readonly #problems = new Set<string>();
  readonly #notes = new Set<string>();
  #limit: string | null = null;
  #bugs = 0;

  constructor(machine: Machine, condition: CompiledCondition) {
    this.#machine = machine;
    this.#condition = condition;
  }

  /** Takes in the end that the machine stands at; its name, null: nothing asks about it. */
  add(end: End): string | null {
    const lack = unkilled(this.#machine, end);
    this.#limit ??= limitOf(this.#machine) ?? lack;
    if (lack !== null) return null;
    const problem = problemOf(this.#machine, end);
    if (problem !== null) {
      if (end.kind !== 'deadlock' && end.kind !== 'livelock') this.#bugs++;
      this.#problems.add(problem);
      return problem;
    }
    for (const note of notesOf(this.#machine)) this.#notes.add(note);
    const state = finalState(this.#machine, this.#condition);
    if (state !== null && !this.#states.has(state.text)) this.#states.set(state.text, state);
    return state?.text ?? null;
  }

  /** Why the search says nothing about all executions; null: it does. */
  cut(result: SearchResult): string | null {
    return this.#limit ?? limitOf(this.#machine) ?? result.cut;
  }

  /** What the search, of `searches` the last one, has found. */
  exploration(result: SearchResult, searches: number): Exploration {
    const cut = this.cut(result);
    const problems = [...this.#problems];
    const states = [...this.#states.values()];
    return {
      states,
      problems,
      notes: [...this.#notes],
      explored: { states: result.states, steps: result.steps, searches },
      observation: cut === null ? observe(states, problems.length, this.#bugs) : 'Incomplete',
      reason: cut,
    };
  }

  save(out: CheckpointWriter): void {
    const limit = this.#limit ?? limitOf(this.#machine);
    const [states, problems, notes] = [this.#states.values(), this.#problems, this.#notes];
    const kept: Kept = {
      states: [...states],
      problems: [...problems],
      notes: [...notes],
      limit,
      bugs: this.#bugs,
    };
    out.text(JSON.stringify(kept));
  }

  load(from: CheckpointReader): void {
    const kept = JSON.parse(from.text()) as Kept;
    for (const state of kept.states) this.#states.set(state.text, state);
    for (const problem of kept.problems) this.#problems.add(problem);
    for (const note of kept.notes) this.#notes.add(note);
    this.#limit = kept.limit;
    this.#bugs = kept.bugs;
  }
}

/** As it is written to a checkpoint. */
interface Kept {
  readonly states: readonly FinalState[];
  readonly problems: readonly string[];
  readonly notes: readonly string[];
  readonly limit: string | null;
  readonly bugs: number;
}

/** What each limit of the model says. */
const LIMIT_TEXT: Readonly<Record<keyof typeof LIMIT, string>> = {
  fileSystem: 'not modelled: this file system, or this use of it',
  endless: 'this loop does not end',
  inexact: 'a value that 53 bits do not hold exactly',
  address: 'an address or size above the 8 TiB of user space that the model has',
  disk: "a write past the last block of the model's disk (16 pages)",
  pipe: 'a pipe larger than the 16 pages that the model has',
  memory: 'not modelled yet: this call on memory of this kind',
  bounds: 'an index outside of the array',
};

/** A limit of the model that the execution ran into. */
export const limitOf = ({ k }: Machine): string | null => {
  for (const [name, text] of Object.entries(LIMIT_TEXT)) {
    const line = k.lit.limits[LIMIT[name as keyof typeof LIMIT]] ?? 0;
    if (line !== 0) return `line ${line}: ${text}`;
  }
  return null;
};

/** A loop of a process that Linux would have ended: the model ends its waits and calls alone. */
const unkilled = ({ k }: Machine, end: End): string | null => {
  if (end.kind !== 'livelock') return null;
  const { threads } = k.program;
  const ended = threads.flatMap((t, u) =>
    k.lit.killed[u] !== KILLED.no || ((k.task.flags[k.lit.task[u] ?? 0] ?? 0) & PF.sigkill) !== 0
      ? [t.process]
      : [],
  );
  const loops = end.threads.flatMap((t) => {
    const thread = threads[t];
    return thread !== undefined && !thread.kernelOnly && ended.includes(thread.process)
      ? [thread.name]
      : [];
  });
  return loops.length === 0
    ? null
    : `not modelled: that exit() or a signal ends what the process does itself (the loop of ${loops.join(', ')})`;
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
    const names = end.threads.map((t) => m.k.program.threads[t]?.name ?? 'the device');
    return `livelock: ${names.join(', ')} ${names.length === 1 ? 'goes' : 'go'} round for ever`;
  }
  const leaked = leakedPins(m.k);
  if (leaked.length === 0) return null;
  return `leak: page frame ${leaked.join(', ')} is pinned and nobody knows of it any more`;
};

/** What may have gone otherwise than the writer of the test thinks, and where. */
const notesOf = (m: Machine): string[] => [...refusedOf(m), ...killedOf(m)];

/** A call that sets the test up, and whose error nobody looks at. */
const refusedOf = ({ k }: Machine): string[] => {
  const [pc = 0, error = 0] = k.lit.refused;
  const instruction = k.program.code[pc];
  if (error === 0 || instruction === undefined) return [];
  const name = CALL_NAMES.get(instruction.call);
  return [
    `${name}() in line ${instruction.line} of the initial block returned ${errnoText(error)}`,
  ];
};

/** Threads that a signal ended. */
const killedOf = ({ k }: Machine): string[] =>
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
