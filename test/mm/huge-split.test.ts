import { describe, expect, test } from 'vitest';
import { freePageCount } from '../../src/machine/buddy.ts';
import { pageByte } from '../../src/machine/contents.ts';
import { EAGAIN, EBUSY } from '../../src/machine/errno.ts';
import { PG } from '../../src/machine/page.ts';
import { exitMm } from '../../src/mm/exit.ts';
import { folioMapcount, folioPut, pageAnonExclusive } from '../../src/mm/folio.ts';
import { dupMm } from '../../src/mm/fork.ts';
import { splitHugePage } from '../../src/mm/huge-split.ts';
import type { Kernel } from '../../src/mm/kernel.ts';
import { vmstatSum } from '../../src/mm/vmstat.ts';
import { VMSTAT } from '../../src/mm/vmstat-items.ts';
import { zapRange } from '../../src/mm/zap.ts';
import { HAT, pinLarge, pmdPfn, thpBoot } from './huge-builder.ts';
import { run } from './run.ts';
import { get, load, ptePfn, store } from './vma-builder.ts';

/** The caller's reference and lock, the split, and the end of both. */
function split(k: Kernel, folio: number): number {
  k.page.refcount[folio] = (k.page.refcount[folio] ?? 0) + 1;
  k.page.flags[folio] = (k.page.flags[folio] ?? 0) | PG.locked;
  const result = run(splitHugePage(k, folio));
  k.page.flags[folio] = (k.page.flags[folio] ?? 0) & ~PG.locked;
  run(folioPut(k, folio, 1));
  return result;
}

describe('split of a folio', () => {
  test('A.20.2 with no other reference: 512 small folios, contents and mappings kept', () => {
    const { k, mm, task, folio } = thpBoot('6.11');
    store(k, task, HAT + 100, 55);
    expect(split(k, folio)).toBe(0);
    for (const i of [0, 1, 100, 511]) {
      expect(k.page.compound[folio + i]).toBe(0);
      expect(ptePfn(k, mm, HAT + i)).toBe(folio + i);
      expect([k.page.refcount[folio + i], folioMapcount(k, folio + i)]).toEqual([1, 1]);
      expect(pageAnonExclusive(k, folio + i)).toBe(true);
      expect(k.page.index[folio + i]).toBe(HAT + i);
      expect((k.page.flags[folio + i] ?? 0) & (PG.locked | PG.lru)).toBe(PG.lru);
    }
    expect(k.page.private[folio + 1]).toBe(0);
    expect(pageByte(k, load(k, task, HAT + 100), 0)).toBe(55);
    expect(store(k, task, HAT + 100, 56)).toBe(folio + 100);
  });

  test('A.20.2 a split that a reference refuses is counted as failed, one that works as done', () => {
    const { k, folio } = thpBoot('6.11');
    const counts = () =>
      [VMSTAT.thp_fault_alloc, VMSTAT.thp_split_page_failed, VMSTAT.thp_split_page].map((item) =>
        vmstatSum(k, item),
      );
    const before = counts();
    const changes = () => counts().map((n, i) => n - (before[i] ?? 0));
    get(k, folio);
    split(k, folio);
    expect(changes()).toEqual([0, 1, 0]);
    run(folioPut(k, folio, 1));
    split(k, folio);
    expect(changes()).toEqual([0, 1, 1]);
  });

  test.each([
    ['6.1', EBUSY],
    ['6.2', EAGAIN],
  ])(
    'S39 %s: a pinned or referenced folio refuses with errno %d, and nothing changes',
    (version, errno) => {
      for (const hold of [get, undefined]) {
        const { k, mm, folio } = thpBoot(version);
        if (hold === undefined) pinLarge(k, mm, folio);
        else hold(k, folio);
        expect(split(k, folio)).toBe(-errno);
        expect(pmdPfn(k, mm, HAT)).toBe(folio);
        expect(k.page.refcount[folio]).toBe(2);
      }
    },
  );

  test('A.20.2 a reference that sneaks in after the look: freezing fails, the mappings come back', () => {
    const { k, mm, task, folio } = thpBoot('6.12');
    k.page.refcount[folio] = 2;
    k.page.flags[folio] = (k.page.flags[folio] ?? 0) | PG.locked;
    const steps = splitHugePage(k, folio);
    let result = steps.next();
    // The look reads the count first; a GUP-fast reference comes once the PMD is gone.
    while (!result.done && pmdPfn(k, mm, HAT) === folio) result = steps.next();
    get(k, folio);
    while (!result.done) result = steps.next();
    expect(result.value).toBe(-EAGAIN);
    k.page.flags[folio] = (k.page.flags[folio] ?? 0) & ~PG.locked;
    expect(k.page.compound[folio]).toBe(-9);
    expect(folioMapcount(k, folio)).toBe(512);
    expect(k.page.refcount[folio]).toBe(512 + 2);
    expect(store(k, task, HAT + 9, 4)).toBe(folio + 9);
  });

  test('shared by fork: both processes keep their view', () => {
    const { k, mm, task, folio, childTask } = thpBoot('6.11');
    const child = run(dupMm(k, task, childTask));
    expect(split(k, folio)).toBe(0);
    expect([ptePfn(k, mm, HAT + 7), ptePfn(k, child, HAT + 7)]).toEqual([folio + 7, folio + 7]);
    expect([k.page.refcount[folio + 7], folioMapcount(k, folio + 7)]).toEqual([2, 2]);
    expect(pageAnonExclusive(k, folio + 7)).toBe(false);
  });

  test('S179 6.12: pages of zeros are given up for the page of zeros', () => {
    const { k, mm, task, folio } = thpBoot('6.12');
    store(k, task, HAT + 100, 55);
    const free = freePageCount(k);
    expect(split(k, folio)).toBe(0);
    const kept = [0, 1, 100, 511].filter((i) => ptePfn(k, mm, HAT + i) === folio + i);
    expect(kept).toContain(100);
    expect(kept).toHaveLength(pageByte(k, folio, 0) === 0 ? 1 : 2);
    expect(ptePfn(k, mm, HAT + 511)).toBe(k.zeroPfn);
    expect(freePageCount(k)).toBe(free + 512 - (k.mm.anonRss[mm] ?? 0));
    expect(store(k, task, HAT + 511, 56)).not.toBe(k.zeroPfn);
  });

  test('pages that nothing maps any more are freed by the split (A.20.3)', () => {
    const { k, task, vma, folio } = thpBoot('6.11');
    run(zapRange(k, vma, HAT, HAT + 256));
    const free = freePageCount(k);
    get(k, folio);
    expect(split(k, folio)).toBe(-EAGAIN);
    expect(freePageCount(k)).toBe(free);
    k.page.refcount[folio] = (k.page.refcount[folio] ?? 0) - 1;
    expect(split(k, folio)).toBe(0);
    expect(freePageCount(k)).toBe(free + 256);
    run(exitMm(k, task));
    expect(k.report[0]).toBe(0);
  });
});
