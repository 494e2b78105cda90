/**
 * Steps from state to state. A state is a row of numbers (snapshots.ts): what threads share, then what each thread holds. A step is
 * taken on the machine only where the same thread has not stood before with the same shared content (step-table.ts);
 * the machine is put to where it is needed.
 */

import { accessIndex, accessOp, CHOOSE } from '../machine/access.ts';
import { accessEnabled } from '../machine/enabled.ts';
import {
  clearThread,
  log,
  logged,
  setStacks,
  threadPending,
  threadRunning,
  trimLog,
} from '../machine/resumable.ts';
import type { CheckpointReader, CheckpointWriter } from './checkpoint.ts';
import { threadsOf } from './end.ts';
import type { Futures } from './futures.ts';
import type { Knowledge } from './knowledge.ts';
import { type Machine, STACK_WORDS } from './setup.ts';
import { type Snapshots, STUCK, THREAD } from './snapshots.ts';
import { STEP, StepTable } from './step-table.ts';
import { RUN_LIMIT, type RunEnd, Stepper } from './stepper.ts';

export class Transitions {
  readonly #m: Machine;
  readonly #snapshots: Snapshots;
  readonly #futures: Futures | null;
  readonly #stepper: Stepper;
  readonly #steps = new StepTable();
  /** Steps of the machine that the steps so far stand for. */
  taken = 0;
  /** Why a step could not be taken to its end; null: all were. */
  cut: string | null = null;

  constructor(m: Machine, { snapshots, sharing, futures }: Knowledge) {
    setStacks(m.stacks, STACK_WORDS);
    this.#m = m;
    this.#snapshots = snapshots;
    this.#futures = futures;
    this.#stepper = new Stepper(m, sharing);
  }

  save(out: CheckpointWriter): void {
    this.#steps.save(out);
    // More than a word holds.
    out.text(String(this.taken));
  }

  load(from: CheckpointReader): void {
    this.#steps.load(from);
    this.taken = Number(from.text());
  }

  /** Bytes that it takes. */
  get bytes(): number {
    return this.#steps.bytes + this.#snapshots.bytes;
  }

  /** Steps that were taken on the machine. */
  get stepped(): number {
    return this.#stepper.steps;
  }

  /** Makes `state` the one that the machine stands at. */
  take(state: Int32Array): void {
    state[0] = this.#snapshots.takeShared(log, logged);
    for (let t = 0; t < this.#m.threads; t++) state[1 + t] = this.#takeLocal(t);
    trimLog(0);
  }

  #takeLocal(t: number): number {
    const chooses = threadRunning(t) && accessOp(threadPending(t)) === CHOOSE;
    return this.#snapshots.takeLocal(t, chooses ? this.#stepper.announced(t) : 0);
  }

  /** Puts the machine to a state. */
  stand(state: Int32Array): void {
    this.#snapshots.restoreShared(state[0] as number);
    for (let t = 0; t < this.#m.threads; t++)
      this.#snapshots.restoreLocal(t, state[1 + t] as number);
  }

  /** Lets the threads of a machine at its start run to where they can meet, and makes `state` what is there. `STEP` bits, as of a step. */
  begin(state: Int32Array): number {
    let known: number = STEP.taken;
    let stuck = 0;
    for (let t = 0; t < this.#m.threads; t++)
      if (this.#isStuck(t, this.#stepper.begin(t))) stuck |= 1 << t;
    this.taken = this.#stepper.steps;
    this.take(state);
    for (const t of threadsOf(stuck)) state[1 + t] = this.#snapshots.takeLocal(t, STUCK);
    if (this.#hasReported()) known |= STEP.bug;
    if (this.chooser(state) >= 0) known |= STEP.chooses;
    return known;
  }

  /** Takes a step of `t`, which can, and the alternative `choice` where it chooses: changes `state`. `STEP` bits of what it led to. */
  step(state: Int32Array, t: number, choice: number): number {
    const shared = state[0] as number;
    const local = state[1 + t] as number;
    const steps = this.#steps;
    let at = steps.find(local, shared, choice);
    if (at < 0 || (steps.known(at) & STEP.taken) === 0)
      at = this.#onMachine(shared, t, local, choice);
    state[0] = steps.nextShared(at);
    state[1 + t] = steps.nextLocal(at);
    this.taken += steps.steps(at);
    return steps.known(at);
  }

  /** Takes a step on the machine, and those after it that nobody else notices; its entry. */
  #onMachine(shared: number, t: number, local: number, choice: number): number {
    const snapshots = this.#snapshots;
    const stepper = this.#stepper;
    snapshots.restoreShared(shared);
    snapshots.restoreLocal(t, local);
    stepper.setAnnounced(t, snapshots.chooser(local));
    this.#m.k.choice[0] = choice;
    const before = stepper.steps;
    stepper.step(t);
    const stuck = this.#isStuck(t, stepper.runOn(t));
    const nextShared = snapshots.takeShared(log, logged);
    const nextLocal = stuck ? snapshots.takeLocal(t, STUCK) : this.#takeLocal(t);
    trimLog(0);
    const chooses = (snapshots.kind(nextLocal) & THREAD.chooses) !== 0;
    const circle = this.#futures?.learn(local, nextLocal) === true;
    const known =
      STEP.taken |
      (circle ? STEP.circle : 0) |
      (this.#hasReported() ? STEP.bug : 0) |
      (chooses ? STEP.chooses : 0);
    const at = this.#steps.enter(local, shared, choice, known);
    this.#steps.take(at, nextLocal, nextShared, stepper.steps - before);
    return at;
  }

  /** Whether a run of steps of `t` that ended so never ends: then the thread steps no more. */
  #isStuck(t: number, how: RunEnd): boolean {
    if (how === 'livelock') clearThread(t);
    if (how === 'endless')
      this.cut = `${this.#m.k.program.threads[t]?.name ?? 'the device'} takes more than ${RUN_LIMIT} steps in a row: a long loop, or a very large range`;
    return how === 'livelock';
  }

  #hasReported(): boolean {
    return (this.#m.k.report[0] as number) !== 0;
  }

  /** Threads that can step in a state in which nobody has to choose, as bits. */
  ready(state: Int32Array): number {
    const snapshots = this.#snapshots;
    let ready = 0;
    for (let t = 0; t < this.#m.threads; t++) {
      const local = state[1 + t] as number;
      const kind = snapshots.kind(local);
      if ((kind & THREAD.runs) === 0) continue;
      if ((kind & THREAD.mayWait) === 0 || this.#enabled(local, state[0] as number))
        ready |= 1 << t;
    }
    return ready;
  }

  /** Whether a thread that may have to wait can step there. */
  #enabled(local: number, shared: number): boolean {
    const snapshots = this.#snapshots;
    const at = this.#steps.find(local, shared, 0);
    if (at >= 0) return this.#steps.known(at) !== STEP.blocked;
    snapshots.restoreShared(shared);
    const enabled = accessEnabled(this.#m.k, snapshots.pending(local));
    this.#steps.enter(local, shared, 0, enabled ? STEP.enabled : STEP.blocked);
    return enabled;
  }

  /** Threads that go round for ever in a state, unnoticed, as bits. */
  stuck(state: Int32Array): number {
    let stuck = 0;
    for (let t = 0; t < this.#m.threads; t++)
      if (this.#snapshots.chooser(state[1 + t] as number) === STUCK) stuck |= 1 << t;
    return stuck;
  }

  /** The thread that has to choose in a state, of which there is one at most; -1: none. */
  chooser(state: Int32Array): number {
    for (let t = 0; t < this.#m.threads; t++)
      if ((this.#snapshots.kind(state[1 + t] as number) & THREAD.chooses) !== 0) return t;
    return -1;
  }

  /** How many alternatives a thread that has to choose has. */
  choices(state: Int32Array, chooser: number): number {
    return accessIndex(this.#snapshots.pending(state[1 + chooser] as number));
  }
}
