/**
 * Event counters of each node (mm/vmstat.c, /proc/vmstat). Counts are exact at once: the kernel's
 * per-CPU batches only delay what a reader sees. Rules: semantics.md A.27, B.1 (1970dc6f5226).
 */
import { pageNode } from '../machine/buddy.ts';
import type { Pfn } from '../machine/types.ts';
import type { Kernel } from './kernel.ts';
import { VMSTAT } from './vmstat-items.ts';

/** mod_node_page_state(): adds `n` to counter `item` (an index of `VMSTAT`) of the node that has `pfn`. */
export function vmstatAdd(k: Kernel, pfn: Pfn, item: number, n: number): void {
  if (!k.counters) return;
  const node = k.nodes === 1 ? 0 : pageNode(k, pfn);
  k.vmstat[node * VMSTAT.items + item] += n;
}

/** global_node_page_state(): a counter summed over the nodes, as /proc/vmstat shows it. */
export function vmstatSum(k: Kernel, item: number): number {
  let sum = 0;
  for (let node = 0; node < k.nodes; node++) sum += k.vmstat[node * VMSTAT.items + item];
  return sum;
}
