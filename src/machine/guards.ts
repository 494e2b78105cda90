/** Where the guards of `workers.ts` are in `k.workers`. */

/** What the guards keep, in the order in which they may be nested. */
export const GUARD = {
  /** Numbers of tasks and address spaces, their users; kernel memory; batches of unmapped pages. */
  ids: 0,
  /** The swap area's map, its cache and the words of a page that say which slot is its. */
  swap: 1,
  /** The hugetlb pools. */
  hugetlb: 2,
  /** The LRU batch. */
  lru: 3,
  /** The free lists of all areas: they share the words of their bitmaps. */
  zone: 4,
  /** Content slots, where there are fewer than pages. */
  slots: 5,
  /** The TLB of CPU 0, then those of the others. */
  tlb: 6,
} as const;

/** Words from one guard to the next: each is alone in its cache line. */
export const GUARD_STRIDE = 16;
/** Words of `k.workers` before the guards: [0] how many workers are attached, [16] how many of them sleep. */
export const FIRST_GUARD = 32;

/** How many words `workerWords` gives for a machine of `cpus` CPUs. */
export function workerWordCount(cpus: number): number {
  return FIRST_GUARD + (GUARD.tlb + cpus) * GUARD_STRIDE;
}
