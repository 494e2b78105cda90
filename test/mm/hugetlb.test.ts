import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { freePageCount, GFP, pageIsMovableZone } from '../../src/machine/buddy.ts';
import { pageByte } from '../../src/machine/contents.ts';
import { EFAULT, ENOMEM } from '../../src/machine/errno.ts';
import { exitMm } from '../../src/mm/exit.ts';
import { sysFtruncate } from '../../src/mm/file-size.ts';
import { entireMapcount, folioPut } from '../../src/mm/folio.ts';
import {
  allocHugetlbTarget,
  isolateHugetlb,
  putbackHugetlb,
  setHugetlbPool,
} from '../../src/mm/hugetlb.ts';
import { MAP, PROT, sysMmap, sysMunmap } from '../../src/mm/mmap.ts';
import { pudEntry } from '../../src/mm/pgtable.ts';
import { vmaAt } from '../../src/mm/vma.ts';
import { hugetlbBoot, mapHuge, pinLarge, pool, unpinLarge } from './huge-builder.ts';
import { boot, run } from './run.ts';
import { load, store } from './vma-builder.ts';

describe('hugetlb pool', () => {
  test('grows as far as there is memory, shrinks to what is promised', () => {
    const { k, task } = hugetlbBoot('6.12', 4);
    expect(pool(k)).toEqual([4, 0, 4]);
    expect(mapHuge(k, task, 2)).toBeGreaterThan(0);
    expect(pool(k)).toEqual([4, 2, 4]);
    expect(setHugetlbPool(k, 9, 0)).toBe(2);
    expect(setHugetlbPool(k, 9, 1000)).toBeLessThan(40);
    expect(freePageCount(k)).toBeLessThan(1024);
  });

  test('a mapping reserves at mmap; the pool cannot promise more than it has', () => {
    const { k, task } = hugetlbBoot('6.12', 3);
    const at = mapHuge(k, task, 2);
    expect(mapHuge(k, task, 2)).toBe(-ENOMEM);
    expect(pool(k)).toEqual([3, 2, 3]);
    store(k, task, at, 1);
    expect(pool(k)).toEqual([2, 1, 3]);
    run(sysMunmap(k, task, at, 1024));
    expect(pool(k)).toEqual([3, 0, 3]);
  });

  test('MAP_NORESERVE reserves nothing, and an access gets SIGBUS when the pool has no more', () => {
    const { k, task } = hugetlbBoot('6.12', 1);
    const at = mapHuge(k, task, 3, MAP.private | MAP.noReserve);
    expect(at).toBeGreaterThan(0);
    expect(store(k, task, at, 1)).toBeGreaterThan(0);
    expect(store(k, task, at + 512, 1)).toBe(-EFAULT);
  });

  test('what others have reserved is not given to a mapping without a reservation', () => {
    const { k, task } = hugetlbBoot('6.12', 1);
    const mine = mapHuge(k, task, 1);
    const other = mapHuge(k, task, 1, MAP.private | MAP.noReserve);
    expect(store(k, task, other, 1)).toBe(-EFAULT);
    expect(store(k, task, mine, 1)).toBeGreaterThan(0);
  });

  test('A.26.1 a pinned huge page outlives its mapping and goes back to the pool with its last unpin', () => {
    const { k, mm, task } = hugetlbBoot('6.12', 2);
    const at = mapHuge(k, task, 1);
    const folio = store(k, task, at, 9);
    expect([k.page.refcount[folio], entireMapcount(k, folio)]).toEqual([1, 1]);
    pinLarge(k, mm, folio);
    run(sysMunmap(k, task, at, 512));
    expect(pool(k)).toEqual([1, 0, 2]);
    unpinLarge(k, folio);
    run(folioPut(k, folio, 1));
    expect(pool(k)).toEqual([2, 0, 2]);
    const again = mapHuge(k, task, 1);
    expect(pageByte(k, load(k, task, again), 0)).toBe(0);
    expect(k.report[0]).toBe(0);
  });

  test('A.12.1 for a longterm pin (PF_MEMALLOC_PIN) no folio of ZONE_MOVABLE is taken', () => {
    const { k } = boot('6.12', { areas: [{ pages: 4096 }, { pages: 1024, movable: true }] });
    setHugetlbPool(k, 9, 3);
    const plain = run(allocHugetlbTarget(k, 9, GFP.movable | GFP.pinnable));
    expect(pageIsMovableZone(k, plain)).toBe(false);
    expect(run(allocHugetlbTarget(k, 9, GFP.movable | GFP.pinnable))).toBe(0);
    expect(pageIsMovableZone(k, run(allocHugetlbTarget(k, 9, GFP.movable)))).toBe(true);
  });

  test('A.12.3 isolation succeeds once and holds a reference', () => {
    const { k, task } = hugetlbBoot('6.12', 1);
    const folio = store(k, task, mapHuge(k, task, 1), 1);
    expect(run(isolateHugetlb(k, folio))).toBe(true);
    expect(run(isolateHugetlb(k, folio))).toBe(false);
    expect(k.page.refcount[folio]).toBe(2);
    run(putbackHugetlb(k, folio));
    expect(k.page.refcount[folio]).toBe(1);
    expect(run(isolateHugetlb(k, folio))).toBe(true);
  });

  test('shared mappings: the file keeps pages and promises until it ends', () => {
    const { k, task } = hugetlbBoot('6.12', 3);
    const at = mapHuge(k, task, 2, MAP.shared);
    const file = k.vma.file[vmaAt(k, k.task.mm[task] ?? 0, at)] ?? 0;
    const folio = store(k, task, at, 5);
    expect(pool(k)).toEqual([2, 1, 3]);
    const twice = run(sysMmap(k, task, 0, 512, PROT.read | PROT.write, MAP.shared, file, 0));
    expect(load(k, task, twice)).toBe(folio);
    expect(entireMapcount(k, folio)).toBe(2);
    expect(pool(k)).toEqual([2, 1, 3]);
    run(sysMunmap(k, task, at, 1024));
    expect(pool(k)).toEqual([2, 1, 3]);
    expect(pageByte(k, load(k, task, twice), 0)).toBe(5);
    run(sysMunmap(k, task, twice, 512));
    expect(pool(k)).toEqual([3, 0, 3]);
  });

  test('A.23.6 truncation takes pages and promises away; an access behind the end gets SIGBUS', () => {
    const { k, mm, task } = hugetlbBoot('6.12', 4);
    const at = mapHuge(k, task, 3, MAP.shared);
    const file = k.vma.file[vmaAt(k, mm, at)] ?? 0;
    store(k, task, at, 1);
    const second = store(k, task, at + 512, 2);
    pinLarge(k, mm, second);
    expect(run(sysFtruncate(k, file, 512, 0))).toBe(0);
    expect(pool(k)).toEqual([2, 0, 4]);
    expect([k.page.refcount[second], k.page.mapping[second]]).toEqual([1, 0]);
    expect(store(k, task, at + 512, 1)).toBe(-EFAULT);
    unpinLarge(k, second);
    run(folioPut(k, second, 1));
    run(exitMm(k, task));
    expect(pool(k)).toEqual([4, 0, 4]);
    expect(k.report[0]).toBe(0);
  });

  test('1 GiB pages are one PUD entry', () => {
    const { k, task } = boot('6.12', {
      areas: [{ pages: 2 ** 18 }, { pages: 2 ** 18 }],
      slots: 4096,
    });
    expect(setHugetlbPool(k, 18, 1)).toBe(1);
    const flags = MAP.private | MAP.anonymous | MAP.hugetlb | (30 << 26);
    const at = run(sysMmap(k, task, 0, 2 ** 18, PROT.read | PROT.write, flags, 0, 0));
    expect(at).toBeGreaterThan(0);
    const pfn = store(k, task, at + 1234, 3);
    const head = pfn - 1234;
    expect(k.page.compound[head]).toBe(-18);
    expect(pudEntry(k, k.task.mm[task] ?? 0, at)).toBeGreaterThan(0);
    expect(k.hugetlb.nrFree[1]).toBe(0);
    run(exitMm(k, task));
    expect(k.hugetlb.nrFree[1]).toBe(1);
    expect(k.report[0]).toBe(0);
  });

  test('any order of maps, writes and unmaps leaves the pool whole', () => {
    const action = fc.record({
      what: fc.constantFrom('map', 'share', 'write', 'unmap'),
      n: fc.integer({ min: 1, max: 3 }),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 12 }), (actions) => {
        const { k, task } = hugetlbBoot('6.12', 5);
        const maps: { at: number; n: number }[] = [];
        for (const { what, n } of actions) {
          const last = maps.at(-1);
          if (what === 'map' || what === 'share') {
            const at = mapHuge(k, task, n, what === 'map' ? MAP.private : MAP.shared);
            if (at > 0) maps.push({ at, n });
          } else if (last !== undefined && what === 'write') {
            store(k, task, last.at + 512 * (n % last.n), 1);
          } else if (last !== undefined) {
            run(sysMunmap(k, task, last.at, 512 * last.n));
            maps.pop();
          }
          const [free, promised, all] = pool(k);
          expect(promised).toBeGreaterThanOrEqual(0);
          expect(free).toBeGreaterThanOrEqual(promised);
          expect(all).toBe(5);
        }
        run(exitMm(k, task));
        expect(pool(k)).toEqual([5, 0, 5]);
        expect(k.report[0]).toBe(0);
      }),
      { numRuns: 20 },
    );
  });
});
