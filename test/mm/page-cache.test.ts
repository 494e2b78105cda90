import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { R } from '../../src/machine/access.ts';
import { freePageCount } from '../../src/machine/buddy.ts';
import { lock, unlock } from '../../src/machine/locks.ts';
import { newFile } from '../../src/mm/file-refs.ts';
import { FILE } from '../../src/mm/file-tables.ts';
import type { Kernel } from '../../src/mm/kernel.ts';
import {
  cacheFreeIndex,
  cacheLoad,
  cacheNext,
  cacheReserve,
  cacheStore,
} from '../../src/mm/page-cache.ts';
import { boot, run } from './run.ts';

function* put(k: Kernel, file: number, index: number, value: number) {
  const ok = yield* cacheReserve(k, file, index);
  expect(ok).toBe(true);
  yield* lock(k, R.pageCache, file);
  cacheStore(k, file, index, value);
  yield* unlock(k, R.pageCache, file);
}

describe('page cache index', () => {
  test('holds what a map would hold, at any index and in any order', () => {
    const index = fc.oneof(
      fc.integer({ min: 0, max: 3000 }),
      fc.integer({ min: 0, max: 2 ** 30 - 1 }),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(index, fc.integer({ min: -5, max: 5 })), { maxLength: 25 }),
        (writes) => {
          const { k } = boot('6.12');
          const before = freePageCount(k);
          const file = run(newFile(k, FILE.shmem));
          const model = new Map<number, number>();
          for (const [i, value] of writes) {
            run(put(k, file, i, value));
            model.set(i, value);
          }
          for (const [i, value] of model) expect(run(cacheLoad(k, file, i))).toBe(value);
          const used = [...model]
            .filter(([, value]) => value !== 0)
            .map(([i]) => i)
            .sort((a, b) => a - b);
          const seen: number[] = [];
          for (
            let i = run(cacheNext(k, file, 0, 2 ** 30));
            i >= 0;
            i = run(cacheNext(k, file, i + 1, 2 ** 30))
          )
            seen.push(i);
          expect(seen).toEqual(used);
          for (const [i] of model) run(put(k, file, i, 0));
          run(cacheFreeIndex(k, file));
          expect(freePageCount(k)).toBe(before);
        },
      ),
      { numRuns: 20 },
    );
  });

  test('an index beyond 2^30 has no place', () => {
    const { k } = boot('6.12');
    const file = run(newFile(k, FILE.shmem));
    expect(run(cacheReserve(k, file, 2 ** 30))).toBe(false);
    expect(run(cacheLoad(k, file, 2 ** 30))).toBe(0);
  });
});
