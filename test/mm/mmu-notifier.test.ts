import { describe, expect, test } from 'vitest';
import { invalidateSeq, NOTIFIER_PAGES } from '../../src/mm/device-tables.ts';
import { hmmRangeFault } from '../../src/mm/hmm.ts';
import {
  intervalInsert,
  intervalReadBegin,
  intervalReadRetry,
  intervalRemove,
  invalidateEnd,
  invalidateStart,
  setDeviceEntry,
} from '../../src/mm/mmu-notifier.ts';
import { interleave } from './interleave.ts';
import { boot, run } from './run.ts';
import { mapVma, store } from './vma-builder.ts';

function world() {
  const b = boot('6.12', { areas: [{ pages: 1024 }], notifiers: true, vmas: 24 });
  mapVma(b.k, b.mm, 100, 4);
  const n = run(intervalInsert(b.k, b.mm, 100, 104, true));
  return { ...b, n };
}

describe('interval notifiers', () => {
  test('A.25.2 the number is odd while an invalidation that meets the interval is under way', () => {
    const { k, mm } = world();
    const seq = k.kmem[invalidateSeq(mm)] ?? 0;
    const told = run(invalidateStart(k, mm, 102, 103));
    expect(told).toBe(true);
    expect((k.kmem[invalidateSeq(mm)] ?? 0) & 1).toBe(1);
    run(invalidateEnd(k, mm, true));
    expect(k.kmem[invalidateSeq(mm)]).toBe(seq + 2);
  });

  test('an invalidation elsewhere leaves the number alone', () => {
    const { k, mm, n } = world();
    const seq = run(intervalReadBegin(k, n));
    expect(run(invalidateStart(k, mm, 104, 108))).toBe(true);
    run(invalidateEnd(k, mm, true));
    expect(run(intervalReadRetry(k, n, seq))).toBe(false);
  });

  test('A.25.3 whoever read before an invalidation has to read again', () => {
    const { k, mm, n } = world();
    const seq = run(intervalReadBegin(k, n));
    expect(run(intervalReadRetry(k, n, seq))).toBe(false);
    run(invalidateStart(k, mm, 100, 101));
    run(invalidateEnd(k, mm, true));
    expect(run(intervalReadRetry(k, n, seq))).toBe(true);
    const again = run(intervalReadBegin(k, n));
    expect(run(intervalReadRetry(k, n, again))).toBe(false);
  });

  test('A.25.4 the callback takes the entries of the range, and dirties what the device could write', () => {
    const { k, mm, task, n } = world();
    const pfn = store(k, task, 100, 1);
    k.page.flags[pfn] = (k.page.flags[pfn] ?? 0) & ~8;
    setDeviceEntry(k, n, 0, pfn, true);
    setDeviceEntry(k, n, 3, pfn, false);
    run(invalidateStart(k, mm, 100, 102));
    expect(k.notifier.table[n * NOTIFIER_PAGES]).toBe(0);
    expect(k.notifier.table[n * NOTIFIER_PAGES + 3]).toBe(pfn << 1);
    expect((k.page.flags[pfn] ?? 0) & 8).toBe(8);
    run(invalidateEnd(k, mm, true));
  });

  test('read_begin waits for an invalidation of its interval', () => {
    const { k, mm, n } = world();
    run(invalidateStart(k, mm, 100, 101));
    const order: string[] = [];
    function* reader() {
      yield* intervalReadBegin(k, n);
      order.push('read');
      return 0;
    }
    function* ender() {
      yield* invalidateEnd(k, mm, true);
      order.push('end');
      return 0;
    }
    interleave(k, [reader(), ender()], () => 0);
    expect(order).toEqual(['end', 'read']);
  });

  test('remove leaves nothing behind, and nobody is told any more', () => {
    const { k, mm, n } = world();
    run(intervalRemove(k, n));
    expect(run(invalidateStart(k, mm, 100, 104))).toBe(false);
    expect([k.notifier.mm[n], k.notifier.start[n], k.notifier.end[n]]).toEqual([0, 0, 0]);
  });

  test('hmm_range_fault takes no reference, and says whether the entry may be written', () => {
    const { k, mm, task } = world();
    const pfn = store(k, task, 100, 1);
    const refs = k.page.refcount[pfn];
    expect(run(hmmRangeFault(k, task, mm, 100, true))).toBe((pfn << 1) | 1);
    expect(k.page.refcount[pfn]).toBe(refs);
    expect(run(hmmRangeFault(k, task, mm, 101, false))).toBe(k.zeroPfn << 1);
    expect(run(hmmRangeFault(k, task, mm, 300, false))).toBe(-14);
  });
});
