/**
 * What steps do: by the local content of the thread, the shared content and the alternative taken, either that the
 * thread has to wait there, or what both contents are afterwards. Many states differ only in what other threads hold,
 * so most steps of a search were taken before.
 */

import type { CheckpointReader, CheckpointWriter } from './checkpoint.ts';

/** What is known of a step. */
export const STEP = {
  /** It can be taken and was not yet. */
  enabled: 1,
  blocked: 2,
  taken: 4,
  /** It was taken, and the execution ends: with a BUG, or the thread goes round for ever. */
  bug: 8,
  livelock: 16,
  /** It was taken, and the thread has to choose next. */
  chooses: 32,
  /** It was taken, and closed a circle of the thread's local contents. */
  circle: 64,
} as const;

/** Words of an entry; local content 0: the slot is free. */
const ENTRY = {
  local: 0,
  shared: 1,
  choice: 2,
  known: 3,
  nextLocal: 4,
  nextShared: 5,
  /** Steps of the machine that it stands for. */
  steps: 6,
  words: 8,
} as const;
const SHIFT = 3;

export class StepTable {
  #entries = new Int32Array(ENTRY.words << 9);
  #count = 0;

  save(out: CheckpointWriter): void {
    out.numbers(this.#count);
    out.words(this.#entries);
  }

  load(from: CheckpointReader): void {
    [this.#count = 0] = from.numbers();
    this.#entries = from.words();
  }

  /** Bytes that it takes. */
  get bytes(): number {
    return 4 * this.#entries.length;
  }

  /** Where the step's entry is, for the other calls, until the next `enter`; -1: nothing is known of it. */
  find(local: number, shared: number, choice: number): number {
    const at = this.#slot(local, shared, choice);
    return this.#entries[at] === 0 ? -1 : at;
  }

  /** Makes an entry, or finds it. */
  enter(local: number, shared: number, choice: number, known: number): number {
    let at = this.#slot(local, shared, choice);
    if (this.#entries[at] === 0) {
      if (2 * ++this.#count > this.#entries.length >> SHIFT) {
        this.#grow();
        at = this.#slot(local, shared, choice);
      }
      this.#entries[at + ENTRY.local] = local;
      this.#entries[at + ENTRY.shared] = shared;
      this.#entries[at + ENTRY.choice] = choice;
    }
    this.#entries[at + ENTRY.known] = known;
    return at;
  }

  /** Writes down what a step led to. */
  take(at: number, nextLocal: number, nextShared: number, steps: number): void {
    this.#entries[at + ENTRY.nextLocal] = nextLocal;
    this.#entries[at + ENTRY.nextShared] = nextShared;
    this.#entries[at + ENTRY.steps] = steps;
  }

  /** `STEP` bits. */
  known(at: number): number {
    return this.#entries[at + ENTRY.known] as number;
  }

  nextLocal(at: number): number {
    return this.#entries[at + ENTRY.nextLocal] as number;
  }

  nextShared(at: number): number {
    return this.#entries[at + ENTRY.nextShared] as number;
  }

  steps(at: number): number {
    return this.#entries[at + ENTRY.steps] as number;
  }

  #slot(local: number, shared: number, choice: number): number {
    const entries = this.#entries;
    const mask = (entries.length >> SHIFT) - 1;
    let h =
      Math.imul(local, 0x9e3779b1) ^ Math.imul(shared, 0x85ebca77) ^ Math.imul(choice, 0xc2b2ae3d);
    h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
    for (let slot = (h ^ (h >>> 13)) & mask; ; slot = (slot + 1) & mask) {
      const at = slot << SHIFT;
      const key = entries[at] as number;
      if (key === 0) return at;
      if (key === local && entries[at + 1] === shared && entries[at + 2] === choice) return at;
    }
  }

  #grow(): void {
    const old = this.#entries;
    this.#entries = new Int32Array(old.length * 2);
    for (let from = 0; from < old.length; from += ENTRY.words) {
      if (old[from] === 0) continue;
      const to = this.#slot(old[from] as number, old[from + 1] as number, old[from + 2] as number);
      for (let i = 0; i < ENTRY.words; i++) this.#entries[to + i] = old[from + i] as number;
    }
  }
}
