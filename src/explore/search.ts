/**
 * Depth-first search over all interleavings: which thread steps next, and what hardware or chance decides in between.
 * States are rows of numbers (snapshots.ts). A step is taken on the machine only where the same thread has not stood
 * before with the same shared content (step-table.ts); the machine is put to where it is needed.
 */

import { accessIndex, accessOp, CHOOSE } from '../machine/access.ts';
import { accessEnabled } from '../machine/enabled.ts';
import {
  log,
  logged,
  setLog,
  setStacks,
  threadPending,
  threadRunning,
  trimLog,
} from '../machine/resumable.ts';
import type { CheckpointReader, CheckpointWriter } from './checkpoint.ts';
import { type End, waitingThreads } from './end.ts';
import type { Futures } from './futures.ts';
import { type Graph, stepLabel } from './graph.ts';
import type { Knowledge } from './knowledge.ts';
import type { Limits } from './limits.ts';
import { NODE, Path } from './path.ts';
import { type Machine, STACK_WORDS } from './setup.ts';
import type { Sharing } from './sharing.ts';
import { type Snapshots, THREAD } from './snapshots.ts';
import { ALL, StateTable } from './state-table.ts';
import { STEP, StepTable } from './step-table.ts';
import { RUN_LIMIT, Stepper } from './stepper.ts';

/** How a search is kept on disk, and goes on from there. */
export interface Kept {
  /** Asked now and then, and when the search is cut short (`last`); may have it written down by `save`. */
  readonly keep: (save: (out: CheckpointWriter) => void, last: boolean) => void;
  /** What an earlier run wrote down; null: begin at the start. */
  readonly from: CheckpointReader | null;
}

export interface SearchResult {
  readonly states: number;
  readonly steps: number;
  readonly ends: number;
  /** Why it stopped early; null: everything was visited. */
  readonly cut: string | null;
}

/** Rounds that a search goes on for after its first broken assumption, and at least half as many as before, to find more of them at once. */
const GRACE = 1_000;
/** Steps between two looks at clock, memory and whoever waits. */
const STEPS_A_LOOK = 4_096;

/**
 * Visits every reachable state of `m` once, as far as `knowledge` asks for, calling `onEnd` for each end with the machine
 * standing there. The machine's words are as at the start afterwards. A `graph` gets every step between stored states
 * that is taken, and the ends by the names that `onEnd` gives them (null: of no interest).
 */
export const search = (
  m: Machine,
  knowledge: Knowledge,
  limits: Limits,
  onEnd: (end: End) => string | null,
  graph: Graph | null = null,
  kept: Kept | null = null,
): SearchResult => new Search(m, knowledge, limits, onEnd, graph).run(kept);

class Search {
  readonly #m: Machine;
  readonly #threads: number;
  readonly #sharing: Sharing | null;
  readonly #limits: Limits;
  readonly #onEnd: (end: End) => string | null;
  readonly #snapshots: Snapshots;
  readonly #states: StateTable;
  readonly #steps = new StepTable();
  readonly #stepper: Stepper;
  /** null: from each state all threads go on. */
  readonly #futures: Futures | null;
  readonly #graph: Graph | null;
  /** What the graph calls the state that the search is about to leave, and the step it takes from there. */
  #from = 0;
  #label = 0;
  /** The state that the search is about to come to, and the threads that sleep there. */
  readonly #state: Int32Array;
  #sleep = 0;
  /** Thread that the last step sent round in a circle, or -1. */
  #livelock = -1;
  readonly #path: Path;
  /** What was known when `lookBack` began at the first state. */
  #learned = -1;
  #taken = 0;
  #ends = 0;
  #cut: string | null = null;

  constructor(
    m: Machine,
    { snapshots, sharing, futures }: Knowledge,
    limits: Limits,
    onEnd: (end: End) => string | null,
    graph: Graph | null,
  ) {
    setStacks(m.stacks, STACK_WORDS);
    this.#m = m;
    this.#threads = m.threads;
    this.#sharing = sharing;
    this.#limits = limits;
    this.#onEnd = onEnd;
    this.#snapshots = snapshots;
    this.#state = new Int32Array(m.threads + 1);
    this.#states = new StateTable(m.threads, sharing !== null);
    this.#path = new Path(m.threads + 1);
    this.#stepper = new Stepper(m, sharing);
    this.#graph = graph;
    this.#futures = futures;
  }

  run(kept: Kept | null): SearchResult {
    const snapshots = this.#snapshots;
    setLog(new Int32Array(1 << 10));
    this.#takeAll();
    const atStart = this.#state.slice();
    const deadline = this.#limits.deadline ?? performance.now() + this.#limits.time;
    let last = Number.POSITIVE_INFINITY;
    let nextLook = STEPS_A_LOOK;
    if (kept?.from) this.#load(kept.from);
    else this.#begin();
    const path = this.#path;
    for (let rounds = 0; path.depth > 0 && this.#cut === null; rounds++) {
      const node = path.top;
      if (path.isDone(node)) {
        this.#pop(node);
        continue;
      }
      this.#advance(node);
      if (this.#sharing?.broken === true)
        last = Math.min(last, rounds + Math.max(GRACE, rounds / 2));
      if (rounds >= last) break;
      if (this.#stepper.steps + rounds >= nextLook) {
        nextLook = this.#stepper.steps + rounds + STEPS_A_LOOK;
        this.#cut = this.#lookAround(deadline);
        if (this.#cut === null) this.#keep(kept, false);
      }
      if (this.#states.size > this.#limits.states)
        this.#cut = `limit of ${this.#limits.states} states`;
    }
    if (this.#cut !== null) this.#keep(kept, true);
    snapshots.restoreShared(atStart[0] as number);
    for (let t = 0; t < this.#threads; t++) snapshots.restoreLocal(t, atStart[1 + t] as number);
    setLog(null);
    return {
      states: this.#states.size,
      steps: this.#taken,
      ends: this.#ends,
      cut: this.#cut,
    };
  }

  /** Lets threads run to where they can meet. */
  #begin(): void {
    for (let t = 0; t < this.#threads && this.#livelock < 0; t++)
      this.#note(t, this.#stepper.begin(t));
    this.#taken = this.#stepper.steps;
    this.#takeAll();
    this.#arrive(-1);
  }

  /** One that will be repeated anyway is not worth keeping. */
  #keep(kept: Kept | null, last: boolean): void {
    if (this.#sharing?.broken !== true) kept?.keep((out) => this.#save(out), last);
  }

  #save(out: CheckpointWriter): void {
    this.#states.save(out);
    this.#steps.save(out);
    this.#path.save(out);
    out.numbers(this.#learned, this.#ends);
    // More than a word holds.
    out.text(String(this.#taken));
  }

  #load(from: CheckpointReader): void {
    this.#states.load(from);
    this.#steps.load(from);
    this.#path.load(from);
    [this.#learned = -1, this.#ends = 0] = from.numbers();
    this.#taken = Number(from.text());
  }

  /** The state that the machine stands at. */
  #takeAll(): void {
    this.#state[0] = this.#snapshots.takeShared(log, logged);
    for (let t = 0; t < this.#threads; t++) this.#state[1 + t] = this.#takeLocal(t);
    trimLog(0);
  }

  #takeLocal(t: number): number {
    const chooses = threadRunning(t) && accessOp(threadPending(t)) === CHOOSE;
    return this.#snapshots.takeLocal(t, chooses ? this.#stepper.announced(t) : 0);
  }

  /** Bytes that the search takes for what it remembers. */
  get #bytes(): number {
    return this.#states.bytes + this.#steps.bytes + this.#snapshots.bytes;
  }

  /** Why the search has to stop now, if it has to. */
  #lookAround(deadline: number): string | null {
    const { time, bytes, poll } = this.#limits;
    if (performance.now() > deadline) return `time limit of ${time / 1000} s`;
    const used = this.#bytes;
    if (bytes !== undefined && used > bytes)
      return `memory limit of ${Math.round(bytes / 2 ** 20)} MiB`;
    const at = {
      states: this.#states.size,
      steps: this.#taken,
      depth: this.#path.depth,
      bytes: used,
    };
    return poll?.(at) === true ? 'interrupted' : null;
  }

  /** How a run of steps of `t` ended. */
  #note(t: number, how: 'visible' | 'livelock' | 'endless'): void {
    this.#livelock = how === 'livelock' ? t : -1;
    if (how === 'endless')
      this.#cut = `${this.#m.k.program.threads[t]?.name ?? 'the device'} takes more than ${RUN_LIMIT} steps in a row: a long loop, or a very large range`;
  }

  #push(ready: number, choices: number, id: number, sleep: number): void {
    this.#path.push(this.#state, ready, choices, id, sleep, this.#futures?.version ?? 0);
  }

  /** Leaves the node, unless what was learned since asks for more steps from it. */
  #pop(node: number): void {
    const { nodes } = this.#path;
    const futures = this.#futures;
    if (
      futures !== null &&
      nodes[node + NODE.choices] === 0 &&
      nodes[node + NODE.learned] !== futures.version
    ) {
      nodes[node + NODE.learned] = futures.version;
      this.#path.stateOf(node, this.#state);
      nodes[node + NODE.ready] = this.#wanted(this.#states.add(this.#state), this.#ready());
      if (nodes[node + NODE.ready] !== 0) return;
    }
    this.#path.depth--;
    if (this.#path.depth === 0) this.#lookBack();
  }

  /** When all is done: goes on from a state that needs more steps, as we know by now; if there is one. */
  #lookBack(): void {
    const futures = this.#futures;
    if (futures === null) return;
    const states = this.#states;
    for (;;) {
      const row = states.nextSpared(this.#state);
      if (row < 0) {
        if (this.#learned === futures.version) return;
        this.#learned = futures.version;
        states.rewind();
        continue;
      }
      this.#comeBack(row);
      if (this.#path.depth > 0) return;
    }
  }

  /** Looks at the state that the search has just come to; pushes a node unless it ends here or was seen before. */
  #arrive(known: number): void {
    if (this.#livelock >= 0) {
      this.#end({ kind: 'livelock', thread: this.#livelock });
      return;
    }
    if (known < 0 || (known & STEP.bug) !== 0) {
      const [code = 0, argument = 0] = this.#reported();
      if (code !== 0) {
        this.#end({ kind: 'bug', code, argument });
        return;
      }
    }
    if (known < 0 || (known & STEP.chooses) !== 0) {
      const chooser = this.#chooser();
      if (chooser >= 0) {
        const choices = accessIndex(this.#snapshots.pending(this.#state[1 + chooser] as number));
        const id = this.#graph?.between(this.#from, this.#label) ?? 0;
        this.#push(1 << chooser, choices, id, this.#sleep);
        return;
      }
    }
    const states = this.#states;
    const added = states.add(this.#state);
    const row = added < 0 ? ~added : added;
    const state = states.number(row);
    this.#graph?.edge(this.#from, this.#label, state);
    if (added >= 0) {
      this.#meet(row);
      return;
    }
    const sleep = this.#sleep;
    if (sleep !== 0) states.setSlept(row, sleep);
    const ready = this.#ready();
    if (ready !== 0) {
      this.#push(this.#wanted(row, ready), 0, state, sleep);
      return;
    }
    this.#from = state;
    this.#label = -1;
    this.#stand();
    const waiting = waitingThreads(this.#m);
    this.#end(waiting.length === 0 ? { kind: 'final' } : { kind: 'deadlock', waiting });
  }

  /** The search comes to a state that it knows. What slept there before and does not sleep now may still have to be tried. */
  #meet(row: number): void {
    const slept = this.#states.slept(row);
    if ((slept & ~this.#sleep) === 0) return;
    this.#states.setSlept(row, slept & this.#sleep);
    this.#comeBack(row);
  }

  /** Pushes the state that the search is at again, if there are steps that have still to be taken from it. */
  #comeBack(row: number): void {
    const states = this.#states;
    const wanted = this.#wanted(row, this.#ready());
    if (wanted !== 0) this.#push(wanted, 0, states.number(row), states.slept(row));
  }

  /** Of the threads that can step in the state that the search is at, those whose step has still to be taken. */
  #wanted(row: number, ready: number): number {
    if (this.#sharing === null) return ready;
    const states = this.#states;
    const state = states.number(row);
    const taken = states.taken(state);
    const untried = ready & ~taken & ~states.slept(row);
    let wanted = untried;
    if (untried !== 0 && this.#futures !== null && (taken & ALL) === 0)
      wanted &= this.#futures.persistent(this.#state, 1, this.#threads, ready);
    states.setSpared(state, wanted !== untried);
    return wanted;
  }

  /** The thread that has to choose, of which there is one at most; -1: none. */
  #chooser(): number {
    for (let t = 0; t < this.#threads; t++)
      if ((this.#snapshots.kind(this.#state[1 + t] as number) & THREAD.chooses) !== 0) return t;
    return -1;
  }

  /** The BUG that the machine reports there. */
  #reported(): Int32Array {
    this.#snapshots.restoreShared(this.#state[0] as number);
    return this.#m.k.report;
  }

  /** Threads that can step there, as bits. */
  #ready(): number {
    const snapshots = this.#snapshots;
    let ready = 0;
    for (let t = 0; t < this.#threads; t++) {
      const local = this.#state[1 + t] as number;
      const kind = snapshots.kind(local);
      if ((kind & THREAD.runs) === 0) continue;
      if ((kind & THREAD.mayWait) === 0 || this.#enabled(local)) ready |= 1 << t;
    }
    return ready;
  }

  /** Whether a thread that may have to wait can step there. */
  #enabled(local: number): boolean {
    const snapshots = this.#snapshots;
    const shared = this.#state[0] as number;
    const at = this.#steps.find(local, shared, 0);
    if (at >= 0) return this.#steps.known(at) !== STEP.blocked;
    snapshots.restoreShared(shared);
    const enabled = accessEnabled(this.#m.k, snapshots.pending(local));
    this.#steps.enter(local, shared, 0, enabled ? STEP.enabled : STEP.blocked);
    return enabled;
  }

  /** Of the sleeping threads those whose step commutes with the one that `t` is about to take from the node. */
  #sleepAfter(node: number, t: number): number {
    const { nodes } = this.#path;
    const sleep = nodes[node + NODE.sleep] as number;
    if (this.#sharing === null || sleep === 0) return 0;
    const state = node + NODE.state + 1;
    const word = this.#snapshots.pending(nodes[state + t] as number);
    let kept = 0;
    for (let rest = sleep; rest !== 0; rest &= rest - 1) {
      const u = 31 - Math.clz32(rest & -rest);
      if (u === t) continue;
      const other = this.#snapshots.pending(nodes[state + u] as number);
      if (this.#sharing.independent(other, word)) kept |= 1 << u;
    }
    return kept;
  }

  /** Puts the machine to the state that the search has come to. */
  #stand(): void {
    this.#snapshots.restoreShared(this.#state[0] as number);
    for (let t = 0; t < this.#threads; t++)
      this.#snapshots.restoreLocal(t, this.#state[1 + t] as number);
  }

  #end(end: End): void {
    this.#stand();
    this.#ends++;
    const name = this.#onEnd(end);
    if (name !== null) this.#graph?.end(this.#from, this.#label, name);
  }

  /** From the node on top: takes its next alternative. */
  #advance(node: number): void {
    const { nodes } = this.#path;
    const ready = nodes[node + NODE.ready] as number;
    const t = 31 - Math.clz32(ready & -ready);
    let choice = 0;
    if (nodes[node + NODE.choices] !== 0) {
      choice = nodes[node + NODE.next] as number;
      nodes[node + NODE.next] = choice + 1;
      this.#sleep = nodes[node + NODE.sleep] as number;
    } else {
      nodes[node + NODE.ready] = ready & (ready - 1);
      if (this.#sharing !== null) {
        const id = nodes[node + NODE.id] as number;
        this.#states.setTaken(id, this.#states.taken(id) | (1 << t));
      }
      this.#sleep = this.#sleepAfter(node, t);
      // A graph is to have every step, for the easiest way through it.
      if (this.#graph === null)
        nodes[node + NODE.sleep] = (nodes[node + NODE.sleep] as number) | (1 << t);
    }
    this.#from = nodes[node + NODE.id] as number;
    this.#label = stepLabel(t, choice);
    const state = this.#state;
    this.#path.stateOf(node, state);
    const local = state[1 + t] as number;
    const shared = state[0] as number;
    const steps = this.#steps;
    let at = steps.find(local, shared, choice);
    if (at < 0 || (steps.known(at) & STEP.taken) === 0) at = this.#take(t, local, choice);
    const known = steps.known(at);
    state[0] = steps.nextShared(at);
    state[1 + t] = steps.nextLocal(at);
    this.#taken += steps.steps(at);
    this.#livelock = (known & STEP.livelock) !== 0 ? t : -1;
    // Who closes a circle, or ends everything, must not keep the others from ever stepping: they may know better.
    if (this.#futures !== null && (known & (STEP.bug | STEP.livelock | STEP.circle)) !== 0)
      this.#takeAllFrom(node, t);
    // Who waits in a loop looks and goes on waiting: that is the node's state again.
    if (state[1 + t] === local && state[0] === shared && (known & ~STEP.circle) === STEP.taken) {
      this.#graph?.edge(this.#from, this.#label, this.#from);
      if (this.#sharing !== null) this.#meet(this.#states.add(state));
      return;
    }
    this.#arrive(known);
  }

  /**
   * Every thread that can step from the node's state has to, and `t` stays awake meanwhile: what is left out for the sake of one
   * who goes round in a circle would be left out in each round.
   */
  #takeAllFrom(top: number, t: number): void {
    const { nodes } = this.#path;
    const node = this.#path.beforeChoices(top);
    if (node < 0) return;
    nodes[node + NODE.sleep] = (nodes[node + NODE.sleep] as number) & ~(1 << t);
    const id = nodes[node + NODE.id] as number;
    const taken = this.#states.taken(id);
    if ((taken & ALL) !== 0) return;
    this.#states.setTaken(id, taken | ALL);
    nodes[node + NODE.learned] = -1;
  }

  /** Takes a step on the machine, and those after it that nobody else notices; its entry. */
  #take(t: number, local: number, choice: number): number {
    const snapshots = this.#snapshots;
    const stepper = this.#stepper;
    const shared = this.#state[0] as number;
    snapshots.restoreShared(shared);
    snapshots.restoreLocal(t, local);
    stepper.setAnnounced(t, snapshots.chooser(local));
    this.#m.k.choice[0] = choice;
    const before = stepper.steps;
    stepper.step(t);
    const how = stepper.runOn(t);
    this.#note(t, how);
    const nextShared = snapshots.takeShared(log, logged);
    const nextLocal = this.#takeLocal(t);
    trimLog(0);
    const bug = (this.#m.k.report[0] as number) !== 0;
    const chooses = (snapshots.kind(nextLocal) & THREAD.chooses) !== 0;
    const circle = this.#futures?.learn(local, nextLocal) === true;
    const known =
      STEP.taken |
      (circle ? STEP.circle : 0) |
      (bug ? STEP.bug : 0) |
      (how === 'livelock' ? STEP.livelock : 0) |
      (chooses ? STEP.chooses : 0);
    const at = this.#steps.enter(local, shared, choice, known);
    this.#steps.take(at, nextLocal, nextShared, stepper.steps - before);
    return at;
  }
}
