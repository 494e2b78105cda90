import { describe, expect, test } from 'vitest';
import { accessOp, LOCK_FOLIO } from '../../src/machine/access.ts';
import { pageByte } from '../../src/machine/contents.ts';
import { PTE } from '../../src/machine/entry.ts';
import { MAPPING_KSM, PG } from '../../src/machine/page.ts';
import { FAULT } from '../../src/mm/fault-flags.ts';
import type { Kernel } from '../../src/mm/kernel.ts';
import { handleMmFault } from '../../src/mm/memory.ts';
import { pteEntry, tableOf } from '../../src/mm/pgtable.ts';
import { addToSwap } from '../../src/mm/swap-state.ts';
import { boot, run } from './run.ts';
import { get, load, mapVma, pin, pteLo, ptePfn, RW, store } from './vma-builder.ts';

/** One written page whose entry is read-only, as after mprotect or fork; `exclusive` as it was or taken away. */
function readOnlyPage(version: string, exclusive: boolean) {
  const { k, mm, task } = boot(version);
  const vma = mapVma(k, mm, 100, 4);
  const pfn = store(k, task, 100, 7);
  protect(k, mm);
  if (!exclusive) k.page.flags[pfn] = k.page.flags[pfn] & ~PG.anonExclusive;
  return { k, mm, task, vma, pfn };
}

function protect(k: Kernel, mm: number): void {
  const e = pteEntry(k, mm, 100);
  k.contents[e] = k.contents[e] & ~PTE.write;
  k.tlb.fill(0);
}

describe('write faults on anonymous pages', () => {
  test('A.16.3 an exclusive page is reused, whatever pins and references are on it', () => {
    const { k, mm, task, pfn } = readOnlyPage('6.12', true);
    pin(k, mm, pfn);
    get(k, pfn);
    expect(store(k, task, 100, 9)).toBe(pfn);
    expect(pteLo(k, mm, 100) & PTE.write).not.toBe(0);
  });

  test('A.16.5 a page that is not exclusive is copied when it has another reference, and the pin stays on the old page', () => {
    const { k, mm, task, pfn } = readOnlyPage('6.12', false);
    get(k, pfn);
    const fresh = store(k, task, 100, 9);
    expect(fresh).not.toBe(pfn);
    expect(pageByte(k, pfn, 0)).toBe(7);
    expect(pageByte(k, fresh, 0)).toBe(9);
    expect(k.page.refcount[pfn]).toBe(1);
    expect(k.page.mapcount[pfn]).toBe(0);
    expect(k.mm.anonRss[mm]).toBe(1);
  });

  test('A.16.3 a page that is not exclusive but has one reference is reused and becomes exclusive', () => {
    const { k, task, pfn } = readOnlyPage('6.12', false);
    expect(store(k, task, 100, 9)).toBe(pfn);
    expect(k.page.flags[pfn] & PG.anonExclusive).not.toBe(0);
  });

  test.each([
    ['5.4', true],
    ['5.8', true],
    ['5.9', false],
    ['5.17', false],
    ['5.18', false],
  ])('S1 in %s a GET reference on the only mapping: reuse is %s', (version, reuse) => {
    const { k, task, pfn } = readOnlyPage(version, true);
    get(k, pfn);
    expect(store(k, task, 100, 9) === pfn).toBe(reuse);
  });

  test.each(['5.4', '5.10', '5.18', '5.19', '6.18'])(
    'S1 in %s a page without other references is reused',
    (version) => {
      const { k, task, pfn } = readOnlyPage(version, true);
      expect(store(k, task, 100, 9)).toBe(pfn);
    },
  );

  test('S1 waiting for the folio lock (to 5.8): with the lock held by nobody the page is reused and unlocked', () => {
    const { k, task, pfn } = readOnlyPage('5.8', true);
    expect(store(k, task, 100, 9)).toBe(pfn);
    expect(k.page.flags[pfn] & PG.locked).toBe(0);
  });

  test('A.16.5 unsharing copies without making the entry writable', () => {
    const { k, mm, task, vma, pfn } = readOnlyPage('6.12', false);
    get(k, pfn);
    expect(run(handleMmFault(k, task, vma, 100, FAULT.unshare))).toBe(0);
    const fresh = ptePfn(k, mm, 100);
    expect(fresh).not.toBe(pfn);
    expect(pteLo(k, mm, 100) & PTE.write).toBe(0);
    expect(k.page.flags[fresh] & PG.anonExclusive).not.toBe(0);
    expect(pageByte(k, fresh, 0)).toBe(7);
  });

  test('A.16.4 unsharing a page of our own only makes it exclusive', () => {
    const { k, mm, task, vma, pfn } = readOnlyPage('6.12', false);
    const before = pteLo(k, mm, 100);
    expect(run(handleMmFault(k, task, vma, 100, FAULT.unshare))).toBe(0);
    expect(ptePfn(k, mm, 100)).toBe(pfn);
    expect(pteLo(k, mm, 100)).toBe(before);
    expect(k.page.flags[pfn] & PG.anonExclusive).not.toBe(0);
  });

  test('S8 unsharing the page of zeros gives a read-only page of zeros of our own', () => {
    const { k, mm, task } = boot('6.12');
    const vma = mapVma(k, mm, 100, 1, RW);
    load(k, task, 100);
    expect(run(handleMmFault(k, task, vma, 100, FAULT.unshare))).toBe(0);
    expect(ptePfn(k, mm, 100)).not.toBe(k.zeroPfn);
    expect(pteLo(k, mm, 100) & (PTE.write | PTE.special)).toBe(0);
    expect(k.mm.anonRss[mm]).toBe(1);
  });

  test('A.31 P5 an entry that changed while the copy was made is left alone, and the copy is freed', () => {
    const { k, mm, task, vma, pfn } = readOnlyPage('6.12', false);
    get(k, pfn);
    const fault = handleMmFault(k, task, vma, 100, FAULT.write);
    const e = pteEntry(k, mm, 100);
    // Let the fault run until the copy was taken: a page with two references, and the table not locked.
    let locked = 0;
    for (let step = fault.next(); !step.done; step = fault.next()) {
      const now = k.page.private[k.slotOwner[e >> 10]];
      if (now !== 0) locked++;
      if (locked > 0 && now === 0 && k.page.refcount[pfn] === 3) {
        k.contents[e] = k.contents[e] | PTE.softDirty | PTE.uffdWp;
        locked = -1000;
      }
    }
    expect(locked).toBeLessThan(0);
    expect(ptePfn(k, mm, 100)).toBe(pfn);
    expect(k.page.refcount[pfn]).toBe(2);
  });

  test('S1 to 5.8 the folio lock is waited for without the table lock, and an entry that changed meanwhile is left alone', () => {
    for (const changes of [false, true]) {
      const { k, mm, task, vma, pfn } = readOnlyPage('5.8', true);
      const e = pteEntry(k, mm, 100);
      k.page.flags[pfn] |= PG.locked;
      const fault = handleMmFault(k, task, vma, 100, FAULT.write);
      let waited = 0;
      for (let step = fault.next(); !step.done; step = fault.next()) {
        if (accessOp(step.value) !== LOCK_FOLIO) continue;
        waited++;
        expect(k.page.private[tableOf(k, e)]).toBe(0);
        k.page.flags[pfn] &= ~PG.locked;
        if (changes) k.contents[e] |= PTE.uffdWp;
      }
      expect(waited).toBe(1);
      expect((pteLo(k, mm, 100) & PTE.write) !== 0).toBe(!changes);
      expect(k.page.refcount[pfn]).toBe(1);
      expect(k.page.flags[pfn] & PG.locked).toBe(0);
      expect(k.page.private[tableOf(k, e)]).toBe(0);
    }
  });

  test.each([
    ['5.0', false],
    ['5.1', true],
    ['5.8', true],
    ['5.9', false],
    ['6.12', false],
  ])('S28 in %s the last user of a KSM page takes it back: %s', (version, reuse) => {
    const { k, task, vma, pfn } = readOnlyPage(version, false);
    k.page.mapping[pfn] = (1 << 2) | MAPPING_KSM;
    expect(store(k, task, 100, 9) === pfn).toBe(reuse);
    if (reuse) expect(k.page.mapping[pfn]).toBe((k.vma.anonVma[vma] << 2) | 1);
  });

  test('A.16.3 a page that waits in an LRU batch: the drain comes with 5.18, before it is copied', () => {
    for (const [version, reuse] of [
      ['5.17', false],
      ['5.18', true],
      ['6.12', true],
    ] as const) {
      const { k, mm, task } = boot(version, { lruBatch: 15 });
      mapVma(k, mm, 100, 4);
      const pfn = store(k, task, 100, 7);
      expect(k.page.refcount[pfn]).toBe(2);
      protect(k, mm);
      k.page.flags[pfn] &= ~PG.anonExclusive;
      expect(store(k, task, 100, 9) === pfn).toBe(reuse);
    }
  });

  test('A.16.3 the swap cache does not stop a reuse once the slot is given up (5.18 on)', () => {
    for (const [version, reuse] of [
      ['5.8', true],
      ['5.17', false],
      ['6.12', true],
    ] as const) {
      const { k, task, pfn } = readOnlyPage(version, false);
      k.page.flags[pfn] |= PG.locked;
      expect(run(addToSwap(k, pfn))).toBe(true);
      k.page.flags[pfn] &= ~PG.locked;
      expect(store(k, task, 100, 9) === pfn).toBe(reuse);
      expect((k.page.flags[pfn] & PG.swapcache) !== 0).toBe(false);
    }
  });
});
