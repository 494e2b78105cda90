/**
 * `workers.ts` for memory that several worker threads share: guards are spin locks that after a while sleep, and a step
 * that is not enabled is waited for.
 */
import {
  accessIndex,
  accessOp,
  accessRegion,
  IPI,
  LOCK_FOLIO,
  WAIT,
  WAIT_WRITEBACK,
  WAIT_ZERO,
} from './access.ts';
import { FIRST_GUARD, GUARD, GUARD_STRIDE, workerWordCount } from './guards.ts';
import type { Machine } from './machine.ts';
import { PG } from './page.ts';
import type { CpuId } from './types.ts';

const ATTACHED = 0;
const SLEEPERS = 16;

/** Looks at a word before a worker sleeps. */
const SPINS = 200;
/** Longest sleep in milliseconds: who changes a word without `wake` is noticed after it. */
const SLEEP = 5;
/** Sleeps (half a minute) after which the workers are taken to wait for each other. */
const SLEEPS_MAX = 6000;

/** As in the other forms; here all workers have the same. */
export function workerWords(alloc: (words: number) => Int32Array, cpus: number): Int32Array {
  return alloc(workerWordCount(cpus));
}

/** As in the other forms. */
export function countWorkers(k: Machine, n: 1 | -1): number {
  return Atomics.add(k.workers, ATTACHED, n) + n;
}

/** As in the other forms. */
export function alone(k: Machine): boolean {
  return Atomics.load(k.workers, ATTACHED) <= 1;
}

/** As in the other forms: first it only looks again, then it sleeps. */
export function pause(k: Machine, words: Int32Array, i: number, seen: number, tries: number): void {
  if (tries < SPINS) return;
  if (tries > SPINS + SLEEPS_MAX)
    throw new Error(`deadlock: a word has been ${seen} for too long; no worker changes it`);
  Atomics.add(k.workers, SLEEPERS, 1);
  Atomics.wait(words, i, seen, SLEEP);
  Atomics.sub(k.workers, SLEEPERS, 1);
}

/**
 * As in the other forms. Nobody's sleep is missed: who sleeps has counted itself before it compares the word for the
 * last time, and here the word has changed before the sleepers are counted.
 */
export function wake(k: Machine, words: Int32Array, i: number): void {
  if (Atomics.load(k.workers, SLEEPERS) !== 0) Atomics.notify(words, i);
}

/** As in the other forms. */
export function enter(k: Machine, guard: number): void {
  const i = FIRST_GUARD + guard * GUARD_STRIDE;
  for (let tries = 0; Atomics.compareExchange(k.workers, i, 0, 1) !== 0; tries++)
    pause(k, k.workers, i, 1, tries);
}

/** As in the other forms. */
export function leave(k: Machine, guard: number): void {
  const i = FIRST_GUARD + guard * GUARD_STRIDE;
  Atomics.store(k.workers, i, 0);
  wake(k, k.workers, i);
}

/** As in the other forms. */
export function enterTlb(k: Machine, cpu: CpuId): void {
  enter(k, GUARD.tlb + cpu);
}

/** As in the other forms. */
export function leaveTlb(k: Machine, cpu: CpuId): void {
  leave(k, GUARD.tlb + cpu);
}

/**
 * As in the other forms. A worker that is alone goes on at once, for nobody would ever enable the step: what follows
 * tells, as in the direct form.
 */
export function waitFor(k: Machine, word: number): void {
  const op = accessOp(word);
  if (!WAITS.has(op)) return;
  const i = accessIndex(word);
  const words = k.regions[accessRegion(word)];
  for (let tries = 0; ; tries++) {
    const seen = Atomics.load(words, i);
    if (isEnabled(op, seen) || alone(k)) return;
    pause(k, words, i, seen, tries);
  }
}

const WAITS: ReadonlySet<number> = new Set([IPI, WAIT, WAIT_ZERO, LOCK_FOLIO, WAIT_WRITEBACK]);

function isEnabled(op: number, seen: number): boolean {
  if (op === WAIT) return seen !== 0;
  if (op === WAIT_WRITEBACK) return (seen & PG.writeback) === 0;
  return op === LOCK_FOLIO ? (seen & PG.locked) === 0 : seen === 0;
}
