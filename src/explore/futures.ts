/**
 * What threads may still do. Each thread's local contents and the steps between them make a graph, learned as the search
 * goes on; from it follows for each local content which accesses the thread may yet make. A set of threads whose
 * announced steps conflict with nothing that the others may yet do is persistent (Godefroid): it is enough to go on
 * from a state with its threads alone.
 *
 * What is learned later can make a set too small that was chosen before: the search then comes back to the state.
 */
import type { CheckpointReader, CheckpointWriter } from './checkpoint.ts';
import { longer } from './longer.ts';
import type { Sharing } from './sharing.ts';
import { type Snapshots, THREAD } from './snapshots.ts';

/** Different accesses up to which it is worth while; with more, every set is all threads. */
const MOST_ACCESSES = 1024;
/** Steps that a search for a circle goes back at most. */
const MOST_LOOKED_AT = 4096;

export class Futures {
  readonly #snapshots: Snapshots;
  readonly #sharing: Sharing;
  /** Numbers of access words. */
  readonly #numbers = new Map<number, number>();
  readonly #accesses: number[] = [];
  /** Words of a set of accesses. */
  #stride = 2;
  /** By access: the set of those that conflict with it. */
  #conflicts = new Int32Array(2 * 64);
  /** By local content: the set of accesses that the thread may yet make; and the number of the announced one plus 1. */
  #futures = new Int32Array(2 * 256);
  #announced = new Int32Array(256);
  /** By local content: those that lead to it. */
  readonly #before: number[][] = [];
  /** By local content: those that lead to it by a step that closes a circle. */
  readonly #closing: number[][] = [];
  /** By local content: the last search for a circle that came by; negative: no step is known that leaves it. */
  #seen = new Int32Array(256).fill(-1);
  #searches = 0;
  /** The last state looked at: local contents, what conflicts in it, and what was known then. */
  readonly #localsOf: Int32Array;
  readonly #conflictsOf: Int32Array;
  #versionOf = -1;
  /** Whether a step closes a circle: without one no thread can go round. */
  circles = false;
  /** Counts what was learned. */
  version = 0;

  constructor(snapshots: Snapshots, sharing: Sharing, threads: number) {
    this.#snapshots = snapshots;
    this.#sharing = sharing;
    this.#localsOf = new Int32Array(threads);
    this.#conflictsOf = new Int32Array(threads);
  }

  save(out: CheckpointWriter): void {
    for (const edges of [this.#before, this.#closing])
      out.words(
        Int32Array.from(edges.flatMap((before, to) => before.flatMap((from) => [from, to]))),
      );
    out.numbers(this.version, this.circles ? 1 : 0);
  }

  load(from: CheckpointReader): void {
    const pairs = (words: Int32Array): [number, number][] =>
      Array.from({ length: words.length >> 1 }, (_, i) => [
        words[2 * i] as number,
        words[2 * i + 1] as number,
      ]);
    for (const [before, to] of pairs(from.words())) this.#join(before, to);
    for (const [before, to] of pairs(from.words())) push(this.#closing, to, before);
    const [version = 0, circles = 0] = from.numbers();
    this.version = version;
    this.circles = circles !== 0;
  }

  /**
   * A thread went from one local content to another in one step. True: the step closes a circle, of those known when it was
   * taken first. So each circle has a step of which that is said.
   */
  learn(from: number, to: number): boolean {
    if (from === to) {
      this.#enter(from);
      this.circles = true;
      return true;
    }
    if (this.#before[to]?.includes(from) !== true) {
      if (this.#leads(to, from)) {
        push(this.#closing, to, from);
        this.circles = true;
      }
      this.#join(from, to);
    }
    return this.#closing[to]?.includes(from) === true;
  }

  #join(from: number, to: number): void {
    this.#enter(from);
    this.#enter(to);
    push(this.#before, to, from);
    if ((this.#seen[from] as number) < 0) this.#seen[from] = 0;
    this.#spread(to);
  }

  /** Whether known steps lead from one local content to another; true as well when that takes too long to find out. */
  #leads(from: number, to: number): boolean {
    this.#enter(from);
    if ((this.#seen[from] as number) < 0) return false;
    const search = ++this.#searches;
    let left = MOST_LOOKED_AT;
    for (const work = [to]; work.length > 0; ) {
      for (const before of this.#before[work.pop() as number] ?? []) {
        if (before === from || left-- === 0) return true;
        if (this.#seen[before] === search) continue;
        this.#seen[before] = search;
        work.push(before);
      }
    }
    return false;
  }

  /**
   * A persistent set, as bits: of the threads in `enabled`, in the state whose local contents begin at `state[at]`. One with
   * as few enabled threads as there is.
   */
  persistent(state: Int32Array, at: number, threads: number, enabled: number): number {
    if ((enabled & (enabled - 1)) === 0 || this.#accesses.length > MOST_ACCESSES) return enabled;
    const conflicts = this.#conflictsIn(state, at, threads);
    let best = enabled;
    let least = bits(enabled);
    for (let seeds = enabled; seeds !== 0; seeds &= seeds - 1) {
      let set = seeds & -seeds;
      for (let rest = set; rest !== 0; ) {
        const t = 31 - Math.clz32(rest & -rest);
        const more = (conflicts[t] as number) & ~set;
        set |= more;
        rest = (rest & (rest - 1)) | more;
      }
      const count = bits(set & enabled);
      if (count >= least) continue;
      best = set & enabled;
      least = count;
    }
    return best;
  }

  /** By thread: the others, as bits, from which a step may yet come that conflicts with the one it announced. */
  #conflictsIn(state: Int32Array, at: number, threads: number): Int32Array {
    const locals = this.#localsOf;
    for (let t = 0; t < threads; t++) this.#enter(state[at + t] as number);
    // Most often only one thread has moved since the last time.
    let moved = 0;
    for (let t = 0; t < threads; t++) {
      const local = state[at + t] as number;
      if (local === locals[t]) continue;
      locals[t] = local;
      moved |= 1 << t;
    }
    if (this.version !== this.#versionOf) {
      this.#versionOf = this.version;
      moved = -1;
    }
    const conflicts = this.#conflictsOf;
    for (let t = 0; t < threads; t++) {
      let found = conflicts[t] as number;
      const all = ((moved >>> t) & 1) !== 0;
      for (let u = 0; u < threads; u++) {
        if (u === t || !(all || ((moved >>> u) & 1) !== 0)) continue;
        if (this.#conflict(locals[t] as number, locals[u] as number)) found |= 1 << u;
        else found &= ~(1 << u);
      }
      conflicts[t] = found;
    }
    return conflicts;
  }

  /** Whether the step announced in `local` conflicts with one that may yet come from `other`. */
  #conflict(local: number, other: number): boolean {
    const access = (this.#announced[local] as number) - 2;
    if (access < 0) return false;
    const stride = this.#stride;
    const row = access * stride;
    const future = other * stride;
    for (let i = 0; i < stride; i++)
      if (((this.#conflicts[row + i] as number) & (this.#futures[future + i] as number)) !== 0)
        return true;
    return false;
  }

  /** Makes room for the local content, with the access that it announces. */
  #enter(local: number): void {
    while (local >= this.#announced.length) {
      this.#announced = longer(this.#announced);
      this.#futures = longer(this.#futures);
      const seen = longer(this.#seen);
      this.#seen = seen.fill(-1, this.#seen.length);
    }
    if (this.#announced[local] !== 0) return;
    // 1: it announces nothing.
    this.#announced[local] = 1;
    if ((this.#snapshots.kind(local) & THREAD.runs) === 0) return;
    const access = this.#access(this.#snapshots.pending(local));
    this.#announced[local] = access + 2;
    const at = local * this.#stride + (access >> 5);
    this.#futures[at] = (this.#futures[at] as number) | (1 << (access & 31));
    this.version++;
  }

  #access(word: number): number {
    const known = this.#numbers.get(word);
    if (known !== undefined) return known;
    const number = this.#accesses.length;
    if (number >= this.#stride * 32) this.#widen();
    const stride = this.#stride;
    while ((number + 1) * stride > this.#conflicts.length)
      this.#conflicts = longer(this.#conflicts);
    this.#numbers.set(word, number);
    this.#accesses.push(word);
    if (number > MOST_ACCESSES) return number;
    for (const [other, otherWord] of this.#accesses.entries()) {
      if (this.#sharing.independent(word, otherWord)) continue;
      this.#setConflict(number * stride + (other >> 5), other);
      this.#setConflict(other * stride + (number >> 5), number);
    }
    return number;
  }

  /** A search begins, and more is known of what steps touch than when the accesses were first seen. */
  renew(): void {
    this.#conflicts.fill(0);
    const stride = this.#stride;
    const accesses = this.#accesses.slice(0, MOST_ACCESSES);
    for (const [number, word] of accesses.entries()) {
      for (const [other, otherWord] of accesses.entries())
        if (!this.#sharing.independent(word, otherWord))
          this.#setConflict(number * stride + (other >> 5), other);
    }
    this.version++;
  }

  #setConflict(at: number, member: number): void {
    this.#conflicts[at] = (this.#conflicts[at] as number) | (1 << (member & 31));
  }

  /** Sets of twice as many words. */
  #widen(): void {
    this.#conflicts = widened(this.#conflicts, this.#stride);
    this.#futures = widened(this.#futures, this.#stride);
    this.#stride *= 2;
  }

  /** What may come from `local` may come from all that lead to it. */
  #spread(local: number): void {
    const stride = this.#stride;
    for (const work = [local]; work.length > 0; ) {
      const to = work.pop() as number;
      for (const from of this.#before[to] ?? []) {
        let grown = false;
        for (let i = 0; i < stride; i++) {
          const old = this.#futures[from * stride + i] as number;
          const joined = old | (this.#futures[to * stride + i] as number);
          if (joined === old) continue;
          this.#futures[from * stride + i] = joined;
          grown = true;
        }
        if (!grown) continue;
        this.version++;
        work.push(from);
      }
    }
  }
}

const push = (lists: number[][], at: number, member: number): void => {
  const list = lists[at];
  if (list === undefined) lists[at] = [member];
  else list.push(member);
};

const bits = (set: number): number => {
  let count = 0;
  for (let rest = set; rest !== 0; rest &= rest - 1) count++;
  return count;
};

/** Rows of `stride` words as rows of twice as many. */
const widened = (rows: Int32Array, stride: number): Int32Array<ArrayBuffer> => {
  const grown = new Int32Array(rows.length * 2);
  for (let from = 0; from < rows.length; from++)
    grown[Math.floor(from / stride) * 2 * stride + (from % stride)] = rows[from] as number;
  return grown;
};
