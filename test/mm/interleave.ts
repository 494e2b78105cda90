import { accessEnabled } from '../../src/machine/enabled.ts';
import type { Machine } from '../../src/machine/machine.ts';
import type { Steps } from '../../src/machine/types.ts';

/** Steps after which every thread gets its turn, for a thread may wait for another by trying again. */
const UNFAIR = 3000;
/** Steps after which it is clear that no thread will end. */
const LIVELOCK = 60_000;

/**
 * Runs several paths step by step, in the order that `pick` says (a number, taken modulo the threads that can run now).
 * Returns what each returned; throws when all that are left wait for each other,
 * or none ends.
 */
export function interleave(
  k: Machine,
  paths: readonly Steps<unknown>[],
  pick: () => number,
): unknown[] {
  const results: unknown[] = paths.map(() => undefined);
  const waiting = new Map<number, number>();
  const advance = (i: number) => {
    const next = (paths[i] as Steps<unknown>).next();
    if (next.done === true) {
      results[i] = next.value;
      waiting.delete(i);
    } else {
      waiting.set(i, next.value);
    }
  };
  paths.forEach((_, i) => {
    advance(i);
  });
  for (let steps = 0; waiting.size > 0; steps++) {
    const ready = [...waiting].filter(([, word]) => accessEnabled(k, word)).map(([i]) => i);
    if (ready.length === 0)
      throw new Error(`deadlock: threads ${[...waiting.keys()].join(', ')} wait for each other`);
    if (steps > LIVELOCK)
      throw new Error(`livelock: threads ${[...waiting.keys()].join(', ')} never end`);
    advance(ready[(steps < UNFAIR ? pick() : steps) % ready.length] as number);
  }
  return results;
}
