/** Takes steps of threads in place, and says to `sharing` what each touched. */
import { accessOp, CHOOSE } from '../machine/access.ts';
import { accessEnabled } from '../machine/enabled.ts';
import {
  clearThread,
  log,
  logged,
  resume,
  stacks,
  threadPending,
  threadRunning,
  threadWords,
  undoTo,
} from '../machine/resumable.ts';
import { type Machine, STACK_WORDS } from './setup.ts';
import type { Sharing } from './sharing.ts';

/** Steps of one thread in a row that nobody notices, after which it is taken to run forever. */
export const RUN_LIMIT = 200_000;
/** Steps in a row after which a run is looked at for a circle; a power of two. */
const LONG_RUN = 256;

export class Stepper {
  steps = 0;
  /** Called before each step, with the thread and the access that it announced. */
  beforeStep: ((thread: number, word: number) => void) | null = null;
  readonly #m: Machine;
  readonly #sharing: Sharing | null;
  /** By thread: the last access that it announced, choices aside. */
  readonly #announced: Int32Array;

  constructor(m: Machine, sharing: Sharing | null) {
    this.#m = m;
    this.#sharing = sharing;
    this.#announced = new Int32Array(m.threads);
  }

  /** The last access that `t` announced, choices aside: what a choice belongs to. */
  announced(t: number): number {
    return this.#announced[t] as number;
  }

  /** `t` stands where it did when it had announced `word`. */
  setAnnounced(t: number, word: number): void {
    this.#announced[t] = word;
  }

  /** The thread can take its step now. */
  enabled(t: number): boolean {
    return threadRunning(t) && accessEnabled(this.#m.k, threadPending(t));
  }

  /** Takes the step that `t` has announced. */
  step(t: number): void {
    const { k } = this.#m;
    const sharing = this.#sharing;
    const word = threadPending(t);
    this.beforeStep?.(t, word);
    k.cpuNow[0] = this.#m.cpuOf[t] ?? 0;
    let meets = false;
    if (accessOp(word) !== CHOOSE) {
      this.#announced[t] = word;
      if (sharing !== null) meets = sharing.note(k, t, word);
    }
    resume(k, t);
    k.lit.idle[0] = 0;
    this.steps++;
    const also = k.also;
    const n = also[0] as number;
    if (n === 0) return;
    if (sharing !== null) {
      // A choice belongs to the step before it. What a step touches besides is known only afterwards.
      const step = this.#announced[t] as number;
      for (let i = 1; i <= n; i++) {
        const other = also[i] as number;
        if (sharing.note(k, t, other)) sharing.shareBesides(step, other);
      }
      if (n === also.length - 1) sharing.shareWithAll(step);
      if (meets) for (let i = 1; i <= n; i++) sharing.shareBesides(step, also[i] as number);
    }
    for (let i = 0; i <= n; i++) also[i] = 0;
  }

  /**
   * Runs `t` on from its start. Where that ends everything (a BUG, a round without end) it is taken back: the thread then
   * stands at its start, and others may step before it does.
   */
  begin(t: number): RunEnd {
    const mark = logged;
    const stack = this.#stackOf(t);
    const end = this.runOn(t);
    if (this.#goesOn(end)) return end;
    this.#takeBack(t, mark, stack);
    return 'visible';
  }

  /** Whether `begin` would run the thread on; nothing is changed, and nobody told. */
  begins(t: number): boolean {
    const { beforeStep } = this;
    this.beforeStep = null;
    const mark = logged;
    const stack = this.#stackOf(t);
    const goesOn = this.#goesOn(this.runOn(t));
    this.#takeBack(t, mark, stack);
    this.beforeStep = beforeStep;
    return goesOn;
  }

  /** Alone on the machine, a thread keeps nobody from anything. */
  #goesOn(end: RunEnd): boolean {
    const { k, threads } = this.#m;
    return threads === 1 || (end !== 'livelock' && (k.report[0] as number) === 0);
  }

  #takeBack(t: number, mark: number, stack: Int32Array): void {
    undoTo(this.#m.arena, mark);
    clearThread(t);
    stacks.set(stack, t * STACK_WORDS);
  }

  /** Runs `t` on while nobody can notice, from the step it has announced. */
  runOn(t: number): RunEnd {
    const sharing = this.#sharing;
    if (sharing === null) return 'visible';
    const { k } = this.#m;
    let anchor: Anchor | null = null;
    for (let n = 0; n < RUN_LIMIT; n++) {
      if (!threadRunning(t) || (k.report[0] as number) !== 0) return 'visible';
      const word = threadPending(t);
      if (accessOp(word) === CHOOSE || sharing.visible(word) || !accessEnabled(k, word)) {
        return 'visible';
      }
      // A run this long may go round in a circle: the same state twice proves it.
      if (n >= LONG_RUN) {
        if (anchor !== null && this.#isBack(t, anchor)) return 'livelock';
        if ((n & (n - 1)) === 0) anchor = { mark: logged, stack: this.#stackOf(t) };
      }
      this.step(t);
    }
    return 'endless';
  }

  #stackOf(t: number): Int32Array {
    const from = t * STACK_WORDS;
    return stacks.slice(from, from + threadWords(t));
  }

  /** Whether the thread and the machine are as they were at the anchor. */
  #isBack(t: number, anchor: Anchor): boolean {
    const from = t * STACK_WORDS;
    const { stack, mark } = anchor;
    if (threadWords(t) !== stack.length) return false;
    for (let i = 0; i < stack.length; i++) if (stacks[from + i] !== stack[i]) return false;
    const seen = new Set<number>();
    for (let n = mark; n < logged; n += 2) {
      const address = log[n] as number;
      if (seen.has(address)) continue;
      seen.add(address);
      if (this.#m.arena[address] !== log[n + 1]) return false;
    }
    return true;
  }
}

/** How a run of steps that nobody notices ended: at one that others notice (or at the thread's end); never, as was proven; or not within the limit. */
export type RunEnd = 'visible' | 'livelock' | 'endless';

interface Anchor {
  readonly mark: number;
  readonly stack: Int32Array;
}
