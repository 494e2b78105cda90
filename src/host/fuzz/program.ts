/** Random programs: one list of steps in the order in which they happen, each in a thread; only one thread runs at a time. */

/** A number, or a place relative to a variable of the initial block. */
export interface Arg {
  /** As the litmus test writes it. */
  readonly text: string;
  /** Index of the variable in VARIABLES; -1: `value` is the number itself. */
  readonly base: number;
  readonly value: number;
}

export interface Op {
  readonly thread: number;
  /** Name of the call, or `load`, `store`. */
  readonly call: string;
  readonly args: readonly Arg[];
  /** Register of the thread that gets the result; -1: none. */
  readonly reg: number;
}

export type RegionKind = 'anon' | 'shared' | 'private-file' | 'shared-file' | 'thp' | 'hugetlb';

/** A mapping that the initial block makes. */
export interface Region {
  /** Index in VARIABLES. */
  readonly base: number;
  readonly kind: RegionKind;
  readonly pages: number;
  /** Pages that are asked about at the end. */
  readonly looks: readonly number[];
}

export interface FuzzProgram {
  readonly name: string;
  readonly regions: readonly Region[];
  /** Steps of the initial block after the regions are made. */
  readonly init: readonly Op[];
  readonly ops: readonly Op[];
  /** The counters of pins are asked for. */
  readonly counters: boolean;
}

/** What programs have besides memory, pipes and io_uring. */
export const MIXES = ['hugetlb', 'swap', 'direct', 'counters'] as const;
export type Mix = (typeof MIXES)[number];

export const PAGE = 4096;
export const HUGE_PAGES = 512;

/** Variables of the initial block. A pipe has two, each region that maps a file has one for it, and `d` is the file on a medium. */
export const VARIABLES = ['a', 'b', 'c', 'p[0]', 'p[1]', 'fa', 'fb', 'fc', 'd'] as const;
export const PIPE = 3;
export const FILES = 5;
export const DISK_FILE = 8;

export const number = (value: number, text = String(value)): Arg => ({ text, base: -1, value });
export const variable = (base: number): Arg => ({
  text: VARIABLES[base] as string,
  base,
  value: 0,
});

/** `a + 4096`: an address. */
export const address = (base: number, offset: number): Arg => ({
  text: offset === 0 ? (VARIABLES[base] as string) : `${VARIABLES[base]} + ${offset}`,
  base,
  value: offset,
});

/** `a[4096]`: the byte there. */
export const byteAt = (base: number, offset: number): Arg => ({
  text: `${VARIABLES[base]}[${offset}]`,
  base,
  value: offset,
});

export const thread = (n: number): Arg => number(n, `P${n}`);

/** Threads that a program has: those that were forked, and the first. */
export const threadsOf = (p: FuzzProgram): readonly number[] => [
  0,
  ...p.ops.flatMap((o) => (o.call === 'fork' ? [o.args[0]?.value ?? 0] : [])),
];

/** Each request in flight is waited for by the thread that sent it, before anything else goes to the medium. */
const landed = (ops: readonly Op[]): boolean => {
  let flying: number | null = null;
  for (const op of ops) {
    if (op.call === 'io_submit') {
      if (flying !== null) return false;
      flying = op.thread;
    } else if (op.call === 'io_getevents') {
      if (flying !== op.thread) return false;
      flying = null;
    } else if (flying !== null && op.args[0]?.base === DISK_FILE) return false;
  }
  return flying === null;
};

/**
 * The steps of each thread, with an event where another thread goes on: `post` in the one that stops, `await` in the
 * one that continues. Null: not one order of steps (a step of a thread that was never forked, or beside one that ends).
 */
export const bodies = (p: FuzzProgram): readonly (readonly Op[])[] | null => {
  const body: Op[][] = [[], [], []];
  const alive = new Set([0]);
  const ended = new Set<number>();
  let now = 0;
  let events = 0;
  let last: Op | null = null;
  if (!landed(p.ops)) return null;
  for (const op of p.ops) {
    if (!alive.has(op.thread) || ended.has(op.thread)) return null;
    if (op.thread !== now) {
      const left = last?.call === 'exit';
      if (left && !(op.call === 'wait' && op.args[0]?.value === now)) return null;
      if (!left) {
        const event = number(events, `e${events}`);
        events++;
        body[now]?.push({ thread: now, call: 'post', args: [event], reg: -1 });
        body[op.thread]?.push({
          thread: op.thread,
          call: 'await',
          args: [event, number(now, '')],
          reg: -1,
        });
      }
      now = op.thread;
    } else if (last?.call === 'exit') return null;
    const other = op.args[0]?.value ?? 0;
    if (op.call === 'fork') {
      if (alive.has(other)) return null;
      alive.add(other);
    }
    if (op.call === 'wait') {
      if (!alive.has(other) || ended.has(other)) return null;
      ended.add(other);
    }
    body[op.thread]?.push(op);
    last = op;
  }
  return body;
};
