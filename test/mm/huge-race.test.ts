import { describe, expect, test } from 'vitest';
import { freePageCount } from '../../src/machine/buddy.ts';
import { accessEnabled } from '../../src/machine/enabled.ts';
import { leafPfn } from '../../src/machine/mmu.ts';
import { PG } from '../../src/machine/page.ts';
import type { Steps, TaskId } from '../../src/machine/types.ts';
import { exitMm } from '../../src/mm/exit.ts';
import { folioPut, headOf } from '../../src/mm/folio.ts';
import { FOLL } from '../../src/mm/foll.ts';
import { dupMm } from '../../src/mm/fork.ts';
import { pinUserPagesFast } from '../../src/mm/gup.ts';
import { splitHugePage, splitHugePmd } from '../../src/mm/huge-split.ts';
import { type Kernel, kmalloc, MISC, newTask } from '../../src/mm/kernel.ts';
import { collapseHugePage } from '../../src/mm/khugepaged.ts';
import { userAccess } from '../../src/mm/memory.ts';
import { pmdEntry } from '../../src/mm/pgtable.ts';
import { folioMaybeDmaPinned } from '../../src/mm/pinned.ts';
import { unpinUserPage } from '../../src/mm/unpin.ts';
import { zapRange } from '../../src/mm/zap.ts';
import { inBursts } from './bursts.ts';
import { HAT, hugetlbBoot, mapHuge, thpBoot } from './huge-builder.ts';
import { boot, run } from './run.ts';
import { mapVma, store } from './vma-builder.ts';

const SEEDS = Array.from({ length: 40 }, (_, i) => i);

/** What split_huge_page()'s callers do around it. */
function* splitCaller(k: Kernel, folio: number): Steps<number> {
  k.page.refcount[folio] = (k.page.refcount[folio] ?? 0) + 1;
  k.page.flags[folio] = (k.page.flags[folio] ?? 0) | PG.locked;
  const result = yield* splitHugePage(k, folio);
  k.page.flags[folio] = (k.page.flags[folio] ?? 0) & ~PG.locked;
  yield* folioPut(k, folio, 1);
  return result;
}

/** The end of a run: nothing was reported, unpinning and exit leave nothing behind. */
function settle(
  k: Kernel,
  tasks: readonly TaskId[],
  pfn: number,
  free: number,
  seed: number,
): void {
  if (pfn > 0) run(unpinUserPage(k, pfn));
  for (const task of tasks) if (k.task.mm[task] !== 0) run(exitMm(k, task));
  // The huge page of zeros is made at its first use, for good.
  const zeros = k.misc[MISC.hugeZero] === 0 ? 0 : 512;
  expect({ seed, report: k.report[0], free: freePageCount(k) + zeros }).toEqual({
    seed,
    report: 0,
    free,
  });
}

function emptyFree(version: string): number {
  const { k, task } = boot(version);
  run(exitMm(k, task));
  return freePageCount(k);
}

describe('races with huge pages', () => {
  test('S17, A.20.2 gup-fast against a folio split: the pin is on the page that is mapped', () => {
    const free = emptyFree('6.11');
    const seen = new Set<string>();
    for (const seed of SEEDS) {
      const { k, mm, task, folio, e, vma } = thpBoot('6.11');
      run(splitHugePmd(k, vma, e, HAT));
      const pages = kmalloc(k, 1);
      const pinner = newTask(k, mm, 1);
      const splitter = splitCaller(k, folio);
      // A split is a thousand times longer than a pin: start at any place of it.
      for (let i = 0; i < (seed * 379) % 9000; i++) splitter.next();
      const [pinned, split] = inBursts(k, seed, [
        pinUserPagesFast(k, pinner, HAT + 300, 1, FOLL.write, pages),
        splitter,
      ]);
      expect(pinned).toBe(1);
      const pfn = k.kmem[pages] ?? 0;
      expect(pfn).toBe(folio + 300);
      expect(leafPfn(k, mm, HAT + 300)).toBe(pfn);
      expect(run(folioMaybeDmaPinned(k, headOf(k, pfn)))).toBe(true);
      seen.add(String(split));
      k.task.mm[pinner] = 0;
      settle(k, [task], pfn, free, seed);
    }
    // Both orders were met: the split won, or the pin did.
    expect(seen.size).toBe(2);
  });

  test.each([['ipi'], ['rcu']] as const)(
    'S16, A.20.5 gup-fast against collapse (%s): a pinned page is never collapsed away',
    (tableFree) => {
      const free = emptyFree('6.12');
      const seen = new Set<string>();
      for (const seed of SEEDS) {
        const { k, mm, task } = boot('6.12', { tableFree });
        mapVma(k, mm, HAT, 512);
        for (const i of [0, 2]) store(k, task, HAT + i, i + 1);
        const pages = kmalloc(k, 1);
        const pinner = newTask(k, mm, 1);
        const [pinned, collapsed] = inBursts(k, seed, [
          pinUserPagesFast(k, pinner, HAT + 2, 1, FOLL.write, pages),
          collapseHugePage(k, mm, HAT),
        ]);
        expect(pinned).toBe(1);
        const pfn = k.kmem[pages] ?? 0;
        expect({ seed, pfn: leafPfn(k, mm, HAT + 2) }).toEqual({ seed, pfn });
        seen.add(String(collapsed));
        k.task.mm[pinner] = 0;
        settle(k, [task], pfn, free, seed);
      }
      expect(seen.size).toBe(2);
    },
  );

  test.each([
    ['6.0', 'ipi', false],
    ['6.0', 'rcu', true],
    ['6.1', 'rcu', false],
  ] as const)(
    'S16 %s, tables freed by %s: a pin in the midst of a collapse can lose its page: %s',
    (version, tableFree, loses) => {
      let lost = false;
      for (let at = 1; at < 30; at++) {
        const { k, mm, task } = boot(version, { tableFree });
        mapVma(k, mm, HAT, 512);
        const pfn = store(k, task, HAT, 1);
        const pages = kmalloc(k, 1);
        const pinner = pinUserPagesFast(k, newTask(k, mm, 1), HAT, 1, FOLL.write, pages);
        const collapse = collapseHugePage(k, mm, HAT);
        // The pin stops at any of its steps, the collapse once it has found that nobody refers to the page.
        let pin = pinner.next();
        for (let i = 1; i < at && !pin.done; i++) pin = pinner.next();
        let other = collapse.next();
        while (
          !other.done &&
          (k.page.flags[pfn] & PG.isolated) === 0 &&
          accessEnabled(k, other.value)
        )
          other = collapse.next();
        while (!pin.done && accessEnabled(k, pin.value)) pin = pinner.next();
        while (!other.done && accessEnabled(k, other.value)) other = collapse.next();
        while (!pin.done) pin = pinner.next();
        while (!other.done) other = collapse.next();
        if (leafPfn(k, mm, HAT) !== k.kmem[pages]) lost = true;
      }
      expect(lost).toBe(loses);
    },
  );

  test('A.15.8 gup-fast against fork of a huge page: what is pinned stays the parent’s own', () => {
    const free = emptyFree('6.12');
    for (const seed of SEEDS.slice(0, 40)) {
      const { k, mm, task, childTask } = thpBoot('6.12');
      const pages = kmalloc(k, 1);
      const pinner = newTask(k, mm, 1);
      const [pinned, child] = inBursts(k, seed, [
        pinUserPagesFast(k, pinner, HAT + 9, 1, FOLL.write, pages),
        dupMm(k, task, childTask),
      ]);
      expect(pinned).toBe(1);
      expect(child).toBeGreaterThan(0);
      const pfn = k.kmem[pages] ?? 0;
      expect({ seed, pfn: store(k, task, HAT + 9, 5) }).toEqual({ seed, pfn });
      k.task.mm[pinner] = 0;
      settle(k, [childTask, task], pfn, free, seed);
    }
  });

  test('two threads, a PMD split, a zap and faults of the same huge page: nothing is lost or leaked', () => {
    const free = emptyFree('6.12');
    for (const seed of SEEDS) {
      const { k, mm, task, vma } = thpBoot('6.12');
      const other = newTask(k, mm, 1);
      inBursts(k, seed, [
        userAccess(k, other, HAT + 9, true),
        splitHugePmd(k, vma, pmdEntry(k, mm, HAT), HAT),
        zapRange(k, vma, HAT, HAT + 512),
        userAccess(k, task, HAT + 9, false),
      ]);
      k.task.mm[other] = 0;
      settle(k, [task], 0, free, seed);
    }
  });

  test('hugetlb: owner, child and a pin of the child write one page with an empty pool: no deadlock, no leak', () => {
    for (const seed of SEEDS) {
      const { k, mm, task, childTask } = hugetlbBoot('6.12', 1);
      const at = mapHuge(k, task, 1);
      store(k, task, at, 7);
      run(dupMm(k, task, childTask));
      const other = newTask(k, mm, 2);
      const pages = kmalloc(k, 1);
      const [, , pinned] = inBursts(k, seed, [
        userAccess(k, task, at, true),
        userAccess(k, other, at + 5, true),
        pinUserPagesFast(k, childTask, at, 1, FOLL.write, pages),
      ]);
      if (pinned === 1) run(unpinUserPage(k, k.kmem[pages] ?? 0));
      k.task.mm[other] = 0;
      for (const t of [childTask, task]) run(exitMm(k, t));
      expect({
        seed,
        report: k.report[0],
        free: k.hugetlb.nrFree[0],
        reserved: k.hugetlb.reserved[0],
      }).toEqual({
        seed,
        report: 0,
        free: 1,
        reserved: 0,
      });
    }
  });
});
