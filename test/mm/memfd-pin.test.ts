import { describe, expect, test } from 'vitest';
import { pageIsMovableZone } from '../../src/machine/buddy.ts';
import { EINVAL, ENOMEM } from '../../src/machine/errno.ts';
import { newFile } from '../../src/mm/file-refs.ts';
import { FILE } from '../../src/mm/file-tables.ts';
import { kmalloc } from '../../src/mm/kernel.ts';
import { memfdPinFolios } from '../../src/mm/memfd-pin.ts';
import { faultinPageRange, populateRange } from '../../src/mm/populate.ts';
import { shmemNewFile } from '../../src/mm/shmem.ts';
import { unpinFolios } from '../../src/mm/unpin.ts';
import { AT, counts, pinStat, stored } from './pin-builder.ts';
import { boot, run } from './run.ts';
import { mapVma, ptePfn } from './vma-builder.ts';

function memfd(pages: number) {
  const { k, task } = boot('6.12');
  const file = run(shmemNewFile(k, pages));
  return { k, task, file, list: kmalloc(k, 8), offset: kmalloc(k, 1) };
}

describe('A.29 memfd_pin_folios', () => {
  test('pins each folio once, holes are filled where a pin may stay', () => {
    const { k, task, file, list, offset } = memfd(4);
    expect(run(memfdPinFolios(k, task, file, 100, 3 * 4096 - 1, list, 8, offset))).toBe(3);
    expect(k.kmem[offset]).toBe(100);
    const folios = stored(k, list, 3);
    expect(new Set(folios).size).toBe(3);
    for (const folio of folios) {
      expect(pageIsMovableZone(k, folio)).toBe(false);
      // One of the page cache and the pin.
      expect(counts(k, folio)).toEqual([1 + 1024, 0]);
    }
    run(unpinFolios(k, list, 3));
    for (const folio of folios) expect(counts(k, folio)).toEqual([1, 0]);
    const [acquired, released] = pinStat(k);
    expect(acquired).toBe(released);
  });

  test('a folio in ZONE_MOVABLE is moved first', () => {
    const { k, task, file, list, offset } = memfd(1);
    const mm = 1;
    mapVma(k, mm, AT, 1, 0xff & ~0x4, file);
    expect(run(faultinPageRange(k, task, AT, AT + 1, false))).toBe(0);
    expect(pageIsMovableZone(k, ptePfn(k, mm, AT))).toBe(true);
    expect(run(memfdPinFolios(k, task, file, 0, 4095, list, 8, offset))).toBe(1);
    expect(pageIsMovableZone(k, k.kmem[list] ?? 0)).toBe(false);
    expect(ptePfn(k, mm, AT) === 0 || ptePfn(k, mm, AT) === k.kmem[list]).toBe(true);
  });

  test('no more than asked for', () => {
    const { k, task, file, list, offset } = memfd(4);
    expect(run(memfdPinFolios(k, task, file, 0, 4 * 4096 - 1, list, 2, offset))).toBe(2);
  });

  test.each([
    [-1, 5, 1],
    [6, 5, 1],
    [0, 5, 0],
    [0, 4 * 4096, 1],
  ])('-EINVAL for start %i, end %i, max %i of four pages', (start, end, max) => {
    const { k, task, file, list, offset } = memfd(4);
    expect(run(memfdPinFolios(k, task, file, start, end, list, max, offset))).toBe(-EINVAL);
  });

  test('-EINVAL for a file that is neither shmem nor hugetlb', () => {
    const { k, task, list, offset } = memfd(4);
    const secret = run(newFile(k, FILE.secretmem));
    expect(run(memfdPinFolios(k, task, secret, 0, 0, list, 1, offset))).toBe(-EINVAL);
  });
});

describe('populate', () => {
  test('mm_populate writes private memory and keeps no reference', () => {
    const { k, task, mm } = boot('6.12');
    mapVma(k, mm, AT, 3);
    expect(run(populateRange(k, task, AT, AT + 3, true))).toBe(0);
    for (let i = 0; i < 3; i++) expect(counts(k, ptePfn(k, mm, AT + i))).toEqual([1, 0]);
    expect(k.mm.mmapLock[mm]).toBe(0);
  });

  test('A.4.2 MADV_POPULATE meets a hole: -ENOMEM', () => {
    const { k, task, mm } = boot('6.12');
    mapVma(k, mm, AT, 1);
    expect(run(faultinPageRange(k, task, AT, AT + 2, false))).toBe(-ENOMEM);
    expect(ptePfn(k, mm, AT)).toBe(k.zeroPfn);
  });
});
