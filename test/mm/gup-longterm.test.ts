import { describe, expect, test } from 'vitest';
import { R } from '../../src/machine/access.ts';
import { pageIsCma, pageIsMovableZone, returnPages, takePages } from '../../src/machine/buddy.ts';
import { pageByte } from '../../src/machine/contents.ts';
import { ENOMEM } from '../../src/machine/errno.ts';
import { lockShared } from '../../src/machine/locks.ts';
import { PG } from '../../src/machine/page.ts';
import { BUG } from '../../src/machine/report.ts';
import { FOLL } from '../../src/mm/foll.ts';
import {
  getUserPagesLongterm,
  pinUserPages,
  pinUserPagesFast,
  pinUserPagesUnlocked,
} from '../../src/mm/gup.ts';
import { kmalloc, PF } from '../../src/mm/kernel.ts';
import { userAccess } from '../../src/mm/memory.ts';
import { AT, counts, pinStat } from './pin-builder.ts';
import { boot, run } from './run.ts';
import { mapVma, ptePfn, store } from './vma-builder.ts';

const CMA = [{ pages: 256 }, { pages: 256, cma: true }];
const MOVABLE = [{ pages: 16384 }, { pages: 4096, movable: true }];

/** One page of a process in memory that a longterm pin may not stay in; all other memory is free. */
function inArea(name: string, areas: typeof CMA | typeof MOVABLE) {
  const { k, task, mm } = boot(name, { areas });
  mapVma(k, mm, AT, 1);
  run(userAccess(k, task, AT, false));
  // CMA is used only where there is nothing else.
  const held: number[] = [];
  while (areas === CMA) {
    const pfn = takePages(k, 0, 0, 0);
    if (pfn === 0) break;
    held.push(pfn);
  }
  const pfn = store(k, task, AT, 42);
  for (const page of held) returnPages(k, page, 0);
  return { k, task, mm, pfn, pages: kmalloc(k, 4) };
}

describe('A.12 longterm pins', () => {
  test('A.12.2 a page of ZONE_MOVABLE is moved, then pinned; its content goes along', () => {
    const { k, task, mm, pfn, pages } = inArea('6.12', MOVABLE);
    expect(pageIsMovableZone(k, pfn)).toBe(true);
    expect(run(pinUserPagesFast(k, task, AT, 1, FOLL.write | FOLL.longterm, pages))).toBe(1);
    const now = k.kmem[pages] ?? 0;
    expect(pageIsMovableZone(k, now)).toBe(false);
    expect(now).toBe(ptePfn(k, mm, AT));
    expect(pageByte(k, now, 0)).toBe(42);
    expect(counts(k, now)).toEqual([1025, 0]);
    const [acquired, released] = pinStat(k);
    // Pinned where it was, given back, pinned where it is; the fast path's own attempt isn't counted as a pin.
    expect([acquired, released]).toEqual([2, 1]);
    expect((k.task.flags[task] ?? 0) & PF.memallocPin).toBe(0);
    expect(k.report[0]).toBe(BUG.none);
  });

  test('A.12.2 a page that is not there yet comes from memory that may be pinned', () => {
    const { k, task, mm } = boot('6.12', { areas: MOVABLE });
    mapVma(k, mm, AT, 1);
    const pages = kmalloc(k, 1);
    expect(run(pinUserPagesUnlocked(k, task, AT, 1, FOLL.write | FOLL.longterm, pages))).toBe(1);
    expect(pageIsMovableZone(k, k.kmem[pages] ?? 0)).toBe(false);
    expect(pinStat(k)).toEqual([1, 0]);
  });

  test('S22 5.12 leaves ZONE_MOVABLE alone', () => {
    const { k, task, mm, pfn, pages } = inArea('5.12', MOVABLE);
    run(lockShared(k, R.mmapLock, mm));
    expect(run(pinUserPages(k, task, AT, 1, FOLL.write | FOLL.longterm, pages))).toBe(1);
    expect(k.kmem[pages]).toBe(pfn);
  });

  test('A.12.4 a page that cannot be moved: -ENOMEM and no pin left since 5.13', () => {
    const { k, task, pfn, pages } = inArea('6.12', MOVABLE);
    k.page.refcount[pfn] = 2;
    expect(run(pinUserPagesFast(k, task, AT, 1, FOLL.write | FOLL.longterm, pages))).toBe(-ENOMEM);
    expect(counts(k, pfn)).toEqual([2, 0]);
    const [acquired, released] = pinStat(k);
    expect(acquired).toBe(released);
  });

  test('S21 a CMA page: left alone in 5.0, moved since 5.1; until 5.12 it is pinned in place when it cannot be moved', () => {
    const outcome = (name: string, extra: number) => {
      const { k, task, mm, pfn, pages } = inArea(name, CMA);
      expect(pageIsCma(k, pfn)).toBe(true);
      k.page.refcount[pfn] = 1 + extra;
      run(lockShared(k, R.mmapLock, mm));
      const call = name === '5.0' || name === '5.1' ? getUserPagesLongterm : pinUserPages;
      const got = run(call(k, task, AT, 1, FOLL.write | FOLL.longterm, pages));
      return [got, got === 1 && k.kmem[pages] === pfn];
    };
    expect(outcome('5.0', 0)).toEqual([1, true]);
    expect(outcome('5.1', 0)).toEqual([1, false]);
    expect(outcome('5.1', 1)).toEqual([1, true]);
    expect(outcome('5.7', 0)).toEqual([1, false]);
    expect(outcome('5.7', 1)).toEqual([1, true]);
    expect(outcome('5.13', 0)).toEqual([1, false]);
    expect(outcome('5.13', 1)).toEqual([-ENOMEM, false]);
  });

  test('A.12.3 a page that cannot be isolated stays pinned in place in 6.14', () => {
    const { k, task, pfn, pages } = inArea('6.14', MOVABLE);
    k.page.flags[pfn] = (k.page.flags[pfn] ?? 0) & ~PG.lru;
    expect(run(pinUserPagesUnlocked(k, task, AT, 1, FOLL.write | FOLL.longterm, pages))).toBe(1);
    expect(k.kmem[pages]).toBe(pfn);
    expect(counts(k, pfn)).toEqual([1025, 0]);
  });
});
