import { describe, expect, test } from 'vitest';
import { GFP, pageIsMovableZone } from '../../src/machine/buddy.ts';
import { pageByte } from '../../src/machine/contents.ts';
import { PTE } from '../../src/machine/entry.ts';
import { EAGAIN } from '../../src/machine/errno.ts';
import { PG } from '../../src/machine/page.ts';
import { dupMm } from '../../src/mm/fork.ts';
import { newTask } from '../../src/mm/kernel.ts';
import { isolateLru } from '../../src/mm/lru.ts';
import { isolateFolio, migrateFolio, putbackFolio } from '../../src/mm/migrate.ts';
import { shmemNewFile } from '../../src/mm/shmem.ts';
import { VM } from '../../src/mm/vma.ts';
import { vmstatSum } from '../../src/mm/vmstat.ts';
import { VMSTAT } from '../../src/mm/vmstat-items.ts';
import { boot, run } from './run.ts';
import { reclaim } from './swap-builder.ts';
import { get, load, mapVma, pin, pteLo, ptePfn, RW, store } from './vma-builder.ts';

const AWAY = GFP.movable | GFP.pinnable;

function page(version = '6.12') {
  const { k, mm, task } = boot(version);
  mapVma(k, mm, 100, 4);
  const pfn = store(k, task, 100, 7);
  expect(pageIsMovableZone(k, pfn)).toBe(true);
  return { k, mm, task, pfn };
}

describe('migration', () => {
  test('A.19.1 a page with the expected references moves, with content, flags and exclusivity', () => {
    const { k, mm, task, pfn } = page();
    expect(run(isolateFolio(k, pfn))).toBe(true);
    expect(run(migrateFolio(k, pfn, AWAY, 0))).toBe(0);
    const now = ptePfn(k, mm, 100);
    expect(now).not.toBe(pfn);
    expect(pageIsMovableZone(k, now)).toBe(false);
    expect(pageByte(k, now, 0)).toBe(7);
    expect(k.page.refcount[now]).toBe(1);
    expect(k.page.mapcount[now]).toBe(1);
    expect(pteLo(k, mm, 100) & PTE.write).not.toBe(0);
    const kept = PG.anonExclusive | PG.swapbacked | PG.uptodate | PG.lru;
    expect(k.page.flags[now] & (kept | PG.locked)).toBe(kept);
    expect(k.page.flags[pfn] & ~PG.buddy).toBe(0);
    expect(k.page.refcount[pfn]).toBe(0);
    expect(load(k, task, 100)).toBe(now);
    expect(vmstatSum(k, VMSTAT.pgmigrate_success)).toBe(1);
    expect(k.report[0]).toBe(0);
  });

  test.each(['5.18', '6.12'])(
    'A.19.1 A.19.2 %s a pinned or referenced page stays, mapped as before, still isolated',
    (version) => {
      for (const reference of [
        pin,
        (k: Parameters<typeof pin>[0], _mm: number, pfn: number) => get(k, pfn),
      ]) {
        const { k, mm, pfn } = page(version);
        reference(k, mm, pfn);
        const references = k.page.refcount[pfn];
        const lo = pteLo(k, mm, 100);
        run(isolateFolio(k, pfn));
        expect(run(migrateFolio(k, pfn, AWAY, 0))).toBe(-EAGAIN);
        expect(ptePfn(k, mm, 100)).toBe(pfn);
        expect(pteLo(k, mm, 100) & PTE.write).toBe(lo & PTE.write);
        expect(k.page.flags[pfn] & (PG.isolated | PG.locked)).toBe(PG.isolated);
        run(putbackFolio(k, pfn));
        expect(k.page.refcount[pfn]).toBe(references);
        expect(k.page.flags[pfn] & PG.anonExclusive).not.toBe(0);
        expect(vmstatSum(k, VMSTAT.pgmigrate_fail)).toBe(1);
        expect(k.report[0]).toBe(0);
      }
    },
  );

  test('a page of parent and child moves for both', () => {
    const { k, mm, task, pfn } = page();
    const child = newTask(k, 0, 1);
    const childMm = run(dupMm(k, task, child));
    run(isolateFolio(k, pfn));
    expect(run(migrateFolio(k, pfn, AWAY, 0))).toBe(0);
    const now = ptePfn(k, mm, 100);
    expect(now).not.toBe(pfn);
    expect(ptePfn(k, childMm, 100)).toBe(now);
    expect(k.page.flags[now] & PG.anonExclusive).toBe(0);
    expect(pteLo(k, mm, 100) & PTE.write).toBe(0);
    expect([k.page.refcount[now], k.page.mapcount[now]]).toEqual([2, 2]);
  });

  test('a page in the swap cache takes its slot along', () => {
    const { k, mm, task, pfn } = page();
    get(k, pfn);
    reclaim(k, pfn);
    load(k, task, 100);
    k.page.refcount[pfn] = k.page.refcount[pfn] - 1;
    expect(k.page.flags[pfn] & PG.swapcache).not.toBe(0);
    run(isolateLru(k, pfn));
    expect(run(migrateFolio(k, pfn, AWAY, 0))).toBe(0);
    const now = ptePfn(k, mm, 100);
    expect(k.swap.cache[1]).toBe(now);
    expect(k.page.refcount[now]).toBe(2);
    expect(k.report[0]).toBe(0);
  });

  test('a page of a memory file moves in the page cache; a pin keeps it', () => {
    const { k, mm, task } = boot('6.12');
    const file = run(shmemNewFile(k, 4));
    mapVma(k, mm, 100, 4, RW | VM.shared | VM.mayShare, file);
    const pfn = store(k, task, 100, 7);
    pin(k, mm, pfn);
    run(isolateFolio(k, pfn));
    expect(run(migrateFolio(k, pfn, AWAY, 0))).toBe(-EAGAIN);
    expect(ptePfn(k, mm, 100)).toBe(pfn);
    k.page.refcount[pfn] = k.page.refcount[pfn] - 1024;
    expect(run(migrateFolio(k, pfn, AWAY, 0))).toBe(0);
    const now = ptePfn(k, mm, 100);
    expect(now).not.toBe(pfn);
    // one mapping, one of the page cache
    expect(k.page.refcount[now]).toBe(2);
    expect(pageByte(k, load(k, task, 100), 0)).toBe(7);
    expect(k.page.flags[now] & PG.dirty).not.toBe(0);
  });
});
