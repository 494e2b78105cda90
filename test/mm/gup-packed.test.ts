import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EINVAL } from '../../src/machine/errno.ts';
import { HPAGE_PMD_NR } from '../../src/machine/page.ts';
import { FOLL } from '../../src/mm/foll.ts';
import { pinUserPagesFast } from '../../src/mm/gup.ts';
import {
  PACKED,
  packedLength,
  packedPage,
  packedRoom,
  packedStore,
  packedWords,
} from '../../src/mm/gup-packed.ts';
import { pinUserPagesFastPacked } from '../../src/mm/gup-ranges.ts';
import { type Kernel, kmalloc } from '../../src/mm/kernel.ts';
import { userAccess } from '../../src/mm/memory.ts';
import { MAP, PROT, sysMmap } from '../../src/mm/mmap.ts';
import { unpinUserPacked } from '../../src/mm/unpin.ts';
import { AT, counts, pinBoot, pinStat, stored } from './pin-builder.ts';
import { boot, run } from './run.ts';
import { mapVma } from './vma-builder.ts';

/** Every page that a packed array names. */
const pagesOf = (k: Kernel, at: number): number[] =>
  Array.from({ length: k.kmem[at + PACKED.used] ?? 0 }, (_, i) => i).flatMap((i) =>
    Array.from({ length: packedLength(k, at, i) }, (_, j) => packedPage(k, at, i) + j),
  );

test('B3 a small page costs 8 bytes', () => {
  const { k, task, pfns } = pinBoot('6.12', 4);
  const at = kmalloc(k, 32);
  expect(run(pinUserPagesFastPacked(k, task, AT, 4, FOLL.write, at, 32))).toBe(4);
  expect(4 * packedWords(k, at)).toBe(4 * 8);
  expect(pagesOf(k, at)).toEqual(pfns);
  run(unpinUserPacked(k, at, true));
  for (const pfn of pfns) expect(counts(k, pfn)).toEqual([1, 0]);
  expect(pinStat(k)).toEqual([4, 4]);
  expect(packedWords(k, at)).toBe(0);
});

/** A process with four huge pages from AT. */
function hugeBoot() {
  const { k, task } = boot('6.12', { areas: [{ pages: 16384 }], thpAlways: true });
  const n = 4 * HPAGE_PMD_NR;
  const flags = MAP.private | MAP.anonymous | MAP.fixed;
  expect(run(sysMmap(k, task, AT, n, PROT.read | PROT.write, flags, 0, 0))).toBe(AT);
  for (let i = 0; i < 4; i++) run(userAccess(k, task, AT + i * HPAGE_PMD_NR, true));
  return { k, task };
}

test('B3 an aligned 2 MiB costs 8 bytes, a part of it 4 more', () => {
  const { k, task } = hugeBoot();
  const at = kmalloc(k, 32);
  const pin = (from: number, n: number) => {
    expect(run(pinUserPagesFastPacked(k, task, AT + from, n, FOLL.write, at, 32))).toBe(n);
    const bytes = 4 * packedWords(k, at);
    run(unpinUserPacked(k, at, false));
    return bytes;
  };
  expect(pin(0, 4 * HPAGE_PMD_NR)).toBe(4 * 8);
  expect(pin(7, 3 * HPAGE_PMD_NR)).toBe(12 + 2 * 8 + 12);
  expect(pin(1, 1)).toBe(8);
  const [acquired, released] = pinStat(k);
  expect(acquired).toBe(released);
});

test('B3 a full array ends the call where the next run does not fit, with no pin more', () => {
  const { k, task } = hugeBoot();
  // Room for two entries and one size: the third run would need both.
  const words = PACKED.header + 5;
  const at = kmalloc(k, words);
  const n = 2 * HPAGE_PMD_NR;
  const first = run(pinUserPagesFastPacked(k, task, AT + 7, n, FOLL.write, at, words));
  expect(first).toBe(n - 7);
  expect(k.kmem[at + PACKED.used]).toBe(2);
  const [acquired, released] = pinStat(k);
  expect(acquired - released).toBe(first);
  run(unpinUserPacked(k, at, false));
  // The next call goes on at the boundary.
  expect(run(pinUserPagesFastPacked(k, task, AT + 7 + first, 7, 0, at, words))).toBe(7);
  run(unpinUserPacked(k, at, false));
  expect(run(pinUserPagesFastPacked(k, task, AT, 1, 0, at, 6))).toBe(-EINVAL);
});

test('B3 the packed array says what the list says, wherever the slow path goes on', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 0, max: 11 }),
      fc.integer({ min: 7, max: 40 }),
      (mapped, from, words) => {
        const { k, task, mm, pages } = pinBoot('6.12', mapped);
        mapVma(k, mm, AT + mapped, 2);
        const at = kmalloc(k, words);
        const packed = run(pinUserPagesFastPacked(k, task, AT + from, 12, 0, at, words));
        const listed = run(pinUserPagesFast(k, task, AT + from, 12, 0, pages));
        if (listed < 0) expect(packed).toBe(listed);
        else {
          const n = Math.min(listed, (words - PACKED.header) >> 1);
          expect(packed).toBe(n);
          expect(pagesOf(k, at)).toEqual(stored(k, pages, n));
        }
      },
    ),
    { numRuns: 40 },
  );
});

test('B3 runs that grow page by page are what they are in one piece', () => {
  // One folio of 512 pages: any cuts of it give the same words.
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 8 }), (cuts) => {
      const { k } = hugeBoot();
      const folio = 2 * HPAGE_PMD_NR;
      const words = 16;
      const at = kmalloc(k, words);
      k.kmem[at + PACKED.words] = words;
      let next = folio;
      for (const n of cuts) {
        if (next + n > folio + HPAGE_PMD_NR) break;
        expect(packedRoom(k, at, next, n)).toBe(true);
        packedStore(k, at, next, n);
        next += n;
      }
      const n = next - folio;
      expect(k.kmem[at + PACKED.used]).toBe(n === 0 ? 0 : 1);
      if (n > 0) expect(packedLength(k, at, 0)).toBe(n);
      expect(packedWords(k, at)).toBe(n === 0 ? 0 : n === 1 || n === HPAGE_PMD_NR ? 2 : 3);
    }),
    { numRuns: 40 },
  );
});
