import { describe, expect, test } from 'vitest';
import { freePageCount } from '../../src/machine/buddy.ts';
import { pageByte } from '../../src/machine/contents.ts';
import { EFAULT, EINVAL, ENOMEM } from '../../src/machine/errno.ts';
import { sysFtruncate } from '../../src/mm/file-size.ts';
import { MADV, sysMadvise } from '../../src/mm/madvise.ts';
import { sysMemfdCreate } from '../../src/mm/memfd.ts';
import { userAccess } from '../../src/mm/memory.ts';
import { MAP, PROT, sysMmap, sysMunmap } from '../../src/mm/mmap.ts';
import { MREMAP, sysMremap } from '../../src/mm/mremap.ts';
import { rmapVpn } from '../../src/mm/rmap.ts';
import { vmaAt } from '../../src/mm/vma.ts';
import { boot, run } from './run.ts';
import { load, pin, store } from './vma-builder.ts';

const RW = PROT.read | PROT.write;
const ANON = MAP.private | MAP.anonymous;

function mapped(nr: number, version = '6.12') {
  const { k, task, mm } = boot(version);
  const at = run(sysMmap(k, task, 0, nr, RW, ANON, 0, 0));
  return { k, task, mm, at };
}

describe('mremap', () => {
  test('A.22.6 a pinned page moves along and stays the same', () => {
    const { k, task, mm, at } = mapped(3);
    const pfns = [0, 1, 2].map((i) => store(k, task, at + i, 40 + i));
    run(sysMmap(k, task, at + 3, 1, PROT.read, ANON | MAP.fixed, 0, 0));
    pin(k, mm, pfns[1] ?? 0);
    const to = run(sysMremap(k, task, at, 3, 5, MREMAP.mayMove, 0));
    expect(to).toBe(at - 5);
    expect([0, 1, 2].map((i) => load(k, task, to + i))).toEqual(pfns);
    expect(run(userAccess(k, task, at, false))).toBe(-EFAULT);
    expect(pageByte(k, load(k, task, to + 2), 0)).toBe(42);
    // The reverse mapping finds it at its new place.
    expect(rmapVpn(k, pfns[1] ?? 0, 0, vmaAt(k, mm, to))).toBe(to + 1);
    expect(k.mm.totalVm[mm]).toBe(6);
    expect(k.mm.anonRss[mm]).toBe(3);
  });

  test('shrinks, grows in place, and says ENOMEM where it may not move', () => {
    const { k, task, mm, at } = mapped(4);
    expect(run(sysMremap(k, task, at, 4, 2, 0, 0))).toBe(at);
    expect(run(sysMremap(k, task, at, 2, 3, 0, 0))).toBe(at);
    expect(k.vma.end[vmaAt(k, mm, at)]).toBe(at + 3);
    run(sysMmap(k, task, at + 3, 1, PROT.read, ANON | MAP.fixed, 0, 0));
    expect(run(sysMremap(k, task, at, 3, 4, 0, 0))).toBe(-ENOMEM);
  });

  test('MREMAP_FIXED replaces what is there', () => {
    const { k, task, at } = mapped(2);
    const pfn = store(k, task, at, 9);
    const other = run(sysMmap(k, task, 0, 4, PROT.read, ANON, 0, 0));
    expect(run(sysMremap(k, task, at, 2, 2, MREMAP.mayMove | MREMAP.fixed, other + 1))).toBe(
      other + 1,
    );
    expect(load(k, task, other + 1)).toBe(pfn);
    expect(load(k, task, other)).toBe(k.zeroPfn);
    expect(run(sysMremap(k, task, other + 1, 2, 2, MREMAP.mayMove | MREMAP.fixed, other + 2))).toBe(
      -EINVAL,
    );
  });

  test('MREMAP_DONTUNMAP leaves an empty mapping behind (5.7+)', () => {
    const { k, task, at } = mapped(2);
    const pfn = store(k, task, at, 9);
    const flags = MREMAP.mayMove | MREMAP.dontUnmap;
    const to = run(sysMremap(k, task, at, 2, 2, flags, 0));
    expect(load(k, task, to)).toBe(pfn);
    expect(load(k, task, at)).toBe(k.zeroPfn);
    const old = mapped(2, '5.6');
    expect(run(sysMremap(old.k, old.task, old.at, 2, 2, flags, 0))).toBe(-EINVAL);
  });

  test('shared memory moves without its pages changing', () => {
    const { k, task } = boot('6.12');
    const file = run(sysMemfdCreate(k, 0));
    run(sysFtruncate(k, file, 2, 0));
    const at = run(sysMmap(k, task, 0, 2, RW, MAP.shared, file, 0));
    const pfn = store(k, task, at + 1, 6);
    const to = run(sysMremap(k, task, at + 1, 1, 1, MREMAP.mayMove | MREMAP.fixed, at - 10));
    expect(load(k, task, to)).toBe(pfn);
    expect(k.file.refs[file]).toBe(3);
  });

  test('a huge page moves whole when both places are aligned, else by small pages', () => {
    const { k, task, mm, at } = mapped(512);
    run(sysMadvise(k, task, at, 512, MADV.hugepage));
    const pfn = store(k, task, at, 1);
    expect(k.page.compound[pfn]).toBe(-9);
    const to = run(sysMremap(k, task, at, 512, 512, MREMAP.mayMove | MREMAP.fixed, at - 1024));
    expect(load(k, task, to)).toBe(pfn);
    expect(k.page.index[pfn + 1]).toBe(1);
    const odd = run(sysMremap(k, task, to, 512, 512, MREMAP.mayMove | MREMAP.fixed, to - 700));
    expect(load(k, task, odd + 5)).toBe(pfn + 5);
    expect(k.page.index[pfn + 1]).toBe(0);
    run(sysMunmap(k, task, odd, 512));
    expect(k.mm.anonRss[mm]).toBe(0);
  });

  test('errors of mremap(2)', () => {
    const { k, task, at } = mapped(2);
    expect(run(sysMremap(k, task, at - 5, 1, 2, 0, 0))).toBe(-EFAULT);
    expect(run(sysMremap(k, task, at, 3, 5, MREMAP.mayMove, 0))).toBe(-EFAULT);
    expect(run(sysMremap(k, task, at, 1, 0, 0, 0))).toBe(-EINVAL);
    expect(run(sysMremap(k, task, at, 1, 1, MREMAP.fixed, at - 9))).toBe(-EINVAL);
    expect(run(sysMremap(k, task, at, 0, 2, MREMAP.mayMove, 0))).toBe(-EINVAL);
    expect(run(sysMremap(k, task, at, 1, 1, 64, 0))).toBe(-EINVAL);
  });

  test('out of memory on the way: everything is back where it was', () => {
    const { k, task, at } = mapped(4);
    const pfns = [0, 1, 2, 3].map((i) => store(k, task, at + i, i + 1));
    const hog = run(sysMmap(k, task, 0, 30000, RW, ANON, 0, 0));
    let last = hog;
    while (run(userAccess(k, task, last + 1, true)) > 0) last++;
    expect(freePageCount(k)).toBe(0);
    // The lower half of the target has a table already, the upper half would need one.
    const to = (last | 511) - 1;
    const moved = run(sysMremap(k, task, at, 4, 4, MREMAP.mayMove | MREMAP.fixed, to));
    expect(moved).toBe(-ENOMEM);
    expect([0, 1, 2, 3].map((i) => load(k, task, at + i))).toEqual(pfns);
  });
});
