import { describe, expect, test } from 'vitest';
import { freePageCount } from '../../src/machine/buddy.ts';
import { pageByte } from '../../src/machine/contents.ts';
import { EBUSY, EFAULT, EINVAL, EPERM } from '../../src/machine/errno.ts';
import { filePread, filePwrite } from '../../src/mm/file-io.ts';
import { filePut } from '../../src/mm/file-refs.ts';
import { FALLOC, sysFallocate, sysFtruncate } from '../../src/mm/file-size.ts';
import { filemapGetFolio } from '../../src/mm/filemap.ts';
import { folioPut } from '../../src/mm/folio.ts';
import { addSeals, getSeals, MFD, SEAL, sysMemfdCreate } from '../../src/mm/memfd.ts';
import { userAccess } from '../../src/mm/memory.ts';
import { MAP, PROT, sysMmap } from '../../src/mm/mmap.ts';
import { shmemGetFolio } from '../../src/mm/shmem.ts';
import { boot, run } from './run.ts';
import { get, load, pin, ptePfn, store } from './vma-builder.ts';

const RW = PROT.read | PROT.write;

function memfd(pages: number, flags = 0, version = '6.12') {
  const { k, task, mm } = boot(version);
  const file = run(sysMemfdCreate(k, flags));
  run(sysFtruncate(k, file, pages, 0));
  const at = run(sysMmap(k, task, 0, pages, RW, MAP.shared, file, 0));
  return { k, task, mm, file, at };
}

describe('page cache of memory files', () => {
  test('two mappings of a file see one page', () => {
    const { k, task, file, at } = memfd(2);
    const other = run(sysMmap(k, task, 0, 1, PROT.read, MAP.shared, file, 1));
    const pfn = store(k, task, at + 1, 5);
    expect(load(k, task, other)).toBe(pfn);
    expect(k.page.mapcount[pfn]).toBe(2);
    // The cache and the two mappings.
    expect(k.page.refcount[pfn]).toBe(3);
  });

  test('a private mapping reads the file and writes a copy', () => {
    const { k, task, file, at } = memfd(1);
    const page = store(k, task, at, 5);
    const priv = run(sysMmap(k, task, 0, 1, RW, MAP.private, file, 0));
    expect(load(k, task, priv)).toBe(page);
    const copy = store(k, task, priv, 6);
    expect(copy).not.toBe(page);
    expect(pageByte(k, page, 0)).toBe(5);
  });

  test('a page beyond the end is SIGBUS', () => {
    const { k, task, file } = memfd(1);
    const at = run(sysMmap(k, task, 0, 3, RW, MAP.shared, file, 0));
    expect(run(userAccess(k, task, at + 1, false))).toBe(-EFAULT);
    run(sysFtruncate(k, file, 1, 1));
    expect(run(userAccess(k, task, at + 1, false))).toBeGreaterThan(0);
    expect(run(userAccess(k, task, at + 2, false))).toBe(-EFAULT);
  });

  test('shmemGetFolio fills holes only when asked to, and never beyond the end', () => {
    const { k, file } = memfd(2);
    expect(run(shmemGetFolio(k, file, 0, false, 0))).toBe(0);
    const folio = run(shmemGetFolio(k, file, 0, true, 0));
    expect(k.page.refcount[folio]).toBe(2);
    expect(run(shmemGetFolio(k, file, 2, true, 0))).toBe(0);
    expect(run(filemapGetFolio(k, file, 0))).toBe(folio);
  });
});

describe('truncate and punch hole', () => {
  test('A.23.6 a pinned page becomes an orphan; a new one appears at its place', () => {
    const { k, task, mm, file, at } = memfd(2);
    const pfn = store(k, task, at + 1, 8);
    pin(k, mm, pfn);
    run(sysFtruncate(k, file, 1, 0));
    expect([k.page.mapping[pfn], k.page.refcount[pfn], k.page.mapcount[pfn]]).toEqual([0, 1024, 0]);
    expect(pageByte(k, pfn, 0)).toBe(8);
    run(sysFtruncate(k, file, 2, 0));
    const fresh = load(k, task, at + 1);
    expect(fresh).not.toBe(pfn);
    expect(pageByte(k, fresh, 0)).toBe(0);
  });

  test('the tail of the last page is zeroed', () => {
    const { k, task, file, at } = memfd(1);
    const pfn = store(k, task, at, 8);
    run(filePwrite(k, task, file, 0, 100, 1, at, 0));
    expect(pageByte(k, pfn, 100)).toBe(8);
    run(sysFtruncate(k, file, 0, 50));
    expect([pageByte(k, pfn, 0), pageByte(k, pfn, 100)]).toEqual([8, 0]);
  });

  test('truncating takes private copies away too, punching a hole leaves them', () => {
    const { k, task, file } = memfd(2);
    const priv = run(sysMmap(k, task, 0, 2, RW, MAP.private, file, 0));
    const copy = store(k, task, priv, 6);
    expect(run(sysFallocate(k, file, FALLOC.punchHole | FALLOC.keepSize, 0, 0, 2, 0))).toBe(0);
    expect(load(k, task, priv)).toBe(copy);
    run(sysFtruncate(k, file, 0, 0));
    expect(run(userAccess(k, task, priv, false))).toBe(-EFAULT);
    expect(k.page.refcount[copy]).toBe(0);
  });

  test('a hole zeroes the pages that it only touches', () => {
    const { k, task, file, at } = memfd(3);
    const pages = [0, 1, 2].map((i) => store(k, task, at + i, 9));
    run(filePwrite(k, task, file, 0, 4095, 1, at, 0));
    run(sysFallocate(k, file, FALLOC.punchHole | FALLOC.keepSize, 0, 10, 2, 0));
    expect(pageByte(k, pages[0] ?? 0, 0)).toBe(9);
    expect(pageByte(k, pages[0] ?? 0, 4095)).toBe(0);
    expect(k.page.refcount[pages[1] ?? 0]).toBe(0);
    expect(pageByte(k, pages[2] ?? 0, 0)).toBe(0);
    expect(k.file.nrpages[file]).toBe(2);
  });

  test('fallocate fills and grows', () => {
    const { k, file } = memfd(1);
    expect(run(sysFallocate(k, file, 0, 0, 0, 2, 5))).toBe(0);
    expect([k.file.pages[file], k.file.tail[file], k.file.nrpages[file]]).toEqual([2, 5, 3]);
    expect(run(sysFallocate(k, file, FALLOC.keepSize, 4, 0, 1, 0))).toBe(0);
    expect([k.file.pages[file], k.file.nrpages[file]]).toEqual([2, 4]);
    expect(run(sysFallocate(k, file, FALLOC.punchHole, 0, 0, 1, 0))).toBeLessThan(0);
  });

  test('the last reference frees everything, however the pages are spread', () => {
    const { k } = boot('6.12');
    const free = freePageCount(k);
    const file = run(sysMemfdCreate(k, 0));
    run(sysFtruncate(k, file, 3_000_000, 0));
    for (const index of [0, 1023, 1024, 2_999_999])
      run(folioPut(k, run(shmemGetFolio(k, file, index, true, 0)), 1));
    run(filePut(k, file));
    expect(freePageCount(k)).toBe(free);
    expect(k.file.kind[file]).toBe(0);
  });
});

describe('read and write', () => {
  test('bytes go to the file and back, over page borders', () => {
    const { k, task, mm } = boot('6.12');
    const file = run(sysMemfdCreate(k, 0));
    const buf = run(sysMmap(k, task, 0, 4, RW, MAP.private | MAP.anonymous, 0, 0));
    store(k, task, buf, 1);
    store(k, task, buf + 1, 2);
    expect(run(filePwrite(k, task, file, 0, 4000, 4100, buf, 0))).toBe(4100);
    expect([k.file.pages[file], k.file.tail[file]]).toEqual([1, 4004]);
    expect(run(filePread(k, task, file, 0, 4000, 9000, buf + 2, 0))).toBe(4100);
    expect([buf + 2, buf + 3].map((vpn) => pageByte(k, ptePfn(k, mm, vpn), 0))).toEqual([1, 2]);
    expect(run(filePread(k, task, file, 5, 0, 1, buf, 0))).toBe(0);
    expect(run(filePread(k, task, file, 0, 0, 1, 3, 0))).toBe(-EFAULT);
    expect(k.file.bounce.every((word) => word === 0)).toBe(true);
  });

  test('a hole reads as zeros and stays one', () => {
    const { k, task, file, at } = memfd(1);
    const buf = run(sysMmap(k, task, 0, 1, RW, MAP.private | MAP.anonymous, 0, 0));
    const pfn = store(k, task, buf, 7);
    expect(run(filePread(k, task, file, 0, 0, 4096, buf, 0))).toBe(4096);
    expect(pageByte(k, pfn, 0)).toBe(0);
    expect(k.file.nrpages[file]).toBe(0);
    expect(at).toBeGreaterThan(0);
  });
});

describe('seals', () => {
  test('A.23.9 F_SEAL_WRITE is EBUSY while a page is pinned, F_SEAL_FUTURE_WRITE is not (5.1+)', () => {
    const { k, file } = memfd(0, MFD.allowSealing);
    run(sysFtruncate(k, file, 1, 0));
    const folio = run(shmemGetFolio(k, file, 0, true, 0));
    expect(run(addSeals(k, file, SEAL.write))).toBe(-EBUSY);
    expect(run(addSeals(k, file, SEAL.futureWrite))).toBe(0);
    run(folioPut(k, folio, 1));
    expect(run(addSeals(k, file, SEAL.write))).toBe(0);
    get(k, folio);
    expect(run(sysFtruncate(k, file, 0, 0))).toBe(0);
    const old = memfd(0, MFD.allowSealing, '5.0');
    expect(run(addSeals(old.k, old.file, SEAL.futureWrite))).toBe(-EINVAL);
  });

  test('a shared writable mapping is EBUSY; without MFD_ALLOW_SEALING it is EPERM', () => {
    const { k, file } = memfd(1, MFD.allowSealing);
    expect(run(addSeals(k, file, SEAL.write))).toBe(-EBUSY);
    const plain = memfd(1);
    expect(run(addSeals(plain.k, plain.file, SEAL.write))).toBe(-EPERM);
    expect(getSeals(plain.k, plain.file)).toBe(SEAL.seal);
  });

  test('sealed sizes and contents stay', () => {
    const { k, task, file, at } = memfd(1, MFD.allowSealing);
    expect(run(addSeals(k, file, SEAL.shrink | SEAL.grow | SEAL.futureWrite))).toBe(0);
    expect(run(sysFtruncate(k, file, 0, 0))).toBe(-EPERM);
    expect(run(sysFtruncate(k, file, 2, 0))).toBe(-EPERM);
    expect(run(filePwrite(k, task, file, 0, 0, 1, at, 0))).toBe(-EPERM);
    expect(run(sysFallocate(k, file, FALLOC.punchHole | FALLOC.keepSize, 0, 0, 1, 0))).toBe(-EPERM);
    // An old shared mapping may still write.
    expect(store(k, task, at, 1)).toBeGreaterThan(0);
  });
});
