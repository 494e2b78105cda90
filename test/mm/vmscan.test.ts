import { describe, expect, test } from 'vitest';
import { freePageCount } from '../../src/machine/buddy.ts';
import { pageByte } from '../../src/machine/contents.ts';
import { isPresent, PTE, SWP, swpOffset, swpType } from '../../src/machine/entry.ts';
import { PG } from '../../src/machine/page.ts';
import { MMF } from '../../src/mm/kernel.ts';
import { pteEntry } from '../../src/mm/pgtable.ts';
import { shmemNewFile } from '../../src/mm/shmem.ts';
import { VM } from '../../src/mm/vma.ts';
import { shrinkLruPages } from '../../src/mm/vmscan.ts';
import { vmstatSum } from '../../src/mm/vmstat.ts';
import { VMSTAT } from '../../src/mm/vmstat-items.ts';
import { boot, run } from './run.ts';
import { reclaim, swapInUse } from './swap-builder.ts';
import { get, load, mapVma, pin, pteLo, ptePfn, RW, store } from './vma-builder.ts';

function page(version: string, flags = RW) {
  const { k, mm, task } = boot(version);
  const vma = mapVma(k, mm, 100, 4, flags);
  const pfn = store(k, task, 100, 7);
  return { k, mm, task, vma, pfn };
}

describe('reclaim of an anonymous page', () => {
  test('A.18 an unreferenced page goes to swap and comes back with its content', () => {
    const { k, mm, task, pfn } = page('6.12');
    const free = freePageCount(k);
    expect(reclaim(k, pfn)).toBe(true);
    expect(freePageCount(k)).toBe(free + 1);
    const e = pteEntry(k, mm, 100);
    expect(swpType(k.contents[e + 1])).toBe(SWP.swap);
    expect(swpOffset(k.contents[e], k.contents[e + 1])).toBe(1);
    expect([k.swap.map[1], k.swap.cache[1]]).toEqual([1, 0]);
    expect([k.mm.anonRss[mm], k.mm.swapEnts[mm]]).toEqual([0, 1]);
    expect(vmstatSum(k, VMSTAT.pswpout)).toBe(1);
    const back = load(k, task, 100);
    expect(pageByte(k, back, 0)).toBe(7);
    expect(vmstatSum(k, VMSTAT.pswpin)).toBe(1);
    expect([k.mm.anonRss[mm], k.mm.swapEnts[mm]]).toEqual([1, 0]);
    expect(k.report[0]).toBe(0);
  });

  test.each(['5.11', '6.12'])(
    'A.18.1 S24 %s a page that may be pinned is not added to swap',
    (version) => {
      const { k, mm, pfn } = page(version);
      pin(k, mm, pfn);
      expect(reclaim(k, pfn)).toBe(false);
      expect(ptePfn(k, mm, 100)).toBe(pfn);
      expect(isPresent(pteLo(k, mm, 100))).toBe(true);
      expect(swapInUse(k)).toBe(0);
      expect(k.page.refcount[pfn]).toBe(1025);
      expect(k.page.flags[pfn] & (PG.lru | PG.locked)).toBe(PG.lru);
    },
  );

  test('S24 5.10 a pinned page is unmapped, but stays in the swap cache', () => {
    const { k, mm, pfn, task } = page('5.10');
    pin(k, mm, pfn);
    expect(reclaim(k, pfn)).toBe(false);
    expect(isPresent(pteLo(k, mm, 100))).toBe(false);
    expect(k.swap.cache[1]).toBe(pfn);
    // A read brings the same page back; a write then copies it, for the pin counts as a reference (S1).
    expect(load(k, task, 100)).toBe(pfn);
    expect(store(k, task, 100, 8)).not.toBe(pfn);
  });

  test('A.18.2 a FOLL_GET reference does not stop unmapping, only the writing and freeing', () => {
    const { k, mm, pfn, task } = page('6.12');
    get(k, pfn);
    expect(reclaim(k, pfn)).toBe(false);
    expect(isPresent(pteLo(k, mm, 100))).toBe(false);
    expect(k.swap.cache[1]).toBe(pfn);
    expect(vmstatSum(k, VMSTAT.pswpout)).toBe(0);
    // 1 GET + 1 swap cache
    expect(k.page.refcount[pfn]).toBe(2);
    // The entry was exclusive, so that a write finds the very page again.
    expect(store(k, task, 100, 9)).toBe(pfn);
    expect(k.report[0]).toBe(0);
  });

  test('A.18.4 exclusivity is remembered by the swap entry (5.19+) and restored', () => {
    const { k, mm, pfn, task } = page('6.12');
    get(k, pfn);
    reclaim(k, pfn);
    expect(k.page.flags[pfn] & PG.anonExclusive).toBe(0);
    expect(k.contents[pteEntry(k, mm, 100)] & PTE.swpExclusive).not.toBe(0);
    expect(load(k, task, 100)).toBe(pfn);
    expect(k.page.flags[pfn] & PG.anonExclusive).not.toBe(0);
  });

  test('A.18.4 a pin between adding to swap and unmapping puts the entry back', () => {
    const { k, mm, pfn } = page('6.12');
    // As if GUP-fast pinned just after the check of S24: the page is in the swap cache already.
    k.swap.cache[1] = pfn;
    k.page.private[pfn] = 1;
    k.page.flags[pfn] = k.page.flags[pfn] | PG.swapcache;
    k.page.refcount[pfn] = k.page.refcount[pfn] + 1;
    k.mm.flags[mm] = MMF.hasPinned;
    pin(k, mm, pfn);
    expect(reclaim(k, pfn)).toBe(false);
    expect(ptePfn(k, mm, 100)).toBe(pfn);
    expect(pteLo(k, mm, 100) & PTE.write).not.toBe(0);
    expect(k.page.flags[pfn] & PG.anonExclusive).not.toBe(0);
    expect([k.swap.map[1], k.swap.cache[1]]).toEqual([0, pfn]);
    expect(k.page.refcount[pfn]).toBe(1026);
  });

  test('A.18.7 memory of a locked mapping stays', () => {
    const { k, mm, pfn } = page('6.12', RW | VM.locked);
    expect(reclaim(k, pfn)).toBe(false);
    expect(ptePfn(k, mm, 100)).toBe(pfn);
  });

  test('without swap nothing happens to an anonymous page', () => {
    const { k, mm, task } = boot('6.12', { swapPages: 0 });
    mapVma(k, mm, 100, 1);
    const pfn = store(k, task, 100, 7);
    expect(reclaim(k, pfn)).toBe(false);
    expect(ptePfn(k, mm, 100)).toBe(pfn);
    expect(k.page.refcount[pfn]).toBe(1);
  });

  test('stale translations are gone after reclaim', () => {
    const { k, pfn, task } = page('6.12');
    load(k, task, 100);
    reclaim(k, pfn);
    expect([...k.tlb].every((w) => w === 0)).toBe(true);
  });

  test('shrinkLruPages frees what it is asked for, lowest page frame first', () => {
    const { k, mm, task } = boot('6.12');
    mapVma(k, mm, 100, 8);
    const pfns = [0, 1, 2, 3, 4].map((i) => store(k, task, 100 + i, i + 1));
    pin(k, mm, Math.min(...pfns));
    expect(run(shrinkLruPages(k, 2))).toBe(2);
    expect(k.mm.swapEnts[mm]).toBe(2);
    expect(run(shrinkLruPages(k, 100))).toBe(2);
    expect(k.mm.anonRss[mm]).toBe(1);
    for (let i = 0; i < 5; i++) expect(pageByte(k, load(k, task, 100 + i), 0)).toBe(i + 1);
  });
});

describe('reclaim of a page of a memory file', () => {
  function shared(version: string) {
    const { k, mm, task } = boot(version);
    const file = run(shmemNewFile(k, 4));
    mapVma(k, mm, 100, 4, RW | VM.shared | VM.mayShare, file);
    const pfn = store(k, task, 100, 7);
    return { k, mm, task, file, pfn };
  }

  test('A.18 it is swapped out and read back by the next access', () => {
    const { k, mm, task, file, pfn } = shared('6.12');
    expect(reclaim(k, pfn)).toBe(true);
    expect(pteLo(k, mm, 100)).toBe(0);
    expect([k.swap.map[1], k.swap.cache[1]]).toEqual([1, 0]);
    expect(k.file.nrpages[file]).toBe(0);
    expect(pageByte(k, load(k, task, 100), 0)).toBe(7);
    expect(swapInUse(k)).toBe(0);
    expect(k.file.nrpages[file]).toBe(1);
    expect(k.mm.fileRss[mm]).toBe(1);
  });

  test.each(['6.2', '6.12'])(
    'A.18.3 A.18.5 %s a pinned page loses its mappings, the next access finds the same page',
    (version) => {
      const { k, mm, task, pfn } = shared(version);
      pin(k, mm, pfn);
      expect(reclaim(k, pfn)).toBe(false);
      expect(pteLo(k, mm, 100)).toBe(0);
      expect(load(k, task, 100)).toBe(pfn);
      expect(pageByte(k, pfn, 0)).toBe(7);
    },
  );
});
