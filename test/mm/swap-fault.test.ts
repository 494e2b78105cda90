import { describe, expect, test } from 'vitest';
import { pageByte } from '../../src/machine/contents.ts';
import { PTE } from '../../src/machine/entry.ts';
import { PG } from '../../src/machine/page.ts';
import { exitMm } from '../../src/mm/exit.ts';
import { dupMm } from '../../src/mm/fork.ts';
import { newTask } from '../../src/mm/kernel.ts';
import { swapCount } from '../../src/mm/swap-state.ts';
import { boot, run } from './run.ts';
import { reclaim, swapInUse } from './swap-builder.ts';
import { get, load, mapVma, pteLo, store } from './vma-builder.ts';

function swapped(version: string, held: boolean) {
  const { k, mm, task } = boot(version);
  mapVma(k, mm, 100, 4);
  const pfn = store(k, task, 100, 7);
  if (held) get(k, pfn);
  reclaim(k, pfn);
  return { k, mm, task, pfn };
}

describe('swap-in', () => {
  // S4: does a write to a page in the swap cache, with one foreign reference, keep the page?
  test.each([
    ['5.8', true],
    ['5.10', true],
    ['5.17', true],
    ['5.18', false],
    ['5.19', true],
    ['6.12', true],
  ])('S4 %s a write to a page with a GET reference keeps it: %s', (version, keeps) => {
    const { k, task, pfn } = swapped(version, true);
    expect(store(k, task, 100, 8) === pfn).toBe(keeps);
    expect(pageByte(k, load(k, task, 100), 0)).toBe(8);
  });

  test.each(['5.10', '5.18', '6.12'])(
    'A.18.6 %s a write to a page that only this process has maps it writable',
    (version) => {
      const { k, mm, task } = swapped(version, false);
      const pfn = store(k, task, 100, 8);
      expect(pteLo(k, mm, 100) & (PTE.write | PTE.dirty)).toBe(PTE.write | PTE.dirty);
      expect(k.page.refcount[pfn]).toBe(1);
      expect(swapInUse(k)).toBe(0);
    },
  );

  test('A.18.6 a read fault of an exclusive entry maps writable from 6.11 on', () => {
    for (const [version, writable] of [
      ['6.10', false],
      ['6.11', true],
    ] as const) {
      const { k, mm, task } = swapped(version, false);
      load(k, task, 100);
      expect((pteLo(k, mm, 100) & PTE.write) !== 0, version).toBe(writable);
    }
  });

  test('A.15.10 a swap entry shared by fork is not exclusive; the second writer copies', () => {
    const { k, mm, task } = swapped('6.12', false);
    const child = newTask(k, 0, 1);
    const childMm = run(dupMm(k, task, child));
    expect(childMm).toBeGreaterThan(0);
    k.task.mm[child] = childMm;
    expect(swapCount(k, 1)).toBe(2);
    const a = load(k, task, 100);
    expect(k.page.flags[a] & PG.anonExclusive).toBe(0);
    expect(pteLo(k, mm, 100) & PTE.write).toBe(0);
    expect(load(k, child, 100)).toBe(a);
    expect(swapCount(k, 1)).toBe(0);
    const b = store(k, child, 100, 9);
    expect(b).not.toBe(a);
    expect(pageByte(k, a, 0)).toBe(7);
    expect(pageByte(k, b, 0)).toBe(9);
  });

  test('exit gives the slot back', () => {
    const { k, task } = swapped('6.12', false);
    run(exitMm(k, task));
    expect(swapInUse(k)).toBe(0);
    expect(k.swap.data.every((w) => w === 0)).toBe(true);
  });

  test('exit takes a page along that was only in the swap cache', () => {
    const { k, task, pfn } = swapped('6.12', true);
    run(exitMm(k, task));
    expect(swapInUse(k)).toBe(0);
    // Only the GET reference is left.
    expect(k.page.refcount[pfn]).toBe(1);
    expect(k.report[0]).toBe(0);
  });
});
