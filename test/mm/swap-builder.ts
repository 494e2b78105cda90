import type { Kernel } from '../../src/mm/kernel.ts';
import { isolateLru } from '../../src/mm/lru.ts';
import { reclaimFolio } from '../../src/mm/vmscan.ts';
import { run } from './run.ts';

/** Isolates a folio and reclaims it; whether it was freed. */
export function reclaim(k: Kernel, folio: number): boolean {
  if (!run(isolateLru(k, folio))) throw new Error(`folio ${folio} is not on the LRU`);
  return run(reclaimFolio(k, folio));
}

/** Sum of all counts of the swap area: nothing of it is in use when 0. */
export function swapInUse(k: Kernel): number {
  let sum = 0;
  for (let slot = 0; slot < k.swap.map.length; slot++)
    sum += (k.swap.map[slot] ?? 0) + (k.swap.cache[slot] ?? 0);
  return sum;
}
