import { describe, expect, test } from 'vitest';
import { PG } from '../../src/machine/page.ts';
import { isolateLru, lruDrain, putbackLru } from '../../src/mm/lru.ts';
import { boot, run } from './run.ts';
import { mapVma, store } from './vma-builder.ts';

describe('LRU', () => {
  test('a fresh page is on the LRU; isolating takes a reference, once; putback returns it', () => {
    const { k, mm, task } = boot('6.12');
    mapVma(k, mm, 100, 1);
    const pfn = store(k, task, 100, 1);
    expect(k.page.flags[pfn] & PG.lru).not.toBe(0);
    expect(run(isolateLru(k, pfn))).toBe(true);
    expect(k.page.refcount[pfn]).toBe(2);
    expect(k.page.flags[pfn] & (PG.lru | PG.isolated)).toBe(PG.isolated);
    expect(run(isolateLru(k, pfn))).toBe(false);
    expect(k.page.refcount[pfn]).toBe(2);
    run(putbackLru(k, pfn));
    expect(k.page.refcount[pfn]).toBe(1);
    expect(k.page.flags[pfn] & (PG.lru | PG.isolated)).toBe(PG.lru);
  });

  test('A.12.5 a page in a batch has one more reference and cannot be isolated before a drain', () => {
    const { k, mm, task } = boot('6.12', { lruBatch: 4 });
    mapVma(k, mm, 100, 2);
    const a = store(k, task, 100, 1);
    const b = store(k, task, 101, 1);
    expect([k.page.refcount[a], k.page.refcount[b]]).toEqual([2, 2]);
    expect(run(isolateLru(k, a))).toBe(false);
    run(lruDrain(k));
    expect([k.page.refcount[a], k.page.refcount[b]]).toEqual([1, 1]);
    expect([...k.lru.batch]).toEqual([0, 0, 0, 0]);
    expect(run(isolateLru(k, a))).toBe(true);
  });

  test('a full batch drains itself', () => {
    const { k, mm, task } = boot('6.12', { lruBatch: 2 });
    mapVma(k, mm, 100, 2);
    const a = store(k, task, 100, 1);
    expect(k.page.refcount[a]).toBe(2);
    store(k, task, 101, 1);
    expect(k.page.refcount[a]).toBe(1);
    expect(k.lru.batched[0]).toBe(0);
  });
});
