import { describe, expect, test } from 'vitest';
import { freePageCount } from '../../src/machine/buddy.ts';
import { pageByte, setPageByte } from '../../src/machine/contents.ts';
import { PTE, SWP, swpHi, swpLo } from '../../src/machine/entry.ts';
import { PG } from '../../src/machine/page.ts';
import { exitMm } from '../../src/mm/exit.ts';
import { folioPut } from '../../src/mm/folio.ts';
import { dupMm } from '../../src/mm/fork.ts';
import { MMF, newTask } from '../../src/mm/kernel.ts';
import { pteEntry } from '../../src/mm/pgtable.ts';
import { folioRemoveRmap, rmapFirst, rmapNext } from '../../src/mm/rmap.ts';
import { shmemNewFile } from '../../src/mm/shmem.ts';
import { addToSwap, swapCount, swapEntryDup } from '../../src/mm/swap-state.ts';
import { VM } from '../../src/mm/vma.ts';
import { boot, run } from './run.ts';
import { get, load, mapVma, pin, pteLo, ptePfn, RW, store } from './vma-builder.ts';

/** A process with one written page at 100, and a task for its child. */
function parent(version: string, flags = RW) {
  const { k, mm, task } = boot(version);
  const vma = mapVma(k, mm, 100, 4, flags);
  const pfn = store(k, task, 100, 7);
  return { k, mm, task, vma, pfn, childTask: newTask(k, 0, 1) };
}

describe('fork', () => {
  test('A.15.4 and A.15.6 an unpinned page is shared: two mappings, read-only on both sides, not exclusive', () => {
    const { k, mm, task, pfn, childTask } = parent('6.12');
    const child = run(dupMm(k, task, childTask));
    expect(child).toBeGreaterThan(0);
    expect(ptePfn(k, child, 100)).toBe(pfn);
    expect(pteLo(k, mm, 100) & PTE.write).toBe(0);
    expect(pteLo(k, child, 100) & PTE.write).toBe(0);
    expect(k.page.flags[pfn] & PG.anonExclusive).toBe(0);
    expect(k.page.refcount[pfn]).toBe(2);
    expect(k.page.mapcount[pfn]).toBe(2);
    expect(k.mm.anonRss[child]).toBe(1);
    expect(k.mm.writeProtectSeq[mm] & 1).toBe(0);
    expect(k.mm.mmapLock[mm]).toBe(0);
    const copy = store(k, task, 100, 9);
    expect(copy).not.toBe(pfn);
    expect(pageByte(k, load(k, childTask, 100), 0)).toBe(7);
  });

  test('A.15.10 a child and its child come behind their parent where mappings of a page are walked', () => {
    const { k, task, pfn, childTask } = parent('6.12');
    const vmas = (): number[] => {
      const found: number[] = [];
      for (let vma = rmapFirst(k, pfn); vma !== 0; vma = rmapNext(k, pfn, vma)) found.push(vma);
      return found;
    };
    run(dupMm(k, task, childTask));
    run(dupMm(k, childTask, newTask(k, 0, 1)));
    const mms = vmas().map((vma) => k.vma.mm[vma]);
    expect(mms).toEqual([k.task.mm[task], k.task.mm[childTask], expect.any(Number)]);
  });

  test.each([
    ['5.8', false],
    ['5.9', true],
    ['5.18', true],
    ['5.19', true],
    ['6.18', true],
  ])(
    'A.15.5, S13 in %s a pinned exclusive page is copied for the child at once: %s',
    (version, copied) => {
      const { k, mm, task, pfn, childTask } = parent(version);
      pin(k, mm, pfn);
      const child = run(dupMm(k, task, childTask));
      expect(ptePfn(k, child, 100) !== pfn).toBe(copied);
      expect((pteLo(k, mm, 100) & PTE.write) !== 0).toBe(copied);
      expect(pageByte(k, ptePfn(k, child, 100), 0)).toBe(7);
      if (copied) expect(pteLo(k, child, 100) & PTE.write).not.toBe(0);
      // Where it was shared, the parent's next write moves the parent away from the device's page.
      const seen = store(k, task, 100, 9);
      expect(seen === pfn).toBe(copied);
    },
  );

  test('A.15.7 a page that looks pinned but is not exclusive is shared from 5.19 on, and copied before', () => {
    for (const [version, copied] of [
      ['5.18', true],
      ['5.19', false],
    ] as const) {
      const { k, mm, task, pfn, childTask } = parent(version);
      pin(k, mm, pfn);
      k.page.flags[pfn] = k.page.flags[pfn] & ~PG.anonExclusive;
      const child = run(dupMm(k, task, childTask));
      expect(ptePfn(k, child, 100) !== pfn).toBe(copied);
    }
  });

  test('A.11.3 a GET reference does not stop sharing', () => {
    const { k, task, pfn, childTask } = parent('6.12');
    for (let i = 0; i < 10; i++) get(k, pfn);
    const child = run(dupMm(k, task, childTask));
    expect(ptePfn(k, child, 100)).toBe(pfn);
  });

  test('A.11.2 without the flag of the mm even 1024 references are no pin; S12 the child starts without it', () => {
    const { k, mm, task, pfn, childTask } = parent('6.12');
    pin(k, mm, pfn);
    k.mm.flags[mm] = 0;
    const child = run(dupMm(k, task, childTask));
    expect(ptePfn(k, child, 100)).toBe(pfn);
    k.mm.flags[mm] = MMF.hasPinned;
    const other = run(dupMm(k, task, newTask(k, 0, 2)));
    expect(k.mm.flags[other] & MMF.hasPinned).toBe(0);
  });

  test('A.15.2 MADV_DONTFORK leaves a mapping out, MADV_WIPEONFORK gives an empty one', () => {
    const { k, mm, task, childTask } = parent('6.12', RW | VM.dontCopy);
    mapVma(k, mm, 200, 1, RW | VM.wipeOnFork);
    store(k, task, 200, 5);
    const child = run(dupMm(k, task, childTask));
    expect(load(k, childTask, 100)).toBe(-14);
    expect(ptePfn(k, child, 200)).toBe(0);
    expect(pageByte(k, load(k, childTask, 200), 0)).toBe(0);
  });

  test.each([
    ['5.10', 0],
    ['5.11', 2],
  ])('S14 in %s fork moves write_protect_seq by %i for one private mapping', (version, moved) => {
    const { k, mm, task, childTask } = parent(version);
    run(dupMm(k, task, childTask));
    expect(k.mm.writeProtectSeq[mm]).toBe(moved);
  });

  test('A.31 K6 another thread of the parent writes through its TLB until fork flushes it', () => {
    const { k, mm, task, pfn, childTask } = parent('6.12');
    const thread = newTask(k, mm, 3);
    k.mm.users[mm] = k.mm.users[mm] + 1;
    store(k, thread, 100, 7);
    const fork = dupMm(k, task, childTask);
    let late = 0;
    for (let step = fork.next(); !step.done; step = fork.next()) {
      if (late !== 0 || (pteLo(k, mm, 100) & PTE.write) !== 0) continue;
      // No fault is taken: the TLB still allows it.
      late = store(k, thread, 100, 8);
    }
    expect(late).toBe(pfn);
    expect(pageByte(k, load(k, childTask, 100), 0)).toBe(8);
    expect(store(k, thread, 100, 9)).not.toBe(pfn);
  });

  test('out of memory: -ENOMEM, and all that was copied is taken back', () => {
    for (let pages = 13; pages < 40; pages++) {
      const { k, mm, task } = boot('6.12', { areas: [{ pages: 64 }], swapPages: 0 });
      mapVma(k, mm, 100, 8);
      for (let i = 0; i < 8; i++) pin(k, mm, store(k, task, 100 + i, i + 1));
      const childTask = newTask(k, 0, 1);
      const keep: number[] = [];
      mapVma(k, mm, 1000, 64);
      while (freePageCount(k) > pages - 13) keep.push(store(k, task, 1000 + keep.length, 1));
      const before = freePageCount(k);
      const result = run(dupMm(k, task, childTask));
      if (result > 0) run(exitMm(k, childTask));
      else expect(result).toBe(-12);
      expect(freePageCount(k)).toBe(before);
      expect(k.task.mm[childTask]).toBe(0);
      expect(k.report[0]).toBe(0);
      for (let i = 0; i < 8; i++) expect(pageByte(k, load(k, task, 100 + i), 0)).toBe(i + 1);
    }
  });

  test('A.15.6 a child of a shared mapping is clean, and still writable', () => {
    const { k, mm, task, vma, pfn, childTask } = parent('6.12');
    k.vma.flags[vma] = k.vma.flags[vma] | VM.shared | VM.mayShare;
    const child = run(dupMm(k, task, childTask));
    expect(ptePfn(k, child, 100)).toBe(pfn);
    expect(pteLo(k, child, 100) & (PTE.write | PTE.dirty)).toBe(PTE.write);
    expect(pteLo(k, mm, 100) & (PTE.write | PTE.dirty)).toBe(PTE.write | PTE.dirty);
    setPageByte(k, pfn, 0, 3);
    expect(pageByte(k, load(k, childTask, 100), 0)).toBe(3);
  });

  test('S36 a pinned page of a file in a private mapping is copied in 5.9 to 5.18 only', () => {
    for (const [version, copied] of [
      ['5.8', false],
      ['5.9', true],
      ['5.18', true],
      ['5.19', false],
    ] as const) {
      const { k, mm, task } = boot(version);
      const file = run(shmemNewFile(k, 4));
      mapVma(k, mm, 100, 4, RW, file);
      store(k, task, 100, 1);
      const page = load(k, task, 101);
      pin(k, mm, page);
      const child = run(dupMm(k, task, newTask(k, 0, 1)));
      expect(ptePfn(k, child, 101) !== page).toBe(copied);
      expect(k.mm.fileRss[child]).toBe(copied ? 0 : 1);
      expect(k.report[0]).toBe(0);
    }
  });

  test('A.15.2 a mapping without anonymous pages is not copied but faulted again', () => {
    const { k, mm, task } = boot('6.12');
    const file = run(shmemNewFile(k, 4));
    mapVma(k, mm, 100, 4, RW | VM.shared | VM.mayShare, file);
    const page = store(k, task, 100, 1);
    const childTask = newTask(k, 0, 1);
    const child = run(dupMm(k, task, childTask));
    expect(ptePfn(k, child, 100)).toBe(0);
    expect(load(k, childTask, 100)).toBe(page);
  });

  test('A.15.10 swap entries: one more user of the slot, exclusive on neither side', () => {
    const { k, mm, task, pfn, childTask } = parent('6.12');
    const e = pteEntry(k, mm, 100);
    k.page.flags[pfn] |= PG.locked;
    run(addToSwap(k, pfn));
    const slot = k.page.private[pfn];
    k.page.flags[pfn] &= ~PG.locked;
    run(swapEntryDup(k, slot));
    run(folioRemoveRmap(k, pfn, false));
    run(folioPut(k, pfn, 1));
    k.contents[e] = swpLo(slot, PTE.swpExclusive);
    k.contents[e + 1] = swpHi(SWP.swap, slot);
    k.mm.anonRss[mm] = 0;
    k.mm.swapEnts[mm] = 1;
    k.tlb.fill(0);
    const child = run(dupMm(k, task, childTask));
    expect(swapCount(k, slot)).toBe(2);
    expect(k.mm.swapEnts[child]).toBe(1);
    expect(pteLo(k, mm, 100)).toBe(swpLo(slot, 0));
    expect(pteLo(k, child, 100)).toBe(swpLo(slot, 0));
    run(exitMm(k, childTask));
    expect(swapCount(k, slot)).toBe(1);
    run(exitMm(k, task));
    expect(swapCount(k, slot)).toBe(0);
    expect(k.page.refcount[pfn]).toBe(0);
    expect(k.report[0]).toBe(0);
  });

  test('A.11.1 1023 ordinary references: shared to 5.18; from 5.19 on fork counts its own and copies', () => {
    for (const [version, copied] of [
      ['5.18', false],
      ['5.19', true],
    ] as const) {
      const { k, mm, task, pfn, childTask } = parent(version);
      k.page.refcount[pfn] = 1023;
      k.mm.flags[mm] = MMF.hasPinned;
      const child = run(dupMm(k, task, childTask));
      expect(ptePfn(k, child, 100) !== pfn).toBe(copied);
      expect(k.page.refcount[pfn]).toBe(copied ? 1023 : 1024);
    }
  });
});
