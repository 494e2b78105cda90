import { describe, expect, test } from 'vitest';
import { R } from '../../src/machine/access.ts';
import { EFAULT } from '../../src/machine/errno.ts';
import { lockShared, unlockShared } from '../../src/machine/locks.ts';
import type { Steps } from '../../src/machine/types.ts';
import { filePut } from '../../src/mm/file-refs.ts';
import { sysFtruncate } from '../../src/mm/file-size.ts';
import { FOLL } from '../../src/mm/foll.ts';
import { getUserPages, getUserPagesFast } from '../../src/mm/gup.ts';
import { setHugetlbPool } from '../../src/mm/hugetlb.ts';
import { kmalloc } from '../../src/mm/kernel.ts';
import { MFD, sysMemfdCreate } from '../../src/mm/memfd.ts';
import { memfdPinFolios } from '../../src/mm/memfd-pin.ts';
import { MAP, PROT, sysMmap, sysMunmap } from '../../src/mm/mmap.ts';
import { sysMprotect } from '../../src/mm/mprotect.ts';
import { unpinFolios } from '../../src/mm/unpin.ts';
import { hugetlbBoot, mapHuge, pool } from './huge-builder.ts';
import { boot, run } from './run.ts';
import { load } from './vma-builder.ts';

/** As `run`, for a path that is suspected not to end. */
function runBounded<T>(steps: Steps<T>): T {
  for (let n = 0; n < 100_000; n++) {
    const next = steps.next();
    if (next.done === true) return next.value;
  }
  throw new Error('does not end');
}

function readOnly(version: string) {
  const m = hugetlbBoot(version, 2);
  const at = mapHuge(m.k, m.task, 1);
  expect(run(sysMprotect(m.k, m.task, at, 512, PROT.read))).toBe(0);
  load(m.k, m.task, at);
  return { ...m, at, pages: kmalloc(m.k, 1) };
}

describe('hugetlb mappings without write permission', () => {
  test.each([
    ['4.4', 1],
    ['5.8', 1],
    ['5.19', 1],
    ['6.12', -EFAULT],
    ['6.15', 1],
  ])('A.5.6.2, S9 %s: a forced write ends', (version, expected) => {
    const { k, task, mm, at, pages } = readOnly(version);
    run(lockShared(k, R.mmapLock, mm));
    expect(runBounded(getUserPages(k, task, at, 1, FOLL.write | FOLL.force, pages))).toBe(expected);
    run(unlockShared(k, R.mmapLock, mm));
  });

  test('S6 5.8: a read that breaks copy-on-write ends', () => {
    const { k, task, at, pages } = readOnly('5.8');
    expect(runBounded(getUserPagesFast(k, task, at, 1, 0, pages))).toBe(1);
  });
});

describe('A.29 memfd_pin_folios of a hugetlb file', () => {
  test.each([[true], [false]])(
    'a hole is filled out of what the file reserved (mapped before: %s)',
    (mapped) => {
      const { k, task } = boot('7.1', { areas: [{ pages: 4096 }] });
      setHugetlbPool(k, 9, 2);
      const file = run(sysMemfdCreate(k, MFD.hugetlb));
      run(sysFtruncate(k, file, 512, 0));
      const at = mapped ? run(sysMmap(k, task, 0, 512, PROT.read, MAP.shared, file, 0)) : 0;
      expect(pool(k)).toEqual([2, mapped ? 1 : 0, 2]);
      const list = kmalloc(k, 2);
      expect(run(memfdPinFolios(k, task, file, 0, 4095, list, 1, list + 1))).toBe(1);
      expect(pool(k)).toEqual([1, 0, 2]);
      run(unpinFolios(k, list, 1));
      if (mapped) run(sysMunmap(k, task, at, 512));
      run(filePut(k, file));
      expect(pool(k)).toEqual([2, 0, 2]);
    },
  );
});
