/**
 * Which objects threads meet at. A step on an object that one thread alone touches, or that nobody changes, is seen by
 * nobody else: no other thread need run just before it. That is known only after the search, so the search begins with
 * "nothing is shared", notes each access, and is repeated with what turned out to be shared until nothing new turns up.
 *
 * Sound as in Stoller's "exclusive access predicates": an execution that first breaks the assumption takes only steps
 * that the reduced search takes as well, in an order that differs in independent steps, so the reduced search
 * meets the break too. The test suite compares final states with and without the reduction.
 */
import {
  accessIndex,
  accessOp,
  accessRegion,
  CHOOSE,
  IPI,
  LOCK_SHARED,
  OP_MASK,
  READ,
  UNLOCK,
  WAIT,
  WAIT_ZERO,
} from '../machine/access.ts';
import type { Machine } from '../machine/machine.ts';

const WRITTEN = 1 << 30;
const SEVERAL = 1 << 29;

export class Sharing {
  /** Object (access word without its operation) -> first thread + 1, and the bits above. */
  readonly #seen = new Map<number, number>();
  readonly #shared = new Set<number>();
  /** Objects found shared since `begin`. */
  #found = 0;

  begin(): void {
    this.#seen.clear();
    this.#found = 0;
  }

  /** Whether this search assumed something that does not hold: it must be repeated. */
  get broken(): boolean {
    return this.#found > 0;
  }

  get objects(): number {
    return this.#shared.size;
  }

  /** Whether other threads can notice a step that announced `word`. */
  visible(word: number): boolean {
    return this.#shared.has(word & ~OP_MASK);
  }

  /** Notes an access by `thread`, before it is made; true when its object is shared. */
  note(k: Machine, thread: number, word: number): boolean {
    const object = word & ~OP_MASK;
    if (this.#shared.has(object)) return true;
    const seen = this.#seen.get(object) ?? thread + 1;
    let next = seen;
    if ((seen & 0xffff) !== thread + 1) next |= SEVERAL;
    if (changes(k, word)) next |= WRITTEN;
    if ((next & SEVERAL) !== 0 && (next & WRITTEN) !== 0) {
      this.share(object);
      return true;
    }
    if (next !== seen || !this.#seen.has(object)) this.#seen.set(object, next);
    return false;
  }

  /** From now on steps on the object are seen by others. */
  share(word: number): void {
    const object = word & ~OP_MASK;
    if (this.#shared.has(object)) return;
    this.#shared.add(object);
    this.#found++;
  }
}

/** Whether the step changes its object in a way that readers of it can tell. */
const changes = (k: Machine, word: number): boolean => {
  switch (accessOp(word)) {
    case READ:
    case WAIT:
    case WAIT_ZERO:
    case LOCK_SHARED:
    case IPI:
    case CHOOSE:
      return false;
    case UNLOCK: {
      // A shared holder's release is as invisible to other shared holders as its acquire.
      const words = k.regions[accessRegion(word)];
      return !(((words?.[accessIndex(word)] as number | undefined) ?? -1) > 0);
    }
    default:
      return true;
  }
};
