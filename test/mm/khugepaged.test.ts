import { describe, expect, test } from 'vitest';
import { freePageCount } from '../../src/machine/buddy.ts';
import { pageByte } from '../../src/machine/contents.ts';
import { PTE, swpOffset } from '../../src/machine/entry.ts';
import { EAGAIN, EINVAL, ENOMEM } from '../../src/machine/errno.ts';
import { folioUnlock } from '../../src/machine/locks.ts';
import { PG } from '../../src/machine/page.ts';
import { audit, newHeld } from '../../src/mm/audit.ts';
import { exitMm } from '../../src/mm/exit.ts';
import { newFile } from '../../src/mm/file-refs.ts';
import { FILE } from '../../src/mm/file-tables.ts';
import { pageAnonExclusive } from '../../src/mm/folio.ts';
import { dupMm } from '../../src/mm/fork.ts';
import { splitHugePmd } from '../../src/mm/huge-split.ts';
import { newTask } from '../../src/mm/kernel.ts';
import { collapseHugePage, madviseCollapse } from '../../src/mm/khugepaged.ts';
import { NOT_MODELLED } from '../../src/mm/khugepaged-file.ts';
import { lruDrain } from '../../src/mm/lru.ts';
import { MADV, sysMadvise } from '../../src/mm/madvise.ts';
import { pmdEntry, pteEntry } from '../../src/mm/pgtable.ts';
import { shmemNewFile } from '../../src/mm/shmem.ts';
import { readSwapSlot } from '../../src/mm/swap-read.ts';
import { VM } from '../../src/mm/vma.ts';
import { HAT, pmdLo, pmdPfn } from './huge-builder.ts';
import { boot, run } from './run.ts';
import { get, load, mapVma, pin, pteLo, ptePfn, store } from './vma-builder.ts';

/** A process with three small pages written in a mapping of 2 MiB. */
function small(version = '6.12') {
  const { k, mm, task } = boot(version);
  const vma = mapVma(k, mm, HAT, 512);
  const pfns = [0, 1, 300].map((i) => store(k, task, HAT + i, i + 1));
  load(k, task, HAT + 2);
  return { k, mm, task, vma, pfns };
}

describe('collapse', () => {
  test('A.20.5 copies what is there, zeros the rest, frees the small pages', () => {
    const { k, mm, task, pfns } = small();
    const free = freePageCount(k);
    expect(run(collapseHugePage(k, mm, HAT + 77))).toBe(0);
    const folio = pmdPfn(k, mm, HAT);
    expect(k.page.compound[folio]).toBe(-9);
    expect(pageAnonExclusive(k, folio)).toBe(true);
    expect([0, 1, 300, 2, 511].map((i) => pageByte(k, load(k, task, HAT + i), 0))).toEqual([
      1,
      2,
      301 & 255,
      0,
      0,
    ]);
    expect(pfns.map((pfn) => k.page.refcount[pfn])).toEqual([0, 0, 0]);
    expect(k.mm.anonRss[mm]).toBe(512);
    expect(freePageCount(k)).toBe(free - 512 + 3);
    expect(k.mm.mmapLock[mm]).toBe(0);
    expect(run(collapseHugePage(k, mm, HAT))).toBe(0);
    run(splitHugePmd(k, k.mm.vmaFirst[mm] ?? 0, pmdEntry(k, mm, HAT), HAT));
    expect(ptePfn(k, mm, HAT + 5)).toBe(folio + 5);
  });

  test.each([
    ['FOLL_GET', get],
    ['FOLL_PIN', undefined],
  ])('A.20.4 a %s reference on one page refuses, and everything stays', (_name, hold) => {
    const { k, mm, task, pfns } = small();
    if (hold === undefined) pin(k, mm, pfns[2] ?? 0);
    else hold(k, pfns[2] ?? 0);
    const free = freePageCount(k);
    expect(run(collapseHugePage(k, mm, HAT))).toBe(-EAGAIN);
    expect(freePageCount(k)).toBe(free);
    expect([0, 1, 300].map((i) => ptePfn(k, mm, HAT + i))).toEqual(pfns);
    expect(store(k, task, HAT, 9)).toBe(pfns[0]);
  });

  test('A.31 H5 a reference that appears after the first look: pages are released and the table comes back', () => {
    const { k, mm, task, pfns } = small();
    const pmd = pmdEntry(k, mm, HAT);
    const steps = collapseHugePage(k, mm, HAT);
    let result = steps.next();
    while (!result.done && k.contents[pmd] !== 0) result = steps.next();
    get(k, pfns[2] ?? 0);
    while (!result.done) result = steps.next();
    expect(result.value).toBe(-EAGAIN);
    expect([0, 1, 300].map((i) => ptePfn(k, mm, HAT + i))).toEqual(pfns);
    for (const pfn of pfns) {
      expect((k.page.flags[pfn] ?? 0) & (PG.locked | PG.lru | PG.isolated)).toBe(PG.lru);
    }
    expect(pfns.map((pfn) => k.page.refcount[pfn])).toEqual([1, 1, 2]);
    expect(store(k, task, HAT, 9)).toBe(pfns[0]);
  });

  test('errors: no mapping, nothing mapped, MADV_NOHUGEPAGE, nothing writable, uffd-wp', () => {
    const { k, mm, vma } = small();
    expect(run(collapseHugePage(k, mm, 0x9000))).toBe(-EINVAL);
    mapVma(k, mm, 0x9000, 512);
    expect(run(collapseHugePage(k, mm, 0x9000))).toBe(-EINVAL);
    k.vma.flags[vma] = (k.vma.flags[vma] ?? 0) | VM.noHugepage;
    expect(run(collapseHugePage(k, mm, HAT))).toBe(-EINVAL);
    k.vma.flags[vma] = (k.vma.flags[vma] ?? 0) & ~VM.noHugepage;
    const pte = pteEntry(k, mm, HAT + 1);
    k.contents[pte] = (k.contents[pte] ?? 0) | PTE.uffdWp;
    expect(run(collapseHugePage(k, mm, HAT))).toBe(-EINVAL);
  });

  test('pages shared by fork are copied away from the other process, if one entry at least is writable', () => {
    const { k, mm, task } = small();
    const childTask = newTask(k, 0, 1);
    run(dupMm(k, task, childTask));
    expect(run(collapseHugePage(k, mm, HAT))).toBe(-EINVAL);
    store(k, task, HAT + 1, 50);
    expect(run(collapseHugePage(k, mm, HAT))).toBe(0);
    store(k, task, HAT, 60);
    expect(pageByte(k, load(k, childTask, HAT), 0)).toBe(1);
    expect(pageByte(k, load(k, childTask, HAT + 1), 0)).toBe(2);
  });

  test('MADV_COLLAPSE takes whole 2 MiB ranges only; exit gives all back', () => {
    const empty = boot('6.12');
    run(exitMm(empty.k, empty.task));
    const { k, mm, task } = small();
    expect(run(madviseCollapse(k, task, HAT + 1, HAT + 512))).toBe(0);
    expect(pmdLo(k, mm, HAT) & PTE.pse).toBe(0);
    // What is mapped of it is collapsed, the hole is named.
    expect(run(madviseCollapse(k, task, HAT - 5, HAT + 512))).toBe(-ENOMEM);
    expect(pmdLo(k, mm, HAT) & PTE.pse).toBe(PTE.pse);
    run(exitMm(k, task));
    expect(freePageCount(k)).toBe(freePageCount(empty.k));
    expect(k.report[0]).toBe(0);
  });

  test.each([
    ['7.1', -EINVAL],
    ['7.2', 0],
  ])('S235 a range inside of one 2 MiB at %s', (version, result) => {
    const { k, task } = small(version);
    expect(run(madviseCollapse(k, task, HAT + 1, HAT + 2))).toBe(result);
  });

  test('A.20.4 memory files: EINVAL without a page or at another place of 2 MiB, EAGAIN with a reference', () => {
    const { k, mm, task } = boot('6.12');
    const file = run(shmemNewFile(k, 1024));
    const vma = mapVma(k, mm, HAT, 512, VM.read | VM.write | VM.shared, file);
    expect(run(madviseCollapse(k, task, HAT, HAT + 512))).toBe(-EINVAL);
    const pfn = store(k, task, HAT + 3, 1);
    run(lruDrain(k));
    expect(run(madviseCollapse(k, task, HAT, HAT + 512))).toBe(NOT_MODELLED);
    k.vma.pgoff[vma] = 1;
    expect(run(madviseCollapse(k, task, HAT, HAT + 512))).toBe(-EINVAL);
    k.vma.pgoff[vma] = 0;
    get(k, pfn);
    expect(run(madviseCollapse(k, task, HAT, HAT + 512))).toBe(-EAGAIN);
    expect(k.page.refcount[pfn]).toBe(3);
  });

  test.each([
    ['7.1', -EINVAL],
    ['7.2', 0],
  ])('S236 a range inside of one 2 MiB of a file on ext4 at %s', (version, result) => {
    const { k, mm, task } = boot(version);
    mapVma(k, mm, HAT, 512, VM.read | VM.write, run(newFile(k, FILE.ext4)));
    expect(run(madviseCollapse(k, task, HAT + 1, HAT + 2))).toBe(result);
  });

  /** One of the three pages is in swap, and its entry says so. */
  const swapped = (version: string, at: number) => {
    const built = small(version);
    const { k, mm, task } = built;
    run(sysMadvise(k, task, HAT + at, 1, MADV.pageout));
    expect(pteLo(k, mm, HAT + at) & PTE.present).toBe(0);
    return built;
  };

  test('A.20.4 a page in swap is brought back, and its slot is free afterwards', () => {
    const { k, mm, task } = swapped('6.12', 300);
    expect(run(collapseHugePage(k, mm, HAT))).toBe(0);
    expect(pageByte(k, load(k, task, HAT + 300), 0)).toBe(301 & 255);
    expect(k.swap.map.some((n) => n !== 0)).toBe(false);
    expect(k.swap.cache.some((n) => n !== 0)).toBe(false);
    expect(k.mm.mmapLock[mm]).toBe(0);
    expect(audit(k, newHeld(k))).toEqual([]);
  });

  test('A.20.4 a page in swap under userfaultfd write protection stays there', () => {
    const { k, mm } = swapped('6.12', 300);
    const pte = pteEntry(k, mm, HAT + 300);
    k.contents[pte] = (k.contents[pte] ?? 0) | PTE.swpUffdWp;
    expect(run(collapseHugePage(k, mm, HAT))).toBe(-EINVAL);
    expect(k.mm.mmapLock[mm]).toBe(0);
  });

  test('A.20.4 a page whose lock somebody holds in the swap cache: EAGAIN, and mmap_lock is given up', () => {
    const { k, mm, pfns } = swapped('6.12', 300);
    // Somebody reads it in: it is in the swap cache, locked, and mapped by nobody.
    const slot = swpOffset(pteLo(k, mm, HAT + 300), 0);
    const folio = run(readSwapSlot(k, slot, 0));
    expect(folio).toBeGreaterThan(0);
    const steps = collapseHugePage(k, mm, HAT);
    let result = steps.next();
    // mmap_lock is dropped after each look, and a third time before the wait for the page.
    for (let drops = 0, held = 0; drops < 3 && !result.done; result = steps.next()) {
      const now = k.mm.mmapLock[mm] ?? 0;
      if (held !== 0 && now === 0) drops++;
      held = now;
      if (drops === 3) break;
    }
    expect(result.done).toBeFalsy();
    run(folioUnlock(k, folio));
    while (!result.done) result = steps.next();
    expect(result.value).toBe(-EAGAIN);
    expect([0, 1].map((i) => ptePfn(k, mm, HAT + i))).toEqual(pfns.slice(0, 2));
  });
});
