import { describe, expect, test } from 'vitest';
import { freePageCount } from '../../src/machine/buddy.ts';
import { pageByte, setPageByte } from '../../src/machine/contents.ts';
import { EBADF, EEXIST, EFAULT, EINVAL, ENOMEM, EPERM } from '../../src/machine/errno.ts';
import { exitMm } from '../../src/mm/exit.ts';
import { filePut } from '../../src/mm/file-refs.ts';
import { sysFtruncate } from '../../src/mm/file-size.ts';
import { setHugetlbPool } from '../../src/mm/hugetlb.ts';
import type { Kernel } from '../../src/mm/kernel.ts';
import { addSeals, MFD, SEAL, sysMemfdCreate } from '../../src/mm/memfd.ts';
import { userAccess } from '../../src/mm/memory.ts';
import { MAP, PROT, sysMmap, sysMunmap } from '../../src/mm/mmap.ts';
import { sysMemfdSecret } from '../../src/mm/secretmem.ts';
import { MMAP_BASE, TASK_PAGES } from '../../src/mm/unmapped-area.ts';
import { VM, vmaAt, vmaPages } from '../../src/mm/vma.ts';
import { boot, run } from './run.ts';

const RW = PROT.read | PROT.write;
const ANON = MAP.private | MAP.anonymous;

function ranges(k: Kernel, mm: number): [number, number][] {
  const list: [number, number][] = [];
  for (let vma = k.mm.vmaFirst[mm]; vma !== 0; vma = k.vma.next[vma])
    list.push([k.vma.start[vma], k.vma.end[vma]]);
  return list;
}

describe('mmap', () => {
  test('goes top down, and adjacent equal mappings are one', () => {
    const { k, task, mm } = boot('6.12');
    expect(run(sysMmap(k, task, 0, 2, RW, ANON, 0, 0))).toBe(MMAP_BASE - 2);
    expect(run(sysMmap(k, task, 0, 1, RW, ANON, 0, 0))).toBe(MMAP_BASE - 3);
    expect(ranges(k, mm)).toEqual([[MMAP_BASE - 3, MMAP_BASE]]);
    expect(run(sysMmap(k, task, 0, 1, PROT.read, ANON, 0, 0))).toBe(MMAP_BASE - 4);
    expect(ranges(k, mm)).toHaveLength(2);
    expect(k.mm.totalVm[mm]).toBe(4);
  });

  test('2 MiB and more lie at multiples of 2 MiB', () => {
    const { k, task } = boot('6.12');
    run(sysMmap(k, task, 0, 3, RW, ANON, 0, 0));
    const at = run(sysMmap(k, task, 0, 1024, RW, ANON, 0, 0));
    expect(at % 512).toBe(0);
    expect(at).toBeLessThan(MMAP_BASE);
  });

  test('errors of mmap(2)', () => {
    const { k, task } = boot('6.12');
    expect(run(sysMmap(k, task, 0, 0, RW, ANON, 0, 0))).toBe(-EINVAL);
    expect(run(sysMmap(k, task, 0, 1, RW, MAP.anonymous, 0, 0))).toBe(-EINVAL);
    expect(run(sysMmap(k, task, 0, 1, RW, MAP.private, 0, 0))).toBe(-EBADF);
    expect(run(sysMmap(k, task, TASK_PAGES, 1, RW, ANON | MAP.fixed, 0, 0))).toBe(-ENOMEM);
    expect(run(sysMmap(k, task, 1, 1, RW, ANON | MAP.fixed, 0, 0))).toBe(-EPERM);
    expect(run(sysMmap(k, task, 0, 512, RW, ANON | MAP.hugetlb | (25 << 26), 0, 0))).toBe(-EINVAL);
  });

  test('MAP_FIXED replaces, MAP_FIXED_NOREPLACE does not (4.17+, a wish before)', () => {
    const { k, task, mm } = boot('6.12');
    const at = run(sysMmap(k, task, 0, 4, RW, ANON, 0, 0));
    expect(run(sysMmap(k, task, at + 1, 1, RW, ANON | MAP.fixedNoreplace, 0, 0))).toBe(-EEXIST);
    expect(run(sysMmap(k, task, at + 1, 1, PROT.read, ANON | MAP.fixed, 0, 0))).toBe(at + 1);
    expect(ranges(k, mm)).toEqual([
      [at, at + 1],
      [at + 1, at + 2],
      [at + 2, at + 4],
    ]);
    const old = boot('4.14');
    const first = run(sysMmap(old.k, old.task, 0, 1, RW, ANON, 0, 0));
    expect(run(sysMmap(old.k, old.task, first, 1, RW, ANON | MAP.fixedNoreplace, 0, 0))).toBe(
      first - 1,
    );
  });

  test('MAP_POPULATE and MAP_LOCKED fault everything in', () => {
    const { k, task, mm } = boot('6.12');
    run(sysMmap(k, task, 0, 3, RW, ANON | MAP.populate, 0, 0));
    expect(k.mm.anonRss[mm]).toBe(3);
    const at = run(sysMmap(k, task, 0, 2, RW, ANON | MAP.locked, 0, 0));
    expect(k.mm.anonRss[mm]).toBe(5);
    expect(k.mm.lockedVm[mm]).toBe(2);
    expect(run(sysMunmap(k, task, at, 1))).toBe(0);
    expect(k.mm.lockedVm[mm]).toBe(1);
  });

  test('shared anonymous memory is a file that ends with its mapping', () => {
    const { k, task } = boot('6.12');
    const at = run(sysMmap(k, task, 0, 2, RW, MAP.shared | MAP.anonymous, 0, 0));
    const file = k.vma.file[vmaAt(k, k.task.mm[task], at)];
    expect(k.file.refs[file]).toBe(1);
    const pfn = run(userAccess(k, task, at, true));
    expect(k.page.mapping[pfn]).toBe(file << 2);
    expect(k.file.nrpages[file]).toBe(1);
    run(sysMunmap(k, task, at, 2));
    expect(k.file.kind[file]).toBe(0);
    expect(k.page.refcount[pfn]).toBe(0);
  });

  test('secret memory is shared, locked, and of its size from 5.14 on', () => {
    const { k, task } = boot('6.12');
    const file = run(sysMemfdSecret(k));
    expect(run(sysFtruncate(k, file, 1, 0))).toBe(0);
    expect(run(sysFtruncate(k, file, 2, 0))).toBe(-EINVAL);
    expect(run(sysMmap(k, task, 0, 1, RW, MAP.private, file, 0))).toBe(-EINVAL);
    const at = run(sysMmap(k, task, 0, 1, RW, MAP.shared, file, 0));
    expect(k.vma.flags[vmaAt(k, k.task.mm[task], at)] & VM.locked).toBe(VM.locked);
    expect(run(userAccess(k, task, at, true))).toBeGreaterThan(0);
    expect(run(sysMemfdSecret(boot('5.13').k))).toBeLessThan(0);
  });

  test('a sealed memfd is mapped readable only', () => {
    const { k, task } = boot('6.12');
    const file = run(sysMemfdCreate(k, MFD.allowSealing));
    run(sysFtruncate(k, file, 1, 0));
    expect(run(addSeals(k, file, SEAL.write))).toBe(0);
    expect(run(sysMmap(k, task, 0, 1, RW, MAP.shared, file, 0))).toBe(-EPERM);
    const at = run(sysMmap(k, task, 0, 1, PROT.read, MAP.shared, file, 0));
    expect(k.vma.flags[vmaAt(k, k.task.mm[task], at)] & VM.mayWrite).toBe(0);
    expect(run(sysMmap(k, task, 0, 1, RW, MAP.private, file, 0))).toBeGreaterThan(0);
  });

  test('huge pages are promised at mmap or refused, and come back', () => {
    const { k, task, mm } = boot('6.12');
    expect(setHugetlbPool(k, 9, 2)).toBe(2);
    const huge = ANON | MAP.hugetlb;
    expect(run(sysMmap(k, task, 0, 3 * 512, RW, huge, 0, 0))).toBe(-ENOMEM);
    expect(ranges(k, mm)).toEqual([]);
    const at = run(sysMmap(k, task, 0, 600, RW, huge | (21 << 26), 0, 0));
    expect(vmaPages(k, vmaAt(k, mm, at))).toBe(1024);
    expect(run(sysMunmap(k, task, at, 1))).toBe(-EINVAL);
    expect(run(userAccess(k, task, at + 5, true))).toBeGreaterThan(0);
    expect(run(sysMunmap(k, task, at, 512))).toBe(0);
    expect(run(sysMunmap(k, task, at + 512, 512))).toBe(0);
    expect(k.hugetlb.nrFree[0]).toBe(2);
    expect(k.hugetlb.reserved[0]).toBe(0);
  });
});

describe('munmap', () => {
  test('splits what it cuts and takes several mappings at once', () => {
    const { k, task, mm } = boot('6.12');
    const at = run(sysMmap(k, task, 0, 10, RW, ANON, 0, 0));
    run(sysMmap(k, task, at + 4, 2, PROT.read, ANON | MAP.fixed, 0, 0));
    expect(run(sysMunmap(k, task, at + 3, 4))).toBe(0);
    expect(ranges(k, mm)).toEqual([
      [at, at + 3],
      [at + 7, at + 10],
    ]);
    expect(k.mm.totalVm[mm]).toBe(6);
    expect(run(sysMunmap(k, task, at + 3, 4))).toBe(0);
    expect(run(sysMunmap(k, task, at, 0))).toBe(-EINVAL);
  });

  test('A.26.2 the next mapping at the address has another page; nothing is left of the old one', () => {
    const { k, task, mm } = boot('6.12');
    const free = freePageCount(k);
    const at = run(sysMmap(k, task, 0, 2, RW, ANON, 0, 0));
    const pfn = run(userAccess(k, task, at, true));
    setPageByte(k, pfn, 0, 7);
    run(sysMunmap(k, task, at, 2));
    expect(run(userAccess(k, task, at, false))).toBe(-EFAULT);
    expect(k.mm.anonRss[mm]).toBe(0);
    expect(freePageCount(k)).toBe(free);
    expect(run(sysMmap(k, task, 0, 2, RW, ANON, 0, 0))).toBe(at);
    expect(pageByte(k, run(userAccess(k, task, at, false)), 0)).toBe(0);
  });

  test('ENOMEM when a split needs a VMA too many', () => {
    const { k, task, mm } = boot('6.12', { vmas: 1 });
    const at = run(sysMmap(k, task, 0, 3, RW, ANON, 0, 0));
    expect(run(sysMunmap(k, task, at + 1, 1))).toBe(-ENOMEM);
    expect(ranges(k, mm)).toEqual([[at, at + 3]]);
  });

  test('exit gives everything back', () => {
    const { k, task } = boot('6.12');
    const file = run(sysMemfdCreate(k, 0));
    const free = freePageCount(k);
    run(sysFtruncate(k, file, 2, 0));
    const at = run(sysMmap(k, task, 0, 2, RW, MAP.shared | MAP.populate, file, 0));
    expect(at).toBeGreaterThan(0);
    run(exitMm(k, task));
    expect(k.file.nrpages[file]).toBe(2);
    run(filePut(k, file));
    // Its top page table came from before.
    expect(freePageCount(k)).toBe(free + 1);
  });
});
