/**
 * What one step costs in each form of the same source: generators, the resumable form (with and without the undo log),
 * and direct calls; and one step of a search: a saved thread put back and resumed. Needs gen/. Run: `node bench/steps.ts`.
 */
import * as directGup from '../gen/direct/mm/gup.ts';
import * as directMemory from '../gen/direct/mm/memory.ts';
import * as directUnpin from '../gen/direct/mm/unpin.ts';
import * as resumableGup from '../gen/resumable/mm/gup.ts';
import * as resumableMemory from '../gen/resumable/mm/memory.ts';
import * as resumableUnpin from '../gen/resumable/mm/unpin.ts';
import { rulesFor } from '../src/kernels/index.ts';
import { arenaAlloc } from '../src/machine/arena.ts';
import {
  clearThread,
  logged,
  type Routine,
  resume,
  setLog,
  setStacks,
  spawn,
  threadWords,
  undoTo,
  type Value,
} from '../src/machine/resumable.ts';
import type { Steps } from '../src/machine/types.ts';
import { FOLL } from '../src/mm/foll.ts';
import * as gup from '../src/mm/gup.ts';
import { bootKernel, type Kernel, kmalloc, newTask } from '../src/mm/kernel.ts';
import * as memory from '../src/mm/memory.ts';
import { mmAlloc } from '../src/mm/mm-alloc.ts';
import { MAP, PROT, sysMmap } from '../src/mm/mmap.ts';
import * as unpin from '../src/mm/unpin.ts';

/** Steps of one round: much longer than a tick of the processor's clock. */
const STEPS = 3_000_000;
const ROUNDS = 4;
const AT = 0x1000;
const PAGES = 4;

const { arena, alloc } = arenaAlloc(3 << 20);
const k: Kernel = bootKernel({ rules: rulesFor('6.12'), alloc, areas: [{ pages: 512 }] });

function drain<R>(steps: Steps<R>): number {
  let n = 0;
  while (steps.next().done !== true) n++;
  return n;
}

drain(mmAlloc(k));
const task = newTask(k, 1, 0);
const flags = MAP.private | MAP.anonymous | MAP.fixed;
drain(sysMmap(k, task, AT, PAGES, PROT.read | PROT.write, flags, 0, 0));
for (let i = 0; i < PAGES; i++) drain(memory.userAccess(k, task, AT + i, true));
const pages = kmalloc(k, PAGES);

interface Case {
  readonly name: string;
  readonly stepped: () => number;
  readonly direct: () => void;
  readonly resumable: () => void;
}

function runRoutine<A extends Value[]>(f: Routine<Kernel, A>, ...args: A): void {
  let done = spawn(k, 0, f, ...args);
  while (!done) done = resume(k, 0);
}

const CASES: readonly Case[] = [
  {
    name: 'a CPU access that hits its TLB',
    stepped: () => drain(memory.userAccess(k, task, AT, true)),
    direct: () => void directMemory.userAccess(k, task, AT, true),
    resumable: () => runRoutine(resumableMemory.userAccess, task, AT, true),
  },
  {
    name: `pin ${PAGES} pages fast, and unpin`,
    stepped: () =>
      drain(gup.pinUserPagesFast(k, task, AT, PAGES, FOLL.write, pages)) +
      drain(unpin.unpinUserPages(k, pages, PAGES)),
    direct: () => {
      directGup.pinUserPagesFast(k, task, AT, PAGES, FOLL.write, pages);
      directUnpin.unpinUserPages(k, pages, PAGES);
    },
    resumable: () => {
      runRoutine(resumableGup.pinUserPagesFast, task, AT, PAGES, FOLL.write, pages);
      runRoutine(resumableUnpin.unpinUserPages, pages, PAGES);
    },
  },
];

/** Best of several rounds, in nanoseconds of this thread's processor time a step. */
function time(steps: number, round: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  const calls = Math.ceil(STEPS / steps);
  for (let i = 0; i < ROUNDS; i++) {
    const start = process.threadCpuUsage();
    for (let c = 0; c < calls; c++) round();
    const { user } = process.threadCpuUsage(start);
    best = Math.min(best, (user * 1000) / calls / steps);
  }
  return best;
}

const memoryOfStacks = new Int32Array(256);
setStacks(memoryOfStacks, 256);
console.log('nanoseconds a step                generator  resumable   logged   direct');
for (const c of CASES) {
  const steps = c.stepped();
  const generator = time(steps, c.stepped);
  setLog(null);
  const resumable = time(steps, c.resumable);
  setLog(new Int32Array(1 << 14));
  const withLog = time(steps, () => {
    c.resumable();
    undoTo(arena, 0);
  });
  setLog(null);
  const direct = time(steps, c.direct);
  const columns = [generator, resumable, withLog, direct].map((ns) => ns.toFixed(1).padStart(9));
  const ratio = (generator / resumable).toFixed(1);
  console.log(`${c.name.padEnd(34)} ${columns.join(' ')}   ${steps} steps, ${ratio}x`);
}

/** Every state on the way of one fast pin: put the thread's words back, take its next step, undo it. */
const saved: Int32Array[] = [];
setLog(new Int32Array(1 << 14));
const marks: number[] = [];
let done = spawn(k, 0, resumableGup.pinUserPagesFast, task, AT, PAGES, FOLL.write, pages);
while (!done) {
  saved.push(memoryOfStacks.slice(0, threadWords(0)));
  marks.push(logged);
  done = resume(k, 0);
}
const words = saved.reduce((sum, s) => sum + s.length, 0) / saved.length;
const search = time(saved.length, () => {
  for (let s = saved.length - 1; s >= 0; s--) {
    undoTo(arena, marks[s] as number);
    const thread = saved[s] as Int32Array;
    for (let i = 0; i < thread.length; i++) memoryOfStacks[i] = thread[i] as number;
    for (let i = thread.length; memoryOfStacks[i] !== 0; i++) memoryOfStacks[i] = 0;
    resume(k, 0);
  }
  // Back to the start, and forward again, so that the log has what the next round takes back.
  undoTo(arena, 0);
  clearThread(0);
  runRoutine(resumableGup.pinUserPagesFast, task, AT, PAGES, FOLL.write, pages);
});
console.log(
  `one step of a search: ${search.toFixed(1)} ns (a thread of ${words.toFixed(0)} words put back, resumed, undone)`,
);
