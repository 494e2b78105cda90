/** What a litmus test is compiled to, and the machine it runs on. */

import { bootSystem, type System, type SystemConfig } from '../../fs/system.ts';
import { R } from '../../machine/access.ts';
import type { Alloc } from '../../machine/arena.ts';
import { MISC } from '../../mm/kernel.ts';

/** An expression, compiled: reads variables and kernel arrays of the machine, changes nothing. */
export type Eval = (k: Lit) => number;

/** Operations of a compiled body. Pure ones (up to `jumpUnless`) are no step of their own: no other thread could tell. */
export const OP = {
  end: 0,
  assign: 1,
  jump: 2,
  jumpUnless: 3,
  load: 4,
  store: 5,
  call: 6,
  shared: 7,
} as const;

/** How a call's or a load's raw 32-bit answer becomes a C value. */
export const RESULT = { value: 0, page: 1, address: 2 } as const;

export interface Instruction {
  readonly op: (typeof OP)[keyof typeof OP];
  /** Word pair of `k.lit.vars` that takes the result; -1: none. */
  readonly dst: number;
  /** Word of `k.kmem` that takes the result (an element of a `struct page *` array); null: none. */
  readonly dstKmem: Eval | null;
  /** Variable that takes the result (an element of an array of integers or pointers); null: none. */
  readonly dstElement: Eval | null;
  /** assign: value. jumpUnless: test. load: address. store: address, value. call: arguments. */
  readonly args: readonly Eval[];
  /** call: a `CALL` number. */
  readonly call: number;
  readonly result: number;
  /** load, store: bytes, and whether a load extends the sign. */
  readonly size: number;
  readonly signed: boolean;
  /** jump, jumpUnless: the instruction to go to. shared: the variable that other threads may read or write. */
  readonly target: number;
  /** Variables that hold intermediate values and are not needed after this instruction. */
  readonly drops: readonly number[];
  /** Variables that the arguments read. */
  readonly reads: readonly number[];
  /** Variables that nobody looks at again once a thread has come here. */
  readonly forgets: readonly number[];
  /** Line of the source. */
  readonly line: number;
}

export interface ProgramThread {
  /** `P0`, `K0`. */
  readonly name: string;
  readonly kernelOnly: boolean;
  /** First instruction. */
  readonly entry: number;
  /** Index among `threads` of the one that forks it; -1: it starts after the initial block. */
  readonly forkedBy: number;
  /** Index of its process among the processes of the test; 0: the first. A kernel context counts to the first. */
  readonly process: number;
}

/** Variables or array elements that end with a block or a process. */
export interface Scoped {
  /** Index of the thread whose body, or whose process, they belong to. */
  readonly thread: number;
  /** Words of the test's part of kernel memory, else variables. */
  readonly inKmem: boolean;
  readonly first: number;
  readonly count: number;
  /** Declared in a block inside of the body: gone at its end. */
  readonly nested: boolean;
}

/** A compiled test; constant while it runs. */
export interface Program {
  readonly code: readonly Instruction[];
  /** The initial block's first instruction. */
  readonly init: number;
  readonly threads: readonly ProgramThread[];
  /** Pairs of words of variables in all. */
  readonly vars: number;
  /** By thread: its variables that no other thread reads or writes. */
  readonly own: readonly (readonly number[])[];
  /** Variables of one process that a fork copies: process p has them from `p * globals`. */
  readonly globals: number;
  /** Those of them, by their place there, that some thread assigns: to look at one is a step. */
  readonly assigned: readonly number[];
  readonly processes: number;
  readonly events: number;
  readonly barriers: number;
  /** Threads that name each barrier. */
  readonly barrierSizes: readonly number[];
  readonly locks: number;
  readonly scopes: readonly Scoped[];
  /** Words of kernel memory for the `struct page *` arrays. */
  readonly kmemWords: number;
  /** String literals (paths, names). */
  readonly strings: readonly string[];
  /** The condition asks for counters of /proc/vmstat. */
  readonly counters: boolean;
  /** The test uses io_submit: a device takes part. */
  readonly device: boolean;
}

/** Why a thread stopped before its body's end (`k.lit.killed`). */
export const KILLED = { no: 0, sigsegv: 1, exited: 2 } as const;

/** What stops an exploration because the model ends there. */
export const LIMIT = {
  /** A file system, or a use of one, that the model has not got. */
  fileSystem: 0,
  /** A loop without a step that does not end. */
  endless: 1,
  /** A value that 53 bits do not hold. */
  inexact: 2,
  /** An address or size above the model's 8 TiB of user space that Linux would take. */
  address: 3,
  /** A write past the last block of the model's disk. */
  disk: 4,
  /** A pipe with more buffers than the model's. */
  pipe: 5,
  /** Memory of a kind that the call is not modelled for. */
  memory: 6,
  /** An index that a body computed, outside of its array. */
  bounds: 7,
} as const;

/** Bits of `k.lit.reaped`: the process was taken away, by wait or by exit; somebody has waited for it. */
export const REAPED = { gone: 1, waited: 2 } as const;

/** The state of a running test. */
export interface LitTables {
  /** Two words a variable: low 32 bits and the rest; the value is hi * 2^32 + lo. */
  readonly vars: Int32Array;
  /** 1 for each variable that was ever given a value. */
  readonly assigned: Int32Array;
  /** Threads that may run (word `thread`), and whose body has ended (word `threads + thread`). Region `R.task`. */
  readonly life: Int32Array;
  readonly killed: Int32Array;
  /** Instruction that each thread is at or was at last; for people who read a trace. */
  readonly at: Int32Array;
  /** By thread: `REAPED` bits of its process. */
  readonly reaped: Int32Array;
  readonly task: Int32Array;
  /** Events, then two words a barrier: arrived, open. Region `R.event`. */
  readonly events: Int32Array;
  /** Spin locks of the test. Region `R.spare`. */
  readonly locks: Int32Array;
  /** FileId by string number, for paths of memory file systems. */
  readonly names: Int32Array;
  /** By `LIMIT`: the line that ran into it, 0 while none did. */
  readonly limits: Int32Array;
  /** [0]: instructions since the last step, not part of the state. Whoever schedules sets it to 0 after each step. */
  readonly idle: Int32Array;
  /** The first call of the initial block whose error nobody looks at: the instruction, and the error (0: there is none). */
  readonly refused: Int32Array;
  /** Where in `kmem` the test's arrays begin. */
  readonly kmem: number;
}

export interface Lit extends System {
  readonly program: Program;
  readonly lit: LitTables;
}

/** Boots the system that a test runs on. */
export function bootLit(program: Program, config: SystemConfig & { readonly alloc: Alloc }): Lit {
  const alloc = config.alloc;
  const system = bootSystem(config);
  const threads = program.threads.length;
  const kmem = system.misc[KMEM_NEXT];
  system.misc[KMEM_NEXT] = kmem + program.kmemWords;
  if (kmem + program.kmemWords > system.kmem.length)
    throw new RangeError('the arrays of the test do not fit kernel memory');
  const k: Lit = {
    ...system,
    program,
    lit: {
      vars: alloc(2 * program.vars + 2),
      assigned: alloc(program.vars + 1),
      life: alloc(2 * threads + 1),
      killed: alloc(threads + 1),
      at: alloc(threads + 1),
      reaped: alloc(threads + 1),
      task: alloc(threads + 1),
      events: alloc(program.events + 2 * program.barriers + 1),
      locks: alloc(program.locks + 1),
      names: alloc(program.strings.length + 1),
      limits: alloc(Object.keys(LIMIT).length),
      idle: alloc(1),
      refused: alloc(2),
      kmem,
    },
  };
  k.regions[R.task] = k.lit.life;
  k.regions[R.event] = k.lit.events;
  k.regions[R.spare] = k.lit.locks;
  return k;
}

const KMEM_NEXT = MISC.kmemNext;
