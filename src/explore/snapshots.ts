/**
 * What the machine holds, as numbers, and back again (tree compression, as LTSmin's):
 *
 *   a thread's stack and the variables of its own            -> the number of its local content
 *   words of the arena that threads share, 16 a group        -> the number of the group's content
 *   8 groups a block                                         -> the number of the block's content
 *   all blocks                                               -> the number of the shared content
 *
 * A state is one shared number and a local one for each thread; what a thread's step does depends on the shared
 * content and its own local content alone, and changes nothing else.
 *
 * Only groups that ever changed take part, in the order in which they first did; 0 stands for what was there at the
 * start, so equal contents have equal numbers whatever was touched later.
 */
import { accessOp, CHOOSE } from '../machine/access.ts';
import { mayWait } from '../machine/enabled.ts';
import { stacks, threadWords } from '../machine/resumable.ts';
import type { CheckpointReader, CheckpointWriter } from './checkpoint.ts';
import { Interner } from './intern.ts';
import { longer } from './longer.ts';
import { type Machine, STACK_WORDS } from './setup.ts';

const GROUP_SHIFT = 4;
const GROUP = 1 << GROUP_SHIFT;
const BLOCK_SHIFT = 3;
const BLOCK = 1 << BLOCK_SHIFT;

/**
 * A local content: thread; the step that a choice belongs to (else 0; or `STUCK`); how many words of the stack follow; those words
 * (word 0 of a stack: runs or not; word 1: what it announced); the words of the thread's variables.
 */
const LOCAL = { thread: 0, chooser: 1, length: 2, stack: 3 } as const;

/** In place of a choice's step: the thread goes round for ever, unnoticed, and steps no more. */
export const STUCK = -1;

/** What a local content says of its thread, as bits. */
export const THREAD = {
  runs: 1,
  /** It may have to wait for its next step. */
  mayWait: 2,
  /** Its next step is a choice. */
  chooses: 4,
} as const;

export class Snapshots {
  readonly #arena: Int32Array;
  readonly #contents = new Interner();
  readonly #blocks = new Interner();
  readonly #shared = new Interner();
  readonly #locals = new Interner();
  /** By local content: `THREAD` bits, and the access that a running thread announced. */
  #kind = new Uint8Array(256);
  #announced = new Int32Array(256);
  /** By thread: addresses of the words of its own, stack aside. */
  readonly #own: readonly Int32Array[];
  /** By group of the arena: bits of the words that are not shared. */
  readonly #hidden: Uint16Array;
  /** By group of the arena: its place among the touched ones plus 1; 0: never touched. */
  readonly #placeOf: Int32Array;
  /** By place: group; number of its content at the start; number now (0: as at the start); last step that touched it. */
  #groupAt = new Int32Array(64);
  #initial = new Int32Array(64);
  #now = new Int32Array(64);
  #stamp = new Int32Array(64);
  #places = 0;
  /** By block: number of its content, 0: all as at the start; last step that changed it. */
  #block = new Int32Array(8);
  #blockStamp = new Int32Array(8);
  #step = 0;
  /** Places and blocks of the step being taken in. */
  #touched = new Int32Array(64);
  #dirty = new Int32Array(64);
  #dirtyCount = 0;
  /** Numbers of what the machine holds now. */
  #sharedNow = 0;
  readonly #localNow: Int32Array;
  readonly #scratch = new Int32Array(GROUP);
  readonly #run: Int32Array;

  constructor(m: Machine) {
    const { arena, k } = m;
    this.#arena = arena;
    const addressOf = (array: Int32Array, i: number): number => (array.byteOffset >> 2) + i;
    this.#own = Array.from({ length: m.threads }, (_, t) => {
      const own = k.program.own[t];
      if (own === undefined) return new Int32Array(0);
      const words = own.flatMap((v) => [
        addressOf(k.lit.vars, 2 * v),
        addressOf(k.lit.vars, 2 * v + 1),
        addressOf(k.lit.assigned, v),
      ]);
      return Int32Array.from([...words, addressOf(k.lit.at, t)]);
    });
    const most = Math.max(0, ...this.#own.map((own) => own.length));
    this.#run = new Int32Array(LOCAL.stack + STACK_WORDS + most);
    const groups = (arena.length >> GROUP_SHIFT) + 1;
    this.#placeOf = new Int32Array(groups);
    this.#hidden = new Uint16Array(groups);
    for (const own of this.#own) for (const address of own) this.#hideWords(address, 1);
    // Besides the stacks what is empty between steps, and limits of the model, which stay noted whatever is taken back.
    for (const array of [m.stacks, k.also, k.lit.limits, k.lit.idle])
      this.#hideWords(addressOf(array, 0), array.length);
    this.#localNow = new Int32Array(m.threads);
    this.#sharedNow = this.#internShared();
  }

  /** The words are not shared. A group may begin before the first or end behind the last. */
  #hideWords(address: number, count: number): void {
    const hidden = this.#hidden;
    const end = address + count;
    for (let at = address; at < end; ) {
      const group = at >> GROUP_SHIFT;
      const next = Math.min(end, (group + 1) << GROUP_SHIFT);
      const bits = ((1 << (next - at)) - 1) << (at & (GROUP - 1));
      hidden[group] = (hidden[group] as number) | bits;
      at = next;
    }
  }

  save(out: CheckpointWriter): void {
    for (const interner of [this.#contents, this.#blocks, this.#shared, this.#locals])
      interner.save(out);
    out.numbers(this.#places);
    out.words(this.#groupAt, this.#places);
    out.words(this.#initial, this.#places);
    out.bytes(this.#kind);
    out.words(this.#announced);
  }

  /** The machine must stand at its start, and nothing have been taken in yet but that. */
  load(from: CheckpointReader): void {
    for (const interner of [this.#contents, this.#blocks, this.#shared, this.#locals])
      interner.load(from);
    [this.#places = 0] = from.numbers();
    this.#groupAt = from.words(64);
    this.#initial = from.words(64);
    this.#kind = from.bytes();
    this.#announced = from.words();
    const room = this.#groupAt.length;
    this.#now = new Int32Array(room);
    this.#stamp = new Int32Array(room);
    this.#block = new Int32Array(room);
    this.#blockStamp = new Int32Array(room);
    for (let place = 0; place < this.#places; place++)
      this.#placeOf[this.#groupAt[place] as number] = place + 1;
    this.#localNow.fill(0);
  }

  /** Bytes that all contents take. */
  get bytes(): number {
    const { words } = this.#contents;
    return 4 * (words + this.#blocks.words + this.#shared.words + this.#locals.words);
  }

  /** `THREAD` bits of a local content. */
  kind(local: number): number {
    return this.#kind[local] as number;
  }

  /** The access that the thread announced, in a local content in which it runs. */
  pending(local: number): number {
    return this.#announced[local] as number;
  }

  /** The access that a pending choice belongs to. */
  chooser(local: number): number {
    return this.#locals.word(local, LOCAL.chooser);
  }

  /** Number of what thread `t` holds now; `chooser` is 0 unless it has to choose, or is `STUCK`. */
  takeLocal(t: number, chooser: number): number {
    const run = this.#run;
    const length = threadWords(t);
    run[LOCAL.thread] = t;
    run[LOCAL.chooser] = chooser;
    run[LOCAL.length] = length;
    const from = t * STACK_WORDS;
    let at = LOCAL.stack as number;
    for (let i = 0; i < length; i++) run[at++] = stacks[from + i] as number;
    const own = this.#own[t] as Int32Array;
    for (let i = 0; i < own.length; i++) run[at++] = this.#arena[own[i] as number] as number;
    const known = this.#locals.size;
    const local = this.#locals.intern(run, 0, at);
    if (local > known) this.#describe(local);
    this.#localNow[t] = local;
    return local;
  }

  #describe(local: number): void {
    if (local >= this.#kind.length) {
      const kind = new Uint8Array(this.#kind.length * 2);
      kind.set(this.#kind);
      this.#kind = kind;
      this.#announced = longer(this.#announced);
    }
    if (this.#run[LOCAL.stack] === 0) return;
    const word = this.#run[LOCAL.stack + 1] as number;
    this.#announced[local] = word;
    this.#kind[local] =
      THREAD.runs |
      (mayWait(word) ? THREAD.mayWait : 0) |
      (accessOp(word) === CHOOSE ? THREAD.chooses : 0);
  }

  /**
   * Number of what threads share after a step, of which `log` has the changed words from 0 to `to` (pairs of address and
   * old value).
   */
  takeShared(log: Int32Array, to: number): number {
    this.#step++;
    this.#dirtyCount = 0;
    this.#enterNew(log, to);
    let touched = 0;
    for (let n = 0; n < to; n += 2) {
      const address = log[n] as number;
      const group = address >> GROUP_SHIFT;
      if (this.#isHidden(address)) continue;
      const place = (this.#placeOf[group] as number) - 1;
      if (this.#stamp[place] === this.#step) continue;
      this.#stamp[place] = this.#step;
      if (touched === this.#touched.length) this.#touched = longer(this.#touched);
      this.#touched[touched++] = place;
    }
    for (let i = 0; i < touched; i++) this.#refresh(this.#touched[i] as number);
    if (this.#dirtyCount === 0) return this.#sharedNow;
    for (let i = 0; i < this.#dirtyCount; i++) this.#refreshBlock(this.#dirty[i] as number);
    this.#sharedNow = this.#internShared();
    return this.#sharedNow;
  }

  /** Puts back what threads share. */
  restoreShared(shared: number): void {
    if (shared === this.#sharedNow) return;
    const length = this.#shared.lengthOf(shared);
    const blocks = ((this.#places - 1) >> BLOCK_SHIFT) + 1;
    for (let b = 0; b < blocks; b++) {
      const wanted = b < length ? this.#shared.word(shared, b) : 0;
      if (wanted !== this.#block[b]) this.#restoreBlock(b, wanted);
    }
    this.#sharedNow = shared;
  }

  /** Puts back what thread `t` holds. */
  restoreLocal(t: number, local: number): void {
    if (local === this.#localNow[t]) return;
    const length = this.#locals.word(local, LOCAL.length);
    const to = t * STACK_WORDS;
    const used = threadWords(t);
    let at = this.#locals.startOf(local) + LOCAL.stack;
    const { pool } = this.#locals;
    for (let i = 0; i < length; i++) stacks[to + i] = pool[at++] as number;
    for (let i = length; i < used; i++) stacks[to + i] = 0;
    const own = this.#own[t] as Int32Array;
    for (let i = 0; i < own.length; i++) this.#arena[own[i] as number] = pool[at++] as number;
    this.#localNow[t] = local;
  }

  #internShared(): number {
    let length = ((this.#places - 1) >> BLOCK_SHIFT) + 1;
    while (length > 0 && this.#block[length - 1] === 0) length--;
    return this.#shared.intern(this.#block, 0, length);
  }

  /** Groups that never changed before this step get places: what they held before it is what they held at the start. */
  #enterNew(log: Int32Array, to: number): void {
    const first = this.#places;
    for (let n = 0; n < to; n += 2) {
      const address = log[n] as number;
      const group = address >> GROUP_SHIFT;
      if (this.#placeOf[group] === 0 && !this.#isHidden(address)) this.#enter(group);
    }
    const fresh = this.#places - first;
    if (fresh === 0) return;
    const held = new Int32Array(fresh << GROUP_SHIFT);
    for (let i = 0; i < fresh; i++) {
      this.#read(this.#groupAt[first + i] as number);
      held.set(this.#scratch, i << GROUP_SHIFT);
    }
    // From the last change back to the first.
    for (let n = to - 2; n >= 0; n -= 2) {
      const address = log[n] as number;
      const i = (this.#placeOf[address >> GROUP_SHIFT] as number) - 1 - first;
      if (i >= 0) held[(i << GROUP_SHIFT) | (address & (GROUP - 1))] = log[n + 1] as number;
    }
    for (let i = 0; i < fresh; i++) {
      this.#scratch.set(held.subarray(i << GROUP_SHIFT, (i + 1) << GROUP_SHIFT));
      this.#hide(this.#groupAt[first + i] as number);
      this.#initial[first + i] = this.#contents.intern(this.#scratch, 0, GROUP);
    }
  }

  #isHidden(address: number): boolean {
    const hidden = this.#hidden[address >> GROUP_SHIFT] as number;
    return hidden !== 0 && ((hidden >>> (address & (GROUP - 1))) & 1) !== 0;
  }

  #enter(group: number): void {
    const place = this.#places++;
    if (place === this.#groupAt.length) {
      this.#groupAt = longer(this.#groupAt);
      this.#initial = longer(this.#initial);
      this.#now = longer(this.#now);
      this.#stamp = longer(this.#stamp);
    }
    if (place >> BLOCK_SHIFT >= this.#block.length) {
      this.#block = longer(this.#block);
      this.#blockStamp = longer(this.#blockStamp);
    }
    this.#groupAt[place] = group;
    this.#placeOf[group] = place + 1;
  }

  /** Copies the group to `scratch`; its first address. */
  #read(group: number): number {
    const base = group << GROUP_SHIFT;
    for (let i = 0; i < GROUP; i++) this.#scratch[i] = this.#arena[base + i] ?? 0;
    return base;
  }

  /** Words that are not shared count as 0. */
  #hide(group: number): void {
    const hidden = this.#hidden[group] as number;
    for (let i = 0; hidden >>> i !== 0; i++) if (((hidden >>> i) & 1) !== 0) this.#scratch[i] = 0;
  }

  #refresh(place: number): void {
    const group = this.#groupAt[place] as number;
    const base = group << GROUP_SHIFT;
    let id: number;
    if (this.#hidden[group] === 0 && base + GROUP <= this.#arena.length) {
      id = this.#contents.intern(this.#arena, base, GROUP);
    } else {
      this.#read(group);
      this.#hide(group);
      id = this.#contents.intern(this.#scratch, 0, GROUP);
    }
    if (id === this.#initial[place]) id = 0;
    if (this.#now[place] === id) return;
    this.#now[place] = id;
    const block = place >> BLOCK_SHIFT;
    if (this.#blockStamp[block] === this.#step) return;
    this.#blockStamp[block] = this.#step;
    if (this.#dirtyCount === this.#dirty.length) this.#dirty = longer(this.#dirty);
    this.#dirty[this.#dirtyCount++] = block;
  }

  #refreshBlock(b: number): void {
    const from = b << BLOCK_SHIFT;
    let any = 0;
    for (let i = from; i < from + BLOCK; i++) any |= this.#now[i] as number;
    this.#block[b] = any === 0 ? 0 : this.#blocks.intern(this.#now, from, BLOCK);
  }

  #restoreBlock(b: number, wanted: number): void {
    const from = b << BLOCK_SHIFT;
    for (let i = 0; i < BLOCK; i++) {
      const content = wanted === 0 ? 0 : this.#blocks.word(wanted, i);
      const place = from + i;
      if (content === this.#now[place]) continue;
      this.#restoreGroup(place, content === 0 ? (this.#initial[place] as number) : content);
      this.#now[place] = content;
    }
    this.#block[b] = wanted;
  }

  #restoreGroup(place: number, content: number): void {
    const group = this.#groupAt[place] as number;
    const base = group << GROUP_SHIFT;
    const from = this.#contents.startOf(content);
    const { pool } = this.#contents;
    const hidden = this.#hidden[group] as number;
    const words = Math.min(GROUP, this.#arena.length - base);
    for (let i = 0; i < words; i++) {
      if (hidden !== 0 && ((hidden >>> i) & 1) !== 0) continue;
      this.#arena[base + i] = pool[from + i] as number;
    }
  }
}
