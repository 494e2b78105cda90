import { expect, test } from 'vitest';
import { designNamed, designRules } from '../../src/kernels/index.ts';
import { PG } from '../../src/machine/page.ts';
import { dmaPin, dmaPinned, dmaUnpin } from '../../src/mm/dma-pinned.ts';
import { bootKernel, type Kernel, MISC } from '../../src/mm/kernel.ts';
import { folioAddLru, isolateLru, putbackLru } from '../../src/mm/lru.ts';
import { rangeAdd, rangeCovers, rangeRemove } from '../../src/mm/pin-ranges.ts';
import { folioOf } from './pin-builder.ts';
import { run } from './run.ts';

/** A kernel with the rules of a design on top of the release that it was made for. */
const designed = (name: string): Kernel => {
  const design = designNamed(name);
  if (design === undefined) throw new Error(`no design ${name}`);
  return bootKernel({ rules: designRules(design) });
};

test('S204 a page under DMA leaves its list, and is kept off until the last of its users is gone', () => {
  const k = designed('pg-dma-pinned');
  const folio = folioOf(k, 0);
  run(folioAddLru(k, folio));
  run(dmaPin(k, folio, 2));
  expect((k.page.flags[folio] ?? 0) & (PG.lru | PG.dmaPinned)).toBe(PG.dmaPinned);
  expect(k.page.lruPrev[folio]).toBe(2);
  run(folioAddLru(k, folio));
  expect((k.page.flags[folio] ?? 0) & PG.lru).toBe(0);
  run(dmaUnpin(k, folio, 1));
  expect(run(dmaPinned(k, folio))).toBe(true);
  run(dmaUnpin(k, folio, 1));
  expect((k.page.flags[folio] ?? 0) & (PG.lru | PG.dmaPinned | PG.dmaOffLru)).toBe(PG.lru);
});

test('S204 a page that reclaim has isolated goes back to its list only after the DMA', () => {
  const k = designed('pg-dma-pinned');
  const folio = folioOf(k, 0);
  run(folioAddLru(k, folio));
  expect(run(isolateLru(k, folio))).toBe(true);
  run(dmaPin(k, folio, 1));
  run(putbackLru(k, folio));
  expect((k.page.flags[folio] ?? 0) & PG.lru).toBe(0);
  run(dmaUnpin(k, folio, 1));
  expect((k.page.flags[folio] ?? 0) & PG.lru).toBe(PG.lru);
});

test('S204 pages that never were on a list do not come to one', () => {
  const k = designed('pg-dma-pinned');
  const folio = folioOf(k, 0);
  run(dmaPin(k, folio, 1));
  run(dmaUnpin(k, folio, 1));
  expect((k.page.flags[folio] ?? 0) & PG.lru).toBe(0);
});

const FILE_ID = 3;

/** The entries in use, as [start, end, pins]. */
const entries = (k: Kernel): number[][] =>
  [...k.ranges.pins].flatMap((pins, e) =>
    pins === 0 ? [] : [[k.ranges.start[e] ?? 0, k.ranges.end[e] ?? 0, pins]],
  );

test('S204 pins of pages that follow each other are one entry, which unpins cut in any order', () => {
  const k = designed('range-lock');
  for (let i = 4; i < 9; i++) rangeAdd(k, FILE_ID, i, 1);
  expect(entries(k)).toEqual([[4, 9, 1]]);
  rangeRemove(k, FILE_ID, 6, 1);
  expect(entries(k)).toEqual([
    [4, 6, 1],
    [7, 9, 1],
  ]);
  expect([5, 6, 7].map((i) => rangeCovers(k, FILE_ID, i))).toEqual([true, false, true]);
  expect(rangeCovers(k, FILE_ID + 1, 5)).toBe(false);
  for (const i of [8, 4, 5, 7]) rangeRemove(k, FILE_ID, i, 1);
  expect(entries(k)).toEqual([]);
});

test('S204 two pins of a page are two entries or one of two; the page stays covered until both are gone', () => {
  const k = designed('range-lock');
  rangeAdd(k, FILE_ID, 1, 1);
  rangeAdd(k, FILE_ID, 1, 1);
  rangeRemove(k, FILE_ID, 1, 1);
  expect(rangeCovers(k, FILE_ID, 1)).toBe(true);
  rangeRemove(k, FILE_ID, 1, 1);
  expect(rangeCovers(k, FILE_ID, 1)).toBe(false);
  rangeAdd(k, FILE_ID, 2, 3);
  rangeRemove(k, FILE_ID, 2, 1);
  expect(entries(k)).toEqual([[2, 3, 2]]);
});

test('S204 an entry that cannot be cut for want of memory stays whole', () => {
  const k = designed('range-lock');
  for (let i = 0; i < 3; i++) rangeAdd(k, FILE_ID, i, 1);
  k.misc[MISC.failKmalloc] = 1;
  rangeRemove(k, FILE_ID, 1, 1);
  expect(entries(k)).toEqual([[0, 3, 1]]);
  rangeRemove(k, FILE_ID, 1, 1);
  expect(entries(k).length).toBe(2);
});
