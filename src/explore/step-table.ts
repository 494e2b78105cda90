/**
 * What steps do: by the local content of the thread, the shared content and the alternative taken, either that the
 * thread has to wait there, or what both contents are afterwards. Many states differ only in what other threads hold,
 * so most steps of a search were taken before.
 */

import type { CheckpointReader, CheckpointWriter } from './checkpoint.ts';
import { SharedTable } from './shared-table.ts';

/** What is known of a step. */
export const STEP = {
  /** It can be taken and was not yet. */
  enabled: 1,
  blocked: 2,
  taken: 4,
  /** It was taken, and the execution ends with a BUG. */
  bug: 8,
  /** It was taken, and the thread has to choose next. */
  chooses: 16,
  /** It was taken, and closed a circle of the thread's local contents. */
  circle: 32,
} as const;

/** Values of a row. */
const VALUE = {
  known: 0,
  nextLocal: 1,
  nextShared: 2,
  /** Steps of the machine that it stands for. */
  steps: 3,
} as const;

export class StepTable {
  /** By shared content, local content and alternative. */
  readonly #rows = new SharedTable(2, 4);

  save(out: CheckpointWriter): void {
    this.#rows.save(out);
  }

  load(from: CheckpointReader): void {
    this.#rows.load(from);
  }

  /** Bytes that it takes. */
  get bytes(): number {
    return this.#rows.bytes;
  }

  /** Where the step's entry is, for the other calls, until the next `enter`; -1: nothing is known of it. */
  find(local: number, shared: number, choice: number): number {
    const rows = this.#rows;
    rows.key[0] = local;
    rows.key[1] = choice;
    return rows.find(shared);
  }

  /** Makes an entry, or finds it. `known`: `STEP` bits. */
  enter(local: number, shared: number, choice: number, known: number): number {
    const rows = this.#rows;
    rows.key[0] = local;
    rows.key[1] = choice;
    const at = rows.add(shared);
    rows.setValue(at, VALUE.known, known);
    return at;
  }

  /** Writes down what a step led to. */
  take(at: number, nextLocal: number, nextShared: number, steps: number): void {
    const rows = this.#rows;
    rows.setValue(at, VALUE.nextLocal, nextLocal);
    rows.setValue(at, VALUE.nextShared, nextShared);
    rows.setValue(at, VALUE.steps, steps);
  }

  /** `STEP` bits. */
  known(at: number): number {
    return this.#rows.value(at, VALUE.known);
  }

  nextLocal(at: number): number {
    return this.#rows.value(at, VALUE.nextLocal);
  }

  nextShared(at: number): number {
    return this.#rows.value(at, VALUE.nextShared);
  }

  steps(at: number): number {
    return this.#rows.value(at, VALUE.steps);
  }
}
