/**
 * What releasing a list of pages does otherwise in the quick forms (`unpin-run.direct.ts`,
 * `.shared.ts`): pins of small pages go one after another without a step between, so nothing is
 * looked up twice.
 */
import type { Kernel } from './kernel.ts';

/**
 * Releases up to `n` pins of pages listed at `pages`, as far as they are small pages that keep
 * another reference. Returns how many; the page behind them is for the general code.
 */
export function unpinPlainRun(_k: Kernel, _pages: number, _n: number): number {
  return 0;
}
