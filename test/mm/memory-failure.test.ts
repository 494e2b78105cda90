import { describe, expect, test } from 'vitest';
import { pageByte } from '../../src/machine/contents.ts';
import { SWP, swpType } from '../../src/machine/entry.ts';
import { EBUSY, EFAULT, EHWPOISON, EINVAL, EIO } from '../../src/machine/errno.ts';
import { PG } from '../../src/machine/page.ts';
import { audit, auditIdle, newHeld } from '../../src/mm/audit.ts';
import { FOLL } from '../../src/mm/foll.ts';
import { dupMm } from '../../src/mm/fork.ts';
import { getUserPagesUnlocked } from '../../src/mm/gup.ts';
import { kmalloc, newTask } from '../../src/mm/kernel.ts';
import { MADV, sysMadvise } from '../../src/mm/madvise.ts';
import { userAccess } from '../../src/mm/memory.ts';
import { pteEntry } from '../../src/mm/pgtable.ts';
import { boot, run } from './run.ts';
import { get, load, mapVma, pin, ptePfn, store } from './vma-builder.ts';

function page(version: string) {
  const { k, mm, task } = boot(version, {
    areas: [{ pages: 1024 }],
    swapPages: 16,
    tlbEntries: 8,
    vmas: 16,
  });
  mapVma(k, mm, 100, 4);
  const pfn = store(k, task, 100, 7);
  const clean = (held = newHeld(k)) => expect([...audit(k, held), ...auditIdle(k)]).toEqual([]);
  return { k, mm, task, pfn, clean };
}

describe('broken memory', () => {
  test('A.19.7 the page is taken from everybody, and never given out again', () => {
    const { k, mm, task, pfn, clean } = page('6.12');
    const child = newTask(k, 0, 1);
    const childMm = run(dupMm(k, task, child));
    k.task.mm[child] = childMm;
    expect(run(sysMadvise(k, task, 100, 1, MADV.hwpoison))).toBe(0);
    for (const space of [mm, childMm]) {
      const e = pteEntry(k, space, 100);
      expect(swpType(k.contents[e + 1] ?? 0)).toBe(SWP.hwpoison);
    }
    expect(run(userAccess(k, task, 100, false))).toBe(-EHWPOISON);
    expect(run(userAccess(k, child, 100, true))).toBe(-EHWPOISON);
    expect([k.page.refcount[pfn], (k.page.flags[pfn] ?? 0) & (PG.hwpoison | PG.lru)]).toEqual([
      1,
      PG.hwpoison,
    ]);
    clean();
    expect(run(sysMadvise(k, task, 100, 1, MADV.hwpoison))).toBe(-EFAULT);
    expect(run(sysMadvise(k, task, 100, 1, MADV.dontneed))).toBe(0);
    expect(load(k, task, 100)).not.toBe(pfn);
    clean();
  });

  test('A.3.1 a reference to it: -EFAULT, and -EHWPOISON for who asks', () => {
    const { k, task } = page('6.12');
    run(sysMadvise(k, task, 100, 1, MADV.hwpoison));
    const pages = kmalloc(k, 1);
    expect(run(getUserPagesUnlocked(k, task, 100, 1, 0, pages))).toBe(-EFAULT);
    expect(run(getUserPagesUnlocked(k, task, 100, 1, FOLL.hwpoison, pages))).toBe(-EHWPOISON);
  });

  test.each(['5.18', '6.12'])(
    'A.19.7 %s a pin does not keep the page, and is told of',
    (version) => {
      const { k, mm, task, pfn, clean } = page(version);
      pin(k, mm, pfn);
      expect(run(sysMadvise(k, task, 100, 1, MADV.hwpoison))).toBe(-EBUSY);
      expect(run(userAccess(k, task, 100, false))).toBe(-EHWPOISON);
      const held = newHeld(k);
      held.pins[pfn] = 1;
      clean(held);
    },
  );

  test('the page of zeros stays', () => {
    const { k, task, clean } = page('6.12');
    load(k, task, 101);
    expect(run(sysMadvise(k, task, 101, 1, MADV.hwpoison))).toBe(-EBUSY);
    expect(run(sysMadvise(k, task, 101, 1, MADV.softOffline))).toBe(-EBUSY);
    expect(load(k, task, 101)).toBe(k.zeroPfn);
    clean();
  });
});

describe('soft offline', () => {
  test('A.19.7 the content moves, the page is out of use', () => {
    const { k, mm, task, pfn, clean } = page('6.12');
    expect(run(sysMadvise(k, task, 100, 1, MADV.softOffline))).toBe(0);
    const now = ptePfn(k, mm, 100);
    expect([now === pfn, pageByte(k, now, 0)]).toEqual([false, 7]);
    expect([k.page.refcount[pfn], (k.page.flags[pfn] ?? 0) & PG.hwpoison]).toEqual([
      1,
      PG.hwpoison,
    ]);
    clean();
  });

  test('S163 a held page: -EIO to 5.10, -EBUSY from 5.11, and nothing changes', () => {
    const error = (version: string) => {
      const { k, mm, task, pfn, clean } = page(version);
      get(k, pfn);
      const result = run(sysMadvise(k, task, 100, 1, MADV.softOffline));
      expect(ptePfn(k, mm, 100)).toBe(pfn);
      const held = newHeld(k);
      held.gets[pfn] = 1;
      clean(held);
      return result;
    };
    expect([error('4.4'), error('5.10'), error('5.11'), error('6.12')]).toEqual([
      -EIO,
      -EIO,
      -EBUSY,
      -EBUSY,
    ]);
  });

  test('what is no advice', () => {
    const { k, task } = page('6.12');
    expect(run(sysMadvise(k, task, 100, 1, 102))).not.toBe(0);
    expect(run(sysMadvise(k, task, 100, 1, 99))).toBe(-EINVAL);
  });
});
