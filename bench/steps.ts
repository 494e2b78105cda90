/**
 * What one step costs in each form of the same source: generators, the resumable form (with and without the undo log),
 * and direct calls. Needs gen/: `node tools/rewrite/main.ts`. Run: `node bench/steps.ts`.
 */
import * as directAtomic from '../gen/direct/machine/atomic.ts';
import * as directFolio from '../gen/direct/mm/folio.ts';
import * as directTables from '../gen/direct/mm/pgtable.ts';
import * as resumableAtomic from '../gen/resumable/machine/atomic.ts';
import * as resumableFolio from '../gen/resumable/mm/folio.ts';
import * as resumableTables from '../gen/resumable/mm/pgtable.ts';
import { rulesFor } from '../src/kernels/index.ts';
import { arenaAlloc } from '../src/machine/arena.ts';
import * as atomic from '../src/machine/atomic.ts';
import { logged, type Routine, resume, setLog, setStacks, spawn, threadResult, trimLog, type Value } from '../src/machine/resumable.ts';
import type { Steps } from '../src/machine/types.ts';
import * as folio from '../src/mm/folio.ts';
import { bootKernel, type Kernel } from '../src/mm/kernel.ts';
import * as tables from '../src/mm/pgtable.ts';

const CALLS = 300_000;
const ROUNDS = 5;
const MM = 1;
const VPN = 0x1000;

const { alloc } = arenaAlloc(1 << 26);
const k: Kernel = bootKernel({ rules: rulesFor('6.12'), alloc });
drain(tables.pgdAlloc(k, MM));
drain(tables.pteAlloc(k, MM, VPN));
const pfn = 100;
k.page.refcount[pfn] = 1;

function drain<R>(steps: Steps<R>): number {
  let n = 0;
  while (steps.next().done !== true) n++;
  return n;
}

interface Case {
  readonly name: string;
  readonly stepped: () => Steps<unknown>;
  readonly direct: () => unknown;
  readonly spawn: () => boolean;
}

function routineCase<A extends Value[]>(f: Routine<Kernel, A>, ...args: A): () => boolean {
  return () => spawn(k, 0, f, ...args);
}

const CASES: readonly Case[] = [
  {
    name: 'refAdd (depth 1)',
    stepped: () => atomic.refAdd(k, pfn, 0),
    direct: () => directAtomic.refAdd(k, pfn, 0),
    spawn: routineCase(resumableAtomic.refAdd as Routine<Kernel, [number, number]>, pfn, 0),
  },
  {
    name: 'folioPut (depth 2)',
    stepped: () => folio.folioPut(k, pfn, 0),
    direct: () => directFolio.folioPut(k, pfn, 0),
    spawn: routineCase(resumableFolio.folioPut, pfn, 0),
  },
  {
    name: 'pteAlloc, tables there (depth 3)',
    stepped: () => tables.pteAlloc(k, MM, VPN),
    direct: () => directTables.pteAlloc(k, MM, VPN),
    spawn: routineCase(resumableTables.pteAlloc, MM, VPN),
  },
];

/** Best of several rounds, in nanoseconds a step. */
function time(steps: number, round: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < ROUNDS; i++) {
    const start = process.hrtime.bigint();
    for (let c = 0; c < CALLS; c++) round();
    best = Math.min(best, Number(process.hrtime.bigint() - start) / CALLS / steps);
  }
  return best;
}

function runResumable(c: Case): void {
  let done = c.spawn();
  while (!done) done = resume(k, 0);
  if (logged > 1 << 16) trimLog(0);
}

setStacks(new Int32Array(64), 64);
console.log('nanoseconds a step       generator  resumable   logged   direct   generator/resumable');
for (const c of CASES) {
  const steps = drain(c.stepped());
  c.spawn();
  const generator = time(steps, () => drain(c.stepped()));
  setLog(null);
  const resumable = time(steps, () => runResumable(c));
  setLog(new Int32Array(1 << 17));
  const withLog = time(steps, () => runResumable(c));
  setLog(null);
  const direct = time(steps, c.direct);
  const columns = [generator, resumable, withLog, direct].map((ns) => ns.toFixed(1).padStart(9));
  console.log(`${c.name.padEnd(34).slice(0, 34)} ${columns.join(' ')}   ${(generator / resumable).toFixed(1)}x (${steps} steps)`);
}
if (threadResult(0) < 0) throw new Error('not finished');
