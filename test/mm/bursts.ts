import { accessIndex, accessOp, CHOOSE } from '../../src/machine/access.ts';
import { accessEnabled } from '../../src/machine/enabled.ts';
import type { Machine } from '../../src/machine/machine.ts';
import type { Steps } from '../../src/machine/types.ts';

/**
 * Runs several paths in bursts of random length, as `seed` says: long paths meet short ones at any place.
 * Returns what each returned; throws when nobody can go on, or nobody comes to an end.
 */
export function inBursts(k: Machine, seed: number, paths: readonly Steps<unknown>[]): unknown[] {
  let state = (seed * 2654435761 + 12345) >>> 0;
  const random = (n: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % n;
  };
  const results: unknown[] = paths.map(() => undefined);
  const announced = new Map<number, number>();
  const advance = (i: number): void => {
    const word = announced.get(i) ?? 0;
    if (accessOp(word) === CHOOSE) k.choice[0] = random(accessIndex(word));
    const next = (paths[i] as Steps<unknown>).next();
    if (next.done === true) {
      announced.delete(i);
      results[i] = next.value;
    } else {
      announced.set(i, next.value);
    }
  };
  for (let i = 0; i < paths.length; i++) advance(i);
  let current = -1;
  let burst = 0;
  for (let steps = 0; announced.size > 0; steps++) {
    if (steps > 100_000) throw new Error(`seed ${seed}: no end`);
    const able = [...announced.keys()].filter((i) => accessEnabled(k, announced.get(i) ?? 0));
    if (able.length === 0) throw new Error(`seed ${seed}: deadlock`);
    if (burst === 0 || !able.includes(current)) {
      current = able[random(able.length)] ?? 0;
      burst = random(random(2) === 0 ? 4 : 64) + 1;
    }
    burst--;
    advance(current);
  }
  return results;
}
