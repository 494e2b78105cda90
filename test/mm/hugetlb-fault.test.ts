import { describe, expect, test } from 'vitest';
import { pageByte, setPageByte } from '../../src/machine/contents.ts';
import { PTE } from '../../src/machine/entry.ts';
import { EFAULT, ENOMEM } from '../../src/machine/errno.ts';
import { exitMm } from '../../src/mm/exit.ts';
import { FAULT } from '../../src/mm/fault-flags.ts';
import { entireMapcount, folioPut, isAnon, pageAnonExclusive } from '../../src/mm/folio.ts';
import { dupMm } from '../../src/mm/fork.ts';
import { handleMmFault } from '../../src/mm/memory.ts';
import { MAP, PROT } from '../../src/mm/mmap.ts';
import { sysMprotect } from '../../src/mm/mprotect.ts';
import { vmaAt } from '../../src/mm/vma.ts';
import { hugetlbBoot, mapHuge, pinLarge, pmdLo, pmdPfn, pool, unpinLarge } from './huge-builder.ts';
import { run } from './run.ts';
import { get, load, store } from './vma-builder.ts';

/** A process with one private huge page, its first byte 7, and a task for its child. */
function written(version: string, size: number) {
  const m = hugetlbBoot(version, size);
  const at = mapHuge(m.k, m.task, 1);
  const folio = store(m.k, m.task, at, 7);
  return { ...m, at, folio };
}

describe('hugetlb faults', () => {
  test('A.17 a first write of a private mapping: anonymous, exclusive, writable', () => {
    const { k, mm, at, folio } = written('6.12', 1);
    expect([isAnon(k, folio), pageAnonExclusive(k, folio + 3)]).toEqual([true, true]);
    expect(pmdLo(k, mm, at) & (PTE.pse | PTE.write | PTE.dirty)).toBe(
      PTE.pse | PTE.write | PTE.dirty,
    );
  });

  test.each([['5.4'], ['5.18'], ['6.12']])(
    'A.17.3, S5 %s: mapped once is kept, whatever the references',
    (version) => {
      const { k, mm, task, childTask, at, folio } = written(version, 2);
      run(dupMm(k, task, childTask));
      expect(pmdLo(k, mm, at) & PTE.write).toBe(0);
      run(exitMm(k, childTask));
      get(k, folio);
      expect(store(k, task, at, 8)).toBe(folio);
      expect(pmdLo(k, mm, at) & PTE.write).toBe(PTE.write);
    },
  );

  test('A.17.3 shared with the child: copied, contents and all', () => {
    const { k, task, childTask, at, folio } = written('6.12', 3);
    setPageByte(k, folio + 100, 9, 33);
    run(dupMm(k, task, childTask));
    const copy = store(k, task, at, 8);
    expect(copy).not.toBe(folio);
    expect(pageByte(k, copy + 100, 9)).toBe(33);
    expect(pageByte(k, load(k, childTask, at), 0)).toBe(7);
    expect([k.page.refcount[folio], entireMapcount(k, folio), k.page.refcount[copy]]).toEqual([
      1, 1, 1,
    ]);
    expect(pool(k)).toEqual([1, 0, 3]);
  });

  test('A.17.3 the owner takes the page from its child when the pool is empty; the child gets SIGBUS', () => {
    const { k, mm, task, childTask, at, folio } = written('6.12', 1);
    const child = run(dupMm(k, task, childTask));
    expect(store(k, task, at, 8)).toBe(folio);
    expect(pmdLo(k, child, at)).toBe(0);
    expect(entireMapcount(k, folio)).toBe(1);
    expect(load(k, childTask, at)).toBe(-EFAULT);
    expect(pmdPfn(k, mm, at)).toBe(folio);
  });

  test('A.17.3 the child owns nothing: its write gets SIGBUS when the pool is empty', () => {
    const { k, task, childTask, at, folio } = written('6.12', 1);
    run(dupMm(k, task, childTask));
    expect(store(k, childTask, at, 8)).toBe(-EFAULT);
    expect([k.page.refcount[folio], entireMapcount(k, folio)]).toEqual([2, 2]);
    expect(pageByte(k, load(k, task, at), 0)).toBe(7);
    run(exitMm(k, childTask));
    run(exitMm(k, task));
    expect(pool(k)).toEqual([1, 0, 1]);
    expect(k.report[0]).toBe(0);
  });

  test('A.17.5 unsharing copies too, read-only', () => {
    const { k, mm, task, childTask, at, folio } = written('6.12', 2);
    run(dupMm(k, task, childTask));
    const vma = vmaAt(k, mm, at);
    expect(run(handleMmFault(k, task, vma, at, FAULT.unshare))).toBe(0);
    const copy = pmdPfn(k, mm, at);
    expect(copy).not.toBe(folio);
    expect(pmdLo(k, mm, at) & PTE.write).toBe(0);
    expect(pageAnonExclusive(k, copy)).toBe(true);
  });

  test('A.17.4 a shared mapping of two processes sees one page', () => {
    const { k, task, childTask } = hugetlbBoot('6.12', 1);
    const at = mapHuge(k, task, 1, MAP.shared);
    run(dupMm(k, task, childTask));
    const folio = store(k, task, at, 3);
    expect(store(k, childTask, at, 4)).toBe(folio);
    expect(pageByte(k, load(k, task, at), 0)).toBe(4);
  });

  test('A.22.1 mprotect to read-only, none and back', () => {
    const { k, mm, task, at, folio } = written('6.12', 1);
    expect(run(sysMprotect(k, task, at, 512, PROT.read))).toBe(0);
    expect(store(k, task, at, 1)).toBe(-EFAULT);
    expect(load(k, task, at)).toBe(folio);
    run(sysMprotect(k, task, at, 512, PROT.none));
    expect(load(k, task, at)).toBe(-EFAULT);
    run(sysMprotect(k, task, at, 512, PROT.read | PROT.write));
    expect(pmdLo(k, mm, at) & (PTE.present | PTE.write | PTE.pse)).toBe(PTE.present | PTE.pse);
    expect(store(k, task, at, 1)).toBe(folio);
  });
});

describe('fork of hugetlb', () => {
  test.each([
    ['5.11', false],
    ['5.12', true],
    ['5.18', true],
    ['6.12', true],
  ])('S13 %s: a pinned page is copied for the child: %s', (version, copied) => {
    const { k, mm, task, childTask, at, folio } = written(version, 3);
    pinLarge(k, mm, folio);
    const child = run(dupMm(k, task, childTask));
    expect(child).toBeGreaterThan(0);
    expect(pmdPfn(k, child, at) !== folio).toBe(copied);
    expect((pmdLo(k, mm, at) & PTE.write) !== 0).toBe(copied);
    expect(pageByte(k, load(k, childTask, at), 0)).toBe(7);
    if (copied) expect(store(k, task, at, 8)).toBe(folio);
    expect((k.mm.writeProtectSeq[mm] ?? 1) & 1).toBe(0);
  });

  test('A.17.2 pinned and the pool is empty: fork fails, the parent is as before', () => {
    const { k, mm, task, childTask, at, folio } = written('6.12', 1);
    pinLarge(k, mm, folio);
    expect(run(dupMm(k, task, childTask))).toBe(-ENOMEM);
    expect([k.page.refcount[folio], entireMapcount(k, folio)]).toEqual([2, 1]);
    expect(store(k, task, at, 8)).toBe(folio);
    unpinLarge(k, folio);
    run(folioPut(k, folio, 1));
    run(exitMm(k, task));
    expect(pool(k)).toEqual([1, 0, 1]);
    expect(k.report[0]).toBe(0);
  });

  test.each([
    ['5.18', 0],
    ['5.19', 2],
  ])('S14 %s: the sequence count moves by %d', (version, moved) => {
    const { k, mm, task, childTask } = written(version, 2);
    const before = k.mm.writeProtectSeq[mm] ?? 0;
    run(dupMm(k, task, childTask));
    expect((k.mm.writeProtectSeq[mm] ?? 0) - before).toBe(moved);
  });
});
