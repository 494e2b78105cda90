import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { freePageCount } from '../../src/machine/buddy.ts';
import { pageByte } from '../../src/machine/contents.ts';
import { exitMm } from '../../src/mm/exit.ts';
import type { Kernel } from '../../src/mm/kernel.ts';
import { MADV, sysMadvise } from '../../src/mm/madvise.ts';
import { MAP, PROT, sysMmap, sysMunmap } from '../../src/mm/mmap.ts';
import { sysMprotect } from '../../src/mm/mprotect.ts';
import { MREMAP, sysMremap } from '../../src/mm/mremap.ts';
import { vmaPages } from '../../src/mm/vma.ts';
import { boot, run } from './run.ts';
import { load, store } from './vma-builder.ts';

/** The calls work on this window; its middle is a 2 MiB boundary, so that two page tables take part. */
const BASE = 0x1000 - 8;
const PAGES = 16;
const RW = PROT.read | PROT.write;

/** What a page of the window should be: its protection and first byte; undefined: not mapped. */
type Page = { prot: number; byte: number } | undefined;

const range = fc.tuple(fc.nat(PAGES - 1), fc.integer({ min: 1, max: 6 })).map(([at, n]) => ({
  at,
  n: Math.min(n, PAGES - at),
}));
const step = fc.oneof(
  fc.record({
    call: fc.constant('mmap' as const),
    range,
    prot: fc.constantFrom(RW, PROT.read, PROT.none),
  }),
  fc.record({ call: fc.constant('munmap' as const), range }),
  fc.record({
    call: fc.constant('mprotect' as const),
    range,
    prot: fc.constantFrom(RW, PROT.read, PROT.none),
  }),
  fc.record({ call: fc.constant('dontneed' as const), range }),
  fc.record({ call: fc.constant('mremap' as const), range, to: fc.nat(PAGES - 1) }),
  fc.record({
    call: fc.constant('store' as const),
    at: fc.nat(PAGES - 1),
    byte: fc.integer({ min: 1, max: 255 }),
  }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function apply(k: Kernel, task: number, model: Page[], s: Step): void {
  if (s.call === 'store') {
    const page = model[s.at];
    expect(store(k, task, BASE + s.at, s.byte) > 0).toBe(
      page !== undefined && (page.prot & PROT.write) !== 0,
    );
    if (page !== undefined && (page.prot & PROT.write) !== 0) page.byte = s.byte;
    return;
  }
  const { at, n } = s.range;
  const pages = model.slice(at, at + n);
  const firstGap = pages.indexOf(undefined);
  const mapped = firstGap < 0 ? n : firstGap;
  switch (s.call) {
    case 'mmap': {
      const flags = MAP.private | MAP.anonymous | MAP.fixed;
      expect(run(sysMmap(k, task, BASE + at, n, s.prot, flags, 0, 0))).toBe(BASE + at);
      for (let i = 0; i < n; i++) model[at + i] = { prot: s.prot, byte: 0 };
      return;
    }
    case 'munmap':
      expect(run(sysMunmap(k, task, BASE + at, n))).toBe(0);
      model.fill(undefined, at, at + n);
      return;
    case 'mprotect':
      expect(run(sysMprotect(k, task, BASE + at, n, s.prot)) === 0).toBe(firstGap < 0);
      for (const page of pages.slice(0, mapped)) if (page !== undefined) page.prot = s.prot;
      return;
    case 'dontneed':
      expect(run(sysMadvise(k, task, BASE + at, n, MADV.dontneed)) === 0).toBe(firstGap < 0);
      for (const page of pages) if (page !== undefined) page.byte = 0;
      return;
    default: {
      const to = Math.min(s.to, PAGES - n);
      const flags = MREMAP.mayMove | MREMAP.fixed;
      const got = run(sysMremap(k, task, BASE + at, n, n, flags, BASE + to));
      // Which ranges are one mapping depends on what was merged; where it says yes, the model follows.
      if (got < 0) {
        // To 6.16 the target is unmapped once the source has a first page, before the rest of it is looked at.
        const apart = to + n <= at || at + n <= to;
        // To 5.15 even where it has none.
        const seen = firstGap !== 0 || !k.rules.mremap.hugetlb;
        if (apart && seen && !k.rules.call.mremapSeveral) model.fill(undefined, to, to + n);
        return;
      }
      expect(firstGap).toBe(-1);
      model.fill(undefined, at, at + n);
      for (let i = 0; i < n; i++) model[to + i] = pages[i];
    }
  }
}

/** What the process sees, and the books of the kernel. */
function check(k: Kernel, task: number, mm: number, model: Page[]): void {
  let last = 0;
  let total = 0;
  for (let vma = k.mm.vmaFirst[mm]; vma !== 0; vma = k.vma.next[vma]) {
    expect(k.vma.start[vma]).toBeGreaterThanOrEqual(last);
    expect(k.vma.end[vma]).toBeGreaterThan(k.vma.start[vma]);
    last = k.vma.end[vma];
    total += vmaPages(k, vma);
  }
  expect(total).toBe(model.filter((page) => page !== undefined).length);
  expect(k.mm.totalVm[mm]).toBe(total);
  model.forEach((page, i) => {
    const pfn = load(k, task, BASE + i);
    const readable = page !== undefined && (page.prot & PROT.read) !== 0;
    expect(pfn > 0, `page ${i}`).toBe(readable);
    if (readable) expect(pageByte(k, pfn, 0), `page ${i}`).toBe(page.byte);
  });
  expect(k.report[0]).toBe(0);
}

describe('memory calls', () => {
  test.each(['4.4', '5.9', '6.12'])(
    'A.26 any sequence leaves the memory that a simple model says (%s)',
    (version) => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
          const { k, task, mm } = boot(version, { areas: [{ pages: 512 }], vmas: 64 });
          const free = freePageCount(k);
          const model: Page[] = new Array(PAGES).fill(undefined);
          for (const s of steps) {
            apply(k, task, model, s);
            check(k, task, mm, model);
          }
          run(exitMm(k, task));
          // The top table was there before.
          expect(freePageCount(k)).toBe(free + 1);
          expect(k.vma.mm.every((owner) => owner === 0)).toBe(true);
          expect(k.anonVma.first.every((first) => first === 0)).toBe(true);
        }),
        { numRuns: 150 },
      );
    },
  );
});
