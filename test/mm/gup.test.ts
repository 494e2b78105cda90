import { describe, expect, test } from 'vitest';
import { R } from '../../src/machine/access.ts';
import { PTE } from '../../src/machine/entry.ts';
import { EFAULT, EINTR, EINVAL, ENOMEM, EOVERFLOW } from '../../src/machine/errno.ts';
import { lockShared } from '../../src/machine/locks.ts';
import { PG } from '../../src/machine/page.ts';
import { BUG, WARN } from '../../src/machine/report.ts';
import { FOLL, FOLL_INTERNAL } from '../../src/mm/foll.ts';
import {
  getUserPages,
  getUserPagesFast,
  getUserPagesFastOnly,
  getUserPagesRemote,
  getUserPagesUnlocked,
  pinLongtermPagesFast,
  pinUserPages,
  pinUserPagesFast,
  pinUserPagesFastOnly,
  pinUserPagesRemote,
  pinUserPagesUnlocked,
} from '../../src/mm/gup.ts';
import { LOCKED } from '../../src/mm/gup-args.ts';
import { type Kernel, kmalloc, MMF, newTask, PF } from '../../src/mm/kernel.ts';
import { VM } from '../../src/mm/vma.ts';
import { AT, counts, pinBoot, pinStat, stored } from './pin-builder.ts';
import { boot, run } from './run.ts';
import { mapVma, pteLo, ptePfn, RO } from './vma-builder.ts';

function hold(k: Kernel, mm: number): void {
  run(lockShared(k, R.mmapLock, mm));
}

describe('A.2.2 arguments', () => {
  test('an internal flag is refused since 6.3, with a warning', () => {
    const { k, task, pages } = pinBoot('6.12', 1);
    for (let bit = 1; bit !== 0; bit <<= 1) {
      if ((FOLL_INTERNAL & bit) === 0) continue;
      expect(run(getUserPagesFast(k, task, AT, 1, bit, pages))).toBe(-EINVAL);
    }
    expect((k.report[2] ?? 0) & WARN.gupArgs).toBe(WARN.gupArgs);
  });

  test('S35 pin_user_pages answers 0 to bad arguments since 6.3, -EINVAL before; the fast one always -EINVAL', () => {
    for (const [name, answer] of [
      ['6.2', -EINVAL],
      ['6.3', 0],
    ] as const) {
      const { k, task, pages } = pinBoot(name, 1);
      expect(run(pinUserPages(k, task, AT, 1, FOLL.get, pages))).toBe(answer);
      expect(run(pinUserPagesUnlocked(k, task, AT, 1, FOLL.get, pages))).toBe(answer);
      expect(run(pinUserPagesFast(k, task, AT, 1, FOLL.get, pages))).toBe(-EINVAL);
    }
  });

  test('S23 LONGTERM with get is accepted until 5.9', () => {
    for (const [name, answer] of [
      ['5.9', 1],
      ['5.10', -EINVAL],
      ['6.12', -EINVAL],
    ] as const) {
      const { k, task, mm, pages } = pinBoot(name, 1);
      hold(k, mm);
      expect(run(getUserPages(k, task, AT, 1, FOLL.longterm, pages))).toBe(answer);
    }
  });

  test('a pin without pages is refused, a get without pages faults in', () => {
    const { k, task, mm } = pinBoot('6.12', 0);
    mapVma(k, mm, AT, 2);
    expect(run(pinUserPages(k, task, AT, 2, 0, -1))).toBe(0);
    hold(k, mm);
    expect(run(getUserPages(k, task, AT, 2, FOLL.write, -1))).toBe(2);
    const pfn = ptePfn(k, mm, AT + 1);
    expect(counts(k, pfn)).toEqual([1, 0]);
    expect(pteLo(k, mm, AT + 1) & PTE.write).toBe(PTE.write);
  });

  test('LONGTERM with PCI_P2PDMA is refused', () => {
    const { k, task, pages } = pinBoot('6.12', 1);
    expect(run(pinUserPagesFast(k, task, AT, 1, FOLL.longterm | FOLL.pciP2pdma, pages))).toBe(
      -EINVAL,
    );
  });

  test('locked must point to 1', () => {
    const { k, task, mm, pages } = pinBoot('6.12', 1);
    const locked = kmalloc(k, 1);
    expect(run(getUserPagesRemote(k, task, mm, AT, 1, 0, pages, locked))).toBe(-EINVAL);
  });
});

describe('A.2 entry points', () => {
  test('every call takes the same pages with its own kind of reference', () => {
    const { k, task, mm, pfns, pages } = pinBoot('6.12', 4);
    const first = pfns[0] ?? 0;
    hold(k, mm);
    const calls = [
      [getUserPages(k, task, AT, 4, 0, pages), 1],
      [getUserPagesRemote(k, task, mm, AT, 4, 0, pages, LOCKED.caller), 1],
      [getUserPagesUnlocked(k, task, AT, 4, 0, pages), 1],
      [getUserPagesFast(k, task, AT, 4, 0, pages), 1],
      [getUserPagesFastOnly(k, task, AT, 4, 0, pages), 1],
      [pinUserPages(k, task, AT, 4, 0, pages), 1024],
      [pinUserPagesRemote(k, task, mm, AT, 4, 0, pages, LOCKED.caller), 1024],
      [pinUserPagesUnlocked(k, task, AT, 4, 0, pages), 1024],
      [pinUserPagesFast(k, task, AT, 4, 0, pages), 1024],
      [pinUserPagesFastOnly(k, task, AT, 4, 0, pages), 1024],
      [pinLongtermPagesFast(k, task, AT, 4, 0, pages), 1024],
    ] as const;
    let references = 1;
    for (const [steps, each] of calls) {
      k.kmem.fill(0, pages, pages + 4);
      expect(run(steps)).toBe(4);
      expect(stored(k, pages, 4)).toEqual(pfns);
      references += each;
      expect(counts(k, first)).toEqual([references, 0]);
    }
    expect(pinStat(k)).toEqual([24, 0]);
    expect(k.mm.mmapLock[mm]).toBe(1);
    expect(k.report[0]).toBe(BUG.none);
  });

  test('A.2.5 any PIN call marks the target mm, even one that fails', () => {
    const { k, task, mm, pages } = pinBoot('6.12', 1);
    run(getUserPagesFast(k, task, AT, 1, 0, pages));
    expect(k.mm.flags[mm]).toBe(0);
    expect(run(pinUserPagesFast(k, task, 0x9000, 1, 0, pages))).toBe(-EFAULT);
    expect(k.mm.flags[mm]).toBe(MMF.hasPinned);
  });

  test('A.2.4 a range that wraps is -EOVERFLOW since 6.5 and 0 before, one above user space -EFAULT', () => {
    const top = 2 ** 52 - 1;
    const { k, task, pages } = pinBoot('6.12', 1);
    expect(run(pinUserPagesFast(k, task, top, 4, 0, pages))).toBe(-EOVERFLOW);
    expect(run(pinUserPagesFast(k, task, 2 ** 35 - 1, 1, 0, pages))).toBe(-EFAULT);
    const old = pinBoot('6.4', 1);
    expect(run(pinUserPagesFast(old.k, old.task, top, 4, 0, old.pages))).toBe(0);
  });

  test('A.2.4 the fast entry refuses flags that it does not know', () => {
    const { k, task, pages } = pinBoot('6.12', 1);
    expect(run(pinUserPagesFast(k, task, AT, 1, FOLL.splitPmd, pages))).toBe(-EINVAL);
    const old = pinBoot('5.15', 1);
    expect(run(pinUserPagesFast(old.k, old.task, AT, 1, FOLL.nofault, old.pages))).toBe(-EINVAL);
  });

  test('A.6.10 only calls with TOUCH mark pages used', () => {
    const { k, task, mm, pfns, pages } = pinBoot('6.12', 1);
    const pfn = pfns[0] ?? 0;
    k.page.flags[pfn] = (k.page.flags[pfn] ?? 0) & ~PG.referenced;
    hold(k, mm);
    run(pinUserPages(k, task, AT, 1, 0, pages));
    expect((k.page.flags[pfn] ?? 0) & PG.referenced).toBe(0);
    run(getUserPages(k, task, AT, 1, 0, pages));
    expect((k.page.flags[pfn] ?? 0) & PG.referenced).toBe(PG.referenced);
  });
});

describe('A.3 return values', () => {
  test('A.3.1 no pages asked, none given', () => {
    const { k, task, pages } = pinBoot('6.12', 1);
    expect(run(pinUserPagesFast(k, task, AT, 0, 0, pages))).toBe(0);
    expect(run(getUserPagesUnlocked(k, task, AT, 0, 0, pages))).toBe(0);
  });

  test('A.3.2 an error behind pages that were taken is hidden', () => {
    const { k, task, mm, pfns, pages } = pinBoot('6.12', 2);
    hold(k, mm);
    expect(run(pinUserPages(k, task, AT, 5, 0, pages))).toBe(2);
    expect(run(pinUserPages(k, task, AT + 2, 5, 0, pages))).toBe(-EFAULT);
    expect(stored(k, pages, 2)).toEqual(pfns);
    expect(pinStat(k)).toEqual([2, 0]);
  });

  test('A.3.6 the fast part is kept when the slow part fails', () => {
    const { k, task, pages } = pinBoot('6.12', 3);
    expect(run(pinUserPagesFast(k, task, AT, 8, FOLL.write, pages))).toBe(3);
    expect(run(getUserPagesFastOnly(k, task, AT, 8, FOLL.write, pages))).toBe(3);
    expect(run(getUserPagesFastOnly(k, task, AT + 3, 1, FOLL.write, pages))).toBe(0);
  });

  test('A.3.6 the slow part continues where the fast part stopped', () => {
    const { k, task, mm, pfns, pages } = pinBoot('6.12', 2);
    mapVma(k, mm, AT + 2, 2);
    expect(run(pinUserPagesFast(k, task, AT, 4, FOLL.write, pages))).toBe(4);
    expect(stored(k, pages, 4)).toEqual([...pfns, ptePfn(k, mm, AT + 2), ptePfn(k, mm, AT + 3)]);
    expect(counts(k, ptePfn(k, mm, AT + 3))).toEqual([1025, 0]);
    expect(k.mm.mmapLock[mm]).toBe(0);
  });

  test('A.3.8 a fatal signal ends the slow path before each page', () => {
    const { k, task, mm, pages } = pinBoot('6.12', 1);
    k.task.flags[task] = (k.task.flags[task] ?? 0) | PF.sigkill;
    hold(k, mm);
    expect(run(getUserPages(k, task, AT, 1, 0, pages))).toBe(-EINTR);
  });

  test('A.3.1 -ENOMEM for a count that is not positive', () => {
    const { k, task, mm, pfns, pages } = pinBoot('6.12', 1);
    k.page.refcount[pfns[0] ?? 0] = -7;
    hold(k, mm);
    expect(run(pinUserPages(k, task, AT, 1, 0, pages))).toBe(-ENOMEM);
    expect(run(pinUserPagesFast(k, task, AT, 1, 0, pages))).toBe(-ENOMEM);
  });

  test('A.3.3 a fault that drops the lock: the call goes on and tells so by locked', () => {
    const { k, mm, pages } = pinBoot('6.12', 0);
    mapVma(k, mm, AT, 3);
    const other = newTask(k, 0, 1);
    const locked = kmalloc(k, 1);
    k.kmem[locked] = 1;
    hold(k, mm);
    expect(run(pinUserPagesRemote(k, other, mm, AT, 3, FOLL.write, pages, locked))).toBe(3);
    // Whether anonymous faults drop the lock is the fault handler's; lock and word have to agree.
    expect(k.mm.mmapLock[mm]).toBe(k.kmem[locked]);
  });
});

test('A.4.2 nothing mapped: -EFAULT, in a remote process too', () => {
  const { k, mm } = boot('6.12');
  const other = newTask(k, 0, 1);
  hold(k, mm);
  expect(run(pinUserPagesRemote(k, other, mm, AT, 1, 0, kmalloc(k, 1), LOCKED.caller))).toBe(
    -EFAULT,
  );
});

test('S31 a stack is grown until 6.4 and never since', () => {
  for (const [name, answer, start] of [
    ['6.4', 1, AT + 1000 - 8],
    ['6.5', -EFAULT, AT + 1000],
  ] as const) {
    const { k, task, mm } = boot(name);
    const vma = mapVma(k, mm, AT + 1000, 4, RO | VM.write | VM.growsDown);
    hold(k, mm);
    expect(run(getUserPages(k, task, AT + 1000 - 8, 1, FOLL.write, kmalloc(k, 1)))).toBe(answer);
    expect(k.vma.start[vma]).toBe(start);
    expect((k.report[2] ?? 0) & WARN.stackGrow).toBe(name === '6.5' ? WARN.stackGrow : 0);
  }
});
