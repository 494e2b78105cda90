/**
 * The state of a machine as a short vector of numbers, kept up to date as words change (tree compression, as LTSmin's):
 *
 *   words of the arena, 16 a group -> the number of the group's content
 *   8 groups a block               -> the number of the block's content
 *   the state                      =  the numbers of all blocks
 *
 * Only groups that ever changed take part, in the order in which they first did; number 0 stands for what was there at the
 * start, so a state has the same vector whatever was touched later. Equal states have equal vectors and the other way
 * round. Threads' stacks lie in the arena too. Changes of the vector are logged, so that a step taken back costs no
 * interning.
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
  readonly #states = new Interner();
  /** By group of the arena: its place among the touched ones plus 1; 0: never touched. */
  readonly #placeOf: Int32Array;
  /** By place: group; number of its content at the start; number now (0: as at the start); last update that looked at it. */
  #groupAt = new Int32Array(64);
  #initial = new Int32Array(64);
  #now = new Int32Array(64);
  #stamp = new Int32Array(64);
  #places = 0;
  /** By block: number of its content, 0: all as at the start; last update that changed it. */
  #block = new Int32Array(8);
  #blockStamp = new Int32Array(8);
  #update = 0;
  /** Places and blocks of the update under way. */
  #touched = new Int32Array(64);
  #dirty = new Int32Array(64);
  #dirtyCount = 0;
  /** Undo log: pairs of place (or minus block minus 1) and old number. */
  #log = new Int32Array(1 << 12);
  #logged = 0;
  readonly #scratch = new Int32Array(GROUP);

  constructor(arena: Int32Array) {
    this.#arena = arena;
    this.#placeOf = new Int32Array((arena.length >> GROUP_SHIFT) + 1);
  }

  /** States stored so far. */
  get states(): number {
    return this.#states.size;
  }

  /** Bytes that the stored states take. */
  get bytes(): number {
    return 4 * (this.#contents.words + this.#blocks.words + this.#states.words);
  }

  /** Where `undoTo` can come back to. */
  get mark(): number {
    return this.#logged;
  }

  /** Takes the vector back to `mark`; the arena's words are the caller's to restore. */
  undoTo(mark: number): void {
    const log = this.#log;
    for (let n = this.#logged - 2; n >= mark; n -= 2) {
      const place = log[n] as number;
      if (place >= 0) this.#now[place] = log[n + 1] as number;
      else this.#block[-place - 1] = log[n + 1] as number;
    }
    this.#logged = mark;
  }

  /**
   * Takes in one step: the words logged in `log` from `from` to `to` (pairs of address and old value), and the run of
   * `length` words at `at` of the arena that held `old[oldAt..]` before.
   */
  update(
    log: Int32Array,
    from: number,
    to: number,
    at: number,
    length: number,
    old: Int32Array,
    oldAt: number,
  ): void {
    const arena = this.#arena;
    this.#update++;
    this.#dirtyCount = 0;
    let touched = 0;
    for (let n = from; n < to; n += 2) {
      const group = (log[n] as number) >> GROUP_SHIFT;
      if (this.#placeOf[group] === 0) this.#enterLogged(group, log, from, to);
      touched = this.#touch(group, touched);
    }
    const last = (at + length - 1) >> GROUP_SHIFT;
    for (let group = at >> GROUP_SHIFT; length > 0 && group <= last; group++) {
      const start = Math.max(at, group << GROUP_SHIFT);
      const end = Math.min(at + length, (group + 1) << GROUP_SHIFT);
      let same = true;
      for (let i = start, o = oldAt + start - at; i < end; i++, o++) {
        if (arena[i] !== old[o]) {
          same = false;
          break;
        }
      }
      if (same) continue;
      if (this.#placeOf[group] === 0) this.#enterRun(group, at, length, old, oldAt);
      touched = this.#touch(group, touched);
    }
    for (let i = 0; i < touched; i++) this.#refresh(this.#touched[i] as number);
    for (let i = 0; i < this.#dirtyCount; i++) this.#refreshBlock(this.#dirty[i] as number);
  }

  /** Stores the state; its number (from 1), negative when it was stored before. */
  add(): number {
    const before = this.#states.size;
    let length = ((this.#places - 1) >> BLOCK_SHIFT) + 1;
    while (length > 0 && this.#block[length - 1] === 0) length--;
    const id = this.#states.intern(this.#block, 0, length);
    return this.#states.size > before ? id : -id;
  }

  #touch(group: number, touched: number): number {
    const place = (this.#placeOf[group] as number) - 1;
    if (this.#stamp[place] === this.#update) return touched;
    this.#stamp[place] = this.#update;
    if (touched === this.#touched.length) this.#touched = longer(this.#touched);
    this.#touched[touched] = place;
    return touched + 1;
  }

  /** First change of a group ever: what it held before this step is what it held at the start. */
  #enterLogged(group: number, log: Int32Array, from: number, to: number): void {
    const base = this.#readGroup(group);
    for (let n = to - 2; n >= from; n -= 2) {
      const address = log[n] as number;
      if (address >> GROUP_SHIFT === group) this.#scratch[address - base] = log[n + 1] as number;
    }
    this.#enter(group);
  }

  #enterRun(group: number, at: number, length: number, old: Int32Array, oldAt: number): void {
    const base = this.#readGroup(group);
    for (let i = 0; i < GROUP; i++) {
      const o = base + i - at;
      if (o >= 0 && o < length) this.#scratch[i] = old[oldAt + o] as number;
    }
    this.#enter(group);
  }

  #readGroup(group: number): number {
    const base = group << GROUP_SHIFT;
    for (let i = 0; i < GROUP; i++) this.#scratch[i] = this.#arena[base + i] ?? 0;
    return base;
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
    this.#initial[place] = this.#contents.intern(this.#scratch, 0, GROUP);
  }

  #refresh(place: number): void {
    const base = (this.#groupAt[place] as number) << GROUP_SHIFT;
    let id: number;
    if (base + GROUP <= this.#arena.length) {
      id = this.#contents.intern(this.#arena, base, GROUP);
    } else {
      this.#readGroup(base >> GROUP_SHIFT);
      id = this.#contents.intern(this.#scratch, 0, GROUP);
    }
    if (id === this.#initial[place]) id = 0;
    const old = this.#now[place] as number;
    if (old === id) return;
    this.#note(place, old);
    this.#now[place] = id;
    const block = place >> BLOCK_SHIFT;
    if (this.#blockStamp[block] === this.#update) return;
    this.#blockStamp[block] = this.#update;
    if (this.#dirtyCount === this.#dirty.length) this.#dirty = longer(this.#dirty);
    this.#dirty[this.#dirtyCount++] = block;
  }

  #refreshBlock(b: number): void {
    const from = b << BLOCK_SHIFT;
    let any = 0;
    for (let i = from; i < from + BLOCK; i++) any |= this.#now[i] as number;
    const id = any === 0 ? 0 : this.#blocks.intern(this.#now, from, BLOCK);
    const old = this.#block[b] as number;
    if (old === id) return;
    this.#note(-b - 1, old);
    this.#block[b] = id;
  }

  #note(what: number, old: number): void {
    if (this.#logged === this.#log.length) this.#log = longer(this.#log);
    this.#log[this.#logged] = what;
    this.#log[this.#logged + 1] = old;
    this.#logged += 2;
  }
}

const longer = (words: Int32Array): Int32Array<ArrayBuffer> => {
  const grown = new Int32Array(words.length * 2);
  grown.set(words);
  return grown;
};
