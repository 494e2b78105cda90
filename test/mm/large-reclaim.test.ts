import { describe, expect, test } from 'vitest';
import { freePageCount, GFP, pageIsMovableZone } from '../../src/machine/buddy.ts';
import { pageByte, setPageByte } from '../../src/machine/contents.ts';
import { EAGAIN } from '../../src/machine/errno.ts';
import { PG } from '../../src/machine/page.ts';
import { folioMapcount, headOf, isLarge, orderOf } from '../../src/mm/folio.ts';
import { setHugetlbPool } from '../../src/mm/hugetlb.ts';
import { MMF } from '../../src/mm/kernel.ts';
import { madvFreeRange } from '../../src/mm/lazyfree.ts';
import { isolateFolio, migrateFolio, putbackFolio } from '../../src/mm/migrate.ts';
import { MAP, PROT, sysMmap } from '../../src/mm/mmap.ts';
import { madvisePageout } from '../../src/mm/pageout.ts';
import { isLeaf, pmdEntry } from '../../src/mm/pgtable.ts';
import { shrinkLruPages } from '../../src/mm/vmscan.ts';
import { boot, run } from './run.ts';
import { load, mapVma, ptePfn, store } from './vma-builder.ts';

function thp(version = '6.12') {
  const { k, mm, task } = boot(version, { thpAlways: true, swapPages: 2048 });
  const vma = mapVma(k, mm, 1024, 512);
  const head = headOf(k, store(k, task, 1024, 7));
  expect(orderOf(k, head)).toBe(9);
  setPageByte(k, head + 5, 0, 5);
  return { k, mm, task, vma, head };
}

function pinLarge(k: ReturnType<typeof thp>['k'], mm: number, head: number): void {
  k.page.refcount[head] = k.page.refcount[head] + 1;
  k.page.private[head + 1] = k.page.private[head + 1] + 1;
  k.mm.flags[mm] = MMF.hasPinned;
}

describe('large folios', () => {
  test('A.18.1 MADV_PAGEOUT splits a huge page and swaps its pages out', () => {
    const { k, mm, task, vma } = thp('6.11');
    const free = freePageCount(k);
    expect(run(madvisePageout(k, task, vma, 1024, 1536))).toBe(0);
    expect([k.mm.anonRss[mm], k.mm.swapEnts[mm]]).toEqual([0, 512]);
    expect(freePageCount(k)).toBe(free + 512);
    expect(pageByte(k, load(k, task, 1024), 0)).toBe(7);
    expect(pageByte(k, load(k, task, 1029), 0)).toBe(5);
    expect(k.report[0]).toBe(0);
  });

  test.each(['5.10', '6.12'])('A.18.1 %s a pinned huge page stays whole', (version) => {
    const { k, mm, task, vma, head } = thp(version);
    pinLarge(k, mm, head);
    run(madvisePageout(k, task, vma, 1024, 1536));
    expect(isLarge(k, head)).toBe(true);
    expect(isLeaf(k.contents[pmdEntry(k, mm, 1024)])).toBe(true);
    expect(folioMapcount(k, head)).toBe(1);
    expect(k.page.refcount[head]).toBe(2);
    expect(run(shrinkLruPages(k, 10000))).toBe(0);
    expect(isLarge(k, head)).toBe(true);
    expect(k.page.flags[head] & (PG.lru | PG.locked)).toBe(PG.lru);
  });

  test('the daemon splits a huge page and frees all of it', () => {
    const { k, mm, task } = thp('6.11');
    expect(run(shrinkLruPages(k, 10000))).toBe(512);
    expect(k.mm.swapEnts[mm]).toBe(512);
    expect(pageByte(k, load(k, task, 1029), 0)).toBe(5);
    expect(k.report[0]).toBe(0);
  });

  test('MADV_FREE of a huge page: its small pages are thrown away', () => {
    const { k, mm, task, vma } = thp('6.11');
    expect(run(madvFreeRange(k, task, vma, 1024, 1536))).toBe(0);
    expect(run(shrinkLruPages(k, 10000))).toBe(512);
    expect([k.mm.anonRss[mm], k.mm.swapEnts[mm]]).toEqual([0, 0]);
    expect(pageByte(k, load(k, task, 1024), 0)).toBe(0);
  });

  test('A.19.1 a huge page moves whole; it is mapped by PTEs afterwards; a pin keeps it', () => {
    const { k, mm, task, head } = thp();
    pinLarge(k, mm, head);
    expect(run(isolateFolio(k, head))).toBe(true);
    expect(run(migrateFolio(k, head, GFP.movable | GFP.pinnable, 0))).toBe(-EAGAIN);
    expect(ptePfn(k, mm, 1024)).toBe(head);
    expect(folioMapcount(k, head)).toBe(512);
    expect(k.page.refcount[head]).toBe(512 + 2);
    k.page.refcount[head] = k.page.refcount[head] - 1;
    k.page.private[head + 1] = 0;
    expect(run(migrateFolio(k, head, GFP.movable | GFP.pinnable, 0))).toBe(0);
    const now = ptePfn(k, mm, 1024);
    expect(now).not.toBe(head);
    expect(pageIsMovableZone(k, now)).toBe(false);
    expect(orderOf(k, now)).toBe(9);
    expect(k.page.refcount[now]).toBe(512);
    expect(folioMapcount(k, now)).toBe(512);
    expect(pageByte(k, load(k, task, 1029), 0)).toBe(5);
    expect(k.page.flags[now + 5] & PG.anonExclusive).not.toBe(0);
    expect(k.report[0]).toBe(0);
  });

  test('A.19.1 a hugetlb page moves to another page of its pool; a pin keeps it', () => {
    const { k, mm, task } = boot('6.12');
    setHugetlbPool(k, 9, 3);
    const vpn = run(
      sysMmap(
        k,
        task,
        0,
        512,
        PROT.read | PROT.write,
        MAP.private | MAP.anonymous | MAP.hugetlb | (21 << 26),
        0,
        0,
      ),
    );
    expect(vpn).toBeGreaterThan(0);
    const head = headOf(k, store(k, task, vpn, 7));
    const free = k.hugetlb.nrFree[0];
    pinLarge(k, mm, head);
    expect(run(isolateFolio(k, head))).toBe(true);
    expect(run(migrateFolio(k, head, GFP.movable, 0))).toBe(-EAGAIN);
    expect(headOf(k, load(k, task, vpn))).toBe(head);
    expect(store(k, task, vpn, 8)).toBe(head);
    run(putbackFolio(k, head));
    k.page.refcount[head] = k.page.refcount[head] - 1;
    k.page.private[head + 1] = 0;
    expect(run(isolateFolio(k, head))).toBe(true);
    expect(run(migrateFolio(k, head, GFP.movable, 0))).toBe(0);
    const now = headOf(k, load(k, task, vpn));
    expect(now).not.toBe(head);
    expect(pageByte(k, now, 0)).toBe(8);
    expect(k.page.refcount[now]).toBe(1);
    expect(k.hugetlb.nrFree[0]).toBe(free);
    expect(k.report[0]).toBe(0);
  });
});
