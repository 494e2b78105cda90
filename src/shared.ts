/**
 * A machine that several worker threads use at once: the calls of `index.ts` in the shared form, with real atomic
 * operations on memory that the workers share.
 *
 * One thread boots (`boot`) and hands `machine` to the others by `workerData` or `postMessage`; each of them attaches
 * (`attach`) as the CPU that it is, makes or is given a task of that CPU (`newTask`), and calls what it likes for it. A CPU
 * belongs to one worker at a time, and a task runs on its own CPU only. Words of `k.kmem` and whatever else a caller
 * keeps are the caller's to divide. docs/guide.md says which calls may run at the same time as which.
 */
import { bootSystem, type System, type SystemConfig } from '../gen/shared/fs/system.ts';
import { arenaOn, type SharedMemory, sharedMemory } from '../gen/shared/machine/runs.ts';
import { countWorkers } from '../gen/shared/machine/workers.ts';
import { newTask } from '../gen/shared/mm/kernel.ts';
import { mmAlloc } from '../gen/shared/mm/mm-alloc.ts';
import { rulesFor } from './kernels/index.ts';

export { copyPage, pageByte, setPageByte } from '../gen/shared/machine/contents.ts';
export { leafPfn } from '../gen/shared/machine/mmu.ts';
export { exitMm, mmGet } from '../gen/shared/mm/exit.ts';
export { headOf, orderOf, pageAnonExclusive, pageMapcount } from '../gen/shared/mm/folio.ts';
export { dupMm } from '../gen/shared/mm/fork.ts';
export * from '../gen/shared/mm/gup.ts';
export { kmalloc, newTask } from '../gen/shared/mm/kernel.ts';
export { sysMadvise } from '../gen/shared/mm/madvise.ts';
export { userAccess } from '../gen/shared/mm/memory.ts';
export { mmAlloc } from '../gen/shared/mm/mm-alloc.ts';
export { sysMmap, sysMunmap } from '../gen/shared/mm/mmap.ts';
export { sysMprotect } from '../gen/shared/mm/mprotect.ts';
export { folioMaybeDmaPinned } from '../gen/shared/mm/pinned.ts';
export * from '../gen/shared/mm/unpin.ts';
export { vmstatSum } from '../gen/shared/mm/vmstat.ts';

/** What `boot` takes beside the kernel's name; what it can't send to a worker it doesn't take. */
export type SharedConfig = Omit<SystemConfig, 'rules' | 'alloc' | 'attach'>;

/** A machine as it is sent to a worker: everything in it can be cloned, and `memory` is shared. */
export interface SharedMachine {
  readonly kernel: string;
  readonly config: SharedConfig;
  readonly memory: SharedMemory;
}

/** A worker's view of a machine. */
export interface Attached {
  readonly k: System;
  readonly machine: SharedMachine;
  /** Gives the CPU back. The worker makes no call on `k` any more. */
  readonly detach: () => void;
}

/** What `boot` gives: its own view, as CPU 0, and one process with one task there. */
export interface Booted extends Attached {
  readonly mm: number;
  readonly task: number;
}

/**
 * Boots the kernel called `name` with one process on memory that workers can share; the calling thread is CPU 0. Memory
 * is 64 MiB and 64 pages of swap unless `config` says otherwise; sizes are pages. Throws RangeError for an unknown
 * kernel, or when the configuration does not fit.
 */
export function boot(name: string, config: SharedConfig = {}): Booted {
  const full: SharedConfig = { swapPages: 64, ...config };
  const machine: SharedMachine = {
    kernel: name,
    config: full,
    memory: sharedMemory(wordsOf(name, full)),
  };
  const attached = viewOf(machine, 0, false);
  const { k } = attached;
  const mm = mmAlloc(k);
  if (mm === 0) throw new RangeError('there is no memory for the first process: give it more');
  return { ...attached, mm, task: newTask(k, mm, 0) };
}

/**
 * Joins a machine that another thread has booted, as its CPU `cpu`, which nobody else is at the same time. Nothing of
 * what runs there changes. RangeError for a CPU that the machine does not have.
 */
export function attach(machine: SharedMachine, cpu: number): Attached {
  return viewOf(machine, cpu, true);
}

function viewOf(machine: SharedMachine, cpu: number, running: boolean): Attached {
  const k = bootSystem({
    ...machine.config,
    rules: rulesFor(machine.kernel),
    alloc: arenaOn(machine.memory),
    attach: running,
  });
  if (!Number.isInteger(cpu) || cpu < 0 || cpu >= k.cpus)
    throw new RangeError(`the machine has CPUs 0 to ${k.cpus - 1}, not ${cpu}`);
  k.cpuNow[0] = cpu;
  countWorkers(k, 1);
  return { k, machine, detach: () => void countWorkers(k, -1) };
}

/** Words of all arrays of a machine; they are not touched, so they take no memory. */
function wordsOf(name: string, config: SharedConfig): number {
  let words = 0;
  bootSystem({
    ...config,
    rules: rulesFor(name),
    attach: true,
    alloc: (n) => {
      words += n;
      return new Int32Array(n);
    },
  });
  return words;
}
