import { describe, expect, test } from 'vitest';
import { EFAULT, EINVAL } from '../../src/machine/errno.ts';
import { audit, newHeld } from '../../src/mm/audit.ts';
import { MADV, sysMadvise } from '../../src/mm/madvise.ts';
import { userAccess } from '../../src/mm/memory.ts';
import { sysMlock } from '../../src/mm/mlock.ts';
import { MAP, PROT, sysMmap, sysMunmap } from '../../src/mm/mmap.ts';
import { thpBoot } from './huge-builder.ts';
import { boot, run } from './run.ts';
import { load, store } from './vma-builder.ts';

const RW = PROT.read | PROT.write;
const ANON = MAP.private | MAP.anonymous;

function mapped(nr: number, version = '6.14', flags: number = ANON) {
  const { k, task, mm } = boot(version);
  const at = run(sysMmap(k, task, 0, nr, RW, flags, 0, 0));
  return { k, task, mm, at };
}

describe('S244 guard regions', () => {
  test('over pages and holes: every access fails, what was mapped is free, removal leaves empty memory', () => {
    const { k, task, at } = mapped(3);
    const pfn = store(k, task, at + 1, 7);
    expect(run(sysMadvise(k, task, at, 3, MADV.guardInstall))).toBe(0);
    expect(k.page.refcount[pfn]).toBe(0);
    for (let i = 0; i < 3; i++) expect(run(userAccess(k, task, at + i, i === 1))).toBe(-EFAULT);
    expect(run(sysMadvise(k, task, at, 3, MADV.dontneed))).toBe(0);
    expect(run(userAccess(k, task, at, false))).toBe(-EFAULT);
    expect(audit(k, newHeld(k))).toEqual([]);
    expect(run(sysMadvise(k, task, at + 1, 1, MADV.guardRemove))).toBe(0);
    expect(load(k, task, at + 1)).toBe(k.zeroPfn);
    expect(run(userAccess(k, task, at, false))).toBe(-EFAULT);
    expect(run(sysMunmap(k, task, at, 3))).toBe(0);
    expect(audit(k, newHeld(k))).toEqual([]);
  });

  test('in the middle of a transparent huge page: it is taken apart', () => {
    const { k, task } = thpBoot('6.14');
    const at = run(sysMmap(k, task, 0, 1024, RW, ANON, 0, 0));
    const base = at + ((512 - (at % 512)) % 512);
    store(k, task, base, 5);
    expect(run(sysMadvise(k, task, base + 3, 2, MADV.guardInstall))).toBe(0);
    expect(run(userAccess(k, task, base + 4, true))).toBe(-EFAULT);
    expect(run(userAccess(k, task, base + 5, true))).toBeGreaterThan(0);
    expect(audit(k, newHeld(k))).toEqual([]);
  });

  test.each([
    ['6.12', ANON, -EINVAL],
    ['6.14', MAP.shared | MAP.anonymous, -EINVAL],
    ['6.15', MAP.shared | MAP.anonymous, 0],
  ])('at %s with mapping flags %i: %i', (version, flags, result) => {
    const { k, task, at } = mapped(1, version, flags);
    expect(run(sysMadvise(k, task, at, 1, MADV.guardInstall))).toBe(result);
    expect(audit(k, newHeld(k))).toEqual([]);
  });

  test('locked memory can lose its guards, and get none', () => {
    const { k, task, at } = mapped(2);
    expect(run(sysMadvise(k, task, at, 1, MADV.guardInstall))).toBe(0);
    expect(run(sysMlock(k, task, at + 1, 1))).toBe(0);
    expect(run(sysMadvise(k, task, at + 1, 1, MADV.guardInstall))).toBe(-EINVAL);
    expect(run(sysMadvise(k, task, at + 1, 1, MADV.guardRemove))).toBe(0);
  });
});
