import { describe, expect, test } from 'vitest';
import { R } from '../../src/machine/access.ts';
import { pageByte } from '../../src/machine/contents.ts';
import { PTE } from '../../src/machine/entry.ts';
import { EBUSY, EEXIST, EFAULT, EINVAL, ENOENT, EPERM } from '../../src/machine/errno.ts';
import { lockShared, unlockShared } from '../../src/machine/locks.ts';
import { audit, auditIdle, type Held, newHeld } from '../../src/mm/audit.ts';
import { FOLL } from '../../src/mm/foll.ts';
import { dupMm } from '../../src/mm/fork.ts';
import { getUserPages, pinUserPagesFast } from '../../src/mm/gup.ts';
import { kmalloc, newTask } from '../../src/mm/kernel.ts';
import { userAccess } from '../../src/mm/memory.ts';
import { shmemNewFile } from '../../src/mm/shmem.ts';
import { unpinUserPage } from '../../src/mm/unpin.ts';
import { uffdioMove } from '../../src/mm/userfault-move.ts';
import {
  UFFD_COPY,
  UFFD_REGISTER,
  UFFD_WRITEPROTECT,
  uffdioContinue,
  uffdioCopy,
  uffdioRegister,
  uffdioWriteprotect,
} from '../../src/mm/userfaultfd.ts';
import { VM } from '../../src/mm/vma.ts';
import { interleave } from './interleave.ts';
import { boot, run } from './run.ts';
import { reclaim, swapInUse } from './swap-builder.ts';
import { load, mapVma, pin, pteLo, ptePfn, RO, RW, store } from './vma-builder.ts';

const PAGE = 4096;
const { missing, wp, minor } = UFFD_REGISTER;

/** A registered mapping of four pages at 100 and, at 200, pages with the bytes 40 to 43. */
function world(version: string, mode: number = missing) {
  const { k, mm, task } = boot(version, {
    areas: [{ pages: 1024 }],
    swapPages: 16,
    tlbEntries: 8,
    vmas: 24,
  });
  mapVma(k, mm, 100, 4);
  mapVma(k, mm, 200, 4);
  for (let i = 0; i < 4; i++) store(k, task, 200 + i, 40 + i);
  expect(run(uffdioRegister(k, mm, 100, 4, mode))).toBe(0);
  const clean = (held: Held = newHeld(k)) =>
    expect([...audit(k, held), ...auditIdle(k)]).toEqual([]);
  return { k, mm, task, clean };
}

/** Thread 0 goes as far as it can, then thread 1, and so on. */
function inTurn(): number {
  return 0;
}

describe('userfaultfd: missing pages', () => {
  test('a load waits without mmap_lock until the page is filled', () => {
    const { k, mm, task, clean } = world('6.12');
    const other = newTask(k, mm, 1);
    k.mm.users[mm] = (k.mm.users[mm] ?? 0) + 1;
    const [seen, copied] = interleave(
      k,
      [userAccess(k, task, 101, false), uffdioCopy(k, other, 100, 200, 2, 0)],
      inTurn,
    );
    expect(copied).toBe(2 * PAGE);
    expect(seen).toBe(ptePfn(k, mm, 101));
    expect(pageByte(k, Number(seen), 0)).toBe(41);
    clean();
  });

  test('a copy that wakes nobody leaves them asleep', () => {
    const { k, mm, task } = world('6.12');
    const other = newTask(k, mm, 1);
    expect(() =>
      interleave(
        k,
        [userAccess(k, task, 100, true), uffdioCopy(k, other, 100, 200, 1, UFFD_COPY.dontwake)],
        inTurn,
      ),
    ).toThrow('deadlock');
  });

  test('A.7.3 a pin waits as a load does; get_user_pages, which may not, gets -EFAULT', () => {
    const { k, mm, task, clean } = world('6.12');
    const other = newTask(k, mm, 1);
    k.mm.users[mm] = (k.mm.users[mm] ?? 0) + 1;
    const pages = kmalloc(k, 2);
    run(lockShared(k, R.mmapLock, mm));
    expect(run(getUserPages(k, task, 100, 1, FOLL.write, pages))).toBe(-EFAULT);
    run(unlockShared(k, R.mmapLock, mm));
    const [pinned] = interleave(
      k,
      [pinUserPagesFast(k, task, 100, 1, FOLL.write, pages), uffdioCopy(k, other, 100, 203, 1, 0)],
      inTurn,
    );
    expect([pinned, pageByte(k, k.kmem[pages] ?? 0, 0)]).toEqual([1, 43]);
    run(unpinUserPage(k, k.kmem[pages] ?? 0));
    clean();
  });

  test('what cannot be copied: a page is there, nothing is registered, the source is nowhere', () => {
    const { k, task, clean } = world('6.12');
    const copy = (dst: number, src: number, nr: number, mode = 0) =>
      run(uffdioCopy(k, task, dst, src, nr, mode));
    expect(copy(101, 200, 1)).toBe(PAGE);
    expect(copy(101, 200, 1)).toBe(-EEXIST);
    expect(copy(100, 200, 2)).toBe(PAGE);
    expect(copy(200, 100, 1)).toBe(-ENOENT);
    expect(copy(102, 201, 3)).toBe(-ENOENT);
    expect(copy(102, 500, 1)).toBe(-EFAULT);
    expect(copy(102, 200, 1, UFFD_COPY.wp)).toBe(-EINVAL);
    expect(copy(102, 200, 1, 8)).toBe(-EINVAL);
    clean();
  });

  test('S164 S165 S166 what can be registered by version', () => {
    const registers = (version: string, mode: number, flags: number, shared: boolean) => {
      const { k, mm } = boot(version, { areas: [{ pages: 1024 }] });
      const file = shared ? run(shmemNewFile(k, 4)) : 0;
      mapVma(k, mm, 100, 4, flags, file);
      return run(uffdioRegister(k, mm, 100, 4, mode));
    };
    const SHARED = RW | VM.shared | VM.mayShare;
    expect([registers('5.6', wp, RW, false), registers('5.7', wp, RW, false)]).toEqual([
      -EINVAL,
      0,
    ]);
    expect([
      registers('4.10', missing, SHARED, true),
      registers('4.11', missing, SHARED, true),
    ]).toEqual([-EINVAL, 0]);
    expect([
      registers('5.13', minor, SHARED, true),
      registers('5.14', minor, SHARED, true),
    ]).toEqual([-EINVAL, 0]);
    expect(registers('6.12', minor, RW, false)).toBe(-EINVAL);
    expect(registers('6.12', missing, RO & ~VM.mayWrite, false)).toBe(-EPERM);
    expect(registers('6.12', 0, RW, false)).toBe(-EINVAL);
  });

  test('S165 shared memory: the copy joins the file', () => {
    const { k, mm, task } = boot('6.12', { areas: [{ pages: 1024 }], vmas: 24 });
    const file = run(shmemNewFile(k, 4));
    mapVma(k, mm, 100, 4, RW | VM.shared | VM.mayShare, file);
    mapVma(k, mm, 200, 1);
    store(k, task, 200, 9);
    expect(run(uffdioRegister(k, mm, 100, 4, missing))).toBe(0);
    expect(run(uffdioCopy(k, task, 101, 200, 1, 0))).toBe(PAGE);
    expect(pageByte(k, load(k, task, 101), 0)).toBe(9);
    expect([k.file.nrpages[file], k.mm.fileRss[mm]]).toEqual([1, 1]);
    expect(run(uffdioContinue(k, mm, 101, 1, 0))).toBe(-EEXIST);
    expect(run(uffdioContinue(k, mm, 102, 1, 0))).toBe(-EFAULT);
  });
});

describe('userfaultfd: write protection', () => {
  test('A.16.1 a store waits for its end; a load does not', () => {
    const { k, mm, task, clean } = world('6.12', wp);
    const other = newTask(k, mm, 1);
    k.mm.users[mm] = (k.mm.users[mm] ?? 0) + 1;
    const pfn = store(k, task, 100, 1);
    expect(run(uffdioWriteprotect(k, mm, 100, 4, UFFD_WRITEPROTECT.wp))).toBe(0);
    expect(pteLo(k, mm, 100) & (PTE.write | PTE.uffdWp)).toBe(PTE.uffdWp);
    expect(load(k, task, 100)).toBe(pfn);
    const [written] = interleave(
      k,
      [userAccess(k, task, 100, true), uffdioWriteprotect(k, other === 0 ? 0 : mm, 100, 4, 0)],
      inTurn,
    );
    expect(written).toBe(pfn);
    clean();
  });

  test.each([
    ['5.8', true],
    ['5.9', false],
    ['5.18', false],
    ['5.19', true],
    ['6.12', true],
  ] as const)(
    'A.22.2 S1 %s a pin over a protection and its end stays coherent: %s',
    (version, coherent) => {
      const { k, mm, task } = world(version, wp);
      const pfn = store(k, task, 100, 1);
      pin(k, mm, pfn);
      run(uffdioWriteprotect(k, mm, 100, 4, UFFD_WRITEPROTECT.wp));
      run(uffdioWriteprotect(k, mm, 100, 4, 0));
      expect(store(k, task, 100, 2) === pfn).toBe(coherent);
    },
  );

  test('A.18.6 the protection goes to swap and back', () => {
    const { k, mm, task, clean } = world('6.12', wp);
    const pfn = store(k, task, 100, 1);
    run(uffdioWriteprotect(k, mm, 100, 4, UFFD_WRITEPROTECT.wp));
    expect(reclaim(k, pfn)).toBe(true);
    load(k, task, 100);
    expect(pteLo(k, mm, 100) & (PTE.write | PTE.uffdWp)).toBe(PTE.uffdWp);
    reclaim(k, ptePfn(k, mm, 100));
    run(uffdioWriteprotect(k, mm, 100, 4, 0));
    store(k, task, 100, 2);
    expect(pteLo(k, mm, 100) & (PTE.write | PTE.uffdWp)).toBe(PTE.write);
    clean();
  });

  test('only what is registered for it', () => {
    const { k, mm } = world('6.12', missing);
    expect(run(uffdioWriteprotect(k, mm, 100, 4, UFFD_WRITEPROTECT.wp))).toBe(-ENOENT);
    expect(run(uffdioWriteprotect(k, mm, 200, 4, UFFD_WRITEPROTECT.wp))).toBe(-ENOENT);
    expect(run(uffdioWriteprotect(k, mm, 100, 4, 4))).toBe(-EINVAL);
  });
});

describe('UFFDIO_MOVE', () => {
  test('A.22.5 the page itself moves, and its reverse mapping with it', () => {
    const { k, mm, task, clean } = world('6.12');
    const pfn = ptePfn(k, mm, 201);
    expect(run(uffdioMove(k, mm, 100, 201, 1, 0))).toBe(PAGE);
    expect([ptePfn(k, mm, 100), pteLo(k, mm, 201)]).toEqual([pfn, 0]);
    clean();
    expect(reclaim(k, pfn)).toBe(true);
    expect(pageByte(k, load(k, task, 100), 0)).toBe(41);
    clean();
  });

  test('A.22.5 refused: pinned, shared with a child, a page at the target, none at the source', () => {
    const { k, mm, task } = world('6.12');
    const pfn = ptePfn(k, mm, 200);
    pin(k, mm, pfn);
    expect(run(uffdioMove(k, mm, 100, 200, 1, 0))).toBe(-EBUSY);
    expect(ptePfn(k, mm, 200)).toBe(pfn);
    expect(run(uffdioMove(k, mm, 100, 201, 1, 0))).toBe(PAGE);
    expect(run(uffdioMove(k, mm, 100, 202, 1, 0))).toBe(-EEXIST);
    expect(run(uffdioMove(k, mm, 101, 201, 1, 0))).toBe(-ENOENT);
    expect(run(uffdioMove(k, mm, 202, 203, 1, 0))).toBe(-EINVAL);
    const child = run(dupMm(k, task, newTask(k, 0, 1)));
    expect(child).toBeGreaterThan(0);
    expect(run(uffdioMove(k, mm, 101, 202, 1, 0))).toBe(-EBUSY);
  });

  test('A.22.5 a swapped page moves by its entry; one that swap still has in memory goes along', () => {
    const { k, mm, task, clean } = world('6.12');
    reclaim(k, ptePfn(k, mm, 200));
    expect(run(uffdioMove(k, mm, 100, 200, 1, 0))).toBe(PAGE);
    expect(pageByte(k, load(k, task, 100), 0)).toBe(40);
    clean();
    expect(swapInUse(k)).toBeGreaterThanOrEqual(0);
  });

  test('A.13 a fast pin against a move: never pinned at one address and found at another', () => {
    for (let turn = 0; turn < 60; turn++) {
      const { k, mm, task } = world('6.12');
      const other = newTask(k, mm, 1);
      const pages = kmalloc(k, 1);
      let step = 0;
      const [pinned, moved] = interleave(
        k,
        [
          pinUserPagesFast(k, task, 200, 1, FOLL.write, pages),
          uffdioMove(k, other === 0 ? 0 : mm, 100, 200, 1, 0),
        ],
        () => (step++ < turn ? 0 : 1),
      );
      expect(pinned).toBe(1);
      if (moved === PAGE) expect(k.kmem[pages]).not.toBe(ptePfn(k, mm, 100));
      else expect([moved, k.kmem[pages]]).toEqual([-EBUSY, ptePfn(k, mm, 200)]);
    }
  });
});
