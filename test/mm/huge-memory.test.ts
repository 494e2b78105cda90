import { describe, expect, test } from 'vitest';
import { freePageCount } from '../../src/machine/buddy.ts';
import { pageByte } from '../../src/machine/contents.ts';
import { PTE } from '../../src/machine/entry.ts';
import { PG } from '../../src/machine/page.ts';
import { exitMm } from '../../src/mm/exit.ts';
import { entireMapcount, folioMapcount, folioPut, pageAnonExclusive } from '../../src/mm/folio.ts';
import { isHugeZero } from '../../src/mm/huge-entry.ts';
import { changeHugeLeaf, moveHugePmd } from '../../src/mm/huge-memory.ts';
import { splitHugePmd } from '../../src/mm/huge-split.ts';
import { pmdAlloc } from '../../src/mm/pgtable.ts';
import { VM } from '../../src/mm/vma.ts';
import { zapRange } from '../../src/mm/zap.ts';
import { HAT, pinLarge, pmdLo, pmdPfn, thpBoot, unpinLarge } from './huge-builder.ts';
import { boot, run } from './run.ts';
import { load, mapVma, pteLo, ptePfn, RW, store } from './vma-builder.ts';

describe('huge pages', () => {
  test('A.14.1 a first write maps 2 MiB, exclusive by the head, with one mapping and one reference', () => {
    const { k, mm, folio } = thpBoot('6.12');
    expect(k.page.compound[folio]).toBe(-9);
    expect(pmdPfn(k, mm, HAT)).toBe(folio);
    expect(pmdLo(k, mm, HAT) & (PTE.pse | PTE.write | PTE.present)).toBe(
      PTE.pse | PTE.write | PTE.present,
    );
    expect([k.page.refcount[folio], folioMapcount(k, folio), entireMapcount(k, folio)]).toEqual([
      1, 1, 1,
    ]);
    expect(pageAnonExclusive(k, folio)).toBe(true);
    expect(k.mm.anonRss[mm]).toBe(512);
  });

  test('a mapping that does not want huge pages, or has no room for one, gets small ones', () => {
    const { k, mm, task } = boot('6.12');
    mapVma(k, mm, 0x1000, 512);
    mapVma(k, mm, 0x2001, 511, RW | VM.hugepage);
    expect(k.page.compound[store(k, task, 0x1000, 1)]).toBe(0);
    expect(k.page.compound[store(k, task, 0x2001, 1)]).toBe(0);
  });

  test('enabled = always needs no madvise, but MADV_NOHUGEPAGE is heard', () => {
    const { k, mm, task } = boot('6.12', { thpAlways: true });
    mapVma(k, mm, 0x1000, 512);
    mapVma(k, mm, 0x2000, 512, RW | VM.noHugepage);
    expect(k.page.compound[store(k, task, 0x1000, 1)]).toBe(-9);
    expect(k.page.compound[store(k, task, 0x2000, 1)]).toBe(0);
  });

  test.each([
    ['6.12', 0],
    ['6.18', -9],
    ['5.7', -9],
  ])(
    'a read maps the huge page of zeros; a write on %s then gets a page of order %d',
    (version, compound) => {
      const { k, mm, task } = boot(version);
      mapVma(k, mm, HAT, 512, RW | VM.hugepage);
      const zero = load(k, task, HAT + 5);
      expect(isHugeZero(k, zero)).toBe(true);
      expect(k.mm.anonRss[mm]).toBe(0);
      const pfn = store(k, task, HAT + 5, 3);
      const head = compound === 0 ? pfn : pfn - 5;
      expect(k.page.compound[head]).toBe(compound);
      expect(pageByte(k, load(k, task, HAT + 5), 0)).toBe(3);
      expect(pageByte(k, load(k, task, HAT + 6), 0)).toBe(0);
    },
  );

  test('A.26.1 zap: a pinned huge page outlives its mapping, all else is given back', () => {
    const { k, mm, vma, folio } = thpBoot('6.12');
    const free = freePageCount(k);
    pinLarge(k, mm, folio);
    const tables = k.mm.tables[mm] ?? 0;
    run(zapRange(k, vma, HAT, HAT + 512));
    expect(pmdLo(k, mm, HAT)).toBe(0);
    expect([k.page.refcount[folio], folioMapcount(k, folio)]).toEqual([1, 0]);
    expect(k.mm.anonRss[mm]).toBe(0);
    expect(k.mm.tables[mm]).toBe(tables - 1);
    unpinLarge(k, folio);
    run(folioPut(k, folio, 1));
    expect(freePageCount(k)).toBe(free + 512 + 1);
    expect(k.report[0]).toBe(0);
  });

  test('exit gives every page back', () => {
    const { k, task } = boot('6.12');
    const { k: k2, task: task2 } = thpBoot('6.12');
    run(exitMm(k, task));
    run(exitMm(k2, task2));
    expect(freePageCount(k2)).toBe(freePageCount(k));
    expect(k2.report[0]).toBe(0);
  });

  test('A.20.1 a PMD split keeps page frames, contents, exclusivity and pins', () => {
    const { k, mm, task, vma, folio, e } = thpBoot('6.12');
    store(k, task, HAT + 511, 9);
    pinLarge(k, mm, folio);
    run(splitHugePmd(k, vma, e, HAT));
    expect([ptePfn(k, mm, HAT), ptePfn(k, mm, HAT + 511)]).toEqual([folio, folio + 511]);
    expect([k.page.refcount[folio], k.page.private[folio + 1], folioMapcount(k, folio)]).toEqual([
      513, 1, 512,
    ]);
    expect(entireMapcount(k, folio)).toBe(0);
    expect([pageAnonExclusive(k, folio), pageAnonExclusive(k, folio + 511)]).toEqual([true, true]);
    expect(pteLo(k, mm, HAT + 3) & PTE.write).toBe(PTE.write);
    expect(store(k, task, HAT + 511, 5)).toBe(folio + 511);
    run(splitHugePmd(k, vma, e, HAT));
    expect(k.page.refcount[folio]).toBe(513);
  });

  test('zapping a part splits the PMD and keeps the rest (A.20.3: the folio stays whole)', () => {
    const { k, mm, task, vma, folio } = thpBoot('6.12');
    run(zapRange(k, vma, HAT, HAT + 256));
    expect(k.page.compound[folio]).toBe(-9);
    expect([k.page.refcount[folio], folioMapcount(k, folio)]).toEqual([256, 256]);
    expect(k.mm.anonRss[mm]).toBe(256);
    run(exitMm(k, task));
    expect(k.report[0]).toBe(0);
    expect(k.page.compound[folio]).toBe(0);
  });

  test('A.22.1 mprotect to read-only and back: the exclusive page is writable at once from 6.1 on', () => {
    for (const [version, write] of [
      ['6.12', PTE.write],
      ['5.19', 0],
    ] as const) {
      const { k, mm, task, vma, folio, e } = thpBoot(version);
      k.vma.flags[vma] = (k.vma.flags[vma] ?? 0) & ~VM.write;
      expect(run(changeHugeLeaf(k, vma, e, HAT, 9))).toBe(true);
      expect(pmdLo(k, mm, HAT) & (PTE.write | PTE.present)).toBe(PTE.present);
      k.vma.flags[vma] = (k.vma.flags[vma] ?? 0) | VM.write;
      run(changeHugeLeaf(k, vma, e, HAT, 9));
      expect(pmdLo(k, mm, HAT) & PTE.write).toBe(write);
      expect(store(k, task, HAT, 8)).toBe(folio);
    }
  });

  test('A.22.1 PROT_NONE: an access faults for good, the page stays', () => {
    const { k, mm, task, vma, folio, e } = thpBoot('6.12');
    k.vma.flags[vma] = (k.vma.flags[vma] ?? 0) & ~(VM.write | VM.read);
    run(changeHugeLeaf(k, vma, e, HAT, 9));
    expect(pmdLo(k, mm, HAT) & (PTE.present | PTE.protnone)).toBe(PTE.protnone);
    expect(load(k, task, HAT)).toBeLessThan(0);
    expect(pmdPfn(k, mm, HAT)).toBe(folio);
  });

  test('A.22.6 mremap of a huge page moves the entry and its kept table', () => {
    const { k, mm, task, vma, folio, e } = thpBoot('6.12');
    const to = run(pmdAlloc(k, mm, HAT + 512));
    expect(run(moveHugePmd(k, vma, e, to, HAT, HAT + 512))).toBe(true);
    expect([pmdLo(k, mm, HAT), pmdPfn(k, mm, HAT + 512)]).toEqual([0, folio]);
    expect(load(k, task, HAT + 512)).toBe(folio);
    expect(run(moveHugePmd(k, vma, e, to, HAT, HAT + 512))).toBe(false);
    run(splitHugePmd(k, vma, to, HAT + 512));
    expect(ptePfn(k, mm, HAT + 513)).toBe(folio + 1);
  });

  test('no free block of 2 MiB: a small page', () => {
    const { k, mm, task } = boot('6.12', { areas: [{ pages: 512 }] });
    mapVma(k, mm, HAT, 512, RW | VM.hugepage);
    const pfn = store(k, task, HAT, 1);
    expect(k.page.compound[pfn]).toBe(0);
    expect((k.page.flags[pfn] ?? 0) & PG.anonExclusive).toBe(PG.anonExclusive);
  });
});
