/** One worker: thousands of calls from a seed on a machine that others use at the same time. */
import { parentPort, workerData } from 'node:worker_threads';
import { FOLL } from '../../src/mm/foll.ts';
import { MADV } from '../../src/mm/madvise.ts';
import { MAP, PROT } from '../../src/mm/mmap.ts';
import * as pf from '../../src/shared.ts';
import { type Done, type Job, type Mix, START } from './job.ts';

const job = workerData as Job;
const { k, detach } = pf.attach(job.machine, job.cpu);
const { task, pages } = job;
/** Pages asked for by one call at most. */
const MOST = 8;
const list = pf.kmalloc(k, MOST);

let state = job.seed | 1;
function random(n: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % n;
}

/** What is held: page frames of each call. */
const pins: number[][] = [];
const gets: number[][] = [];
let pinned = 0;
let unpinned = 0;
const counts: Record<string, number> = {};

function count(what: string, n: number): void {
  counts[what] = (counts[what] ?? 0) + n;
}

function range(): { from: number; n: number } {
  const n = 1 + random(Math.min(MOST, pages));
  return { from: START + random(pages - n + 1), n };
}

function keep(where: number[][], got: number): void {
  if (got > 0) where.push(Array.from(k.kmem.subarray(list, list + got)));
}

/** FOLL flags of an ordinary call, and of a longterm one that may move pages. */
function flags(): number {
  return random(2) === 0 ? FOLL.write : random(2) === 0 ? 0 : FOLL.write | FOLL.longterm;
}

const operate: Record<keyof Mix, () => void> = {
  access() {
    const write = random(2) === 0;
    count('access', pf.userAccess(k, task, START + random(pages), write) > 0 ? 1 : 0);
  },
  pinFast() {
    const { from, n } = range();
    const got = pf.pinUserPagesFast(k, task, from, n, flags(), list);
    pinned += Math.max(0, got);
    keep(pins, got);
    count('pinFast', got > 0 ? 1 : 0);
  },
  pinSlow() {
    const { from, n } = range();
    const got = pf.pinUserPagesUnlocked(k, task, from, n, flags(), list);
    pinned += Math.max(0, got);
    keep(pins, got);
    count('pinSlow', got > 0 ? 1 : 0);
  },
  get() {
    const { from, n } = range();
    keep(gets, pf.getUserPagesFast(k, task, from, n, random(2) === 0 ? FOLL.write : 0, list));
  },
  unpin() {
    const of = random(2) === 0 ? pins : gets;
    const which = of.splice(random(of.length), 1)[0];
    if (which === undefined) return;
    k.kmem.set(which, list);
    if (of === gets) {
      for (const pfn of which) pf.putUserPage(k, pfn);
    } else {
      if (random(2) === 0) pf.unpinUserPages(k, list, which.length);
      else pf.unpinUserPagesDirtyLock(k, list, which.length, true);
      unpinned += which.length;
    }
  },
  dontneed() {
    const { from, n } = range();
    count('dontneed', pf.sysMadvise(k, task, from, n, MADV.dontneed) === 0 ? 1 : 0);
  },
  protect() {
    const { from, n } = range();
    const prot = random(3) === 0 ? PROT.read : PROT.read | PROT.write;
    count('protect', pf.sysMprotect(k, task, from, n, prot) === 0 ? 1 : 0);
  },
  remap() {
    // Far away, so that whole page tables come and go.
    const at = START + (1 + random(6)) * 512;
    const anonymous = MAP.private | MAP.anonymous | MAP.fixed;
    const made = pf.sysMmap(k, task, at, 2, PROT.read | PROT.write, anonymous, 0, 0);
    if (made > 0) pf.userAccess(k, task, at, true);
    pf.sysMunmap(k, task, at, 2);
    count('remap', made > 0 ? 1 : 0);
  },
  fork() {
    const child = pf.newTask(k, 0, job.cpu);
    if (child === 0) return;
    const mm = pf.dupMm(k, task, child);
    count('fork', mm > 0 ? 1 : 0);
    if (mm > 0) {
      for (let i = 0; i < 4; i++) pf.userAccess(k, child, START + random(pages), random(2) === 0);
      const got = pf.pinUserPagesFast(k, child, START + random(pages), 1, FOLL.write, list);
      pinned += Math.max(0, got);
      keep(pins, got);
      pf.exitMm(k, child);
    }
    k.task.flags[child] = 0;
  },
  pageout() {
    const { from, n } = range();
    count('pageout', pf.sysMadvise(k, task, from, n, MADV.pageout) === 0 ? 1 : 0);
  },
};

/** The kinds, each as often as the mix says. */
const kinds = (Object.keys(operate) as (keyof Mix)[]).flatMap((kind) =>
  Array.from({ length: job.mix[kind] ?? 0 }, () => kind),
);

function run(): string {
  Atomics.sub(job.start, 0, 1);
  Atomics.notify(job.start, 0);
  for (let left = Atomics.load(job.start, 0); left > 0; left = Atomics.load(job.start, 0))
    Atomics.wait(job.start, 0, left, 1000);
  try {
    for (let i = 0; i < job.operations; i++) {
      // Something is held all the time, but not more and more.
      if (pins.length + gets.length > 24) operate.unpin();
      else operate[kinds[random(kinds.length)] as keyof Mix]();
    }
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  return '';
}

const error = run();
detach();
parentPort?.postMessage({
  pins: pins.flat(),
  gets: gets.flat(),
  pinned,
  unpinned,
  counts,
  error,
} satisfies Done);
