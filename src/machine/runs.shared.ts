/**
 * `runs.ts` for memory that several worker threads share. Its loops that count references are
 * WebAssembly: there an atomic operation is an instruction, from JavaScript it is a call that costs
 * more than all the rest of a page. Memory from `sharedArena` has them; other memory gets the same
 * in JavaScript, and both may work on the same words at once. The looks of the other loops are plain
 * reads: the atomic operations between them keep their order.
 */
import type { Alloc } from './arena.ts';
import { PTE } from './entry.ts';
import type { EntryAddr } from './types.ts';

// The part of WebAssembly that is used; the types that come with Node don't have it.
declare const WebAssembly: {
  readonly Memory: new (size: {
    readonly initial: number;
    readonly maximum: number;
    readonly shared: true;
  }) => { readonly buffer: SharedArrayBuffer };
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
};

/** References taken and given back for a list; see `takeRun` and `releaseRun`. Addresses in bytes. */
interface Runs {
  readonly take: (list: number, n: number, refcount: number, each: number) => number;
  readonly release: (
    list: number,
    n: number,
    refcount: number,
    each: number,
    compound: number,
    free: number,
  ) => number;
}

/** The loops of each memory that was made for them. */
const runsOf = new WeakMap<ArrayBufferLike, Runs>();

const PAGE_BYTES = 65536;

/** Memory that worker threads can share: a worker gets it by `postMessage` or as `workerData`. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer;
}

/** Memory of at least `words` words, at most 4 GiB; RangeError for more. Only what is touched takes room. */
export function sharedMemory(words: number): SharedMemory {
  const pages = Math.ceil((words * 4) / PAGE_BYTES);
  if (pages > PAGE_BYTES) throw new RangeError(`a shared arena has at most ${2 ** 30} words`);
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
}

/**
 * Gives out `memory` from its start, in the order of the calls: whoever makes the same machine on the same memory gets
 * the same words. Throws RangeError when `words` of them are used up.
 */
export function arenaOn(memory: SharedMemory, words: number = memory.buffer.byteLength / 4): Alloc {
  const { buffer } = memory;
  const module = new WebAssembly.Module(moduleBytes(buffer.byteLength / PAGE_BYTES));
  const instance = new WebAssembly.Instance(module, { m: { m: memory } });
  runsOf.set(buffer, instance.exports as Runs);
  let next = 0;
  return (count) => {
    if (next + count > words) throw new RangeError(`shared arena of ${words} words is used up`);
    const view = new Int32Array(buffer, next * 4, count);
    next += count;
    return view;
  };
}

/**
 * One buffer for all arrays of a machine, at most 4 GiB, that worker threads can share and whose
 * loops are quick. `words` of capacity; throws RangeError when it is used up, or too large.
 */
export function sharedArena(words: number): Alloc {
  return arenaOn(sharedMemory(words), words);
}

/** As in the other forms: here there are runs. */
export const RUNS = true;

/** As in the other forms. */
export function listRun(
  contents: Int32Array,
  first: EntryAddr,
  n: number,
  mask: number,
  flags: Int32Array,
  looked: number,
  wanted: number,
  list: Int32Array,
  at: number,
): number {
  const need = mask & ~PTE.special;
  let e = first | 0;
  let i = at | 0;
  const to = (i + n) | 0;
  while (i < to) {
    const lo = contents[e];
    const hi = contents[(e + 1) | 0];
    if ((((lo & mask) ^ need) | (hi & ~0xfff)) !== 0) break;
    const pfn = (lo >>> 12) | (hi << 20);
    if ((flags[pfn] & looked) !== wanted) break;
    list[i] = pfn;
    e = (e + 2) | 0;
    i = (i + 1) | 0;
  }
  return (i - at) | 0;
}

/** As in the other forms: another thread may have changed what was listed. */
export function runStands(
  contents: Int32Array,
  first: EntryAddr,
  n: number,
  mask: number,
  list: Int32Array,
  at: number,
  flags: Int32Array,
  looked: number,
  wanted: number,
): number {
  const need = mask & ~PTE.special;
  let e = first | 0;
  let i = at | 0;
  const to = (i + n) | 0;
  while (i < to) {
    const pfn = list[i];
    const lo = contents[e];
    const hi = contents[(e + 1) | 0];
    const moved = ((lo >>> 12) | (hi << 20)) ^ pfn;
    const changed = ((lo & mask) ^ need) | (hi & ~0xfff);
    if ((moved | changed | ((flags[pfn] & looked) ^ wanted)) !== 0) break;
    e = (e + 2) | 0;
    i = (i + 1) | 0;
  }
  return (i - at) | 0;
}

/** As in the other forms; stops too where another thread changes a count at the same moment. */
export function takeRun(
  list: Int32Array,
  at: number,
  n: number,
  refcount: Int32Array,
  each: number,
): number {
  const runs = runsOf.get(refcount.buffer);
  if (runs !== undefined) return runs.take(list.byteOffset + at * 4, n, refcount.byteOffset, each);
  for (let i = 0; i < n; i++) {
    const pfn = list[at + i];
    const old = refcount[pfn];
    if (old <= 0 || Atomics.compareExchange(refcount, pfn, old, (old + each) | 0) !== old) return i;
  }
  return n;
}

/** As in the other forms; stops too where another thread changes a count at the same moment. */
export function releaseRun(
  list: Int32Array,
  at: number,
  n: number,
  compound: Int32Array,
  refcount: Int32Array,
  free: number,
  each: number,
): number {
  const runs = runsOf.get(refcount.buffer);
  if (runs !== undefined)
    return runs.release(
      list.byteOffset + at * 4,
      n,
      refcount.byteOffset,
      each,
      compound.byteOffset,
      free,
    );
  for (let i = 0; i < n; i++) {
    const pfn = list[at + i];
    if (pfn <= free || compound[pfn] !== 0) return i;
    const old = refcount[pfn];
    if (old <= each || Atomics.compareExchange(refcount, pfn, old, old - each) !== old) return i;
  }
  return n;
}

// The module, by hand: two functions of i32 on one imported memory.
const MAGIC = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const I32 = 0x7f;
const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const i32 = (value: number): number[] => [0x41, value];
const LOAD = [0x28, 2, 0];
const COMPARE_EXCHANGE = [0xfe, 0x48, 2, 0];
const NE = 0x47;
const LE_S = 0x4c;
const GE_U = 0x4f;
const ADD = 0x6a;
const SUB = 0x6b;
const SHL = 0x74;
const SHR_U = 0x76;
/** Out of the loop if the value on the stack is not 0. */
const LEAVE_IF = [0x0d, 1];

/** The parameters that both functions have. */
const P = { list: 0, n: 1, refcount: 2, each: 3 } as const;

/** Instructions that belong together. */
type Line = readonly (number | readonly number[])[];

/** For each page of the list: `body`, which leaves the loop or changes the count; then the next. */
function eachPage(at: number, end: number, body: readonly Line[]): number[] {
  const lines: Line[] = [
    [get(P.list), set(at)],
    [get(P.list), get(P.n), i32(2), SHL, ADD, set(end)],
    [0x02, 0x40, 0x03, 0x40],
    [get(at), get(end), GE_U, LEAVE_IF],
    ...body,
    [get(at), i32(4), ADD, set(at), 0x0c, 0, 0x0b, 0x0b],
    [get(at), get(P.list), SUB, i32(2), SHR_U, 0x0b],
  ];
  return lines.flat(2);
}

function takeBody(): number[] {
  const [at, end, address, old] = [4, 5, 6, 7] as const;
  return eachPage(at, end, [
    [get(P.refcount), get(at), LOAD, i32(2), SHL, ADD, set(address)],
    [get(address), LOAD, set(old)],
    [get(old), i32(0), LE_S, LEAVE_IF],
    [get(address), get(old), get(old), get(P.each), ADD, COMPARE_EXCHANGE],
    [get(old), NE, LEAVE_IF],
  ]);
}

function releaseBody(): number[] {
  const [compound, free, at, end, pfn, address, old] = [4, 5, 6, 7, 8, 9, 10] as const;
  return eachPage(at, end, [
    [get(at), LOAD, set(pfn)],
    [get(pfn), get(free), LE_S, LEAVE_IF],
    [get(compound), get(pfn), i32(2), SHL, ADD, LOAD, LEAVE_IF],
    [get(P.refcount), get(pfn), i32(2), SHL, ADD, set(address)],
    [get(address), LOAD, set(old)],
    [get(old), get(P.each), LE_S, LEAVE_IF],
    [get(address), get(old), get(old), get(P.each), SUB, COMPARE_EXCHANGE],
    [get(old), NE, LEAVE_IF],
  ]);
}

/** The whole module for a memory of `pages` times 64 KiB. */
function moduleBytes(pages: number): Uint8Array<ArrayBuffer> {
  const section = (id: number, content: number[]): number[] => [
    id,
    ...leb(content.length),
    ...content,
  ];
  const func = (locals: number, body: number[]): number[] => {
    const whole = [1, locals, I32, ...body];
    return [...leb(whole.length), ...whole];
  };
  const type = (parameters: number): number[] => [
    0x60,
    parameters,
    ...Array.from({ length: parameters }, () => I32),
    1,
    I32,
  ];
  const name = (text: string): number[] => [
    text.length,
    ...Array.from(text, (c) => c.charCodeAt(0)),
  ];
  return Uint8Array.from([
    ...MAGIC,
    ...section(1, [2, ...type(4), ...type(6)]),
    ...section(2, [1, ...name('m'), ...name('m'), 2, 3, ...leb(pages), ...leb(pages)]),
    ...section(3, [2, 0, 1]),
    ...section(7, [2, ...name('take'), 0, 0, ...name('release'), 0, 1]),
    ...section(10, [2, ...func(4, takeBody()), ...func(5, releaseBody())]),
  ]);
}

/** An unsigned number, seven bits a byte. */
function leb(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...leb(value >>> 7)];
}
