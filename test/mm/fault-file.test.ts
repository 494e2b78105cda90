import { describe, expect, test } from 'vitest';
import { pageByte } from '../../src/machine/contents.ts';
import { PTE } from '../../src/machine/entry.ts';
import { PG } from '../../src/machine/page.ts';
import { FAULT, VMF } from '../../src/mm/fault-flags.ts';
import { isAnon, isFile } from '../../src/mm/folio.ts';
import { handleMmFault } from '../../src/mm/memory.ts';
import { pteEntry } from '../../src/mm/pgtable.ts';
import { shmemNewFile } from '../../src/mm/shmem.ts';
import { VM } from '../../src/mm/vma.ts';
import { zapFileRange, zapRange } from '../../src/mm/zap.ts';
import { boot, run } from './run.ts';
import { get, load, mapVma, pteLo, RW, store } from './vma-builder.ts';

const SHARED = RW | VM.shared | VM.mayShare;

function shmem(flags: number) {
  const { k, mm, task } = boot('6.12');
  const file = run(shmemNewFile(k, 4));
  return { k, mm, task, file, vma: mapVma(k, mm, 100, 8, flags, file) };
}

describe('faults on files', () => {
  test('A.23.1 a write to a shared mapping makes the entry writable and the folio dirty, and two mappings see each other', () => {
    const { k, mm, task, file } = shmem(SHARED);
    mapVma(k, mm, 200, 4, SHARED, file);
    const page = store(k, task, 101, 7);
    expect(isFile(k, page)).toBe(true);
    expect(pteLo(k, mm, 101) & (PTE.write | PTE.dirty)).toBe(PTE.write | PTE.dirty);
    expect(k.page.flags[page] & (PG.dirty | PG.locked)).toBe(PG.dirty);
    expect(load(k, task, 201)).toBe(page);
    expect(k.page.mapcount[page]).toBe(2);
    expect(k.page.refcount[page]).toBe(3);
    expect(k.mm.fileRss[mm]).toBe(2);
    expect(k.mm.anonRss[mm]).toBe(0);
  });

  test('A.16.2 a write fault on a shared mapping never copies, whatever refers to the page', () => {
    const { k, mm, task } = shmem(SHARED);
    const page = load(k, task, 100);
    const e = pteEntry(k, mm, 100);
    k.contents[e] &= ~PTE.write;
    k.tlb.fill(0);
    get(k, page);
    expect(store(k, task, 100, 1)).toBe(page);
    expect(k.page.flags[page] & (PG.dirty | PG.locked)).toBe(PG.dirty);
    expect(k.page.refcount[page]).toBe(3);
  });

  test('a private mapping reads the page of the file and writes to a copy', () => {
    const { k, mm, task, file } = shmem(RW);
    mapVma(k, mm, 200, 4, SHARED, file);
    const page = store(k, task, 201, 7);
    expect(load(k, task, 101)).toBe(page);
    expect(pteLo(k, mm, 101) & PTE.write).toBe(0);
    const copy = store(k, task, 101, 9);
    expect(copy).not.toBe(page);
    expect(isAnon(k, copy)).toBe(true);
    expect(k.page.flags[copy] & PG.anonExclusive).not.toBe(0);
    expect(pageByte(k, page, 0)).toBe(7);
    expect(k.page.mapcount[page]).toBe(1);
    expect(k.mm.anonRss[mm]).toBe(1);
    expect(k.mm.fileRss[mm]).toBe(1);
  });

  test('a private mapping that is written first gets its copy at once', () => {
    const { k, mm, task, file } = shmem(RW);
    mapVma(k, mm, 200, 4, SHARED, file);
    const page = store(k, task, 202, 7);
    const copy = store(k, task, 102, 9);
    expect(copy).not.toBe(page);
    expect(k.page.refcount[page]).toBe(2);
    expect(k.page.flags[page] & PG.locked).toBe(0);
    expect(k.mm.anonRss[mm]).toBe(1);
  });

  test('S8 unsharing a page of a file in a private mapping copies it, read-only; in a shared one nothing happens', () => {
    const { k, mm, task, file, vma } = shmem(RW);
    const page = load(k, task, 100);
    expect(run(handleMmFault(k, task, vma, 100, FAULT.unshare))).toBe(0);
    expect(pteLo(k, mm, 100) >>> 12).not.toBe(page);
    expect(pteLo(k, mm, 100) & PTE.write).toBe(0);
    const shared = mapVma(k, mm, 200, 4, SHARED, file);
    expect(load(k, task, 200)).toBe(page);
    expect(run(handleMmFault(k, task, shared, 200, FAULT.unshare))).toBe(0);
    expect(pteLo(k, mm, 200) >>> 12).toBe(page);
  });

  test('beyond the end of the file: SIGBUS', () => {
    const { k, task, vma } = shmem(SHARED);
    expect(store(k, task, 104, 1)).toBe(-14);
    expect(run(handleMmFault(k, task, vma, 104, 0))).toBe(VMF.sigbus);
  });

  test('A.26.1 zapping passes the dirty bit on to the folio; private copies survive an invalidation', () => {
    const { k, mm, task, file, vma } = shmem(RW);
    const shared = mapVma(k, mm, 200, 4, SHARED, file);
    const page = store(k, task, 200, 7);
    k.page.flags[page] &= ~PG.dirty;
    const copy = store(k, task, 100, 9);
    load(k, task, 101);
    run(zapRange(k, shared, 200, 204));
    expect(k.page.flags[page] & PG.dirty).not.toBe(0);
    run(zapFileRange(k, vma, 100, 104));
    expect(pteLo(k, mm, 100) >>> 12).toBe(copy);
    expect(pteLo(k, mm, 101)).toBe(0);
    expect(k.mm.fileRss[mm]).toBe(0);
    expect(k.mm.anonRss[mm]).toBe(1);
  });
});
