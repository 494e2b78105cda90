/**
 * Depth-first search over all interleavings: which thread steps next, and what hardware or chance decides in between.
 * A step is taken in place and taken back by the undo log; every state at which threads can meet is stored.
 */

import {
  accessIndex,
  accessOp,
  accessRegion,
  at,
  CHOOSE,
  R,
  WAIT,
  WRITE,
} from '../machine/access.ts';
import { accessEnabled } from '../machine/enabled.ts';
import {
  log,
  logged,
  resume,
  setLog,
  setStacks,
  stacks,
  threadPending,
  threadRunning,
  threadWords,
  undoTo,
} from '../machine/resumable.ts';
import { type Machine, STACK_WORDS } from './setup.ts';
import type { Sharing } from './sharing.ts';
import { StateVector } from './state-vector.ts';

/** How an execution can end. */
export type End =
  | { readonly kind: 'final' }
  | { readonly kind: 'deadlock'; readonly waiting: readonly number[] }
  | { readonly kind: 'bug'; readonly code: number; readonly argument: number };

export interface Limits {
  /** States stored at most. */
  readonly states: number;
  /** Milliseconds at most. */
  readonly time: number;
}

export interface SearchResult {
  readonly states: number;
  readonly steps: number;
  readonly ends: number;
  /** Why it stopped early; null: everything was visited. */
  readonly cut: string | null;
}

/** Steps of one thread in a row that nobody notices, after which it is taken to run forever. */
const RUN_LIMIT = 200_000;
/** Steps that a search goes on for after its first broken assumption, to find more of them at once. */
const GRACE = 4_000;

/** What a node of the search still has to try. */
interface Node {
  /** Log position and depth of saved stacks at this state. */
  readonly mark: number;
  /** Threads to step, next one first; for a choice: the one thread. */
  readonly threads: readonly number[];
  next: number;
  /** Alternatives of a choice; 0: an ordinary node. */
  readonly choices: number;
  /** Threads whose stacks changed on the way from here to where the search is, with what they were. */
  readonly saved: { readonly thread: number; readonly words: Int32Array }[];
}

/**
 * Visits every reachable state of `m` once, calling `onEnd` for each end with the machine standing there.
 * `sharing` null: no reduction. The machine is as at the start afterwards, unless the search was cut.
 */
export const search = (
  m: Machine,
  sharing: Sharing | null,
  limits: Limits,
  onEnd: (end: End) => void,
): SearchResult => {
  const { k } = m;
  setStacks(m.stacks, STACK_WORDS);
  setLog(new Int32Array(1 << 16));
  const vector = new StateVector(m.arena, m.threads);
  for (let t = 0; t < m.threads; t++) noteThread(vector, t);
  const deadline = performance.now() + limits.time;
  const path: Node[] = [];
  let steps = 0;
  let ends = 0;
  let cut: string | null = null;
  let grace = GRACE;

  /** The thread can take its step now. */
  const enabled = (t: number): boolean => threadRunning(t) && accessEnabled(k, threadPending(t));

  /** Takes one step of `t`, noting what it touches. */
  const step = (t: number): void => {
    const word = threadPending(t);
    k.cpuNow[0] = m.cpuOf[t] ?? 0;
    let shared = false;
    if (sharing !== null && accessOp(word) !== CHOOSE) shared = sharing.note(k, t, word);
    resume(k, t);
    steps++;
    const also = k.also;
    const n = also[0] as number;
    if (n === 0) return;
    if (sharing !== null) {
      let meets = shared;
      for (let i = 1; i <= n; i++) if (sharing.note(k, t, also[i] as number)) meets = true;
      // A CPU's access is noticed if anything that it touches is; which is known only afterwards.
      if (meets && accessRegion(word) === R.mmu) sharing.share(word);
      if (meets && accessOp(word) === CHOOSE) sharing.share(WRITE | at(R.mmu, 0));
    }
    for (let i = 0; i <= n; i++) also[i] = 0;
  };

  /** Runs `t` on while nobody can notice, from the step it has announced. */
  const runOn = (t: number): void => {
    if (sharing === null) return;
    for (let n = 0; n < RUN_LIMIT; n++) {
      if (!threadRunning(t) || (k.report[0] as number) !== 0) return;
      const word = threadPending(t);
      if (accessOp(word) === CHOOSE || sharing.visible(word) || !accessEnabled(k, word)) return;
      step(t);
    }
    cut = 'a thread runs on without end';
  };

  const save = (t: number): { readonly thread: number; readonly words: Int32Array } => {
    const from = t * STACK_WORDS;
    return { thread: t, words: stacks.slice(from, from + threadWords(t)) };
  };

  const restore = (node: Node): void => {
    const before = logged;
    const changed = log.slice(node.mark, before);
    undoTo(m.arena, node.mark);
    vector.update(changed, 0, changed.length);
    for (let i = node.saved.length - 1; i >= 0; i--) {
      const saved = node.saved[i];
      if (saved === undefined) continue;
      const from = saved.thread * STACK_WORDS;
      const used = threadWords(saved.thread);
      stacks.fill(0, from, from + Math.max(used, saved.words.length));
      stacks.set(saved.words, from);
      noteThread(vector, saved.thread);
    }
    node.saved.length = 0;
  };

  /** Looks at the state that the search has just come to; pushes a node unless it ends here or was seen before. */
  const arrive = (last: number): void => {
    if ((k.report[0] as number) !== 0) {
      ends++;
      onEnd({ kind: 'bug', code: k.report[0] as number, argument: k.report[1] as number });
      return;
    }
    if (last >= 0 && threadRunning(last) && accessOp(threadPending(last)) === CHOOSE) {
      path.push({
        mark: logged,
        threads: [last],
        next: 0,
        choices: accessIndex(threadPending(last)),
        saved: [],
      });
      return;
    }
    if (!vector.add()) return;
    const ready: number[] = [];
    for (let t = 0; t < m.threads; t++) if (enabled(t)) ready.push(t);
    if (ready.length === 0) {
      ends++;
      const waiting = waitingThreads(m);
      onEnd(waiting.length === 0 ? { kind: 'final' } : { kind: 'deadlock', waiting });
      return;
    }
    path.push({ mark: logged, threads: ready, next: 0, choices: 0, saved: [] });
  };

  /** From the node on top: takes its next alternative. */
  const advance = (node: Node): void => {
    const t = node.threads[node.choices > 0 ? 0 : node.next] as number;
    if (node.choices > 0) k.choice[0] = node.next;
    node.next++;
    const mark = logged;
    node.saved.push(save(t));
    step(t);
    runOn(t);
    vector.update(log, mark, logged);
    noteThread(vector, t);
    arrive(t);
  };

  // Threads first run to where they can meet.
  if (sharing !== null) {
    for (let t = 0; t < m.threads; t++) {
      const mark = logged;
      runOn(t);
      vector.update(log, mark, logged);
      noteThread(vector, t);
    }
  }
  arrive(-1);
  while (path.length > 0) {
    const node = path[path.length - 1] as Node;
    if (node.saved.length > 0) restore(node);
    const alternatives = node.choices > 0 ? node.choices : node.threads.length;
    if (node.next >= alternatives) {
      path.pop();
      continue;
    }
    advance(node);
    if (cut !== null) break;
    if (sharing?.broken === true && grace-- <= 0) break;
    if ((steps & 1023) === 0 && performance.now() > deadline)
      cut = `time limit of ${Math.round(limits.time / 1000)} s`;
    if (vector.states > limits.states) cut = `limit of ${limits.states} states`;
    if (cut !== null) break;
  }
  undoTo(m.arena, 0);
  setLog(null);
  return { states: vector.states, steps, ends, cut };
};

const noteThread = (vector: StateVector, t: number): void => {
  vector.updateThread(t, stacks, t * STACK_WORDS, threadWords(t));
};

/** Threads that wait for something; one that was never forked has not begun, and the device may always wait. */
const waitingThreads = (m: Machine): number[] => {
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
