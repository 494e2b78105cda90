import { expect, test } from 'vitest';
import { EFAULT } from '../../src/machine/errno.ts';
import { PG } from '../../src/machine/page.ts';
import { BUG, WARN } from '../../src/machine/report.ts';
import { FOLL } from '../../src/mm/foll.ts';
import { tryGrabFolio } from '../../src/mm/grab.ts';
import { kmalloc } from '../../src/mm/kernel.ts';
import {
  putUserPage,
  unpinUserPage,
  unpinUserPageRangeDirtyLock,
  unpinUserPages,
  unpinUserPagesDirtyLock,
} from '../../src/mm/unpin.ts';
import { counts, folioOf, pinStat } from './pin-builder.ts';
import { boot, run } from './run.ts';

function pinned(name: string, order: number, n: number) {
  const { k } = boot(name);
  const folio = folioOf(k, order);
  run(tryGrabFolio(k, folio, n, FOLL.pin));
  return { k, folio, list: kmalloc(k, 16) };
}

test('A.10.1 one unpin of a tail page is one pin of its folio less', () => {
  const { k, folio } = pinned('6.12', 2, 2);
  run(unpinUserPage(k, folio + 3));
  expect(counts(k, folio)).toEqual([2, 1]);
  expect(pinStat(k)).toEqual([2, 1]);
});

test('A.10.1 empty entries are skipped, runs of one folio go together', () => {
  const { k, folio, list } = pinned('6.12', 2, 3);
  const small = folioOf(k, 0);
  run(tryGrabFolio(k, small, 1, FOLL.pin));
  k.kmem.set([folio, folio + 1, 0, small, folio + 2], list);
  run(unpinUserPages(k, list, 5));
  expect([counts(k, folio), counts(k, small)]).toEqual([
    [1, 0],
    [1, 0],
  ]);
  expect(pinStat(k)).toEqual([4, 4]);
});

test('A.10.1 an errno given as the count is warned of and releases nothing', () => {
  const { k, folio, list } = pinned('6.12', 0, 1);
  k.kmem[list] = folio;
  run(unpinUserPages(k, list, -EFAULT));
  expect(counts(k, folio)).toEqual([1025, 0]);
  expect((k.report[2] ?? 0) & WARN.unpinErrno).toBe(WARN.unpinErrno);
});

test('A.10.2 make_dirty marks the folio under its lock and leaves it unlocked', () => {
  const { k, folio, list } = pinned('6.12', 0, 2);
  k.kmem.set([folio, folio], list);
  run(unpinUserPagesDirtyLock(k, list, 2, true));
  expect((k.page.flags[folio] ?? 0) & (PG.dirty | PG.locked)).toBe(PG.dirty);
  expect(counts(k, folio)).toEqual([1, 0]);
});

test('A.10.2 without make_dirty nothing is marked', () => {
  const { k, folio, list } = pinned('6.12', 0, 1);
  k.kmem[list] = folio;
  run(unpinUserPagesDirtyLock(k, list, 1, false));
  expect((k.page.flags[folio] ?? 0) & PG.dirty).toBe(0);
});

test('A.10.3 a range over two folios', () => {
  const { k } = boot('6.12');
  const first = folioOf(k, 1);
  const second = folioOf(k, 1);
  expect(second).toBe(first + 2);
  run(tryGrabFolio(k, first, 1, FOLL.pin));
  run(tryGrabFolio(k, second, 2, FOLL.pin));
  run(unpinUserPageRangeDirtyLock(k, first + 1, 3, true));
  expect([counts(k, first), counts(k, second)]).toEqual([
    [1, 0],
    [1, 0],
  ]);
  expect((k.page.flags[second] ?? 0) & PG.dirty).toBe(PG.dirty);
});

test('A.10.6 the last pin of an orphan frees it', () => {
  const { k, folio } = pinned('6.12', 0, 1);
  k.page.refcount[folio] = 1024;
  run(unpinUserPage(k, folio));
  expect((k.page.flags[folio] ?? 0) & PG.buddy).toBe(PG.buddy);
  expect(k.report[0]).toBe(BUG.none);
});

test('A.10.8 an unpin of a page that nobody pinned makes its count negative', () => {
  const { k } = boot('6.12');
  const folio = folioOf(k, 0);
  run(unpinUserPage(k, folio));
  expect(k.page.refcount[folio]).toBe(-1023);
  expect(k.report[0]).toBe(BUG.refUnderflow);
});

test('S10 put_user_page of 5.4 drops one reference', () => {
  const { k } = boot('5.4');
  const folio = folioOf(k, 0);
  k.page.refcount[folio] = 2;
  run(putUserPage(k, folio));
  expect(counts(k, folio)).toEqual([1, 0]);
});
