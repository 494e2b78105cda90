/**
 * The state of a machine as a short vector of numbers, kept up to date as words change (tree compression, as LTSmin's):
 *
 *   words of the arena, 16 a group -> the number of the group's content
 *   8 groups a block               -> the number of the block's content
 *   the state                      =  the numbers of all blocks, then those of the threads' stacks
 *
 * Only groups that ever changed take part, in the order in which they first did; number 0 stands for what was there at the
 * start, so a state has the same vector whatever was touched later. Equal states have equal vectors and the other way round.
 */
import { Interner } from './intern.ts';

const GROUP_SHIFT = 4;
const GROUP = 1 << GROUP_SHIFT;
const BLOCK_SHIFT = 3;
const BLOCK = 1 << BLOCK_SHIFT;

export class StateVector {
  readonly #arena: Int32Array;
  readonly #contents = new Interner();
  readonly #blocks = new Interner();
  readonly #stacks = new Interner();
  readonly #states = new Interner();
  /** By group of the arena: its place among the touched ones plus 1; 0: never touched. */
  readonly #placeOf: Int32Array;
  /** By place: group, number of its content at the start, number now (0: as at the start). */
  #groups: number[] = [];
  #initial: number[] = [];
  #now: number[] = [];
  /** By block: number of its content, 0: all as at the start. */
  #block: number[] = [];
  readonly #threads: number[];
  readonly #scratch = new Int32Array(GROUP);
  readonly #blockScratch = new Int32Array(BLOCK);
  #vector = new Int32Array(64);
  /** Marks of blocks whose groups changed since `update` began. */
  #dirty: number[] = [];

  constructor(arena: Int32Array, threads: number) {
    this.#arena = arena;
    this.#placeOf = new Int32Array((arena.length >> GROUP_SHIFT) + 1);
    this.#threads = new Array<number>(threads).fill(0);
  }

  /** States stored so far. */
  get states(): number {
    return this.#states.size;
  }

  /** Bytes that the stored states take. */
  get bytes(): number {
    return (
      4 * (this.#contents.words + this.#blocks.words + this.#stacks.words + this.#states.words)
    );
  }

  /** Takes in what changed: the words logged in `log` from `from` to `to` (pairs of address and old value). */
  update(log: Int32Array, from: number, to: number): void {
    for (let n = from; n < to; n += 2) {
      const group = (log[n] as number) >> GROUP_SHIFT;
      if (this.#placeOf[group] === 0) this.#enter(group, log, from, to);
      this.#refresh(group);
    }
    for (const b of this.#dirty) this.#refreshBlock(b);
    this.#dirty = [];
  }

  /** Takes in thread `t`'s stack: `length` words of `stacks` from `from`. */
  updateThread(t: number, stacks: Int32Array, from: number, length: number): void {
    this.#threads[t] = this.#stacks.intern(stacks, from, length);
  }

  /** Stores the state; false when it was stored before. */
  add(): boolean {
    const before = this.#states.size;
    this.#store();
    return this.#states.size > before;
  }

  #store(): number {
    let length = this.#block.length;
    while (length > 0 && this.#block[length - 1] === 0) length--;
    const threads = this.#threads.length;
    if (length + threads > this.#vector.length)
      this.#vector = new Int32Array(2 * (length + threads));
    const v = this.#vector;
    for (let t = 0; t < threads; t++) v[t] = this.#threads[t] as number;
    for (let b = 0; b < length; b++) v[threads + b] = this.#block[b] as number;
    return this.#states.intern(v, 0, threads + length);
  }

  /** First change of a group ever: what it held before this step is what it held at the start. */
  #enter(group: number, log: Int32Array, from: number, to: number): void {
    const place = this.#groups.length;
    this.#groups.push(group);
    this.#now.push(0);
    if (place >> BLOCK_SHIFT === this.#block.length) this.#block.push(0);
    this.#placeOf[group] = place + 1;
    const s = this.#scratch;
    const base = group << GROUP_SHIFT;
    for (let i = 0; i < GROUP; i++) s[i] = this.#arena[base + i] ?? 0;
    for (let n = to - 2; n >= from; n -= 2) {
      const address = log[n] as number;
      if (address >> GROUP_SHIFT === group) s[address - base] = log[n + 1] as number;
    }
    this.#initial.push(this.#contents.intern(s, 0, GROUP));
  }

  #refresh(group: number): void {
    const place = (this.#placeOf[group] as number) - 1;
    const base = group << GROUP_SHIFT;
    const room = this.#arena.length - base;
    let id: number;
    if (room >= GROUP) {
      id = this.#contents.intern(this.#arena, base, GROUP);
    } else {
      this.#scratch.fill(0);
      this.#scratch.set(this.#arena.subarray(base));
      id = this.#contents.intern(this.#scratch, 0, GROUP);
    }
    const value = id === this.#initial[place] ? 0 : id;
    if (this.#now[place] === value) return;
    this.#now[place] = value;
    const block = place >> BLOCK_SHIFT;
    if (!this.#dirty.includes(block)) this.#dirty.push(block);
  }

  #refreshBlock(b: number): void {
    const s = this.#blockScratch;
    let any = 0;
    for (let i = 0; i < BLOCK; i++) {
      const id = this.#now[b * BLOCK + i] ?? 0;
      s[i] = id;
      any |= id;
    }
    this.#block[b] = any === 0 ? 0 : this.#blocks.intern(s, 0, BLOCK);
  }
}
