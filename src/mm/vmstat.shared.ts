/** `vmstat.ts` for memory that several worker threads share. */
import { pageNode } from '../machine/buddy.ts';
import type { Pfn } from '../machine/types.ts';
import type { Kernel } from './kernel.ts';
import { VMSTAT } from './vmstat-items.ts';

/** As in the other forms, by an atomic addition. */
export function vmstatAdd(k: Kernel, pfn: Pfn, item: number, n: number): void {
  if (!k.counters) return;
  const node = k.nodes === 1 ? 0 : pageNode(k, pfn);
  Atomics.add(k.vmstat, node * VMSTAT.items + item, n);
}

/** As in the other forms. */
export function vmstatSum(k: Kernel, item: number): number {
  let sum = 0;
  for (let node = 0; node < k.nodes; node++)
    sum += Atomics.load(k.vmstat, node * VMSTAT.items + item);
  return sum;
}
