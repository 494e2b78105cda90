import { rulesFor } from '../../src/kernels/index.ts';
import type { Steps } from '../../src/machine/types.ts';
import { bootKernel, type Kernel, type KernelConfig, newTask } from '../../src/mm/kernel.ts';
import { mmAlloc } from '../../src/mm/mm-alloc.ts';

/** Runs one path alone to its end: the stepped form with nobody else on the machine. */
export function run<R>(steps: Steps<R>): R {
  for (;;) {
    const next = steps.next();
    if (next.done === true) return next.value;
  }
}

/** A kernel of version `name` (64 MiB, 16 MiB of it movable, swap) with one process: task 1 on CPU 0 in mm 1. */
export function boot(
  name: string,
  config: Partial<KernelConfig> = {},
): { k: Kernel; task: number; mm: number } {
  const k = bootKernel({
    areas: [{ pages: 16384 }, { pages: 4096, movable: true }],
    swapPages: 1024,
    ...config,
    rules: rulesFor(name),
  });
  const mm = run(mmAlloc(k));
  return { k, mm, task: newTask(k, mm, 0) };
}
