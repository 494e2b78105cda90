import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { listRun, releaseRun, takeRun } from '../../gen/direct/machine/runs.ts';
import * as directFast from '../../gen/direct/mm/gup-fast.ts';
import * as directUnpin from '../../gen/direct/mm/unpin.ts';
import {
  sharedArena,
  releaseRun as sharedRelease,
  takeRun as sharedTake,
} from '../../gen/shared/machine/runs.ts';
import * as sharedFast from '../../gen/shared/mm/gup-fast.ts';
import * as sharedUnpin from '../../gen/shared/mm/unpin.ts';
import { type Alloc, plainAlloc, sharedAlloc } from '../../src/machine/arena.ts';
import { PTE } from '../../src/machine/entry.ts';
import { PAGE_FIELDS, PG } from '../../src/machine/page.ts';
import { RUNS } from '../../src/machine/runs.ts';
import { FOLL } from '../../src/mm/foll.ts';
import { gupFast } from '../../src/mm/gup-fast.ts';
import { kmalloc } from '../../src/mm/kernel.ts';
import { pteEntry } from '../../src/mm/pgtable.ts';
import { unpinUserPages } from '../../src/mm/unpin.ts';
import { AT, pinStat } from './pin-builder.ts';
import { boot, run } from './run.ts';
import { mapVma, store } from './vma-builder.ts';

/** Pages of the mapping at `AT`. */
const N = 8;

/** A process with `N` pages that were used before, in memory from `alloc`. */
function process(name: string, alloc: Alloc, movable: boolean) {
  const areas = [{ pages: 1024 }, ...(movable ? [{ pages: 1024, movable }] : [])];
  const { k, task, mm } = boot(name, { areas, alloc, swapPages: 0 });
  mapVma(k, mm, AT, N);
  const pfns: number[] = [];
  for (let i = 0; i < N; i++) pfns.push(store(k, task, AT + i, 10 + i));
  for (const pfn of pfns) k.page.flags[pfn] |= PG.referenced;
  return { k, mm, pfns, pages: kmalloc(k, 64) };
}

type Process = ReturnType<typeof process>;

/** What may be odd about a page. */
const ODDITIES: ((b: Process, pfn: number, e: number) => void)[] = [
  ({ k }, _, e) => {
    k.contents[e] &= ~PTE.write;
  },
  ({ k }, _, e) => {
    k.contents[e] = 0;
  },
  ({ k }, _, e) => {
    k.contents[e] |= PTE.special;
  },
  ({ k }, _, e) => {
    k.contents[e + 1] |= 1 << 26;
  },
  ({ k }, pfn) => {
    k.page.flags[pfn] &= ~PG.referenced;
  },
  ({ k }, pfn) => {
    k.page.flags[pfn] |= PG.slab;
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
  // No anonymous page any more, and so not exclusive.
  ({ k }, pfn) => {
    k.page.mapping[pfn] = 0;
    k.page.flags[pfn] &= ~PG.anonExclusive;
  },
  ({ k }, pfn) => {
    k.page.mapping[pfn] = 5 << 2;
    k.page.flags[pfn] &= ~PG.anonExclusive;
    k.file.kind[5] = 99;
  },
  // First page of a folio of two, and a tail.
  ({ k }, pfn) => {
    k.page.compound[pfn] = -1;
    k.page.flags[pfn] |= PG.head;
  },
  ({ k, pfns }, pfn) => {
    const head = pfns[0] as number;
    if (pfn === head) return;
    k.page.compound[pfn] = head + 1;
    k.page.flags[pfn] &= ~PG.referenced;
  },
  // The page of the neighbour, mapped twice.
  ({ k, mm }, _, e) => {
    const other = pteEntry(k, mm, AT + 1);
    k.contents[e] = k.contents[other] as number;
  },
];

type Odd = readonly (readonly [number, number])[];

function prepared(name: string, odd: Odd, alloc: Alloc, movable = false): Process {
  const b = process(name, alloc, movable);
  for (const [i, what] of odd)
    ODDITIES[what]?.(b, b.pfns[i] as number, pteEntry(b.k, b.mm, AT + i));
  return b;
}

/** All that a call may leave: page structures, counters, report, and the pages listed. */
function trace({ k, pages }: Process, n: number): unknown[] {
  const words = PAGE_FIELDS.map((f) => [...k.page[f]].join());
  return [n, ...words, pinStat(k), k.report.join(), ...k.kmem.subarray(pages, pages + n)];
}

/** The larger of the two machines takes 2.3 million words. */
const arena = (): Alloc => sharedArena(4_000_000);

const QUICK = [
  { form: 'direct', alloc: () => plainAlloc, gup: directFast, unpin: directUnpin },
  { form: 'shared, WebAssembly', alloc: arena, gup: sharedFast, unpin: sharedUnpin },
  { form: 'shared, JavaScript', alloc: () => sharedAlloc, gup: sharedFast, unpin: sharedUnpin },
];

const names = fc.constantFrom('4.19', '5.10', '5.18', '6.12', '6.18');
const oddities = fc.array(fc.tuple(fc.nat(N - 1), fc.nat(ODDITIES.length - 1)), { maxLength: 2 });
const someFlags = fc.constantFrom(
  FOLL.get,
  FOLL.get | FOLL.write,
  FOLL.pin,
  FOLL.pin | FOLL.write,
  FOLL.pin | FOLL.write | FOLL.longterm,
);

describe.each(QUICK)('A.13.4 runs of pages in the form: $form', ({ alloc, gup, unpin }) => {
  test('pins leave what the general walk leaves', () => {
    fc.assert(
      fc.property(names, oddities, someFlags, fc.boolean(), (name, odd, flags, movable) => {
        const quick = prepared(name, odd, alloc(), movable);
        const slow = prepared(name, odd, plainAlloc, movable);
        const fast = gup.gupFast(quick.k, 0, quick.mm, AT, AT + N, flags, quick.pages);
        const n = run(gupFast(slow.k, 0, slow.mm, AT, AT + N, flags, slow.pages));
        expect(trace(quick, fast)).toEqual(trace(slow, n));
      }),
      { numRuns: 60 },
    );
  });

  test('A.10.1 so do releases of a list, with empty words, repetitions and pages without a pin', () => {
    const list = fc.array(fc.integer({ min: -1, max: N - 1 }), { maxLength: 20 });
    fc.assert(
      fc.property(names, oddities, list, (name, odd, indexes) => {
        const [quick, slow] = [prepared(name, odd, alloc()), prepared(name, odd, plainAlloc)];
        for (const b of [quick, slow]) {
          for (const pfn of b.pfns)
            if ((b.k.page.refcount[pfn] as number) < 2 ** 30) b.k.page.refcount[pfn] += 3000;
          indexes.forEach((i, at) => {
            b.k.kmem[b.pages + at] = i < 0 ? 0 : (b.pfns[i] as number);
          });
          // Behind the list stands a page that the call is not asked to release.
          b.k.kmem[b.pages + indexes.length] = b.pfns[0] as number;
        }
        unpin.unpinUserPages(quick.k, quick.pages, indexes.length);
        run(unpinUserPages(slow.k, slow.pages, indexes.length));
        expect(trace(quick, indexes.length)).toEqual(trace(slow, indexes.length));
      }),
      { numRuns: 60 },
    );
  });
});

describe('runs', () => {
  test('the stepped forms have none', () => {
    expect(RUNS).toBe(false);
  });

  test('ordinary pages are taken and released by them', () => {
    const flags = Int32Array.of(0, 0, 6, 14, 2);
    const list = new Int32Array(3);
    const entries = Int32Array.of((2 << 12) | 7, 0, (3 << 12) | 7, 0, (4 << 12) | 7, 0);
    expect(listRun(entries, 0, 3, 7, flags, 6, 6, list, 0)).toBe(2);
    expect(listRun(entries, 0, 3, 15, flags, 6, 6, list, 0)).toBe(0);
    expect(list).toEqual(Int32Array.of(2, 3, 0));
    const words = sharedArena(64);
    const [sharedList, shared, compound] = [words(3), words(5), words(5)];
    sharedList.set(list);
    const plain = Int32Array.of(0, 1, 1, 1, 1);
    shared.set(plain);
    expect(takeRun(list, 0, 3, plain, 1024)).toBe(2);
    expect(sharedTake(sharedList, 0, 3, shared, 1024)).toBe(2);
    expect(plain).toEqual(Int32Array.of(0, 1, 1025, 1025, 1));
    expect([...shared]).toEqual([...plain]);
    expect(releaseRun(list, 0, 3, new Int32Array(5), plain, 0, 1024)).toBe(2);
    expect(sharedRelease(sharedList, 0, 3, compound, shared, 0, 1024)).toBe(2);
    expect([...shared]).toEqual([...plain]);
  });

  test('a shared arena refuses more than it has', () => {
    expect(() => sharedArena(8)(9)).toThrow(RangeError);
    expect(() => sharedArena(2 ** 31)).toThrow(RangeError);
  });
});
