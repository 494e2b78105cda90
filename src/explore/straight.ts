/**
 * Runs tests in which one thread goes on at a time (every other waits for it), thousands of them one after the other: on
 * machines that are set back after each, without a log of writes.
 */
import type { Rules } from '../kernels/index.ts';
import type { Compiled } from '../litmus/compile/index.ts';
import type { Program } from '../litmus/run/program.ts';
import { accessIndex, accessOp, CHOOSE } from '../machine/access.ts';
import { accessEnabled } from '../machine/enabled.ts';
import { resume, threadPending, threadRunning } from '../machine/resumable.ts';
import { clearContents, contentsIn } from './arenas.ts';
import { type End, waitingThreads } from './end.ts';
import { finalState, problemOf } from './findings.ts';
import { Random } from './random.ts';
import { bootFor, InitFailure, type Machine, type Needs, startOn } from './setup.ts';

/** The final state as text, or what else came of it. */
export type StraightEnd = { readonly state: string } | { readonly problem: string };

/** Steps after which a test is given up. */
const STEP_LIMIT = 5_000_000;

/** What each machine has room for; a test that needs more gets one of its own. */
const ROOM = { vars: 400, events: 160, strings: 8 };

interface Bench {
  readonly machine: Machine;
  /** All words but the contents of pages, as they were after booting. */
  readonly before: Int32Array;
  readonly behind: Int32Array;
}

/** A test bench for one set of rules. */
export class Straight {
  readonly #rules: Rules;
  readonly #benches = new Map<string, Bench>();

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  /** Runs a test once; where the model has a choice (not who goes on), `seed` decides. */
  run({ program, condition }: Compiled, needs: Needs, seed: number): StraightEnd {
    const bench = this.#bench(program, needs);
    reset(bench);
    const m: Machine = { ...bench.machine, k: { ...bench.machine.k, program } };
    try {
      startOn(m);
    } catch (error) {
      if (error instanceof InitFailure) return { problem: error.message };
      throw error;
    }
    const end = runToEnd(m, new Random(seed));
    if (end === null) return { problem: 'it does not end' };
    const problem = problemOf(m, end);
    if (problem !== null) return { problem };
    return { state: finalState(m, condition)?.text ?? '' };
  }

  #bench(program: Program, needs: Needs): Bench {
    const small =
      program.vars <= ROOM.vars &&
      program.events + 2 * program.barriers <= ROOM.events &&
      program.strings.length <= ROOM.strings &&
      program.locks + program.kmemWords === 0;
    if (!small) return newBench(program, this.#rules, needs);
    const { counters, device, processes } = program;
    const forked = program.threads.map((t) => `${t.process}${t.kernelOnly}`).join();
    const key = JSON.stringify([forked, processes, device, counters, needs]);
    const known = this.#benches.get(key);
    if (known !== undefined) return known;
    const roomy: Program = {
      ...program,
      vars: ROOM.vars,
      events: ROOM.events,
      barriers: 0,
      strings: Array.from({ length: ROOM.strings }, () => ''),
    };
    const bench = newBench(roomy, this.#rules, needs);
    this.#benches.set(key, bench);
    return bench;
  }
}

const newBench = (program: Program, rules: Rules, needs: Needs): Bench => {
  const machine = bootFor(program, rules, needs);
  const [from, to] = contentsIn(machine);
  const { arena } = machine;
  return { machine, before: arena.slice(0, from), behind: arena.slice(to) };
};

/** Makes the machine what it was after booting: contents by page, for few pages were touched, the rest by copying. */
const reset = ({ machine, before, behind }: Bench): void => {
  const { arena } = machine;
  clearContents(machine);
  arena.set(before, 0);
  arena.set(behind, arena.length - behind.length);
};

/**
 * One thread as far as it goes, then the next that can; the device only when no thread can: what was sent to it stays in
 * flight until somebody waits for it. null: there is no end of it.
 */
const runToEnd = (m: Machine, random: Random): End | null => {
  const { k, threads } = m;
  const device = k.program.device ? threads - 1 : -1;
  let idle = 0;
  let steps = 0;
  for (let t = 0; idle <= 2 * threads; t = (t + 1) % threads) {
    idle++;
    if (t === device && idle <= threads) continue;
    k.cpuNow[0] = m.cpuOf[t] ?? 0;
    while (threadRunning(t)) {
      const word = threadPending(t);
      if (!accessEnabled(k, word)) break;
      k.choice[0] = accessOp(word) === CHOOSE ? random.below(accessIndex(word)) : 0;
      resume(k, t);
      k.lit.idle[0] = 0;
      k.also[0] = 0;
      idle = 0;
      if ((k.report[0] as number) !== 0)
        return { kind: 'bug', code: k.report[0] as number, argument: k.report[1] as number };
      if (steps++ > STEP_LIMIT) return null;
    }
  }
  const waiting = waitingThreads(m);
  return waiting.length === 0 ? { kind: 'final' } : { kind: 'deadlock', waiting };
};
