import type { Machine } from './machine.ts';

/**
 * Notes that this step touches one more object than the one it announced (`word` as `at` makes it): a CPU's access
 * reads its TLB, a page table entry and a page at once. The explorer needs to know; nobody else looks.
 */
export function touchAlso(k: Machine, word: number): void {
  const n = k.also[0];
  for (let i = 1; i <= n; i++) if (k.also[i] === word) return;
  // Full: the explorer then takes the step for one that everybody notices.
  if (n + 1 >= k.also.length) return;
  k.also[0] = n + 1;
  k.also[n + 1] = word;
}
