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
  /** The last state looked at: local contents, what conflicts in it, and what was known then. */
  readonly #localsOf: Int32Array;
  readonly #conflictsOf: Int32Array;
  #versionOf = -1;
  /** Counts what was learned. */
  version = 0;

  constructor(snapshots: Snapshots, sharing: Sharing, threads: number) {
    this.#snapshots = snapshots;
    this.#sharing = sharing;
    this.#localsOf = new Int32Array(threads);
    this.#conflictsOf = new Int32Array(threads);
  }

  save(out: CheckpointWriter): void {
    const edges = this.#before.flatMap((before, to) => before.flatMap((from) => [from, to]));
    out.words(Int32Array.from(edges));
    out.numbers(this.version);
  }

  load(from: CheckpointReader): void {
    const edges = from.words();
    for (let i = 0; i + 1 < edges.length; i += 2)
      this.learn(edges[i] as number, edges[i + 1] as number);
    [this.version = 0] = from.numbers();
  }

  /** A thread went from one local content to another in one step. */
  learn(from: number, to: number): void {
    this.#enter(from);
    this.#enter(to);
    const before = this.#before[to];
    if (from === to || before?.includes(from) === true) return;
    if (before === undefined) this.#before[to] = [from];
    else before.push(from);
    this.#spread(to);
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
      this.#join(number * stride + (other >> 5), other);
      this.#join(other * stride + (number >> 5), number);
    }
    return number;
  }

  #join(at: number, member: number): void {
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
