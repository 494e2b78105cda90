/**
 * Depth-first search over all interleavings: which thread steps next, and what hardware or chance decides in between.
 * A step is taken in place and taken back by the undo log; every state at which threads can meet is stored.
 */

import { accessIndex, accessOp, accessRegion, CHOOSE, R, WAIT } from '../machine/access.ts';
import { accessEnabled } from '../machine/enabled.ts';
import {
  log,
  logged,
  setLog,
  setStacks,
  stacks,
  threadPending,
  threadRunning,
  threadWords,
  undoTo,
} from '../machine/resumable.ts';
import { type Graph, stepLabel } from './graph.ts';
import { type Machine, STACK_WORDS } from './setup.ts';
import type { Sharing } from './sharing.ts';
import { StateVector } from './state-vector.ts';
import { RUN_LIMIT, Stepper } from './stepper.ts';

/** How an execution can end. */
export type End =
  | { readonly kind: 'final' }
  | { readonly kind: 'deadlock'; readonly waiting: readonly number[] }
  /** A thread goes round for ever in steps that nobody else notices. */
  | { readonly kind: 'livelock'; readonly thread: number }
  | { readonly kind: 'bug'; readonly code: number; readonly argument: number };

export interface Limits {
  /** States stored at most. */
  readonly states: number;
  /** Milliseconds at most. */
  readonly time: number;
  /** When (`performance.now()`) they are over; absent: that long from the start of the search on. */
  readonly deadline?: number;
  /** Bytes that the stored states may take; absent: no limit of ours. */
  readonly bytes?: number;
  /** Told now and then how far the search is; true: stop here. */
  readonly poll?: (at: SearchProgress) => boolean;
}

/** How far a search is. */
export interface SearchProgress {
  readonly states: number;
  readonly steps: number;
  /** States on the way from the start to where the search stands. */
  readonly depth: number;
  /** Bytes that the stored states take. */
  readonly bytes: number;
}

export interface SearchResult {
  readonly states: number;
  readonly steps: number;
  readonly ends: number;
  /** Why it stopped early; null: everything was visited. */
  readonly cut: string | null;
}

/** Steps that a search goes on for after its first broken assumption, to find more of them at once. */
const GRACE = 4_000;
/** Steps between two looks at clock, memory and whoever waits. */
const STEPS_A_LOOK = 4_096;

/** Words of a node of the search. */
const NODE = {
  /** Positions of the undo log and of the vector's at this state. */
  mark: 0,
  vector: 1,
  /** Where in `saved` the stack of the thread stepped from here is. */
  saved: 2,
  /** That thread, or -1; and how many words are saved. */
  thread: 3,
  length: 4,
  /** Threads that can step from here and have not yet, as bits; for a choice: the one thread. */
  ready: 5,
  /** Next alternative of a choice, and how many there are; 0: an ordinary node. */
  next: 6,
  choices: 7,
  /** Its number in the graph. */
  id: 8,
  /** Threads, as bits, whose step need not be taken from here: it was taken before, in an order that comes to the same. */
  sleep: 9,
  words: 10,
} as const;

/**
 * Visits every reachable state of `m` once, calling `onEnd` for each end with the machine standing there.
 * `sharing` null: no reduction. The machine's words are as at the start afterwards. A `graph` gets every step between
 * stored states, and the ends by the names that `onEnd` gives them (null: of no interest).
 */
export const search = (
  m: Machine,
  sharing: Sharing | null,
  limits: Limits,
  onEnd: (end: End) => string | null,
  graph: Graph | null = null,
): SearchResult => new Search(m, sharing, limits, onEnd, graph).run();

class Search {
  readonly #m: Machine;
  readonly #k: Machine['k'];
  readonly #sharing: Sharing | null;
  readonly #limits: Limits;
  readonly #onEnd: (end: End) => string | null;
  readonly #vector: StateVector;
  readonly #stepper: Stepper;
  readonly #graph: Graph | null;
  /** What the graph calls the state that the search is about to leave, and the step it takes from there. */
  #from = 0;
  #label = 0;
  /** Threads that sleep in the state that the search is about to come to. */
  #sleep = 0;
  /** By state: the threads that slept whenever it was visited. */
  #slept = new Int32Array(1 << 10);
  /** Thread that the last step sent round in a circle, or -1. */
  #livelock = -1;
  /** Word of the arena at which the stacks begin. */
  readonly #stacksAt: number;
  #path = new Int32Array(NODE.words * 1024);
  #depth = 0;
  #saved = new Int32Array(1 << 16);
  #savedUsed = 0;
  #ends = 0;
  #cut: string | null = null;

  constructor(
    m: Machine,
    sharing: Sharing | null,
    limits: Limits,
    onEnd: (end: End) => string | null,
    graph: Graph | null,
  ) {
    this.#m = m;
    this.#k = m.k;
    this.#sharing = sharing;
    this.#limits = limits;
    this.#onEnd = onEnd;
    this.#vector = new StateVector(m.arena);
    this.#stacksAt = m.stacks.byteOffset >> 2;
    this.#stepper = new Stepper(m, sharing);
    this.#graph = graph;
  }

  run(): SearchResult {
    const { threads, stacks, arena } = this.#m;
    setStacks(stacks, STACK_WORDS);
    setLog(new Int32Array(1 << 16));
    const atStart = stacks.slice();
    const deadline = this.#limits.deadline ?? performance.now() + this.#limits.time;
    let grace = GRACE;
    let nextLook = STEPS_A_LOOK;
    // Threads first run to where they can meet.
    for (let t = 0; t < threads; t++) {
      this.#save(t);
      this.#runOn(t);
      this.#takeIn(t, 0, 0);
      this.#savedUsed = 0;
      if (this.#livelock >= 0) break;
    }
    this.#arrive(-1);
    while (this.#depth > 0 && this.#cut === null) {
      const node = (this.#depth - 1) * NODE.words;
      this.#restore(node);
      const path = this.#path;
      if (
        path[node + NODE.choices] === 0
          ? path[node + NODE.ready] === 0
          : path[node + NODE.next] === path[node + NODE.choices]
      ) {
        this.#depth--;
        continue;
      }
      this.#advance(node);
      if (this.#sharing?.broken === true && grace-- <= 0) break;
      if (this.#stepper.steps >= nextLook) {
        nextLook = this.#stepper.steps + STEPS_A_LOOK;
        this.#cut = this.#lookAround(deadline);
      }
      if (this.#vector.states > this.#limits.states)
        this.#cut = `limit of ${this.#limits.states} states`;
    }
    undoTo(arena, 0);
    setLog(null);
    stacks.set(atStart);
    return {
      states: this.#vector.states,
      steps: this.#stepper.steps,
      ends: this.#ends,
      cut: this.#cut,
    };
  }

  /** Why the search has to stop now, if it has to. */
  #lookAround(deadline: number): string | null {
    const { time, bytes, poll } = this.#limits;
    if (performance.now() > deadline) return `time limit of ${time / 1000} s`;
    const used = this.#vector.bytes;
    if (bytes !== undefined && used > bytes)
      return `memory limit of ${Math.round(bytes / 2 ** 20)} MiB`;
    const at = {
      states: this.#vector.states,
      steps: this.#stepper.steps,
      depth: this.#depth,
      bytes: used,
    };
    return poll?.(at) === true ? 'interrupted' : null;
  }

  /** Runs `t` on to where others can notice. */
  #runOn(t: number): void {
    const how = this.#stepper.runOn(t);
    this.#livelock = how === 'livelock' ? t : -1;
    if (how === 'endless')
      this.#cut = `${this.#k.program.threads[t]?.name ?? 'the device'} takes more than ${RUN_LIMIT} steps in a row: a long loop, or a very large range`;
  }

  /** Copies the thread's stack; the words behind it are zero. */
  #save(t: number): void {
    const length = threadWords(t);
    if (this.#savedUsed + STACK_WORDS > this.#saved.length) this.#saved = longer(this.#saved);
    const from = t * STACK_WORDS;
    const to = this.#savedUsed;
    for (let i = 0; i < length; i++) this.#saved[to + i] = stacks[from + i] as number;
  }

  /** Tells the vector what a step of `t` changed; `before` words of its stack were saved at the end of `saved`. */
  #takeIn(t: number, mark: number, before: number): void {
    const now = threadWords(t);
    // Behind the saved words the stack was zero.
    for (let i = before; i < now; i++) this.#saved[this.#savedUsed + i] = 0;
    const length = Math.max(before, now);
    this.#vector.update(
      log,
      mark,
      logged,
      this.#stacksAt + t * STACK_WORDS,
      length,
      this.#saved,
      this.#savedUsed,
    );
  }

  /** Takes back the step that was taken from the node, if any. */
  #restore(node: number): void {
    const path = this.#path;
    const t = path[node + NODE.thread] as number;
    if (t < 0) return;
    undoTo(this.#m.arena, path[node + NODE.mark] as number);
    this.#vector.undoTo(path[node + NODE.vector] as number);
    const saved = path[node + NODE.saved] as number;
    const length = path[node + NODE.length] as number;
    const to = t * STACK_WORDS;
    const used = threadWords(t);
    for (let i = 0; i < length; i++) stacks[to + i] = this.#saved[saved + i] as number;
    for (let i = length; i < used; i++) stacks[to + i] = 0;
    this.#savedUsed = saved;
    path[node + NODE.thread] = -1;
  }

  #push(ready: number, choices: number, id: number, sleep: number): void {
    const node = this.#depth * NODE.words;
    if (node + NODE.words > this.#path.length) this.#path = longer(this.#path);
    const path = this.#path;
    path[node + NODE.mark] = logged;
    path[node + NODE.vector] = this.#vector.mark;
    path[node + NODE.saved] = this.#savedUsed;
    path[node + NODE.thread] = -1;
    path[node + NODE.ready] = ready;
    path[node + NODE.next] = 0;
    path[node + NODE.choices] = choices;
    path[node + NODE.id] = id;
    path[node + NODE.sleep] = sleep;
    this.#depth++;
  }

  /** Looks at the state that the search has just come to; pushes a node unless it ends here or was seen before. */
  #arrive(last: number): void {
    const k = this.#k;
    if ((k.report[0] as number) !== 0) {
      this.#end({ kind: 'bug', code: k.report[0] as number, argument: k.report[1] as number });
      return;
    }
    if (this.#livelock >= 0) {
      this.#end({ kind: 'livelock', thread: this.#livelock });
      return;
    }
    if (last >= 0 && threadRunning(last)) {
      const word = threadPending(last);
      if (accessOp(word) === CHOOSE) {
        this.#push(
          1 << last,
          accessIndex(word),
          this.#graph?.between(this.#from, this.#label) ?? 0,
          this.#sleep,
        );
        return;
      }
    }
    const id = this.#vector.add();
    this.#graph?.edge(this.#from, this.#label, Math.abs(id));
    const sleep = this.#sleep;
    if (id < 0) {
      // Seen before; but what slept there then and does not sleep now has still to be tried.
      const slept = this.#slept[-id] as number;
      const missed = slept & ~sleep;
      if (missed === 0) return;
      this.#slept[-id] = slept & sleep;
      this.#push(missed & this.#ready(), 0, -id, slept & sleep);
      return;
    }
    if (id >= this.#slept.length) this.#slept = longer(this.#slept);
    this.#slept[id] = sleep;
    const ready = this.#ready();
    if (ready !== 0) {
      this.#push(ready & ~sleep, 0, id, sleep);
      return;
    }
    this.#from = id;
    this.#label = -1;
    const waiting = waitingThreads(this.#m);
    this.#end(waiting.length === 0 ? { kind: 'final' } : { kind: 'deadlock', waiting });
  }

  /** Threads that can step now, as bits. */
  #ready(): number {
    let ready = 0;
    for (let t = 0; t < this.#m.threads; t++) if (this.#stepper.enabled(t)) ready |= 1 << t;
    return ready;
  }

  /** Of the sleeping threads those whose step commutes with the one that `t` is about to take. */
  #sleepAfter(sleep: number, t: number): number {
    if (this.#sharing === null || sleep === 0) return 0;
    const word = threadPending(t);
    let kept = 0;
    for (let rest = sleep; rest !== 0; rest &= rest - 1) {
      const u = 31 - Math.clz32(rest & -rest);
      if (u !== t && this.#sharing.independent(threadPending(u), word)) kept |= 1 << u;
    }
    return kept;
  }

  #end(end: End): void {
    this.#ends++;
    const name = this.#onEnd(end);
    if (name !== null) this.#graph?.end(this.#from, this.#label, name);
  }

  /** From the node on top: takes its next alternative. */
  #advance(node: number): void {
    const path = this.#path;
    const ready = path[node + NODE.ready] as number;
    const t = 31 - Math.clz32(ready & -ready);
    if (path[node + NODE.choices] !== 0) {
      this.#k.choice[0] = path[node + NODE.next] as number;
      path[node + NODE.next] = (path[node + NODE.next] as number) + 1;
      this.#sleep = path[node + NODE.sleep] as number;
    } else {
      path[node + NODE.ready] = ready & (ready - 1);
      const sleep = path[node + NODE.sleep] as number;
      this.#sleep = this.#sleepAfter(sleep, t);
      // A graph is to have every step, for the easiest way through it.
      if (this.#graph === null) path[node + NODE.sleep] = sleep | (1 << t);
    }
    const mark = logged;
    const length = threadWords(t);
    this.#from = path[node + NODE.id] as number;
    this.#label = stepLabel(
      t,
      path[node + NODE.choices] === 0 ? 0 : (path[node + NODE.next] as number) - 1,
    );
    this.#save(t);
    path[node + NODE.thread] = t;
    path[node + NODE.length] = length;
    this.#stepper.step(t);
    this.#runOn(t);
    this.#takeIn(t, mark, length);
    this.#savedUsed += Math.max(length, threadWords(t));
    this.#arrive(t);
  }
}

const longer = (words: Int32Array): Int32Array<ArrayBuffer> => {
  const grown = new Int32Array(words.length * 2);
  grown.set(words);
  return grown;
};

/** How the execution that `m` stands at has ended; null: it could go on. `livelock`: the thread that goes round, or -1. */
export const endOf = (m: Machine, livelock: number): End | null => {
  const [code = 0, argument = 0] = m.k.report;
  if (code !== 0) return { kind: 'bug', code, argument };
  if (livelock >= 0) return { kind: 'livelock', thread: livelock };
  for (let t = 0; t < m.threads; t++)
    if (threadRunning(t) && accessEnabled(m.k, threadPending(t))) return null;
  const waiting = waitingThreads(m);
  return waiting.length === 0 ? { kind: 'final' } : { kind: 'deadlock', waiting };
};

/** Threads that wait for something; one that was never forked has not begun, and the device may always wait. */
export const waitingThreads = (m: Machine): number[] => {
  const waiting: number[] = [];
  for (let t = 0; t < m.k.program.threads.length; t++) {
    if (!threadRunning(t)) continue;
    const word = threadPending(t);
    const unborn =
      accessOp(word) === WAIT &&
      accessRegion(word) === R.task &&
      accessIndex(word) === t &&
      m.k.lit.life[t] === 0;
    if (!unborn) waiting.push(t);
  }
  return waiting;
};
