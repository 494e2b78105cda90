import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EINVAL } from '../../src/machine/errno.ts';
import { FOLL } from '../../src/mm/foll.ts';
import { pinUserPagesFast } from '../../src/mm/gup.ts';
import {
  pinUserPagesFastRanges,
  rangeCount,
  rangeLength,
  rangeOffset,
  rangePage,
} from '../../src/mm/gup-ranges.ts';
import { kmalloc } from '../../src/mm/kernel.ts';
import { unpinUserRanges } from '../../src/mm/unpin.ts';
import { AT, counts, pinBoot, pinStat, stored } from './pin-builder.ts';
import { run } from './run.ts';
import { mapVma } from './vma-builder.ts';

test('B2 small folios are one range each, with the pages that a list has', () => {
  const { k, task, pfns } = pinBoot('6.12', 4);
  const ranges = kmalloc(k, 32);
  expect(run(pinUserPagesFastRanges(k, task, AT, 4, FOLL.write, ranges, 32))).toBe(4);
  expect(rangeCount(k, ranges)).toBe(4);
  for (let i = 0; i < 4; i++) {
    expect([rangePage(k, ranges, i), rangeLength(k, ranges, i), rangeOffset(k, ranges, i)]).toEqual(
      [pfns[i], 1, 0],
    );
  }
  run(unpinUserRanges(k, ranges, true));
  for (const pfn of pfns) expect(counts(k, pfn)).toEqual([1, 0]);
  expect(pinStat(k)).toEqual([4, 4]);
  expect(rangeCount(k, ranges)).toBe(0);
});

test('B2 pages that the slow path adds are ranges behind those of the fast path', () => {
  const { k, task, mm, pfns } = pinBoot('6.12', 2);
  mapVma(k, mm, AT + 2, 2);
  const ranges = kmalloc(k, 32);
  expect(run(pinUserPagesFastRanges(k, task, AT, 4, FOLL.write, ranges, 32))).toBe(4);
  expect(rangeCount(k, ranges)).toBe(4);
  expect(rangePage(k, ranges, 1)).toBe(pfns[1]);
  run(unpinUserRanges(k, ranges, false));
  expect(pinStat(k)).toEqual([4, 4]);
});

test('B4 full ranges end the call with the pages that fit, and no pin more', () => {
  const { k, task } = pinBoot('6.12', 4);
  const ranges = kmalloc(k, 7);
  expect(run(pinUserPagesFastRanges(k, task, AT, 4, FOLL.write, ranges, 7))).toBe(2);
  expect(rangeCount(k, ranges)).toBe(2);
  const [acquired, released] = pinStat(k);
  expect(acquired - released).toBe(2);
  expect(run(pinUserPagesFastRanges(k, task, AT, 4, FOLL.write, ranges, 3))).toBe(-EINVAL);
});

test('B2 ranges say what the list says', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 0, max: 11 }),
      (mapped, from) => {
        const { k, task, pages } = pinBoot('6.12', mapped);
        const listed = run(pinUserPagesFast(k, task, AT + from, 12, FOLL.write, pages));
        const ranges = kmalloc(k, 40);
        const ranged = run(pinUserPagesFastRanges(k, task, AT + from, 12, FOLL.write, ranges, 40));
        expect(ranged).toBe(listed);
        if (listed < 0) return;
        const all: number[] = [];
        for (let i = 0; i < rangeCount(k, ranges); i++) {
          for (let j = 0; j < rangeLength(k, ranges, i); j++) all.push(rangePage(k, ranges, i) + j);
        }
        expect(all).toEqual(stored(k, pages, listed));
      },
    ),
    { numRuns: 25 },
  );
});
