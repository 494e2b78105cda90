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
  ADD,
  accessIndex,
  accessOp,
  accessRegion,
  at,
  CHOOSE,
  IPI,
  LOCK_SHARED,
  OP_MASK,
  READ,
  UNLOCK,
  WAIT,
  WAIT_IDLE,
  WAIT_WRITEBACK,
  WAIT_ZERO,
  WRITE,
} from '../machine/access.ts';
import type { Machine } from '../machine/machine.ts';
import type { CheckpointReader, CheckpointWriter } from './checkpoint.ts';

/** Bits of an object's word in the table, above the number (from 1) of the first thread that touched it. */
const SHARED = 1 << 30;
const WRITTEN = 1 << 29;
const SEVERAL = 1 << 28;
const ADDED = 1 << 27;
const LOOKED_AT = 1 << 26;
const THREAD = 0xffff;

export class Sharing {
  /** Open addressing: objects (access words without operation, plus 1; 0: free) and what is known of each. */
  #keys = new Int32Array(1 << 9);
  #known = new Int32Array(1 << 9);
  /** By object: regions (bits) of what its steps touched besides it. */
  #besides = new Int32Array(1 << 9);
  /** By object: whether any of its steps changed something besides it. */
  #changes = new Int32Array(1 << 9);
  #count = 0;
  /** What was learned since `begin` that the search had not assumed. */
  #found = 0;
  #shared = 0;

  save(out: CheckpointWriter): void {
    out.numbers(this.#count, this.#shared);
    out.words(this.#keys);
    out.words(this.#known);
    out.words(this.#besides);
    out.words(this.#changes);
  }

  load(from: CheckpointReader): void {
    [this.#count = 0, this.#shared = 0] = from.numbers();
    this.#keys = from.words();
    this.#known = from.words();
    this.#besides = from.words();
    this.#changes = from.words();
  }

  /** Assumes from the start that what is shared in `other` is shared. Too much costs states, never an outcome. */
  assume(other: Sharing): void {
    this.#keys = other.#keys.slice();
    this.#known = other.#known.slice();
    this.#besides = other.#besides.slice();
    this.#changes = other.#changes.slice();
    this.#count = other.#count;
    this.#shared = other.#shared;
    this.begin();
  }

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
    next |= kindOf(k, word);
    if ((next & SEVERAL) !== 0) {
      const mixed = ADDED | LOOKED_AT;
      if ((next & WRITTEN) !== 0 || (next & mixed) === mixed) {
        next |= SHARED;
        this.#found++;
        this.#shared++;
      }
    }
    this.#known[slot] = next;
    return (next & SHARED) !== 0;
  }

  /** A step that announced `word` also touched what `also` says, which others share: so is the step. */
  shareBesides(word: number, also: number): void {
    const slot = this.#enter(word & ~OP_MASK);
    const region = 1 << accessRegion(also);
    if (((this.#besides[slot] as number) & region) === 0) {
      this.#besides[slot] = (this.#besides[slot] as number) | region;
      this.#found++;
    }
    if (this.#changes[slot] === 0 && !LOOKS.has(accessOp(also))) {
      this.#changes[slot] = 1;
      this.#found++;
    }
    if (((this.#known[slot] as number) & SHARED) !== 0) return;
    this.#known[slot] = (this.#known[slot] as number) | SHARED;
    this.#found++;
    this.#shared++;
  }

  /** A step that announced `word` touched more than there was room to say: everybody may notice it. */
  shareWithAll(word: number): void {
    for (let region = 0; region < 32; region++) this.shareBesides(word, WRITE | at(region, 0));
  }

  /** Whether two steps lead to the same state in either order, and neither makes the other impossible. */
  independent(a: number, b: number): boolean {
    const [x, y] = [a & ~OP_MASK, b & ~OP_MASK];
    if (x === y) {
      const [p, q] = [accessOp(a), accessOp(b)];
      // Two looks at one object, each of which writes to a page that both found there.
      if (this.#changes[this.#find(x)] !== 0) return false;
      return (p === ADD && q === ADD) || (LOOKS.has(p) && LOOKS.has(q));
    }
    const beside = this.#besides[this.#find(x)] as number;
    const besideOther = this.#besides[this.#find(y)] as number;
    if ((beside | besideOther) === 0) return true;
    if ((beside & besideOther) !== 0) return false;
    return (
      ((beside >>> accessRegion(y)) & 1) === 0 && ((besideOther >>> accessRegion(x)) & 1) === 0
    );
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
    const [besides, changes] = [this.#besides, this.#changes];
    this.#keys = new Int32Array(keys.length * 2);
    this.#known = new Int32Array(keys.length * 2);
    this.#besides = new Int32Array(keys.length * 2);
    this.#changes = new Int32Array(keys.length * 2);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as number;
      if (key === 0) continue;
      const slot = this.#find(key - 1);
      this.#keys[slot] = key;
      this.#known[slot] = known[i] as number;
      this.#besides[slot] = besides[i] as number;
      this.#changes[slot] = changes[i] as number;
    }
  }
}

/** Operations of which two on one object commute. */
const LOOKS: ReadonlySet<number> = new Set([
  READ,
  WAIT,
  WAIT_ZERO,
  WAIT_WRITEBACK,
  WAIT_IDLE,
  LOCK_SHARED,
  IPI,
]);

/** What the step does to its object: looks at it, adds to it, or changes it in a way that others can tell. */
const kindOf = (k: Machine, word: number): number => {
  const op = accessOp(word);
  if (LOOKS.has(op) || op === CHOOSE) return LOOKED_AT;
  if (op === ADD) return ADDED;
  if (op === UNLOCK) {
    // A shared holder's release is as invisible to other shared holders as its acquire.
    const words = k.regions[accessRegion(word)];
    if (((words?.[accessIndex(word)] as number | undefined) ?? -1) > 0) return LOOKED_AT;
  }
  return WRITTEN;
};
