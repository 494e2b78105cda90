import { describe, expect, test } from 'vitest';
import { pageByte } from '../../src/machine/contents.ts';
import { PTE } from '../../src/machine/entry.ts';
import { EBUSY, EFAULT, EINVAL } from '../../src/machine/errno.ts';
import { audit, auditIdle, newHeld } from '../../src/mm/audit.ts';
import { compactMemory } from '../../src/mm/compaction.ts';
import { isKsm } from '../../src/mm/folio.ts';
import { FOLL } from '../../src/mm/foll.ts';
import { pinUserPagesFast } from '../../src/mm/gup.ts';
import { kmalloc } from '../../src/mm/kernel.ts';
import { ksmMerge } from '../../src/mm/ksm.ts';
import { MADV, sysMadvise } from '../../src/mm/madvise.ts';
import { isolateFolio } from '../../src/mm/migrate.ts';
import { unpinUserPage } from '../../src/mm/unpin.ts';
import { boot, run } from './run.ts';
import { reclaim } from './swap-builder.ts';
import { get, load, mapVma, pin, pteLo, ptePfn, store } from './vma-builder.ts';

/** Pages 100 and 101 of one mapping that asked for KSM, with the same byte. */
function twins(version: string, bytes = [7, 7]) {
  const { k, mm, task } = boot(version);
  mapVma(k, mm, 100, 4);
  const a = store(k, task, 100, bytes[0] ?? 0);
  const b = store(k, task, 101, bytes[1] ?? 0);
  expect(run(sysMadvise(k, task, 100, 4, MADV.mergeable))).toBe(0);
  const merge = () => run(ksmMerge(k, mm, 100, 101));
  const clean = (held = newHeld(k)) => expect([...audit(k, held), ...auditIdle(k)]).toEqual([]);
  return { k, mm, task, a, b, merge, clean };
}

describe('KSM', () => {
  test.each(['4.4', '5.4', '5.18', '5.19', '6.12'])(
    'A.21 %s two equal pages become one, read-only, mapped twice',
    (version) => {
      const { k, mm, task, a, b, merge, clean } = twins(version);
      expect(merge()).toBe(0);
      expect([ptePfn(k, mm, 100), ptePfn(k, mm, 101)]).toEqual([a, a]);
      expect((pteLo(k, mm, 100) | pteLo(k, mm, 101)) & PTE.write).toBe(0);
      expect([isKsm(k, a), k.page.refcount[a], k.page.mapcount[a]]).toEqual([true, 2, 2]);
      expect(k.page.refcount[b]).toBe(0);
      clean();
      expect(merge()).toBe(0);
      const copy = store(k, task, 101, 8);
      expect([copy === a, pageByte(k, a, 0), pageByte(k, copy, 0)]).toEqual([false, 7, 8]);
      expect(load(k, task, 100)).toBe(a);
      clean();
    },
  );

  test('A.19.4 compaction leaves a merged page where it is', () => {
    const { k, mm, a, merge, clean } = twins('6.12');
    expect(merge()).toBe(0);
    run(compactMemory(k));
    expect([ptePfn(k, mm, 100), ptePfn(k, mm, 101), isKsm(k, a)]).toEqual([a, a, true]);
    clean();
  });

  test('A.21 a third page joins, whichever side of the merge it is on', () => {
    const { k, mm, task, a, merge, clean } = twins('6.12');
    store(k, task, 102, 7);
    store(k, task, 103, 7);
    expect(merge()).toBe(0);
    expect(run(ksmMerge(k, mm, 102, 100))).toBe(0);
    expect(run(ksmMerge(k, mm, 101, 103))).toBe(0);
    expect([100, 101, 102, 103].map((vpn) => ptePfn(k, mm, vpn))).toEqual([a, a, a, a]);
    clean();
  });

  test('A.21 different pages, memory that did not ask, holes', () => {
    const { k, mm, task, merge, clean } = twins('6.12', [7, 8]);
    expect(merge()).toBe(-EINVAL);
    expect(run(ksmMerge(k, mm, 100, 102))).toBe(-EFAULT);
    expect(run(ksmMerge(k, mm, 100, 500))).toBe(-EFAULT);
    expect(run(sysMadvise(k, task, 100, 4, MADV.unmergeable))).toBe(0);
    expect(merge()).toBe(-EINVAL);
    clean();
  });

  test.each(['4.4', '5.4', '5.18', '6.12'])(
    'A.21.1 A.21.2 %s a pin or a reference on either page refuses, and both stay as they were',
    (version) => {
      for (const hold of [
        pin,
        (k: Parameters<typeof pin>[0], _mm: number, pfn: number) => get(k, pfn),
      ]) {
        for (const which of ['a', 'b'] as const) {
          const twin = twins(version);
          const { k, mm, task, a, b, merge } = twin;
          hold(k, mm, twin[which]);
          expect(merge()).toBe(-EBUSY);
          expect(ptePfn(k, mm, 101)).toBe(b);
          // The first page became KSM before the second one refused, and is given up again by a copy.
          if (which === 'a') expect(ptePfn(k, mm, 100)).toBe(a);
          expect(isKsm(k, ptePfn(k, mm, 100))).toBe(false);
          expect(pageByte(k, store(k, task, 101, 9), 0)).toBe(9);
          expect(ptePfn(k, mm, 101)).toBe(b);
        }
      }
    },
  );

  test('A.21.1 to 5.18 a clean read-only entry is not asked about: the pinned page is left behind', () => {
    const left = (version: string) => {
      const { k, mm, task, b, merge } = twins(version);
      reclaim(k, b);
      const back = load(k, task, 101);
      const pages = kmalloc(k, 1);
      expect(run(pinUserPagesFast(k, task, 101, 1, 0, pages))).toBe(1);
      const result = merge();
      const stale = ptePfn(k, mm, 101) !== k.kmem[pages];
      expect(back).toBeGreaterThan(0);
      run(unpinUserPage(k, k.kmem[pages] ?? 0));
      return [result, stale];
    };
    expect(left('5.7')).toEqual([0, true]);
    expect(left('5.18')).toEqual([0, true]);
    expect(left('5.19')).toEqual([-EBUSY, false]);
    expect(left('6.12')).toEqual([-EBUSY, false]);
  });

  test('A.21.3 a pin for reading unshares from 5.19', () => {
    const stays = (version: string) => {
      const { k, task, a, merge } = twins(version);
      merge();
      const pages = kmalloc(k, 1);
      expect(run(pinUserPagesFast(k, task, 100, 1, 0, pages))).toBe(1);
      return k.kmem[pages] === a;
    };
    expect([stays('5.18'), stays('5.19')]).toEqual([true, false]);
  });

  test('S162 MADV_UNMERGEABLE copies: writable to 6.1, read-only and exclusive from 6.2', () => {
    const writable = (version: string) => {
      const { k, mm, task, a, merge, clean } = twins(version);
      merge();
      expect(run(sysMadvise(k, task, 100, 4, MADV.unmergeable))).toBe(0);
      expect(ptePfn(k, mm, 100) === a && ptePfn(k, mm, 101) === a).toBe(false);
      expect(isKsm(k, ptePfn(k, mm, 101))).toBe(false);
      clean();
      return (pteLo(k, mm, 101) & PTE.write) !== 0;
    };
    expect([writable('5.4'), writable('6.1'), writable('6.2')]).toEqual([true, true, false]);
  });

  test('A.13 a fast pin for writing breaks the sharing first', () => {
    const { k, mm, task, a, merge } = twins('6.12');
    merge();
    const pages = kmalloc(k, 1);
    expect(run(pinUserPagesFast(k, task, 100, 1, FOLL.write, pages))).toBe(1);
    expect([k.kmem[pages] === a, k.kmem[pages] === ptePfn(k, mm, 100)]).toEqual([false, true]);
  });

  test('KSM pages are left where they are', () => {
    const { k, a, merge } = twins('6.12');
    merge();
    expect(run(isolateFolio(k, a))).toBe(false);
  });
});
