import { describe, expect, test } from 'vitest';
import { PTE } from '../../src/machine/entry.ts';
import { PG } from '../../src/machine/page.ts';
import { headOf, isLarge } from '../../src/mm/folio.ts';
import { dupMm } from '../../src/mm/fork.ts';
import { splitHugePmd } from '../../src/mm/huge-split.ts';
import { newTask } from '../../src/mm/kernel.ts';
import { pmdEntry, pteEntry } from '../../src/mm/pgtable.ts';
import { boot, run } from './run.ts';
import { get, mapVma, store } from './vma-builder.ts';

/** A huge page at 512, mapped by 512 PTEs that are read-only, and not exclusive unless said. */
function pteMappedThp(version: string, exclusive: boolean) {
  const { k, mm, task } = boot(version, { thpAlways: true });
  const vma = mapVma(k, mm, 512, 512);
  const pfn = store(k, task, 512, 7);
  expect(isLarge(k, headOf(k, pfn))).toBe(true);
  run(splitHugePmd(k, vma, pmdEntry(k, mm, 512), 512));
  for (let i = 0; i < 512; i++) {
    const e = pteEntry(k, mm, 512 + i);
    k.contents[e] &= ~PTE.write;
    if (!exclusive) k.page.flags[pfn + i] &= ~PG.anonExclusive;
  }
  k.tlb.fill(0);
  return { k, mm, task, vma, pfn };
}

describe('pages of a huge page mapped by PTEs', () => {
  test.each([
    ['5.8', true],
    ['5.9', false],
    ['5.18', false],
    ['5.19', false],
    ['6.14', false],
    ['6.15', true],
  ])('S3 in %s a page of a folio that only this process maps is reused: %s', (version, reuse) => {
    const { k, task, pfn } = pteMappedThp(version, false);
    expect(store(k, task, 515, 1) === pfn + 3).toBe(reuse);
  });

  test.each([
    ['5.18', false],
    ['5.19', true],
    ['6.18', true],
  ])('S3 in %s an exclusive page is reused: %s', (version, reuse) => {
    const { k, task, pfn } = pteMappedThp(version, true);
    expect(store(k, task, 515, 1) === pfn + 3).toBe(reuse);
  });

  test('S3 from 6.15 on another reference, or another process, still forces the copy', () => {
    const referenced = pteMappedThp('6.15', false);
    get(referenced.k, referenced.pfn);
    expect(store(referenced.k, referenced.task, 515, 1)).not.toBe(referenced.pfn + 3);
    const forked = pteMappedThp('6.15', true);
    run(dupMm(forked.k, forked.task, newTask(forked.k, 0, 1)));
    expect(store(forked.k, forked.task, 515, 1)).not.toBe(forked.pfn + 3);
  });

  test('S1 to 5.8 a GET reference does not count', () => {
    const { k, task, pfn } = pteMappedThp('5.8', false);
    get(k, pfn);
    expect(store(k, task, 515, 1)).toBe(pfn + 3);
  });
});
