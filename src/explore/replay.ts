/** Walks one execution again and writes down each step: who, where, what it touched and what it changed. */
import { accessIndex, accessOp, CHOOSE } from '../machine/access.ts';
import {
  clearThread,
  log,
  logged,
  setLog,
  setStacks,
  threadPending,
  threadTrace,
  undoTo,
} from '../machine/resumable.ts';
import { circleAt } from './circles.ts';
import { type End, endOf, threadsOf } from './end.ts';
import type { Decision } from './graph.ts';
import { type Machine, STACK_WORDS } from './setup.ts';
import type { Sharing } from './sharing.ts';
import { Stepper } from './stepper.ts';

/** One word of the machine that a step changed. */
export interface Change {
  /** Word of the arena; `Places` says what it is. */
  readonly address: number;
  readonly before: number;
  readonly after: number;
}

/** One step of a thread. */
export interface TraceStep {
  readonly thread: number;
  /** What it announced (machine/access.ts). */
  readonly access: number;
  /** Functions it was in, outermost first, as the source names them. */
  readonly functions: readonly string[];
  /** Instruction of the program (`program.code`) that it belongs to. */
  readonly instruction: number;
  readonly changes: readonly Change[];
  /** The step was one where threads can meet: the search decided here. */
  readonly decision: boolean;
}

/**
 * Replays `path` on a machine that stands at its start, calling `onStep` after each step with the machine as it is then,
 * and `onEnd` with how the execution ended (null: it could go on); the machine is at its start again afterwards. `sharing`
 * is that of the search that found the path. Throws RangeError when the path does not fit the machine.
 */
export const replay = (
  m: Machine,
  sharing: Sharing | null,
  path: readonly Decision[],
  onStep: (step: TraceStep) => void,
  onEnd: (end: End | null) => void = () => undefined,
): void => {
  setStacks(m.stacks, STACK_WORDS);
  setLog(new Int32Array(1 << 16));
  const atStart = m.stacks.slice();
  const stepper = new Stepper(m, sharing);
  let open: {
    thread: number;
    access: number;
    functions: string[];
    instruction: number;
    mark: number;
    decision: boolean;
  } | null = null;
  let decision = false;
  const close = (): void => {
    if (open === null) return;
    const { thread, access, functions, instruction, mark } = open;
    const first = new Map<number, number>();
    for (let n = mark; n < logged; n += 2) {
      const address = log[n] as number;
      if (!first.has(address)) first.set(address, log[n + 1] as number);
    }
    const changes: Change[] = [];
    for (const [address, before] of first) {
      const after = m.arena[address] as number;
      if (after !== before) changes.push({ address, before, after });
    }
    onStep({ thread, access, functions, instruction, changes, decision: open.decision });
    open = null;
  };
  stepper.beforeStep = (thread, access) => {
    close();
    open = {
      thread,
      access,
      functions: threadTrace(thread).map((f) => f.name),
      instruction: m.k.lit.at[thread] ?? 0,
      mark: logged,
      decision,
    };
    decision = false;
  };
  try {
    let stuck = 0;
    const runOn = (thread: number): void => {
      if (stepper.runOn(thread) !== 'livelock') return;
      clearThread(thread);
      stuck |= 1 << thread;
    };
    for (let t = 0; t < m.threads; t++) if (stepper.begins(t)) runOn(t);
    for (const [i, { thread, choice }] of path.entries()) {
      const name = m.k.program.threads[thread]?.name ?? (thread < m.threads ? 'the device' : null);
      const where = `decision ${i + 1} of ${path.length}`;
      if (name === null) throw new RangeError(`${where}: there is no thread ${thread}`);
      if ((m.k.report[0] ?? 0) !== 0 || !stepper.enabled(thread)) {
        throw new RangeError(`${where}: ${name} cannot step there`);
      }
      const word = threadPending(thread);
      if (choice >= (accessOp(word) === CHOOSE ? accessIndex(word) : 1)) {
        throw new RangeError(`${where}: ${name} has no alternative ${choice} there`);
      }
      m.k.choice[0] = choice;
      decision = true;
      stepper.step(thread);
      runOn(thread);
    }
    close();
    onEnd(endOf(m, stuck) ?? circleEnd(m, sharing, stuck));
  } finally {
    undoTo(m.arena, 0);
    setLog(null);
    m.stacks.set(atStart);
  }
};

/** The end of an execution that could go on, but not come to any end. */
const circleEnd = (m: Machine, sharing: Sharing | null, stuck: number): End | null => {
  const [before, used] = [log, logged];
  const threads = circleAt(m, sharing);
  setLog(before, used);
  return threads === 0 ? null : { kind: 'livelock', threads: threadsOf(threads | stuck) };
};

/** `P0` ran 3 decisions, `P1` one, and so on: `0.3/1/0.2`; a choice that is not the ordinary one is `1c1`; no decision at all is `-`. */
export const pathText = (path: readonly Decision[]): string => {
  if (path.length === 0) return '-';
  const parts: string[] = [];
  for (let i = 0; i < path.length; ) {
    const { thread, choice } = path[i] as Decision;
    let n = 1;
    while (path[i + n]?.thread === thread && path[i + n]?.choice === choice) n++;
    parts.push(`${thread}${choice === 0 ? '' : `c${choice}`}${n === 1 ? '' : `.${n}`}`);
    i += n;
  }
  return parts.join('/');
};

/** Begins the text of a path in which every step is a decision, for a machine without reduction. */
export const FULL = 'full:';

/** Reads what `pathText` wrote; null when it is no path. */
export const parsePath = (text: string): Decision[] | null => {
  const path: Decision[] = [];
  if (text === '-') return path;
  for (const part of text.split('/')) {
    const m = /^(\d+)(?:c(\d+))?(?:\.(\d+))?$/.exec(part);
    if (m === null) return null;
    const [, thread, choice = '0', n = '1'] = m;
    for (let i = 0; i < Number(n); i++)
      path.push({ thread: Number(thread), choice: Number(choice) });
  }
  return path;
};
