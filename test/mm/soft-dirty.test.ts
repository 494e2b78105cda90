import { describe, expect, test } from 'vitest';
import { PTE } from '../../src/machine/entry.ts';
import { EINVAL } from '../../src/machine/errno.ts';
import { clearRefs } from '../../src/mm/soft-dirty.ts';
import { boot, run } from './run.ts';
import { reclaim } from './swap-builder.ts';
import { get, load, mapVma, pin, pteLo, store } from './vma-builder.ts';

function page(version: string) {
  const { k, mm, task } = boot(version);
  mapVma(k, mm, 100, 2);
  return { k, mm, task, pfn: store(k, task, 100, 7) };
}

describe('soft-dirty bits', () => {
  test('A.22.3 end with the write bit, and come back with the next store', () => {
    const { k, mm, task, pfn } = page('6.12');
    expect(run(clearRefs(k, mm, 4))).toBe(0);
    expect(pteLo(k, mm, 100) & (PTE.write | PTE.softDirty)).toBe(0);
    expect(store(k, task, 100, 8)).toBe(pfn);
    expect(pteLo(k, mm, 100) & PTE.softDirty).not.toBe(0);
    expect(run(clearRefs(k, mm, 1))).toBe(0);
    expect(run(clearRefs(k, mm, 9))).toBe(-EINVAL);
  });

  test.each([
    ['5.8', 'pinned', true],
    ['5.9', 'pinned', false],
    ['5.10', 'pinned', false],
    ['5.11', 'pinned', true],
    ['5.18', 'held', false],
    ['5.19', 'held', true],
    ['6.12', 'pinned', true],
  ] as const)('S26 %s the next store of a %s page keeps it: %s', (version, how, kept) => {
    const { k, mm, task, pfn } = page(version);
    if (how === 'pinned') pin(k, mm, pfn);
    else get(k, pfn);
    run(clearRefs(k, mm, 4));
    expect(store(k, task, 100, 8) === pfn).toBe(kept);
  });

  test('A.22.3 of a swapped page too', () => {
    const { k, mm, task, pfn } = page('6.12');
    reclaim(k, pfn);
    expect(pteLo(k, mm, 100) & PTE.swpSoftDirty).not.toBe(0);
    run(clearRefs(k, mm, 4));
    expect(pteLo(k, mm, 100) & PTE.swpSoftDirty).toBe(0);
    load(k, task, 100);
    expect(pteLo(k, mm, 100) & PTE.softDirty).toBe(0);
  });
});
