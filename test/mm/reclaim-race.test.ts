import { describe, expect, test } from 'vitest';
import { GFP } from '../../src/machine/buddy.ts';
import { pageByte, setPageByte } from '../../src/machine/contents.ts';
import type { Steps } from '../../src/machine/types.ts';
import { FOLL } from '../../src/mm/foll.ts';
import { dupMm } from '../../src/mm/fork.ts';
import { pinUserPagesFast } from '../../src/mm/gup.ts';
import { type Kernel, kmalloc, newTask } from '../../src/mm/kernel.ts';
import { userAccess } from '../../src/mm/memory.ts';
import { isolateFolio, migrateFolio, putbackFolio } from '../../src/mm/migrate.ts';
import { shrinkLruPages } from '../../src/mm/vmscan.ts';
import { inBursts } from './bursts.ts';
import { boot, run } from './run.ts';
import { load, mapVma, store } from './vma-builder.ts';

const SMALL = {
  areas: [{ pages: 64 }, { pages: 16, movable: true }],
  swapPages: 8,
  mms: 4,
  cpus: 3,
  vmas: 8,
  tasks: 8,
  files: 2,
};

function* storing(k: Kernel, task: number, vpn: number, value: number): Steps<number> {
  const pfn = yield* userAccess(k, task, vpn, true);
  if (pfn > 0) setPageByte(k, pfn, 0, value);
  return pfn;
}

function* moving(k: Kernel, pfn: number): Steps<number> {
  const isolated = yield* isolateFolio(k, pfn);
  if (!isolated) return -1;
  const err = yield* migrateFolio(k, pfn, GFP.movable | GFP.pinnable, 0);
  if (err !== 0) yield* putbackFolio(k, pfn);
  return err;
}

function start(version: string) {
  const { k, mm, task } = boot(version, SMALL);
  mapVma(k, mm, 100, 4);
  const other = newTask(k, mm, 1);
  const pfn = store(k, task, 100, 7);
  return { k, mm, task, other, pfn, pages: kmalloc(k, 4) };
}

const SEEDS = Array.from({ length: 300 }, (_, i) => i + 1);

describe('A.31 races of unmapping', () => {
  test.each(['5.19', '6.12'])(
    '%s a page pinned during reclaim stays the page of its address, also after a fork',
    (version) => {
      const outcomes = new Set<string>();
      for (const seed of SEEDS) {
        const { k, task, other, pages } = start(version);
        const [pinned, freed] = inBursts(k, seed, [
          pinUserPagesFast(k, other, 100, 1, FOLL.write, pages),
          shrinkLruPages(k, 8),
        ]);
        expect(k.report[0], `seed ${seed}`).toBe(0);
        expect(pinned, `seed ${seed}`).toBe(1);
        outcomes.add(`freed ${String(freed)}`);
        const page = k.kmem[pages];
        // fork shares what isn't exclusive any more: the pinned page must still be.
        expect(run(dupMm(k, task, newTask(k, 0, 2)))).toBeGreaterThan(0);
        expect(store(k, task, 100, 9), `seed ${seed}`).toBe(page);
        expect(k.page.refcount[page] >= 1024, `seed ${seed}`).toBe(true);
      }
      expect([...outcomes].sort()).toEqual(['freed 0', 'freed 1']);
    },
  );

  test.each(['5.19', '6.12'])(
    '%s a page pinned during migration stays the page of its address',
    (version) => {
      const outcomes = new Set<string>();
      for (const seed of SEEDS) {
        const { k, task, other, pfn, pages } = start(version);
        const [pinned, err] = inBursts(k, seed, [
          pinUserPagesFast(k, other, 100, 1, FOLL.write, pages),
          moving(k, pfn),
        ]);
        expect(k.report[0], `seed ${seed}`).toBe(0);
        expect(pinned, `seed ${seed}`).toBe(1);
        outcomes.add(err === 0 ? 'moved' : 'stayed');
        expect(store(k, task, 100, 9), `seed ${seed}`).toBe(k.kmem[pages]);
      }
      expect([...outcomes].sort()).toEqual(['moved', 'stayed']);
    },
  );

  test.each(['5.10', '6.12'])(
    '%s a store through a stale translation during reclaim is never lost',
    (version) => {
      const outcomes = new Set<string>();
      for (const seed of SEEDS) {
        const { k, task, other } = start(version);
        store(k, other, 100, 6);
        const [stored, freed] = inBursts(k, seed, [
          storing(k, other, 100, 8),
          shrinkLruPages(k, 1),
        ]);
        expect(k.report[0], `seed ${seed}`).toBe(0);
        expect(stored as number, `seed ${seed}`).toBeGreaterThan(0);
        expect(pageByte(k, load(k, task, 100), 0), `seed ${seed}`).toBe(8);
        outcomes.add(`freed ${String(freed)}`);
      }
      expect([...outcomes].sort()).toEqual(['freed 0', 'freed 1']);
    },
  );

  test.each(['5.10', '6.12'])(
    '%s a store during reclaim and migration at once is never lost',
    (version) => {
      for (const seed of SEEDS) {
        const { k, task, other, pfn } = start(version);
        store(k, other, 100, 6);
        const threads = [storing(k, other, 100, 8), shrinkLruPages(k, 8), moving(k, pfn)];
        const [stored] = inBursts(k, seed, threads);
        expect(k.report[0], `seed ${seed}`).toBe(0);
        expect(stored as number, `seed ${seed}`).toBeGreaterThan(0);
        expect(pageByte(k, load(k, task, 100), 0), `seed ${seed}`).toBe(8);
      }
    },
  );
});
