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

/** Bits of an object's word in the table, above the number (from 1) of the first thread that touched it. */
const SHARED = 1 << 30;
const WRITTEN = 1 << 29;
const SEVERAL = 1 << 28;
const THREAD = 0xffff;

export class Sharing {
  /** Open addressing: objects (access words without operation, plus 1; 0: free) and what is known of each. */
  #keys = new Int32Array(1 << 12);
  #known = new Int32Array(1 << 12);
  #count = 0;
  /** Objects found shared since `begin`. */
  #found = 0;
  #shared = 0;

  /** A search begins: what is shared is kept, who touched what is forgotten. */
  begin(): void {
    for (let i = 0; i < this.#known.length; i++)
      this.#known[i] = (this.#known[i] as number) & SHARED;
    this.#found = 0;
  }

  /** Whether this search assumed something that does not hold: it must be repeated. */
  get broken(): boolean {
    return this.#found > 0;
  }

  /** Objects known to be shared. */
  get objects(): number {
    return this.#shared;
  }

  /** Whether other threads can notice a step that announced `word`. */
  visible(word: number): boolean {
    const slot = this.#find(word & ~OP_MASK);
    return ((this.#known[slot] as number) & SHARED) !== 0;
  }

  /** Notes an access by `thread`, before it is made; true when its object is shared. */
  note(k: Machine, thread: number, word: number): boolean {
    const slot = this.#enter(word & ~OP_MASK);
    const seen = this.#known[slot] as number;
    if ((seen & SHARED) !== 0) return true;
    let next = seen === 0 ? thread + 1 : seen;
    if ((next & THREAD) !== thread + 1) next |= SEVERAL;
    if ((next & WRITTEN) === 0 && changes(k, word)) next |= WRITTEN;
    if ((next & SEVERAL) !== 0 && (next & WRITTEN) !== 0) {
      next |= SHARED;
      this.#found++;
      this.#shared++;
    }
    this.#known[slot] = next;
    return (next & SHARED) !== 0;
  }

  /** From now on steps on the object are seen by others. */
  share(word: number): void {
    const slot = this.#enter(word & ~OP_MASK);
    if (((this.#known[slot] as number) & SHARED) !== 0) return;
    this.#known[slot] = (this.#known[slot] as number) | SHARED;
    this.#found++;
    this.#shared++;
  }

  /** Where the object is, or would be. */
  #find(object: number): number {
    const mask = this.#keys.length - 1;
    let slot = (Math.imul(object, 0x9e3779b1) >>> 12) & mask;
    for (;;) {
      const key = this.#keys[slot] as number;
      if (key === 0 || key === object + 1) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #enter(object: number): number {
    const slot = this.#find(object);
    if (this.#keys[slot] !== 0) return slot;
    if (2 * this.#count >= this.#keys.length) {
      this.#grow();
      return this.#enter(object);
    }
    this.#keys[slot] = object + 1;
    this.#count++;
    return slot;
  }

  #grow(): void {
    const [keys, known] = [this.#keys, this.#known];
    this.#keys = new Int32Array(keys.length * 2);
    this.#known = new Int32Array(keys.length * 2);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as number;
      if (key === 0) continue;
      const slot = this.#find(key - 1);
      this.#keys[slot] = key;
      this.#known[slot] = known[i] as number;
    }
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
