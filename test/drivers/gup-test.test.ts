import { expect, test } from 'vitest';
import { GUP_TEST, gupTestPut, gupTestTake, gupTestVerify } from '../../src/drivers/gup-test.ts';
import { FOLL } from '../../src/mm/foll.ts';
import { kmalloc } from '../../src/mm/kernel.ts';
import { AT, counts, pinBoot, pinStat } from '../mm/pin-builder.ts';
import { run } from '../mm/run.ts';

/** Eight pages, and words for them and for how many were taken. */
function setUp(kernel = '6.12') {
  const machine = pinBoot(kernel, 8);
  const list = kmalloc(machine.k, 9);
  return { ...machine, list, taken: list + 8 };
}

const TAKES = [
  ['gupFast', 2],
  ['pinFast', 1025],
  ['pinLongterm', 1025],
  ['gupBasic', 2],
  ['pinBasic', 1025],
  ['dump', 2],
  ['dumpPinned', 1025],
] as const;

test.each(TAKES)('A10 %s takes each page once and gives it back', (name, references) => {
  const { k, task, mm, pfns, list, taken } = setUp();
  const cmd = GUP_TEST[name];
  expect(run(gupTestTake(k, task, cmd, AT, 8, 3, FOLL.write, list, taken))).toBe(8);
  expect(k.kmem[taken]).toBe(8);
  for (const pfn of pfns) expect(counts(k, pfn)).toEqual([references, 0]);
  const locked = name === 'gupFast' || name === 'pinFast' ? 0 : 1;
  expect(k.mm.mmapLock[mm]).toBe(locked);
  expect(run(gupTestVerify(k, cmd, list, 8))).toBe(0);
  run(gupTestPut(k, task, cmd, list, 8));
  for (const pfn of pfns) expect(counts(k, pfn)).toEqual([1, 0]);
  expect(k.mm.mmapLock[mm]).toBe(0);
  const pins = references === 2 ? 0 : 8;
  expect(pinStat(k)).toEqual([pins, pins]);
});

test('A10 a call that gives fewer pages is the last, and counts as if it had given all', () => {
  const { k, task, list, taken } = setUp();
  // The range is longer than the mapping: the third call finds two pages of four.
  expect(run(gupTestTake(k, task, GUP_TEST.pinFast, AT + 2, 8, 4, 0, list, taken))).toBe(8);
  expect(k.kmem[taken]).toBe(6);
  run(gupTestPut(k, task, GUP_TEST.pinFast, list, 6));
  // The first call finds nothing.
  expect(run(gupTestTake(k, task, GUP_TEST.pinFast, AT + 8, 8, 4, 0, list, taken))).toBe(0);
  expect(k.kmem[taken]).toBe(0);
});

test('A10 the check names the first page that is not pinned', () => {
  const { k, task, list, taken } = setUp();
  run(gupTestTake(k, task, GUP_TEST.gupFast, AT, 8, 8, 0, list, taken));
  expect(run(gupTestVerify(k, GUP_TEST.gupFast, list, 8))).toBe(0);
  expect(run(gupTestVerify(k, GUP_TEST.pinFast, list, 8))).toBe(1);
  run(gupTestPut(k, task, GUP_TEST.gupFast, list, 8));
});
