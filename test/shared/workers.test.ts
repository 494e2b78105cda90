/**
 * Several worker threads on one machine of the shared form: what they hold afterwards explains every count (audit), nothing
 * was reported, nobody waited for ever.
 */
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { BUG, bugName } from '../../src/machine/report.ts';
import { audit, auditIdle, newHeld } from '../../src/mm/audit.ts';
import { pinIsFree } from '../../src/mm/grab.ts';
import { MAP, PROT } from '../../src/mm/mmap.ts';
import { VMSTAT } from '../../src/mm/vmstat-items.ts';
import * as pf from '../../src/shared.ts';
import { type Done, type Job, type Mix, PAGES, START } from './job.ts';

const SCRIPT = new URL('./worker.ts', import.meta.url);
const ANON = MAP.private | MAP.anonymous | MAP.fixed;
/** Milliseconds after which a run counts as stuck. */
const LIMIT = 100_000;

/** One worker's run to its end; stopped when it takes too long. */
function work(job: Job): Promise<Done> {
  return new Promise((done, fail) => {
    const worker = new Worker(SCRIPT, { workerData: job, execArgv: [] });
    const late = setTimeout(() => {
      void worker.terminate();
      fail(new Error(`the worker of CPU ${job.cpu} does not come to its end`));
    }, LIMIT);
    worker.once('message', (message: Done) => {
      clearTimeout(late);
      done(message);
    });
    worker.once('error', (error) => {
      clearTimeout(late);
      fail(error);
    });
  });
}

interface Run {
  readonly k: pf.Booted['k'];
  readonly done: Done[];
}

/** Boots `kernel`, gives each worker a task (all in one address space, or each in its own) and lets them run. */
async function runTogether(
  kernel: string,
  workers: number,
  own: boolean,
  mix: Partial<Mix>,
  operations: number,
  { pages = PAGES, ...config }: pf.SharedConfig & { readonly pages?: number } = {},
): Promise<Run> {
  const { k, machine, mm, task, detach } = pf.boot(kernel, {
    areas: [{ pages: 2048 }, { pages: 512, movable: true }],
    swapPages: 128,
    cpus: workers + 1,
    mms: 24,
    kmemWords: 1 << 18,
    ...config,
  });
  const made = pf.sysMmap(k, task, START, PAGES, PROT.read | PROT.write, ANON, 0, 0);
  expect(made).toBe(START);
  for (let i = 0; i < PAGES; i += 2)
    expect(pf.userAccess(k, task, START + i, true)).toBeGreaterThan(0);
  const start = new Int32Array(new SharedArrayBuffer(4));
  start[0] = workers;
  const jobs = Array.from({ length: workers }, (_, i): Job => {
    const cpu = i + 1;
    const mine = pf.newTask(k, own ? 0 : mm, cpu);
    if (own) expect(pf.dupMm(k, task, mine)).toBeGreaterThan(0);
    else expect(pf.mmGet(k, mm)).toBe(true);
    return { machine, cpu, task: mine, seed: 7919 * cpu, operations, pages, mix, start };
  });
  const done = await Promise.all(jobs.map(work));
  detach();
  return { k, done };
}

/** Every count of the machine is explained by what the workers say that they hold. */
function expectSound({ k, done }: Run): void {
  expect(done.map((d) => d.error).filter((e) => e !== '')).toEqual([]);
  expect(bugName(k.report[0] ?? BUG.none)).toBe('none');
  const held = newHeld(k);
  for (const { pins, gets } of done) {
    for (const pfn of pins) held.pins[pfn] = (held.pins[pfn] ?? 0) + 1;
    for (const pfn of gets) held.gets[pfn] = (held.gets[pfn] ?? 0) + 1;
  }
  expect(audit(k, held)).toEqual([]);
  expect(auditIdle(k)).toEqual([]);
  // Pins of the page of zeros are not counted; those that a call took and gave back itself are, twice.
  const pins = done.flatMap((d) => d.pins).filter((pfn) => !pinIsFree(k, pfn)).length;
  const acquired = pf.vmstatSum(k, VMSTAT.nr_foll_pin_acquired);
  expect(acquired - pf.vmstatSum(k, VMSTAT.nr_foll_pin_released)).toBe(pins);
  for (const d of done) expect(d.pinned - d.unpinned).toBe(d.pins.length);
}

const MEMORY: Partial<Mix> = {
  access: 8,
  pinFast: 6,
  pinSlow: 2,
  get: 2,
  unpin: 6,
  dontneed: 2,
  protect: 2,
  remap: 1,
};

/** How often every worker has to have succeeded with each kind of call, so that the run means something. */
function expectBusy(run: Run, kinds: readonly (keyof Mix)[]): void {
  for (const { counts } of run.done)
    for (const kind of kinds) expect(counts[kind], kind).toBeGreaterThan(10);
}

describe('workers that share a machine', () => {
  it('two in one address space: faults, pins, zaps, protection', async () => {
    const run = await runTogether('6.12', 2, false, MEMORY, 3000);
    expectSound(run);
    expectBusy(run, ['access', 'pinFast', 'pinSlow', 'dontneed', 'protect', 'remap']);
  });

  it('two on four pages: every reference counts', async () => {
    const mix = { pinFast: 4, get: 4, unpin: 8, pinSlow: 2, access: 1 };
    const run = await runTogether('6.12', 2, false, mix, 15_000, { pages: 4 });
    expectSound(run);
    expectBusy(run, ['access', 'pinFast', 'pinSlow']);
  });

  it('four in one address space that also forks and swaps', async () => {
    const run = await runTogether('6.12', 4, false, { ...MEMORY, fork: 1, pageout: 2 }, 1500);
    expectSound(run);
    expectBusy(run, ['access', 'pinFast', 'pinSlow', 'fork', 'pageout']);
  });

  it('four processes forked from one', async () => {
    const run = await runTogether('6.12', 4, true, { ...MEMORY, fork: 1 }, 1500);
    expectSound(run);
    expectBusy(run, ['access', 'pinFast', 'pinSlow', 'fork']);
  });

  // Copy-on-write by map count, by references, by both; folios wait in batches for their lists.
  for (const kernel of ['5.8', '5.18']) {
    it(`two under the rules of ${kernel}`, async () => {
      const mix = { ...MEMORY, fork: 1 };
      expectSound(await runTogether(kernel, 2, false, mix, 2000, { lruBatch: 8 }));
    });
  }
});

describe('attach', () => {
  it('gives the words of the machine that runs', () => {
    const { k, mm, task, machine, detach } = pf.boot('6.12');
    expect(pf.sysMmap(k, task, START, 4, PROT.read | PROT.write, ANON, 0, 0)).toBe(START);
    const pfn = pf.userAccess(k, task, START, true);
    pf.setPageByte(k, pfn, 5, 42);
    const other = pf.attach(machine, 1);
    expect(other.k.cpuNow[0]).toBe(1);
    const mine = pf.newTask(other.k, mm, 1);
    expect(pf.mmGet(other.k, mm)).toBe(true);
    expect(mine).not.toBe(task);
    expect(pf.userAccess(other.k, mine, START, false)).toBe(pfn);
    expect(pf.pageByte(other.k, pfn, 5)).toBe(42);
    expect(pf.kmalloc(other.k, 4)).toBe(pf.kmalloc(k, 4) - 4);
    expect(audit(other.k, newHeld(other.k))).toEqual([]);
    other.detach();
    detach();
  });

  it('refuses a CPU that there is not', () => {
    const { machine } = pf.boot('6.12', { cpus: 2 });
    expect(() => pf.attach(machine, 2)).toThrow('the machine has CPUs 0 to 1, not 2');
  });

  it('a worker that is alone does not wait for itself', () => {
    const { k, task } = pf.boot('6.12');
    const mm = k.task.mm[task] as number;
    k.mm.mmapLock[mm] = -1;
    expect(() => pf.sysMadvise(k, task, START, 1, 4)).toThrow('deadlock');
  });
});
