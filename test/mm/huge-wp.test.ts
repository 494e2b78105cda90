import { describe, expect, test } from 'vitest';
import { pageByte, setPageByte } from '../../src/machine/contents.ts';
import { PTE } from '../../src/machine/entry.ts';
import { exitMm } from '../../src/mm/exit.ts';
import { FAULT } from '../../src/mm/fault-flags.ts';
import { folioMapcount, headOf, pageAnonExclusive } from '../../src/mm/folio.ts';
import { dupMm } from '../../src/mm/fork.ts';
import { handleMmFault } from '../../src/mm/memory.ts';
import { HAT, pinLarge, pmdLo, pmdPfn, thpBoot } from './huge-builder.ts';
import { run } from './run.ts';
import { get, load, ptePfn, store } from './vma-builder.ts';

/** After fork and the child's exit: mapped once again, read-only, no longer exclusive. */
function once(version: string) {
  const m = thpBoot(version);
  expect(run(dupMm(m.k, m.task, m.childTask))).toBeGreaterThan(0);
  run(exitMm(m.k, m.childTask));
  return m;
}

describe('write fault on a huge PMD', () => {
  test.each([['5.4'], ['5.10'], ['5.18'], ['6.12']])(
    'A.16.6 %s: mapped once and not referenced: kept',
    (version) => {
      const { k, mm, task, folio } = once(version);
      expect(pmdLo(k, mm, HAT) & PTE.write).toBe(0);
      expect(store(k, task, HAT + 3, 1)).toBe(folio + 3);
      expect(pmdLo(k, mm, HAT) & PTE.write).toBe(PTE.write);
    },
  );

  test.each([
    ['5.10', true],
    ['5.17', true],
    ['5.18', false],
    ['6.12', false],
  ])('S2 %s: mapped once, but with a FOLL_GET reference: kept %s', (version, kept) => {
    const { k, task, folio } = once(version);
    get(k, folio);
    const pfn = store(k, task, HAT + 3, 1);
    expect(pfn === folio + 3).toBe(kept);
  });

  test.each([['5.19'], ['6.12']])(
    'A.16.3 %s: exclusive and pinned, write-protected: kept whatever the count',
    (version) => {
      const { k, mm, task, folio, e } = thpBoot(version);
      pinLarge(k, mm, folio);
      get(k, folio);
      k.contents[e] = k.contents[e] & ~PTE.write;
      expect(store(k, task, HAT, 2)).toBe(folio);
    },
  );

  test('5.8+: shared with the child: the PMD is split, one small page is copied', () => {
    const { k, mm, task, folio, childTask } = thpBoot('6.12');
    run(dupMm(k, task, childTask));
    const copy = store(k, task, HAT, 9);
    expect(headOf(k, copy)).toBe(copy);
    expect(copy).not.toBe(folio);
    expect(ptePfn(k, mm, HAT + 1)).toBe(folio + 1);
    expect(pageByte(k, load(k, childTask, HAT), 0)).toBe(7);
  });

  test('to 5.7: shared with the child: all 2 MiB are copied into a huge page', () => {
    const { k, mm, task, folio, childTask } = thpBoot('5.7');
    setPageByte(k, folio + 40, 12, 77);
    run(dupMm(k, task, childTask));
    const copy = store(k, task, HAT, 9);
    expect(copy).not.toBe(folio);
    expect(k.page.compound[copy]).toBe(-9);
    expect(pageByte(k, load(k, task, HAT + 40), 12)).toBe(77);
    expect(folioMapcount(k, folio)).toBe(1);
    expect(k.page.refcount[folio]).toBe(1);
    expect(pmdPfn(k, mm, HAT)).toBe(copy);
    expect(pageByte(k, load(k, childTask, HAT), 0)).toBe(7);
  });

  test('S7 unsharing an owned page makes it exclusive and leaves it read-only', () => {
    const { k, mm, task, vma, folio } = once('6.12');
    expect(pageAnonExclusive(k, folio)).toBe(false);
    expect(run(handleMmFault(k, task, vma, HAT, FAULT.unshare))).toBe(0);
    expect(pageAnonExclusive(k, folio)).toBe(true);
    expect(pmdLo(k, mm, HAT) & PTE.write).toBe(0);
  });
});
