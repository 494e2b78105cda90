import { describe, expect, test } from 'vitest';
import { freePageCount } from '../../src/machine/buddy.ts';
import { pageByte } from '../../src/machine/contents.ts';
import { PTE } from '../../src/machine/entry.ts';
import { exitMm } from '../../src/mm/exit.ts';
import { entireMapcount, folioMapcount, pageAnonExclusive } from '../../src/mm/folio.ts';
import { dupMm } from '../../src/mm/fork.ts';
import { isHugeZero } from '../../src/mm/huge-entry.ts';
import { newTask } from '../../src/mm/kernel.ts';
import { VM } from '../../src/mm/vma.ts';
import { HAT, pinLarge, pmdLo, pmdPfn, thpBoot, unpinLarge } from './huge-builder.ts';
import { boot, run } from './run.ts';
import { load, mapVma, pteLo, ptePfn, RW, store } from './vma-builder.ts';

describe('fork of huge pages', () => {
  test('A.15.4 shared whole: two mappings, read-only in both, not exclusive', () => {
    const { k, mm, task, folio, childTask } = thpBoot('6.12');
    const child = run(dupMm(k, task, childTask));
    expect([pmdPfn(k, child, HAT), pmdPfn(k, mm, HAT)]).toEqual([folio, folio]);
    expect((pmdLo(k, child, HAT) | pmdLo(k, mm, HAT)) & PTE.write).toBe(0);
    expect([k.page.refcount[folio], entireMapcount(k, folio), folioMapcount(k, folio)]).toEqual([
      2, 2, 2,
    ]);
    expect(pageAnonExclusive(k, folio)).toBe(false);
    expect(k.mm.anonRss[child]).toBe(512);
  });

  test.each([
    ['5.8', false],
    ['5.9', true],
    ['5.18', true],
    ['6.12', true],
  ])('A.15.8 %s: a pinned huge page is split and copied for the child: %s', (version, copied) => {
    const { k, mm, task, folio, childTask } = thpBoot(version);
    pinLarge(k, mm, folio);
    const child = run(dupMm(k, task, childTask));
    expect(pmdPfn(k, child, HAT) === folio).toBe(!copied);
    if (!copied) return;
    expect(ptePfn(k, mm, HAT)).toBe(folio);
    expect(pteLo(k, mm, HAT + 8) & PTE.write).toBe(PTE.write);
    const copy = ptePfn(k, child, HAT);
    expect(copy).not.toBe(folio);
    expect(pageByte(k, copy, 0)).toBe(7);
    expect(folioMapcount(k, folio)).toBe(512);
    expect(k.page.private[folio + 1]).toBe(1);
    expect(store(k, task, HAT, 8)).toBe(folio);
    expect(pageByte(k, load(k, childTask, HAT), 0)).toBe(7);
  });

  test('the huge page of zeros is inherited uncounted', () => {
    const { k, mm, task } = boot('6.12');
    mapVma(k, mm, HAT, 512, RW | VM.hugepage);
    load(k, task, HAT);
    const childTask = newTask(k, 0, 1);
    const child = run(dupMm(k, task, childTask));
    expect(isHugeZero(k, pmdPfn(k, child, HAT))).toBe(true);
    expect(k.mm.anonRss[child]).toBe(0);
  });

  test.each([['5.8'], ['5.12'], ['6.12']])(
    '%s: fork and both exits leave nothing behind, pinned or not',
    (version) => {
      const empty = boot(version);
      run(exitMm(empty.k, empty.task));
      const { k, mm, task, folio, childTask } = thpBoot(version);
      pinLarge(k, mm, folio);
      run(dupMm(k, task, childTask));
      run(exitMm(k, childTask));
      unpinLarge(k, folio);
      k.page.refcount[folio] = (k.page.refcount[folio] ?? 0) - 1;
      run(exitMm(k, task));
      expect(freePageCount(k)).toBe(freePageCount(empty.k));
      expect(k.report[0]).toBe(0);
    },
  );
});
