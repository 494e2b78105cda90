import { describe, expect, test } from 'vitest';
import {
  freePageCount,
  GFP,
  isolateArea,
  pageIsCma,
  pageIsFree,
  pageIsMovableZone,
  takePageAt,
} from '../../src/machine/buddy.ts';
import { pageByte } from '../../src/machine/contents.ts';
import { EBUSY, EINTR, EINVAL, ENOMEM } from '../../src/machine/errno.ts';
import { AREA_FIELDS } from '../../src/machine/machine.ts';
import { audit, auditIdle, newHeld } from '../../src/mm/audit.ts';
import { cmaAlloc } from '../../src/mm/cma.ts';
import { compactMemory } from '../../src/mm/compaction.ts';
import { failKmalloc } from '../../src/mm/fail-alloc.ts';
import { folioPut } from '../../src/mm/folio.ts';
import { FOLL } from '../../src/mm/foll.ts';
import { pinUserPagesUnlocked } from '../../src/mm/gup.ts';
import { type Kernel, kmalloc, PF } from '../../src/mm/kernel.ts';
import { folioIsLongtermPinnable } from '../../src/mm/longterm-pinnable.ts';
import { offlineMovable } from '../../src/mm/memory-hotplug.ts';
import { isolateFolio, migrateFolio } from '../../src/mm/migrate.ts';
import { counts, pinStat } from './pin-builder.ts';
import { boot, run } from './run.ts';
import { get, load, mapVma, pin, ptePfn, store } from './vma-builder.ts';

const CMA = [{ pages: 256 }, { pages: 64, cma: true }];
const MOVABLE = [{ pages: 256 }, { pages: 64, movable: true }];

const clean = (k: Kernel, held = newHeld(k)) =>
  expect([...audit(k, held), ...auditIdle(k)]).toEqual([]);

/** One page of a process, moved to CMA where there is some; ZONE_MOVABLE gives it at once. */
function onePage(version: string, areas: typeof CMA | typeof MOVABLE) {
  const { k, mm, task } = boot(version, { areas, swapPages: 16, vmas: 16, tlbEntries: 8 });
  mapVma(k, mm, 100, 4);
  let pfn = store(k, task, 100, 7);
  if (areas === CMA) {
    expect(run(isolateFolio(k, pfn))).toBe(true);
    expect(run(migrateFolio(k, pfn, GFP.cma, 0))).toBe(0);
    pfn = ptePfn(k, mm, 100);
    expect(pageIsCma(k, pfn)).toBe(true);
  } else {
    expect(pageIsMovableZone(k, pfn)).toBe(true);
  }
  return { k, mm, task, pfn };
}

describe('pages by number', () => {
  test('exactly this page is taken off the free lists, and goes back to its block', () => {
    const { k } = boot('6.12', { areas: [{ pages: 256 }] });
    const before = freePageCount(k);
    expect(pageIsFree(k, 200)).toBe(true);
    expect(run(takePageAt(k, 200))).toBe(true);
    expect([pageIsFree(k, 200), pageIsFree(k, 201), freePageCount(k)]).toEqual([
      false,
      true,
      before - 1,
    ]);
    expect(run(takePageAt(k, 200))).toBe(false);
    run(folioPut(k, 200, 1));
    expect(freePageCount(k)).toBe(before);
    clean(k);
  });
});

describe('CMA', () => {
  test('A.19.5 the page is moved, with its content, and the whole area taken', () => {
    const { k, mm, task, pfn } = onePage('6.12', CMA);
    const first = run(cmaAlloc(k, 64));
    expect([first, pageIsCma(k, first)]).toEqual([256, true]);
    const now = ptePfn(k, mm, 100);
    expect([now === pfn, pageIsCma(k, now), pageByte(k, now, 0)]).toEqual([false, false, 7]);
    expect(load(k, task, 100)).toBe(now);
    const held = newHeld(k);
    for (let i = 0; i < 64; i++) held.gets[first + i] = 1;
    clean(k, held);
  });

  test('A.19.5 a held page makes it fail, and a smaller allocation goes round it', () => {
    const { k, mm, pfn } = onePage('6.12', CMA);
    get(k, pfn);
    expect(run(cmaAlloc(k, 64))).toBe(0);
    expect(ptePfn(k, mm, 100)).toBe(pfn);
    expect(run(cmaAlloc(k, 8))).toBe(pfn + 1);
    expect(run(cmaAlloc(k, 65))).toBe(0);
    const held = newHeld(k);
    held.gets[pfn] = 1;
    for (let i = 0; i < 8; i++) held.gets[pfn + 1 + i] = 1;
    clean(k, held);
  });

  test('S160 an isolated block does not look like CMA to 5.18, and is no place to be pinned from 5.19', () => {
    const pinnable = (version: string, areas: typeof CMA | typeof MOVABLE) => {
      const { k, pfn } = onePage(version, areas);
      run(isolateArea(k, AREA_FIELDS.words, true));
      return folioIsLongtermPinnable(k, pfn);
    };
    expect([pinnable('5.18', CMA), pinnable('5.19', CMA)]).toEqual([true, false]);
    expect([pinnable('5.18', MOVABLE), pinnable('5.19', MOVABLE)]).toEqual([false, false]);
  });
});

describe('compaction', () => {
  test('A.19.4 pages go to the top of their area; held ones stay', () => {
    const { k, mm, task } = boot('6.12', { areas: [{ pages: 256 }], vmas: 16 });
    mapVma(k, mm, 100, 4);
    const pages = [0, 1, 2, 3].map((i) => store(k, task, 100 + i, 10 + i));
    pin(k, mm, pages[1] ?? 0);
    get(k, pages[2] ?? 0);
    expect(run(compactMemory(k))).toBe(2);
    const now = [0, 1, 2, 3].map((i) => ptePfn(k, mm, 100 + i));
    expect([now[1], now[2]]).toEqual([pages[1], pages[2]]);
    expect([now[0], now[3]]).toEqual([255, 254]);
    expect(now.map((pfn) => pageByte(k, pfn, 0))).toEqual([10, 11, 12, 13]);
    const held = newHeld(k);
    held.pins[pages[1] ?? 0] = 1;
    held.gets[pages[2] ?? 0] = 1;
    clean(k, held);
    expect(run(compactMemory(k))).toBe(0);
  });
});

describe('memory offline', () => {
  test('A.19.5 moves everything out; nothing is given out from there afterwards', () => {
    const { k, mm, task } = onePage('6.12', MOVABLE);
    expect(run(offlineMovable(k, task))).toBe(0);
    expect(pageIsMovableZone(k, ptePfn(k, mm, 100))).toBe(false);
    expect(pageIsMovableZone(k, store(k, task, 101, 1))).toBe(false);
    clean(k);
  });

  test('S161 a held page: -EBUSY after some attempts to 4.14, for ever from 4.15, until a signal', () => {
    const old = onePage('4.14', MOVABLE);
    get(old.k, old.pfn);
    expect(run(offlineMovable(old.k, old.task))).toBe(-EBUSY);
    expect(pageIsMovableZone(old.k, store(old.k, old.task, 101, 1))).toBe(true);
    const { k, task, pfn } = onePage('6.12', MOVABLE);
    get(k, pfn);
    k.task.flags[task] = (k.task.flags[task] ?? 0) | PF.sigkill;
    expect(run(offlineMovable(k, task))).toBe(-EINTR);
  });

  test('there is nothing to take without ZONE_MOVABLE', () => {
    const { k, task } = boot('6.12', { areas: [{ pages: 256 }] });
    expect(run(offlineMovable(k, task))).toBe(-EINVAL);
  });
});

describe('longterm pins when memory is short', () => {
  test('S56 S57 6.11 keeps the pins, 6.12 gives them back, others need no array', () => {
    const outcome = (version: string) => {
      const { k, task, pfn } = onePage(version, MOVABLE);
      const pages = kmalloc(k, 1);
      run(failKmalloc(k, 1));
      const got = run(pinUserPagesUnlocked(k, task, 100, 1, FOLL.write | FOLL.longterm, pages));
      const [acquired, released] = pinStat(k);
      return [got, (counts(k, pfn)[0] ?? 0) >= 1024, acquired - released];
    };
    expect(outcome('6.10')).toEqual([1, false, 1]);
    expect(outcome('6.11')).toEqual([-ENOMEM, true, 1]);
    expect(outcome('6.12')).toEqual([-ENOMEM, false, 0]);
    expect(outcome('6.13')).toEqual([1, false, 1]);
  });
});
