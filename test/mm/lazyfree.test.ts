import { describe, expect, test } from 'vitest';
import { pageByte } from '../../src/machine/contents.ts';
import { PTE } from '../../src/machine/entry.ts';
import { EINVAL } from '../../src/machine/errno.ts';
import { PG } from '../../src/machine/page.ts';
import { madvFreeRange } from '../../src/mm/lazyfree.ts';
import { madvisePageout } from '../../src/mm/pageout.ts';
import { VM } from '../../src/mm/vma.ts';
import { boot, run } from './run.ts';
import { reclaim, swapInUse } from './swap-builder.ts';
import { get, load, mapVma, pin, pteLo, ptePfn, RW, store } from './vma-builder.ts';

function freed(version: string) {
  const { k, mm, task } = boot(version);
  const vma = mapVma(k, mm, 100, 4);
  const pfn = store(k, task, 100, 7);
  expect(run(madvFreeRange(k, task, vma, 100, 104))).toBe(0);
  return { k, mm, task, vma, pfn };
}

describe('MADV_FREE', () => {
  test('A.18.4 a page that is not written again is thrown away, without swap', () => {
    const { k, mm, task, pfn } = freed('6.12');
    expect(pteLo(k, mm, 100) & (PTE.dirty | PTE.accessed)).toBe(0);
    expect(k.page.flags[pfn] & PG.swapbacked).toBe(0);
    expect(reclaim(k, pfn)).toBe(true);
    expect(pteLo(k, mm, 100)).toBe(0);
    expect(k.mm.anonRss[mm]).toBe(0);
    expect(pageByte(k, load(k, task, 100), 0)).toBe(0);
  });

  test('A.18.4 a page that was written again stays, and is backed by swap again', () => {
    const { k, mm, task, pfn } = freed('6.12');
    store(k, task, 100, 8);
    expect(reclaim(k, pfn)).toBe(false);
    expect(ptePfn(k, mm, 100)).toBe(pfn);
    expect(k.page.flags[pfn] & PG.swapbacked).not.toBe(0);
  });

  test.each([
    ['5.17', false],
    ['5.18', true],
    ['6.12', true],
  ])('A.18.4 %s a reader by DMA (GET reference) keeps the page mapped: %s', (version, stays) => {
    const { k, mm, pfn } = freed(version);
    get(k, pfn);
    expect(reclaim(k, pfn)).toBe(false);
    expect(ptePfn(k, mm, 100) === pfn).toBe(stays);
  });

  test('a pinned page stays', () => {
    const { k, mm, pfn } = freed('6.12');
    pin(k, mm, pfn);
    expect(reclaim(k, pfn)).toBe(false);
    expect(ptePfn(k, mm, 100)).toBe(pfn);
  });

  test('a swapped page is dropped at once; file mappings are refused', () => {
    const { k, mm, task } = boot('6.12');
    const vma = mapVma(k, mm, 100, 4);
    const pfn = store(k, task, 100, 7);
    reclaim(k, pfn);
    run(madvFreeRange(k, task, vma, 100, 104));
    expect(swapInUse(k)).toBe(0);
    expect(k.mm.swapEnts[mm]).toBe(0);
    expect(pageByte(k, load(k, task, 100), 0)).toBe(0);
    const hugetlb = mapVma(k, mm, 1024, 512, RW | VM.hugetlb);
    expect(run(madvFreeRange(k, task, hugetlb, 1024, 1536))).toBe(-EINVAL);
  });
});

describe('MADV_PAGEOUT', () => {
  test('swaps out what only this process maps, and keeps pinned pages', () => {
    const { k, mm, task } = boot('6.12');
    const vma = mapVma(k, mm, 100, 4);
    const a = store(k, task, 100, 1);
    store(k, task, 101, 2);
    pin(k, mm, a);
    load(k, task, 102);
    expect(run(madvisePageout(k, task, vma, 100, 104))).toBe(0);
    expect(ptePfn(k, mm, 100)).toBe(a);
    expect(k.mm.swapEnts[mm]).toBe(1);
    expect(pageByte(k, load(k, task, 101), 0)).toBe(2);
    expect(k.report[0]).toBe(0);
  });

  test('refuses locked memory', () => {
    const { k, mm, task } = boot('6.12');
    const vma = mapVma(k, mm, 100, 4, RW | VM.locked);
    expect(run(madvisePageout(k, task, vma, 100, 104))).toBe(-EINVAL);
  });
});
