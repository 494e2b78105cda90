/** A machine in the direct form (plain calls, no explorer), as TypeScript programs use it. */
import { bootSystem, type System, type SystemConfig } from '../gen/direct/fs/system.ts';
import { newTask } from '../gen/direct/mm/kernel.ts';
import { mmAlloc } from '../gen/direct/mm/mm-alloc.ts';
import { rulesFor } from './kernels/index.ts';

/** What `boot` gives: the machine, and the one task that runs on it so far. */
export interface Booted {
  readonly k: System;
  /** Address space of the task. */
  readonly mm: number;
  /** The task, on CPU 0: what every call wants to know who calls. */
  readonly task: number;
}

/**
 * Boots the kernel called `name` (`'6.12'`, `'debian-6.1.192'`) with one process on it. Memory is 64 MiB and 64 pages
 * of swap unless `config` says otherwise; sizes are pages everywhere. Throws RangeError for an unknown kernel, or
 * when the configuration does not fit.
 */
export function boot(name: string, config: Partial<Omit<SystemConfig, 'rules'>> = {}): Booted {
  const k = bootSystem({ swapPages: 64, ...config, rules: rulesFor(name) });
  const mm = mmAlloc(k);
  if (mm === 0) throw new RangeError('there is no memory for the first process: give it more');
  return { k, mm, task: newTask(k, mm, 0) };
}
