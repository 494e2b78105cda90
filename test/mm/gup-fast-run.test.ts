import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PTE } from '../../src/machine/entry.ts';
import { PAGE_FIELDS, PG } from '../../src/machine/page.ts';
import { FOLL } from '../../src/mm/foll.ts';
import { gupFast } from '../../src/mm/gup-fast.ts';
import { pageTests } from '../../src/mm/gup-fast-page.ts';
import { takePlainRun } from '../../src/mm/gup-fast-run.direct.ts';
import { takePlainRun as takeNone } from '../../src/mm/gup-fast-run.ts';
import { pteEntry } from '../../src/mm/pgtable.ts';
import { AT, pinBoot, pinStat, stored } from './pin-builder.ts';
import { run } from './run.ts';

type Boot = ReturnType<typeof pinBoot>;

/** What may be odd about a page, done to number `i` of the mapping. */
const ODDITIES: ((b: Boot, pfn: number, e: number) => void)[] = [
  ({ k }, _, e) => {
    k.contents[e] = (k.contents[e] ?? 0) & ~PTE.write;
  },
  ({ k }, _, e) => {
    k.contents[e] = 0;
  },
  ({ k }, _, e) => {
    k.contents[e] = (k.contents[e] ?? 0) | PTE.special;
  },
  ({ k }, _, e) => {
    k.contents[e + 1] = (k.contents[e + 1] ?? 0) | (1 << 26);
  },
  ({ k }, pfn) => {
    k.page.flags[pfn] = (k.page.flags[pfn] ?? 0) & ~PG.anonExclusive;
  },
  ({ k }, pfn) => {
    k.page.flags[pfn] = (k.page.flags[pfn] ?? 0) & ~PG.referenced;
  },
  ({ k }, pfn) => {
    k.page.flags[pfn] = (k.page.flags[pfn] ?? 0) | PG.slab;
  },
  ({ k }, pfn) => {
    k.page.refcount[pfn] = 0;
  },
  ({ k }, pfn) => {
    k.page.refcount[pfn] = -3;
  },
  ({ k }, pfn) => {
    k.page.refcount[pfn] = 2 ** 31 - 100;
  },
  ({ k }, pfn) => {
    k.page.mapping[pfn] = 0;
  },
  ({ k }, pfn) => {
    k.page.mapping[pfn] = 5 << 2;
    k.file.kind[5] = 99;
  },
];

function prepared(name: string, odd: readonly (readonly [number, number])[]): Boot {
  const b = pinBoot(name, 8);
  for (const pfn of b.pfns) b.k.page.flags[pfn] = (b.k.page.flags[pfn] ?? 0) | PG.referenced;
  for (const [i, what] of odd) ODDITIES[what]?.(b, b.pfns[i] ?? 0, pteEntry(b.k, b.mm, AT + i));
  return b;
}

function bytes(words: Int32Array): Buffer {
  return Buffer.from(words.buffer, words.byteOffset, words.byteLength);
}

describe('A.13.4 the shortcut of the direct form', () => {
  test('takes ordinary pages at once', () => {
    const b = prepared('6.12', []);
    const flags = FOLL.pin | FOLL.write;
    const e = pteEntry(b.k, b.mm, AT);
    expect(takePlainRun(b.k, e, 8, flags, pageTests(b.k, flags), b.pages, 0)).toBe(8);
    expect(stored(b.k, b.pages, 8)).toEqual(b.pfns);
    expect(takeNone(b.k, e, 8, flags, 0, b.pages, 0)).toBe(0);
  });

  test('leaves memory as the general walk does, for as many pages as it takes', () => {
    const odd = fc.array(fc.tuple(fc.nat(7), fc.nat(ODDITIES.length - 1)), { maxLength: 2 });
    const flags = fc.constantFrom(
      FOLL.get,
      FOLL.get | FOLL.write,
      FOLL.pin,
      FOLL.pin | FOLL.write,
      FOLL.pin | FOLL.write | FOLL.longterm,
    );
    fc.assert(
      fc.property(
        fc.constantFrom('4.19', '5.10', '5.18', '6.12', '6.18'),
        odd,
        flags,
        (name, list, f) => {
          const quick = prepared(name, list);
          const n = takePlainRun(
            quick.k,
            pteEntry(quick.k, quick.mm, AT),
            8,
            f,
            pageTests(quick.k, f),
            quick.pages,
            0,
          );
          const slow = prepared(name, list);
          expect(run(gupFast(slow.k, 0, slow.mm, AT, AT + n, f, slow.pages))).toBe(n);
          const differ = PAGE_FIELDS.filter(
            (f) => Buffer.compare(bytes(quick.k.page[f]), bytes(slow.k.page[f])) !== 0,
          );
          expect(differ).toEqual([]);
          expect(stored(quick.k, quick.pages, n)).toEqual(stored(slow.k, slow.pages, n));
          expect(pinStat(quick.k)).toEqual(pinStat(slow.k));
          expect(quick.k.report[2]).toBe(slow.k.report[2]);
        },
      ),
      { numRuns: 40 },
    );
  });
});
