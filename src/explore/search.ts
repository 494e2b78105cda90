/**
 * Depth-first search over all interleavings: which thread steps next, and what hardware or chance decides in between.
 * Where it can, it leaves out orders of steps that come to the same (sharing.ts, futures.ts, and sleep sets).
 */

import { setLog } from '../machine/resumable.ts';
import { Bits } from './bits.ts';
import type { CheckpointReader, CheckpointWriter } from './checkpoint.ts';
import { type Circle, circlesFrom, leadsAtOnce, VISITED_BYTES } from './circles.ts';
import { type End, endWithout, threadsOf } from './end.ts';
import type { Futures } from './futures.ts';
import { type Graph, stepLabel } from './graph.ts';
import type { Knowledge } from './knowledge.ts';
import type { Limits } from './limits.ts';
import { NODE, Path } from './path.ts';
import type { Machine } from './setup.ts';
import type { Sharing } from './sharing.ts';
import type { Snapshots } from './snapshots.ts';
import { ALL, StateTable } from './state-table.ts';
import { STEP } from './step-table.ts';
import { Transitions } from './transitions.ts';

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
  readonly #transitions: Transitions;
  /** null: from each state all threads go on. */
  readonly #futures: Futures | null;
  /** States from which an end can be come to, as is known. */
  readonly #ways = new Bits();
  readonly #leads = (state: Int32Array): boolean => this.#ways.has(this.#numberOf(state));
  /** States that the search for circles has come to. */
  #circleStates = 0;
  readonly #graph: Graph | null;
  /** What the graph calls the state that the search is about to leave, and the step it takes from there. */
  #from = 0;
  #label = 0;
  /** The state that the search is about to come to, and the threads that sleep there. */
  readonly #state: Int32Array;
  #sleep = 0;
  readonly #path: Path;
  /** What was known when `lookBack` began at the first state. */
  #learned = -1;
  #cut: string | null = null;

  constructor(
    m: Machine,
    knowledge: Knowledge,
    limits: Limits,
    onEnd: (end: End) => string | null,
    graph: Graph | null,
  ) {
    const { snapshots, sharing, futures } = knowledge;
    this.#m = m;
    this.#threads = m.threads;
    this.#sharing = sharing;
    this.#limits = limits;
    this.#onEnd = onEnd;
    this.#snapshots = snapshots;
    this.#state = new Int32Array(m.threads + 1);
    this.#states = new StateTable(m.threads, sharing !== null);
    this.#path = new Path(m.threads + 1);
    this.#transitions = new Transitions(m, knowledge);
    this.#graph = graph;
    this.#futures = futures;
  }

  run(kept: Kept | null): SearchResult {
    const transitions = this.#transitions;
    setLog(new Int32Array(1 << 10));
    const atStart = new Int32Array(this.#state.length);
    transitions.take(atStart);
    const deadline = this.#limits.deadline ?? performance.now() + this.#limits.time;
    let last = Number.POSITIVE_INFINITY;
    let nextLook = STEPS_A_LOOK;
    if (kept?.from) this.#load(kept.from);
    else this.#arrive(transitions.begin(this.#state));
    const path = this.#path;
    let rounds = 0;
    for (; path.depth > 0 && this.#cut === null; rounds++) {
      const node = path.top;
      if (path.isDone(node)) {
        this.#pop(node);
        continue;
      }
      this.#advance(node);
      if (this.#sharing?.broken === true)
        last = Math.min(last, rounds + Math.max(GRACE, rounds / 2));
      if (rounds >= last) break;
      if (transitions.stepped + rounds >= nextLook) {
        nextLook = transitions.stepped + rounds + STEPS_A_LOOK;
        this.#cut = this.#lookAround(deadline);
        if (this.#cut === null) this.#keep(kept, false);
      }
      if (this.#states.size > this.#limits.states)
        this.#cut = `limit of ${this.#limits.states} states`;
      this.#cut ??= transitions.cut;
    }
    if (this.#cut === null && this.#sharing?.broken !== true) this.#findCircles(deadline);
    if (this.#cut !== null) this.#keep(kept, true);
    transitions.stand(atStart);
    setLog(null);
    return {
      states: this.#states.size,
      steps: transitions.taken,
      cut: this.#cut,
    };
  }

  /** One that will be repeated anyway is not worth keeping. */
  #keep(kept: Kept | null, last: boolean): void {
    if (this.#sharing?.broken !== true) kept?.keep((out) => this.#save(out), last);
  }

  #save(out: CheckpointWriter): void {
    this.#states.save(out);
    this.#transitions.save(out);
    this.#path.save(out);
    this.#ways.save(out);
    out.numbers(this.#learned);
  }

  #load(from: CheckpointReader): void {
    this.#states.load(from);
    this.#transitions.load(from);
    this.#path.load(from);
    this.#ways.load(from);
    [this.#learned = -1] = from.numbers();
  }

  /** Bytes that the search takes for what it remembers. */
  get #bytes(): number {
    const circles = this.#circleStates * VISITED_BYTES;
    return this.#states.bytes + this.#transitions.bytes + this.#ways.bytes + circles;
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
      steps: this.#transitions.taken,
      depth: this.#path.depth,
      bytes: used,
    };
    return poll?.(at) === true ? 'interrupted' : null;
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
      nodes[node + NODE.ready] = this.#wanted(
        this.#states.add(this.#state),
        this.#transitions.ready(this.#state),
      );
      if (nodes[node + NODE.ready] !== 0) return;
    }
    let leads = nodes[node + NODE.wayOut] !== 0;
    if (nodes[node + NODE.choices] === 0) {
      // Where the others sleep, what they would have come to is known, and most often leads to an end.
      if (!leads && futures?.circles === true) {
        this.#path.stateOf(node, this.#state);
        leads = leadsAtOnce(this.#transitions, this.#state, this.#leads);
      }
      if (leads) this.#ways.set(nodes[node + NODE.id] as number, true);
    }
    this.#path.depth--;
    if (leads) this.#leadsOut();
    if (this.#path.depth === 0) this.#lookBack();
  }

  /** From the state that the search steps from there is a way to an end. */
  #leadsOut(): void {
    const { nodes, depth, top } = this.#path;
    if (depth > 0) nodes[top + NODE.wayOut] = 1;
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

  /** Looks at the state that the search has just come to by a step (`known`: `STEP` bits); pushes a node unless it ends here or was seen before. */
  #arrive(known: number): void {
    if ((known & STEP.bug) !== 0) {
      this.#snapshots.restoreShared(this.#state[0] as number);
      const [code = 0, argument = 0] = this.#m.k.report;
      this.#end({ kind: 'bug', code, argument });
      return;
    }
    if ((known & STEP.chooses) !== 0) {
      const chooser = this.#transitions.chooser(this.#state);
      const id = this.#graph?.between(this.#from, this.#label) ?? 0;
      this.#push(1 << chooser, this.#transitions.choices(this.#state, chooser), id, this.#sleep);
      return;
    }
    const states = this.#states;
    const added = states.add(this.#state);
    const row = added < 0 ? ~added : added;
    const state = states.number(row);
    this.#graph?.edge(this.#from, this.#label, state);
    if (added >= 0) {
      if (this.#ways.has(state)) this.#leadsOut();
      this.#meet(row);
      return;
    }
    const sleep = this.#sleep;
    if (sleep !== 0) states.setSlept(row, sleep);
    const ready = this.#transitions.ready(this.#state);
    if (ready !== 0) {
      this.#push(this.#wanted(row, ready), 0, state, sleep);
      return;
    }
    this.#from = state;
    this.#label = -1;
    this.#ways.set(state, true);
    this.#transitions.stand(this.#state);
    this.#end(endWithout(this.#m, this.#transitions.stuck(this.#state)));
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
    const wanted = this.#wanted(row, this.#transitions.ready(this.#state));
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

  #end(end: End): void {
    this.#transitions.stand(this.#state);
    this.#leadsOut();
    const name = this.#onEnd(end);
    if (name !== null) this.#graph?.end(this.#from, this.#label, name);
  }

  /** 0: it is not stored. */
  #numberOf(state: Int32Array): number {
    const row = this.#states.find(state);
    return row < 0 ? 0 : this.#states.number(row);
  }

  /** When all else is done: the livelocks that no single thread makes unnoticed. */
  #findCircles(deadline: number): void {
    const [states, ways, transitions] = [this.#states, this.#ways, this.#transitions];
    if (ways.size === states.size || this.#futures?.circles === false) return;
    const add = (state: Int32Array): void => {
      const number = this.#numberOf(state);
      if (number > 0) ways.set(number, true);
    };
    let nextLook = transitions.taken;
    const goesOn = (visited: number): boolean => {
      this.#circleStates = visited;
      if (states.size + visited > this.#limits.states)
        this.#cut = `limit of ${this.#limits.states} states`;
      if (transitions.taken >= nextLook) {
        nextLook = transitions.taken + STEPS_A_LOOK;
        this.#cut ??= this.#lookAround(deadline);
      }
      return this.#cut === null;
    };
    const state = this.#state.slice();
    states.each(state, (number) => {
      if (this.#cut !== null || ways.has(number)) return;
      const circles = circlesFrom(transitions, this.#threads, state, this.#leads, add, goesOn);
      this.#cut ??= transitions.cut;
      for (const circle of circles ?? []) this.#circleEnds(circle);
    });
  }

  /** In a graph any of its states is an end, else one will do. */
  #circleEnds(circle: Circle): void {
    const end: End = { kind: 'livelock', threads: threadsOf(circle.threads) };
    this.#label = -1;
    for (const state of this.#graph === null ? circle.states.slice(0, 1) : circle.states) {
      this.#from = this.#numberOf(state);
      this.#state.set(state);
      this.#end(end);
    }
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
    const known = this.#transitions.step(state, t, choice);
    // Who closes a circle, or ends everything with a BUG, must not keep the others from ever stepping: they may know better.
    if (this.#futures !== null && (known & (STEP.bug | STEP.circle)) !== 0)
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
}
