import { describe, expect, test } from 'vitest';
import { pageByte } from '../../src/machine/contents.ts';
import { PTE } from '../../src/machine/entry.ts';
import { PG } from '../../src/machine/page.ts';
import { FAULT } from '../../src/mm/fault-flags.ts';
import { handleMmFault } from '../../src/mm/memory.ts';
import { pteEntry } from '../../src/mm/pgtable.ts';
import { VM } from '../../src/mm/vma.ts';
import { boot, run } from './run.ts';
import { load, mapVma, pteLo, ptePfn, RO, RW, store } from './vma-builder.ts';

const EFAULT = 14;
const ENOMEM = 12;

describe('page faults of a task', () => {
  test('A.14.1 a first write maps a page that is exclusive, writable and dirty', () => {
    const { k, mm, task } = boot('6.12');
    mapVma(k, mm, 100, 4);
    const pfn = store(k, task, 100, 7);
    expect(pfn).toBeGreaterThan(0);
    expect(k.page.flags[pfn] & PG.anonExclusive).not.toBe(0);
    expect(pteLo(k, mm, 100) & (PTE.write | PTE.dirty)).toBe(PTE.write | PTE.dirty);
    expect(k.page.refcount[pfn]).toBe(1);
    expect(k.page.mapcount[pfn]).toBe(1);
    expect(k.mm.anonRss[mm]).toBe(1);
    expect(pageByte(k, load(k, task, 100), 0)).toBe(7);
  });

  test('a first read maps the page of zeros, without a reference; a write then replaces it', () => {
    const { k, mm, task } = boot('6.12');
    mapVma(k, mm, 100, 4);
    const before = k.page.refcount[k.zeroPfn];
    expect(load(k, task, 101)).toBe(k.zeroPfn);
    expect(pteLo(k, mm, 101) & PTE.special).not.toBe(0);
    expect(k.page.refcount[k.zeroPfn]).toBe(before);
    expect(k.mm.anonRss[mm]).toBe(0);
    const pfn = store(k, task, 101, 1);
    expect(pfn).not.toBe(k.zeroPfn);
    expect(pteLo(k, mm, 101) & PTE.special).toBe(0);
    expect(k.mm.anonRss[mm]).toBe(1);
    expect(pageByte(k, k.zeroPfn, 0)).toBe(0);
  });

  test('outside of every mapping, and against its protection, an access is -EFAULT', () => {
    const { k, mm, task } = boot('6.12');
    mapVma(k, mm, 100, 4, RO);
    mapVma(k, mm, 200, 4, RW & ~(VM.read | VM.write));
    expect(load(k, task, 99)).toBe(-EFAULT);
    expect(load(k, task, 104)).toBe(-EFAULT);
    expect(store(k, task, 100, 1)).toBe(-EFAULT);
    expect(load(k, task, 200)).toBe(-EFAULT);
    expect(k.mm.mmapLock[mm]).toBe(0);
  });

  test('no memory: -ENOMEM, and nothing is mapped', () => {
    const { k, mm, task } = boot('6.12', { areas: [{ pages: 16 }] });
    mapVma(k, mm, 0, 64);
    let vpn = 0;
    let result = store(k, task, vpn, 1);
    while (result > 0 && vpn < 63) result = store(k, task, ++vpn, 1);
    expect(result).toBe(-ENOMEM);
    expect(vpn).toBeGreaterThan(0);
    expect(pteLo(k, mm, vpn)).toBe(0);
    expect(k.mm.anonRss[mm]).toBe(vpn);
    expect(k.mm.mmapLock[mm]).toBe(0);
  });

  test('A.7.4 a forced write to a read-only private mapping leaves an exclusive page behind a read-only entry', () => {
    const { k, mm, task } = boot('6.12');
    const vma = mapVma(k, mm, 100, 4, RO);
    expect(run(handleMmFault(k, task, vma, 100, FAULT.write | FAULT.remote))).toBe(0);
    expect(pteLo(k, mm, 100) & PTE.write).toBe(0);
    expect(k.page.flags[ptePfn(k, mm, 100)] & PG.anonExclusive).not.toBe(0);
  });

  test('A.6.3 a NUMA hint is taken back by the next access, writable if the page is exclusive', () => {
    const { k, mm, task } = boot('6.12');
    mapVma(k, mm, 100, 4);
    const pfn = store(k, task, 100, 1);
    const e = pteEntry(k, mm, 100);
    k.contents[e] = (k.contents[e] & ~(PTE.present | PTE.write)) | PTE.protnone;
    k.tlb.fill(0);
    expect(load(k, task, 100)).toBe(pfn);
    expect(pteLo(k, mm, 100) & (PTE.present | PTE.protnone | PTE.write)).toBe(
      PTE.present | PTE.write,
    );
  });
});
