import { beforeEach, describe, expect, test } from 'vitest';
import { PTE } from '../../src/machine/entry.ts';
import { AREA_FIELDS, TLB } from '../../src/machine/machine.ts';
import { PG } from '../../src/machine/page.ts';
import { audit, auditIdle, type Held, newHeld } from '../../src/mm/audit.ts';
import { sysFtruncate } from '../../src/mm/file-size.ts';
import { FOLL } from '../../src/mm/foll.ts';
import { dupMm } from '../../src/mm/fork.ts';
import { pinUserPagesFast } from '../../src/mm/gup.ts';
import { setHugetlbPool } from '../../src/mm/hugetlb.ts';
import { type Kernel, kmalloc, newTask } from '../../src/mm/kernel.ts';
import { MADV, sysMadvise } from '../../src/mm/madvise.ts';
import { sysMemfdCreate } from '../../src/mm/memfd.ts';
import { userAccess } from '../../src/mm/memory.ts';
import { MAP, PROT, sysMmap } from '../../src/mm/mmap.ts';
import { pmdEntry, pteEntry } from '../../src/mm/pgtable.ts';
import { boot, run } from './run.ts';
import { pteLo, ptePfn } from './vma-builder.ts';

const AT = 0x1000;
const HUGE = 0x4000;
const RW = PROT.read | PROT.write;
const ANON = MAP.private | MAP.anonymous | MAP.fixed;

/** A machine with something of everything: pages of its own, shared with a child, in swap, pinned, of a file, huge. */
function busy() {
  const { k, task, mm } = boot('6.12', {
    areas: [{ pages: 4096 }],
    swapPages: 16,
    tlbEntries: 8,
    vmas: 32,
  });
  setHugetlbPool(k, 9, 2);
  const held = newHeld(k);
  const map = (at: number, n: number, flags: number, file = 0) =>
    expect(run(sysMmap(k, task, at, n, RW, flags, file, 0))).toBe(at);
  const write = (at: number) => expect(run(userAccess(k, task, at, true))).toBeGreaterThan(0);
  map(AT, 6, ANON);
  for (let i = 0; i < 6; i++) write(AT + i);
  const file = run(sysMemfdCreate(k, 0));
  held.files[file] = 1;
  run(sysFtruncate(k, file, 4, 0));
  map(AT + 16, 4, MAP.shared | MAP.fixed, file);
  write(AT + 16);
  map(HUGE, 512, ANON);
  run(sysMadvise(k, task, HUGE, 512, MADV.hugepage));
  write(HUGE);
  map(HUGE + 512, 512, ANON | MAP.hugetlb);
  run(sysMadvise(k, task, AT + 4, 2, MADV.pageout));
  const child = newTask(k, 0, 1);
  run(dupMm(k, task, child));
  write(AT);
  const pages = kmalloc(k, 2);
  expect(run(pinUserPagesFast(k, task, AT, 1, FOLL.write, pages))).toBe(1);
  held.pins[k.kmem[pages] ?? 0] = 1;
  return { k, mm, task, held, file };
}

let k: Kernel;
let mm: number;
let held: Held;
let file: number;

/** What the audit says, all in one text. */
function finds(): string {
  return audit(k, held).join('\n');
}

describe('audit', () => {
  beforeEach(() => {
    ({ k, mm, held, file } = busy());
    expect(audit(k, held)).toEqual([]);
    expect(auditIdle(k)).toEqual([]);
  });

  /** One word spoilt at a time, and what the audit must say of it. */
  const shared = () => ptePfn(k, mm, AT + 1);
  const pinned = () => ptePfn(k, mm, AT);
  const swapped = () => (pteLo(k, mm, AT + 4) >>> 12) & 0xfffff;
  const thp = () => (k.contents[pmdEntry(k, mm, HUGE)] ?? 0) >>> 12;
  const firstVma = () => k.mm.vmaFirst[mm] ?? 0;
  const add = (array: Int32Array, i: number, n: number) => {
    array[i] = (array[i] ?? 0) + n;
  };
  const mutants: Record<string, [() => void, () => RegExp]> = {
    'a reference too many': [
      () => add(k.page.refcount, shared(), 1),
      () => new RegExp(`page ${shared()}: _refcount 3, accounted for 2 \\(2 mapping\\)`),
    ],
    'a reference too few': [
      () => add(k.page.refcount, shared(), -1),
      () => new RegExp(`page ${shared()}: _refcount 1, accounted for 2`),
    ],
    'a pin that nobody holds': [
      () => add(k.page.refcount, pinned(), 1024),
      () => /_refcount 2049, accounted for 1025 \(1 mapping, 1 pin of 1024\)/,
    ],
    'a pin that was forgotten': [
      () => add(held.pins, pinned(), 1),
      () => /_refcount 1025, accounted for 2049/,
    ],
    'a pincount without pin': [
      () => add(k.page.private, thp() + 1, 1),
      () => new RegExp(`folio ${thp()}: pincount 1, 0 pins are held`),
    ],
    'a map count': [
      () => add(k.page.mapcount, shared(), 1),
      () => new RegExp(`page ${shared()}: _mapcount 3, mapped by 2 PTE`),
    ],
    'a whole mapping': [
      () => add(k.page.index, thp() + 1, -1),
      () => new RegExp(`folio ${thp()}: 1 whole mappings, counted 2`),
    ],
    'a total of mappings': [
      () => add(k.page.mapping, thp() + 1, 1),
      () => new RegExp(`folio ${thp()}: 3 mappings, counted 2`),
    ],
    'an entry that vanished': [
      () => k.contents.fill(0, pteEntry(k, mm, AT + 1), pteEntry(k, mm, AT + 1) + 2),
      () => /_refcount 2, accounted for 1 \(1 mapping\)/,
    ],
    'an entry to a free page': [
      () => {
        k.contents[pteEntry(k, mm, AT + 8)] = (4000 << 12) | PTE.present | PTE.user;
      },
      () => /page 4000 is free, yet mm 1: page 0x1008 refers to it/,
    ],
    'shared memory called exclusive': [
      () => {
        k.page.flags[shared()] = (k.page.flags[shared()] ?? 0) | PG.anonExclusive;
      },
      () => /is exclusive, yet mapped 2 times/,
    ],
    'shared memory mapped writable': [
      () => {
        const e = pteEntry(k, mm, AT + 1);
        k.contents[e] = (k.contents[e] ?? 0) | PTE.write;
      },
      () => /page 0x1001 maps page \d+ writable, which is not exclusive/,
    ],
    'pinned memory not exclusive': [
      () => {
        k.page.flags[pinned()] = (k.page.flags[pinned()] ?? 0) & ~PG.anonExclusive;
      },
      () => /is pinned and mapped, yet not exclusive/,
    ],
    'an exclusive swap entry of two': [
      () => {
        const e = pteEntry(k, mm, AT + 4);
        k.contents[e] = (k.contents[e] ?? 0) | PTE.swpExclusive;
      },
      () => new RegExp(`swap slot ${swapped()}: an entry says exclusive, yet 2 entries`),
    ],
    'a count of a swap slot': [
      () => add(k.swap.map, swapped(), 1),
      () => new RegExp(`swap slot ${swapped()}: count 3, 2 entries refer to it`),
    ],
    'a swap cache of nobody': [
      () => {
        k.swap.cache[9] = shared();
      },
      () => /swap slot 9 is cached in page \d+, which does not say so/,
    ],
    'an index that reverse mapping needs': [
      () => add(k.page.index, shared(), 1),
      () => /of index \d+, the VMA says/,
    ],
    'a page of another family': [
      () => add(k.page.mapping, shared(), 4),
      () => /whose mapping word is \d+: not of VMA/,
    ],
    'rss of anonymous memory': [
      () => add(k.mm.anonRss, mm, 1),
      () => /mm 1: anonRss \d+, counted \d+/,
    ],
    'rss of files': [() => add(k.mm.fileRss, mm, 1), () => /mm 1: fileRss 2, counted 1/],
    'swap entries of the mm': [
      () => add(k.mm.swapEnts, mm, -1),
      () => /mm 1: swapEnts 1, counted 2/,
    ],
    'page tables of the mm': [() => add(k.mm.tables, mm, 1), () => /mm 1: tables \d+, counted \d+/],
    'users of the mm': [() => add(k.mm.users, mm, 1), () => /mm 1: users 2, counted 1/],
    'a table kept for a split': [
      () => {
        const pmd = k.slotOwner[Math.floor(pmdEntry(k, mm, HUGE) / 1024)] ?? 0;
        k.page.lruNext[pmd] = 0;
      },
      () => /keeps 0 tables for 1 huge entries/,
    ],
    'the size of the mappings': [
      () => add(k.mm.totalVm, mm, 1),
      () => /mm 1: totalVm \d+, its VMAs have \d+ pages/,
    ],
    'locked pages': [
      () => add(k.mm.lockedVm, mm, 1),
      () => /mm 1: lockedVm 1, its locked VMAs have 0 pages/,
    ],
    'a VMA over the next one': [
      () => add(k.vma.end, firstVma(), 64),
      () => /mm 1: VMA \d+ is \[\d+, \d+\) behind/,
    ],
    'a VMA out of its list': [
      () => {
        k.mm.vmaFirst[mm] = k.vma.next[firstVma()] ?? 0;
      },
      () => /VMA \d+ of mm 1 is 0 times in its list/,
    ],
    'a VMA out of its family': [
      () => {
        const family = k.vma.anonVma[firstVma()] ?? 0;
        k.anonVma.first[family] = k.vma.anonNext[k.anonVma.first[family] ?? 0] ?? 0;
      },
      () => /is not in the list of its anon_vma/,
    ],
    'references of a file': [
      () => add(k.file.refs, file, 1),
      () => /file 1: 4 references, accounted for 3 \(2 VMA, 1 open\)/,
    ],
    'pages of a file': [
      () => add(k.file.nrpages, file, 1),
      () => /file 1: nrpages 2, its cache has 1/,
    ],
    'a page cache slot': [
      () => {
        const node = k.file.cacheRoot[file] ?? 0;
        k.contents[(k.page.slot[node] ?? 0) * 1024] = 0;
      },
      () => /says that it is page 0 of file 1, whose cache has 0 there/,
    ],
    'free huge pages': [
      () => add(k.hugetlb.nrFree, 0, 1),
      () => /hugetlb pool 0: nrFree 3, counted 2/,
    ],
    'promised huge pages': [
      () => add(k.hugetlb.reserved, 0, -1),
      () => /hugetlb pool 0: reserved 0, counted 1/,
    ],
    'huge pages in all': [
      () => add(k.hugetlb.nrTotal, 0, 1),
      () => /hugetlb pool 0: nrTotal 3, counted 2/,
    ],
    'free memory': [
      () => add(k.area, AREA_FIELDS.free, 1),
      () => /area at page 0: \d+ pages are said to be free/,
    ],
    'a free page with a reference': [
      () => add(k.page.refcount, 4000, 1),
      () => /page 4000 is free with _refcount 1/,
    ],
    'a content slot of somebody else': [
      () => {
        k.page.slot[shared()] = k.page.slot[k.pgd[mm] ?? 0] ?? 0;
      },
      () => /has content slot \d+, which belongs to page/,
    ],
    'a stale translation': [
      () => {
        k.tlb.set([mm, AT + 1, (pinned() << 12) | PTE.present | PTE.user, 0], 0);
      },
      () => /CPU 0 translates page 0x1001 of mm 1 to page \d+, the tables say/,
    ],
    'a translation that may write': [
      () => {
        k.tlb.set([mm, AT + 1, (shared() << 12) | PTE.present | PTE.user | PTE.write, 0], 0);
      },
      () => /CPU 0 translates page 0x1001 of mm 1 to page \d+ writable, which the tables don't/,
    ],
    'a translation to free memory': [
      () => {
        k.tlb.set([mm, AT + 1, (4000 << 12) | PTE.present, 0], TLB.words);
      },
      () => /to page 4000, which is free/,
    ],
  };

  test.each(Object.keys(mutants))('names %s', (name) => {
    const [spoil, expected] = mutants[name] as [() => void, () => RegExp];
    const pattern = expected();
    spoil();
    expect(finds()).toMatch(pattern);
  });

  const unfinished: Record<string, [() => void, RegExp]> = {
    'mmap_lock held': [() => add(k.mm.mmapLock, mm, 1), /mmap_lock of mm 1 is 1/],
    'an anon_vma locked': [() => add(k.anonVma.lock, 1, -1), /lock of anon_vma 1 is -1/],
    'a page locked': [() => add(k.page.flags, ptePfn(k, mm, AT), PG.locked), /page \d+ is locked/],
    'a page isolated': [
      () => add(k.page.flags, ptePfn(k, mm, AT), PG.isolated),
      /page \d+ is isolated from its list/,
    ],
    'a page table locked': [
      () => add(k.page.private, k.pgd[mm] ?? 0, -1),
      /page table \d+ is locked/,
    ],
    'an odd sequence': [() => add(k.mm.writeProtectSeq, mm, 1), /write_protect_seq of mm 1 is odd/],
    'interrupts off': [() => add(k.irqOff, 2, 1), /interrupts off on CPU 2 is 1/],
    'a BUG': [() => add(k.report, 0, 5), /BUG pinUnderflow/],
  };

  test.each(Object.keys(unfinished))('auditIdle names %s', (name) => {
    const [spoil, expected] = unfinished[name] as [() => void, RegExp];
    spoil();
    expect(auditIdle(k).join('\n')).toMatch(expected);
  });
});
