import { describe, expect, test } from 'vitest';
import { accessRegion, R } from '../../src/machine/access.ts';
import { pageByte } from '../../src/machine/contents.ts';
import { entryLo, PTE } from '../../src/machine/entry.ts';
import { EFAULT, EOPNOTSUPP } from '../../src/machine/errno.ts';
import { lockShared, unlockShared } from '../../src/machine/locks.ts';
import { PG } from '../../src/machine/page.ts';
import { BUG } from '../../src/machine/report.ts';
import { getDumpPage } from '../../src/mm/dump-page.ts';
import { newFile } from '../../src/mm/file-refs.ts';
import { FILE } from '../../src/mm/file-tables.ts';
import { FOLL } from '../../src/mm/foll.ts';
import { getUserPages, pinUserPages, pinUserPagesFast } from '../../src/mm/gup.ts';
import { checkVmaFlags } from '../../src/mm/gup-check.ts';
import {
  pinUserPagesFastRanges,
  rangeCount,
  rangeLength,
  rangeOffset,
  rangePage,
} from '../../src/mm/gup-ranges.ts';
import { type Kernel, kmalloc } from '../../src/mm/kernel.ts';
import { pteEntry } from '../../src/mm/pgtable.ts';
import { shmemNewFile } from '../../src/mm/shmem.ts';
import { unpinUserPages } from '../../src/mm/unpin.ts';
import { VM } from '../../src/mm/vma.ts';
import { AT, counts, pinBoot, pinStat } from './pin-builder.ts';
import { boot, run } from './run.ts';
import { load, mapVma, pteLo, ptePfn, RO, RW, store } from './vma-builder.ts';

/** A disk file system's kind, which neither memory, hugetlb nor secret memory is. */
const DISK = 99;

function slowPin(k: Kernel, task: number, mm: number, vpn: number, flags: number): number {
  const pages = kmalloc(k, 1);
  run(lockShared(k, R.mmapLock, mm));
  const got = run(pinUserPages(k, task, vpn, 1, flags, pages));
  run(unlockShared(k, R.mmapLock, mm));
  return got === 1 ? (k.kmem[pages] ?? 0) : got;
}

/** Makes the PTE read-only; with `shared` its page is also no longer this process's own. */
function protect(k: Kernel, mm: number, vpn: number, shared: boolean): void {
  const e = pteEntry(k, mm, vpn);
  k.contents[e] = (k.contents[e] ?? 0) & ~PTE.write;
  const pfn = ptePfn(k, mm, vpn);
  if (shared) k.page.flags[pfn] = (k.page.flags[pfn] ?? 0) & ~PG.anonExclusive;
}

describe('A.5 mappings that are refused', () => {
  const cases: [string, string, number, number, number][] = [
    ['A.5.1 device registers', '6.12', RW | VM.io, 0, -EFAULT],
    ['A.5.1 frames without pages', '6.12', RW | VM.pfnmap, 0, -EFAULT],
    ['A.5.4 SPLIT_PMD on hugetlb, 6.18', '6.18', RW | VM.hugetlb, FOLL.splitPmd, -EOPNOTSUPP],
    ['A.5.4 SPLIT_PMD on hugetlb, 6.12', '6.12', RW | VM.hugetlb, FOLL.splitPmd, 0],
    ['A.5.6.2 no VM_WRITE', '6.12', RO, FOLL.write, -EFAULT],
    ['A.5.6.2 no VM_WRITE, FORCE, private', '6.12', RO, FOLL.write | FOLL.force, 0],
    [
      'A.5.6.2 no VM_WRITE, FORCE, shared',
      '6.12',
      RO | VM.shared,
      FOLL.write | FOLL.force,
      -EFAULT,
    ],
    ['A.5.6.2 hugetlb, FORCE, 6.12', '6.12', RO | VM.hugetlb, FOLL.write | FOLL.force, -EFAULT],
    ['A.5.6.2 hugetlb, FORCE, 6.15', '6.15', RO | VM.hugetlb, FOLL.write | FOLL.force, 0],
    ['A.5.7 no VM_READ', '6.12', RW & ~VM.read, 0, -EFAULT],
    ['A.5.7 no VM_READ, FORCE', '6.12', RW & ~VM.read, FOLL.force, 0],
    ['A.5.7 no VM_MAYREAD, FORCE', '6.12', RW & ~VM.read & ~VM.mayRead, FOLL.force, -EFAULT],
  ];
  test.each(cases)('%s', (_, name, vm, flags, answer) => {
    const { k, mm } = boot(name);
    expect(checkVmaFlags(k, mapVma(k, mm, AT, 1, vm), flags | FOLL.pin)).toBe(answer);
  });

  test('A.5.2 ANON wants anonymous memory', () => {
    const { k, mm } = boot('6.12');
    const file = run(shmemNewFile(k, 4));
    expect(checkVmaFlags(k, mapVma(k, mm, AT, 1), FOLL.anon)).toBe(0);
    expect(checkVmaFlags(k, mapVma(k, mm, AT + 8, 1, RW, file), FOLL.anon)).toBe(-EFAULT);
  });

  test('A.5.5 secret memory', () => {
    const { k, mm } = boot('6.12');
    const file = run(newFile(k, FILE.secretmem));
    expect(checkVmaFlags(k, mapVma(k, mm, AT, 1, RW | VM.shared, file), 0)).toBe(-EFAULT);
  });

  test('S19 a longterm write pin of a shared file mapping: refused since 6.5 unless the file is memory', () => {
    const flags = FOLL.pin | FOLL.longterm | FOLL.write;
    const answers = (name: string, kind: number, vm: number) => {
      const { k, mm } = boot(name);
      const file = run(newFile(k, kind));
      return checkVmaFlags(k, mapVma(k, mm, AT, 1, vm, file), flags);
    };
    expect(answers('6.4', DISK, RW | VM.shared)).toBe(0);
    expect(answers('6.5', DISK, RW | VM.shared)).toBe(-EFAULT);
    expect(answers('6.5', DISK, RW)).toBe(0);
    expect(answers('6.5', FILE.shmem, RW | VM.shared)).toBe(0);
    expect(answers('6.5', FILE.hugetlbfs, RW | VM.shared)).toBe(0);
  });
});

describe('A.6 one page', () => {
  test('A.6.1 a hole is faulted in, in a core dump it stays one', () => {
    const { k, task, mm } = boot('6.12');
    mapVma(k, mm, AT, 2);
    expect(run(getDumpPage(k, task, AT, kmalloc(k, 1)))).toBe(0);
    expect(pteLo(k, mm, AT)).toBe(0);
    expect(slowPin(k, task, mm, AT, FOLL.write)).toBe(ptePfn(k, mm, AT));
  });

  test('A.6.5 the page of zeros: given to a read, not to a core dump', () => {
    const { k, task, mm } = boot('6.12');
    mapVma(k, mm, AT, 1);
    load(k, task, AT);
    expect(ptePfn(k, mm, AT)).toBe(k.zeroPfn);
    expect(slowPin(k, task, mm, AT, 0)).toBe(k.zeroPfn);
    expect(run(getDumpPage(k, task, AT, kmalloc(k, 1)))).toBe(0);
  });

  test('A.6.1 a dump gets a written page with one reference', () => {
    const { k, task, pfns } = pinBoot('6.12', 1);
    expect(run(getDumpPage(k, task, AT, kmalloc(k, 1)))).toBe(pfns[0]);
    expect(counts(k, pfns[0] ?? 0)).toEqual([2, 0]);
  });

  test('A.6.2 NOFAULT takes what is there and nothing else', () => {
    const { k, task, mm, pfns } = pinBoot('6.12', 1);
    mapVma(k, mm, AT + 1, 1);
    expect(slowPin(k, task, mm, AT, FOLL.nofault)).toBe(pfns[0]);
    expect(slowPin(k, task, mm, AT + 1, FOLL.nofault)).toBe(-EFAULT);
  });

  test('S40 a PROTNONE entry of readable memory is followed since 6.5 unless HONOR_NUMA_FAULT', () => {
    for (const [name, flags, answer] of [
      ['6.12', 0, true],
      ['6.12', FOLL.honorNumaFault, false],
      ['6.4', 0, false],
      ['6.4', FOLL.force, true],
    ] as const) {
      const { k, task, mm, pfns } = pinBoot(name, 1);
      const e = pteEntry(k, mm, AT);
      k.contents[e] = ((k.contents[e] ?? 0) & ~(PTE.present | PTE.write)) | PTE.protnone;
      const got = slowPin(k, task, mm, AT, FOLL.nofault | flags);
      expect(got).toBe(answer ? pfns[0] : -EFAULT);
    }
  });

  test('A.6.10 TOUCH with WRITE dirties the folio of a clean entry', () => {
    const { k, task, mm, pfns, pages } = pinBoot('6.12', 1);
    const e = pteEntry(k, mm, AT);
    k.contents[e] = (k.contents[e] ?? 0) & ~PTE.dirty;
    const pfn = pfns[0] ?? 0;
    k.page.flags[pfn] = (k.page.flags[pfn] ?? 0) & ~PG.dirty;
    run(lockShared(k, R.mmapLock, mm));
    expect(run(getUserPages(k, task, AT, 1, FOLL.write, pages))).toBe(1);
    expect((k.page.flags[pfn] ?? 0) & PG.dirty).toBe(PG.dirty);
  });
});

describe('A.8 unsharing', () => {
  test('A.8.3 a read pin of a shared page copies it since 5.19, before it takes the shared one', () => {
    for (const [name, unshares] of [
      ['5.18', false],
      ['5.19', true],
      ['6.12', true],
    ] as const) {
      const { k, task, mm, pfns } = pinBoot(name, 1);
      const old = pfns[0] ?? 0;
      protect(k, mm, AT, true);
      k.page.refcount[old] = 2;
      const got = slowPin(k, task, mm, AT, 0);
      expect(got === old).toBe(!unshares);
      expect(got).toBe(ptePfn(k, mm, AT));
      expect(pageByte(k, got, 0)).toBe(10);
      expect(pteLo(k, mm, AT) & PTE.write).toBe(0);
      expect(counts(k, got)).toEqual([unshares ? 1025 : 1026, 0]);
      expect(k.report[0]).toBe(BUG.none);
    }
  });

  test('A.8.1 FOLL_GET never unshares', () => {
    const { k, task, mm, pfns, pages } = pinBoot('6.12', 1);
    protect(k, mm, AT, true);
    run(lockShared(k, R.mmapLock, mm));
    expect(run(getUserPages(k, task, AT, 1, 0, pages))).toBe(1);
    expect(k.kmem[pages]).toBe(pfns[0]);
  });

  test('A.8.3 an exclusive page that is mapped read-only is pinned as it is', () => {
    const { k, task, mm, pfns } = pinBoot('6.12', 1);
    protect(k, mm, AT, false);
    expect(slowPin(k, task, mm, AT, 0)).toBe(pfns[0]);
  });

  test('S8 a longterm read pin of the page of zeros gets an own page since 6.2', () => {
    for (const [name, own] of [
      ['6.1', false],
      ['6.2', true],
    ] as const) {
      const { k, task, mm } = boot(name);
      mapVma(k, mm, AT, 1);
      load(k, task, AT);
      const got = slowPin(k, task, mm, AT, FOLL.longterm);
      expect(got === k.zeroPfn).toBe(!own);
      expect(got > 0).toBe(true);
    }
  });

  test('S6 in 5.8 a read breaks copy-on-write, in 5.7 and 5.9 it does not', () => {
    for (const [name, copies] of [
      ['5.7', false],
      ['5.8', true],
      ['5.9', false],
    ] as const) {
      const { k, task, mm, pfns, pages } = pinBoot(name, 1);
      const old = pfns[0] ?? 0;
      protect(k, mm, AT, true);
      // Another process maps it too.
      k.page.refcount[old] = 2;
      k.page.mapcount[old] = 2;
      run(lockShared(k, R.mmapLock, mm));
      expect(run(getUserPages(k, task, AT, 1, 0, pages))).toBe(1);
      expect(k.kmem[pages] !== old).toBe(copies);
    }
  });
});

describe('S9 FORCE writes to memory that is mapped read-only', () => {
  test.each(['4.4', '4.19', '5.18', '6.0', '6.12'])(
    '%s gives an own page whose entry stays read-only',
    (name) => {
      const { k, task, mm, vma, pfns, pages } = pinBoot(name, 1);
      const old = pfns[0] ?? 0;
      k.vma.flags[vma] = RO;
      protect(k, mm, AT, true);
      k.page.refcount[old] = 2;
      k.page.mapcount[old] = 2;
      run(lockShared(k, R.mmapLock, mm));
      expect(run(getUserPages(k, task, AT, 1, FOLL.write | FOLL.force, pages))).toBe(1);
      const got = k.kmem[pages] ?? 0;
      expect(got).not.toBe(old);
      expect(got).toBe(ptePfn(k, mm, AT));
      expect(pteLo(k, mm, AT) & PTE.write).toBe(0);
      expect(pageByte(k, got, 0)).toBe(10);
    },
  );

  test('A.6.4 of a page that soft-dirty watches: the write is announced by a fault first', () => {
    const { k, task, mm, vma, pfns } = pinBoot('6.12', 1);
    k.vma.flags[vma] = RO & ~VM.softDirty;
    const e = pteEntry(k, mm, AT);
    const flags = (k.contents[e] ?? 0) & 0xfff & ~(PTE.write | PTE.softDirty);
    k.contents[e] = entryLo(pfns[0] ?? 0, flags);
    expect(slowPin(k, task, mm, AT, FOLL.write | FOLL.force)).toBe(pfns[0]);
    expect(pteLo(k, mm, AT) & PTE.softDirty).toBe(PTE.softDirty);
  });
});

describe('huge entries', () => {
  /** A process with a 2 MiB page mapped whole at page 0x1000. */
  function huge(name: string) {
    const { k, task, mm } = boot(name, { areas: [{ pages: 16384 }], thpAlways: true });
    mapVma(k, mm, AT, 512, RW | VM.hugepage);
    const head = store(k, task, AT, 7);
    expect(k.page.compound[head]).toBe(-9);
    return { k, task, mm, head, pages: kmalloc(k, 600) };
  }

  test('A.4.6 the rest of a huge entry is taken by one count since 6.6, one by one before', () => {
    for (const [name, grabs] of [
      ['6.5', 10],
      ['6.6', 2],
    ] as const) {
      const { k, task, mm, head, pages } = huge(name);
      const before = counts(k, head);
      run(lockShared(k, R.mmapLock, mm));
      const steps = pinUserPages(k, task, AT + 3, 10, FOLL.write, pages);
      let pins = 0;
      let next = steps.next();
      for (; next.done !== true; next = steps.next()) {
        if (accessRegion(next.value) === R.pincount) pins++;
      }
      expect([next.value, pins]).toEqual([10, grabs]);
      expect(Array.from(k.kmem.subarray(pages, pages + 10))).toEqual(
        [3, 4, 5, 6, 7, 8, 9, 10, 11, 12].map((i) => head + i),
      );
      expect(counts(k, head)).toEqual([before[0] + 10, 10]);
    }
  });

  test('A.13.5 the fast path takes all of it by one count', () => {
    const { k, task, head, pages } = huge('6.12');
    const before = counts(k, head);
    expect(run(pinUserPagesFast(k, task, AT, 512, FOLL.write, pages))).toBe(512);
    expect(counts(k, head)).toEqual([before[0] + 512, 512]);
    expect(pinStat(k)).toEqual([512, 0]);
    run(unpinUserPages(k, pages, 512));
    expect(counts(k, head)).toEqual(before);
  });

  test('B2 a huge folio is one range', () => {
    const { k, task, head } = huge('6.12');
    const ranges = kmalloc(k, 9);
    expect(run(pinUserPagesFastRanges(k, task, AT + 100, 400, FOLL.write, ranges, 9))).toBe(400);
    expect([
      rangeCount(k, ranges),
      rangePage(k, ranges, 0),
      rangeLength(k, ranges, 0),
      rangeOffset(k, ranges, 0),
    ]).toEqual([1, head + 100, 400, 100]);
  });

  test('FOLL_SPLIT_PMD splits the entry and takes one page of what is left of it', () => {
    const { k, task, mm, head, pages } = huge('6.12');
    run(lockShared(k, R.mmapLock, mm));
    expect(run(getUserPages(k, task, AT + 5, 1, FOLL.splitPmd, pages))).toBe(1);
    expect(k.kmem[pages]).toBe(head + 5);
    expect(ptePfn(k, mm, AT + 5)).toBe(head + 5);
  });
});
