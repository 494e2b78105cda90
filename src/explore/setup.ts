/** A machine for a test: as small as the test allows, with the initial block already run. */

import { deviceLoop } from '../../gen/resumable/fs/aio.ts';
import { runInit, runThread } from '../../gen/resumable/litmus/run/interpret.ts';
import { bootLit, type Lit } from '../../gen/resumable/litmus/run/program.ts';
import { setHugetlbPool } from '../../gen/resumable/mm/hugetlb.ts';
import { newTask } from '../../gen/resumable/mm/kernel.ts';
import { mmAlloc } from '../../gen/resumable/mm/mm-alloc.ts';
import type { Rules } from '../kernels/index.ts';
import { KILLED, type Program } from '../litmus/run/program.ts';
import { arenaAlloc } from '../machine/arena.ts';
import { accessEnabled } from '../machine/enabled.ts';
import { TLB } from '../machine/machine.ts';
import { HPAGE_PUD_ORDER } from '../machine/page.ts';
import {
  clearThread,
  type Routine,
  resume,
  setLog,
  setStacks,
  spawn,
  threadPending,
  type Value,
} from '../machine/resumable.ts';
import { takeArena } from './arenas.ts';

/** Words of one thread's stack; the deepest path of the model uses a third of it. */
export const STACK_WORDS = 1024;

export interface Machine {
  readonly k: Lit;
  /** All words of the machine. */
  readonly arena: Int32Array;
  /** Part of the arena: `STACK_WORDS` words a thread. */
  readonly stacks: Int32Array;
  /** Threads that are scheduled: those of the test, then the device if there is one. */
  readonly threads: number;
  /** CPU of each. */
  readonly cpuOf: readonly number[];
}

/** What went wrong before any thread ran. */
export class InitFailure extends Error {}

/** What a test needs beyond a few small pages. */
export interface Needs {
  /** 2 MiB pages. */
  readonly huge: boolean;
  /** 1 GiB pages. */
  readonly gigantic: boolean;
  /** Device memory that is mapped by 1 GiB. */
  readonly pud: boolean;
  /** A second node, ZONE_MOVABLE or CMA. */
  readonly zones: boolean;
  readonly swap: boolean;
  /** Memory of a device. */
  readonly device: boolean;
  /** MMU notifiers. */
  readonly notifiers: boolean;
}

/** A few small pages do. */
export const NO_NEEDS: Needs = {
  huge: false,
  gigantic: false,
  pud: false,
  zones: false,
  swap: false,
  device: false,
  notifiers: false,
};

const SMALL_AREA = 128;
const HUGE_AREA = 2048;
const GIGA_PAGES = 1 << HPAGE_PUD_ORDER;
const DEVICE_AREA = 64;
/** Files whose pages are memory of a device. */
const DEVICE_PATH = /^\/(dax|dev|sys)/;

/**
 * Boots a kernel with `rules`, runs the initial block, and starts every thread up to its first step.
 * Throws InitFailure when the initial block cannot end.
 */
export const setUp = (program: Program, rules: Rules, needs: Needs): Machine => {
  const machine = bootFor(program, rules, needs);
  startOn(machine);
  return machine;
};

/** Pages of the device area, a quarter for each kind of device. */
const devicePages = ({ pud, huge }: Needs): number => {
  if (pud) return 4 * GIGA_PAGES;
  return huge ? HUGE_AREA : DEVICE_AREA;
};

/** A machine that is large enough for `program`, on which nothing has run yet. */
export const bootFor = (program: Program, rules: Rules, needs: Needs): Machine => {
  const cpus = Math.max(1, program.threads.length);
  const perCpu = needs.huge ? HUGE_AREA : SMALL_AREA;
  const device = needs.device || program.strings.some((path) => DEVICE_PATH.test(path));
  const areas = [
    { pages: needs.gigantic ? 4 * GIGA_PAGES : needs.huge ? 2 * HUGE_AREA : SMALL_AREA },
    ...program.threads.map((_, cpu) => ({ pages: perCpu, cpu })),
    ...(needs.zones
      ? [
          { pages: perCpu, movable: true },
          { pages: perCpu, cma: true },
          { pages: perCpu, node: 1 },
        ]
      : []),
    ...(device ? [{ pages: devicePages(needs), device: true, giga: needs.pud }] : []),
  ];
  const pages = areas.reduce((sum, a) => sum + a.pages, 0);
  const swapPages = needs.swap ? (needs.huge ? 1024 : 32) : 0;
  // The contents of 1 GiB are never touched all: fewer slots than pages, given out in order.
  const slots = needs.gigantic || (device && needs.pud) ? 4096 : pages;
  const words = slots * 1024 + pages * 14 + swapPages * 1024 + 420_000 + (cpus + 3) * STACK_WORDS;
  const { arena, alloc, used } = arenaAlloc(words, takeArena(words));
  const k = bootLit(program, {
    alloc,
    rules,
    areas,
    cpus,
    mms: program.processes + 1,
    vmas: 24 + 12 * program.processes,
    tasks: program.threads.length + 2,
    files: 8,
    pipes: 4,
    slots,
    tlbEntries: 8,
    swapPages,
    migrateTries: 2,
    ledger: true,
    counters: program.counters,
    notifiers: needs.notifiers,
  });
  // As if booted with hugepagesz=1G hugepages=1: such a page is not to be had later.
  setLog(null);
  if (needs.gigantic) setHugetlbPool(k, HPAGE_PUD_ORDER, 1);
  const threads = program.threads.length + (program.device ? 1 : 0);
  // In the arena, so that where a thread stands is part of the state as any other word.
  const stacks = alloc((threads + 2) * STACK_WORDS);
  return {
    k,
    arena: arena.subarray(0, used()),
    stacks,
    threads,
    cpuOf: program.threads.map((_, i) => i),
  };
};

/** Runs the initial block on a machine that was just booted, and starts every thread up to its first step. */
export const startOn = (m: Machine): void => {
  setStacks(m.stacks, STACK_WORDS);
  setLog(null);
  startFirstProcess(m);
  runAlone(m, runInit);
  const { lit, program } = m.k;
  // The initial block runs as thread 0 (runInit).
  if (lit.killed[0] === KILLED.sigsegv) {
    const line = program.code[lit.at[0] ?? 0]?.line ?? 0;
    throw new InitFailure(`the initial block is killed by SIGSEGV in line ${line}`);
  }
  startThreads(m);
};

/** Runs one routine on a spare stack with nobody else on the machine. */
const runAlone = <A extends Value[]>(m: Machine, routine: Routine<Lit, A>, ...args: A): number => {
  const spare = m.threads + 1;
  let done = spawn(m.k, spare, routine, ...args);
  while (!done) {
    if (!accessEnabled(m.k, threadPending(spare))) {
      throw new InitFailure('the initial block waits for something that only a thread could do');
    }
    m.k.choice[0] = 0;
    done = resume(m.k, spare);
    m.k.lit.idle[0] = 0;
  }
  m.k.also[0] = 0;
  const result = m.stacks[spare * STACK_WORDS + 1] as number;
  clearThread(spare);
  return result;
};

/** Process 0, and the task that runs the initial block on the CPU of its first thread. */
const startFirstProcess = (m: Machine): void => {
  const { k } = m;
  const mm = runAlone(m, mmAlloc as unknown as Routine<Lit, []>);
  const threads = k.program.threads;
  const own = threads.map((t, i) => ({ t, i })).filter(({ t }) => t.forkedBy < 0 && !t.kernelOnly);
  const cpu = own[0]?.i ?? 0;
  k.cpuNow[0] = cpu;
  const init = newTask(k, mm, cpu);
  k.lit.task[threads.length] = init;
  own.forEach(({ i }, n) => {
    k.lit.task[i] = n === 0 ? init : newTask(k, mm, i);
    if (n > 0) k.mm.users[mm] = (k.mm.users[mm] as number) + 1;
  });
  threads.forEach((t, i) => {
    if (t.kernelOnly) k.lit.task[i] = newTask(k, 0, i);
  });
};

const startThreads = (m: Machine): void => {
  const { k } = m;
  k.tlb.fill(0, 0, k.tlb.length - (k.tlb.length % TLB.words));
  k.program.threads.forEach((t, i) => {
    if (t.forkedBy < 0) k.lit.life[i] = 1;
    k.cpuNow[0] = i;
    spawn(k, i, runThread, i);
  });
  if (k.program.device) spawn(k, k.program.threads.length, deviceLoop);
};
