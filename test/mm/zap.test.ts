import { describe, expect, test } from 'vitest';
import { accessOp, IPI } from '../../src/machine/access.ts';
import { freePageCount } from '../../src/machine/buddy.ts';
import { pageByte } from '../../src/machine/contents.ts';
import { PTE } from '../../src/machine/entry.ts';
import { exitMm } from '../../src/mm/exit.ts';
import { dupMm } from '../../src/mm/fork.ts';
import { newTask } from '../../src/mm/kernel.ts';
import { zapRange } from '../../src/mm/zap.ts';
import { boot, run } from './run.ts';
import { load, mapVma, pin, pteLo, store } from './vma-builder.ts';

describe('unmapping', () => {
  test('A.26.1 pages go back to the allocator; the page under a pin stays as it is', () => {
    const { k, mm, task } = boot('6.12');
    const vma = mapVma(k, mm, 500, 600);
    const first = store(k, task, 510, 7);
    store(k, task, 600, 8);
    load(k, task, 601);
    pin(k, mm, first);
    const before = freePageCount(k);
    run(zapRange(k, vma, 500, 1100));
    expect(freePageCount(k)).toBe(before + 1);
    expect(k.page.refcount[first]).toBe(1024);
    expect(k.page.mapcount[first]).toBe(0);
    expect(pageByte(k, first, 0)).toBe(7);
    expect(k.mm.anonRss[mm]).toBe(0);
    expect(k.report[0]).toBe(0);
  });

  test('A.26.2 the next access at the address gets another page', () => {
    const { k, mm, task } = boot('6.12');
    const vma = mapVma(k, mm, 500, 4);
    const old = store(k, task, 500, 7);
    pin(k, mm, old);
    run(zapRange(k, vma, 500, 501));
    expect(store(k, task, 500, 9)).not.toBe(old);
    expect(pageByte(k, old, 0)).toBe(7);
  });

  test('only the range is emptied', () => {
    const { k, mm, task } = boot('6.12');
    const vma = mapVma(k, mm, 500, 4);
    for (let i = 0; i < 4; i++) store(k, task, 500 + i, i);
    run(zapRange(k, vma, 501, 503));
    expect([0, 1, 2, 3].map((i) => pteLo(k, mm, 500 + i) !== 0)).toEqual([
      true,
      false,
      false,
      true,
    ]);
  });

  test('A.31 M2 to M4 the entry is cleared before the flush, the page freed after it', () => {
    const { k, mm, task } = boot('6.12');
    const vma = mapVma(k, mm, 500, 4);
    const pfn = store(k, task, 500, 7);
    const zap = zapRange(k, vma, 500, 504);
    const seen: string[] = [];
    for (let step = zap.next(); !step.done; step = zap.next()) {
      if (accessOp(step.value) !== IPI) continue;
      seen.push(`${(pteLo(k, mm, 500) & PTE.present) !== 0} ${k.page.refcount[pfn]}`);
    }
    expect(seen).toEqual(['false 1']);
    expect(k.page.refcount[pfn]).toBe(0);
    expect(
      k.gather.used.every((used) => used === 0) && k.gather.pages.every((page) => page === 0),
    ).toBe(true);
  });
});

describe('exit', () => {
  test('A.26.3 the last user gives everything back but what is pinned', () => {
    const { k, mm } = boot('6.12');
    const before = freePageCount(k);
    const task = newTask(k, 0, 1);
    const child = run(dupMm(k, 1, task));
    mapVma(k, child, 500, 600);
    mapVma(k, child, 0x4000000, 4);
    const pinned = store(k, task, 500, 7);
    store(k, task, 1099, 7);
    load(k, task, 700);
    store(k, task, 0x4000001, 7);
    pin(k, child, pinned);
    run(exitMm(k, task));
    expect(freePageCount(k)).toBe(before - 1);
    expect(k.page.refcount[pinned]).toBe(1024);
    expect(k.mm.users[child]).toBe(0);
    expect(k.pgd[child]).toBe(0);
    expect(k.mm.users[mm]).toBe(1);
    expect(k.report[0]).toBe(0);
  });

  test('an address space with another user stays', () => {
    const { k, mm, task } = boot('6.12');
    mapVma(k, mm, 500, 4);
    const thread = newTask(k, mm, 1);
    k.mm.users[mm] = 2;
    const pfn = store(k, task, 500, 7);
    run(exitMm(k, task));
    expect(k.mm.users[mm]).toBe(1);
    expect(load(k, thread, 500)).toBe(pfn);
  });
});
