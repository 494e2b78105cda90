import { describe, expect, test } from 'vitest';
import { pageByte, setPageByte } from '../../src/machine/contents.ts';
import { PTE } from '../../src/machine/entry.ts';
import { EBUSY, EINVAL, ENOMEM, ENOSPC } from '../../src/machine/errno.ts';
import { PG } from '../../src/machine/page.ts';
import { BUG } from '../../src/machine/report.ts';
import { audit, newHeld } from '../../src/mm/audit.ts';
import { hasBuffers, releaseBuffers } from '../../src/mm/buffers.ts';
import { filePread, filePwrite } from '../../src/mm/file-io.ts';
import { filePut, newFile } from '../../src/mm/file-refs.ts';
import { FALLOC, sysFallocate, sysFtruncate } from '../../src/mm/file-size.ts';
import { FILE, FILE_BLOCKS } from '../../src/mm/file-tables.ts';
import { invalidateRange } from '../../src/mm/invalidate.ts';
import { mediumByte } from '../../src/mm/medium.ts';
import { userAccess } from '../../src/mm/memory.ts';
import { MAP, PROT, sysMmap, sysMunmap } from '../../src/mm/mmap.ts';
import { sysMprotect } from '../../src/mm/mprotect.ts';
import { cacheSlot } from '../../src/mm/page-cache.ts';
import { setPageDirty, setPageDirtyLock } from '../../src/mm/set-dirty.ts';
import { flushFile, sysFsync, sysMsync, sysSyncFileRange } from '../../src/mm/sync.ts';
import { shrinkLruPages } from '../../src/mm/vmscan.ts';
import { boot, run } from './run.ts';
import { get, load, pin, pteLo, ptePfn, store } from './vma-builder.ts';

const RW = PROT.read | PROT.write;

/** A file of `pages` pages on a medium, which the caller has open, and a shared mapping of it. */
function onDisk(kind: number, pages = 1, version = '6.12') {
  const { k, task, mm } = boot(version);
  const file = run(newFile(k, kind));
  run(sysFtruncate(k, file, pages, 0));
  const at = run(sysMmap(k, task, 0, Math.max(1, pages), RW, MAP.shared, file, 0));
  const held = newHeld(k);
  held.files[file] = 1;
  return { k, task, mm, file, at, held };
}

describe('page_mkwrite and cleaning (A.23.1, A.23.2)', () => {
  test.each([
    ['ext4', FILE.ext4, 1],
    ['XFS', FILE.xfs, 0],
    ['btrfs', FILE.btrfs, 0],
  ])(
    'A.23.1 on %s a read maps the page read-only, and a store announces it',
    (_, kind, buffers) => {
      const { k, task, mm, file, at, held } = onDisk(kind);
      const page = load(k, task, at);
      expect(pteLo(k, mm, at) & PTE.write).toBe(0);
      expect(k.page.refcount[page]).toBe(2);
      expect(store(k, task, at, 7)).toBe(page);
      expect(pteLo(k, mm, at) & (PTE.write | PTE.dirty)).toBe(PTE.write | PTE.dirty);
      expect((k.page.flags[page] ?? 0) & (PG.dirty | PG.locked)).toBe(PG.dirty);
      expect(k.page.refcount[page]).toBe(2 + buffers);
      expect(hasBuffers(k, page)).toBe(buffers === 1);
      expect(mediumByte(k, file, 0)).toBe(0);
      expect(audit(k, held)).toEqual([]);
    },
  );

  test('A.23.2 fsync cleans: the medium has the data, the mapping may not write any more', () => {
    const { k, task, mm, file, at, held } = onDisk(FILE.ext4);
    const page = store(k, task, at, 7);
    expect(run(sysFsync(k, file))).toBe(0);
    expect(mediumByte(k, file, 0)).toBe(7);
    expect((k.page.flags[page] ?? 0) & (PG.dirty | PG.writeback | PG.locked)).toBe(0);
    expect(pteLo(k, mm, at) & (PTE.write | PTE.dirty)).toBe(0);
    expect(store(k, task, at, 8)).toBe(page);
    expect((k.page.flags[page] ?? 0) & PG.dirty).toBe(PG.dirty);
    expect(audit(k, held)).toEqual([]);
  });

  test('A.23.2 cleaning asks nobody about pins', () => {
    const { k, task, mm, file, at } = onDisk(FILE.ext4);
    const page = store(k, task, at, 7);
    pin(k, mm, page);
    run(flushFile(k, file));
    expect((k.page.flags[page] ?? 0) & PG.dirty).toBe(0);
  });

  test('A.31 W1 every shared mapping is cleaned, a private copy is left alone', () => {
    const { k, task, mm, file, at } = onDisk(FILE.ext4);
    const other = run(sysMmap(k, task, 0, 1, RW, MAP.shared, file, 0));
    const priv = run(sysMmap(k, task, 0, 1, RW, MAP.private, file, 0));
    store(k, task, at, 1);
    store(k, task, other, 2);
    store(k, task, priv, 3);
    run(sysFsync(k, file));
    expect([at, other, priv].map((v) => pteLo(k, mm, v) & PTE.write)).toEqual([0, 0, PTE.write]);
    expect(mediumByte(k, file, 0)).toBe(2);
  });

  test('what a mapping stored behind the end of the file does not go to the medium', () => {
    const { k, task, file, at } = onDisk(FILE.ext4);
    run(sysFtruncate(k, file, 0, 10));
    const page = store(k, task, at, 7);
    setPageByte(k, page, 20, 9);
    run(sysFsync(k, file));
    const bytes = [mediumByte(k, file, 0), mediumByte(k, file, 20), pageByte(k, page, 20)];
    expect(bytes).toEqual([7, 0, 0]);
  });

  test('a store beyond the blocks that the medium has is SIGBUS', () => {
    const { k, task, at } = onDisk(FILE.ext4, FILE_BLOCKS + 2);
    expect(run(userAccess(k, task, at + FILE_BLOCKS, false))).toBeGreaterThan(0);
    expect(run(userAccess(k, task, at + FILE_BLOCKS, true))).toBeLessThan(0);
  });

  test('mprotect gives a dirty page its write bit back at once, a clean one not', () => {
    const { k, task, mm, file, at } = onDisk(FILE.ext4);
    const readOnlyAndBack = () => {
      run(sysMprotect(k, task, at, 1, PROT.read));
      run(sysMprotect(k, task, at, 1, RW));
      return pteLo(k, mm, at) & PTE.write;
    };
    store(k, task, at, 7);
    expect(readOnlyAndBack()).toBe(PTE.write);
    run(sysFsync(k, file));
    expect(readOnlyAndBack()).toBe(0);
  });
});

describe('dirty without buffers (A.23.3)', () => {
  /** The page has lost its buffers, a driver has written to it and marked it dirty, and it is to be written. */
  function bypassed(kind: number, version: string) {
    const { k, task, file, at } = onDisk(kind, 1, version);
    const page = store(k, task, at, 1);
    get(k, page);
    run(sysFsync(k, file));
    run(shrinkLruPages(k, 100));
    expect(hasBuffers(k, page)).toBe(false);
    setPageByte(k, page, 0, 9);
    run(setPageDirtyLock(k, page));
    run(sysFsync(k, file));
    return { k, file, page };
  }

  test('S185 to 5.17 ext4 stops at a BUG', () => {
    const { k, page } = bypassed(FILE.ext4, '5.17');
    expect([k.report[0], k.report[1]]).toEqual([BUG.dirtyNoBuffers, page]);
  });

  test('S185 from 5.18 ext4 throws the data away', () => {
    const { k, file, page } = bypassed(FILE.ext4, '5.18');
    expect(k.report[0]).toBe(BUG.none);
    expect([mediumByte(k, file, 0), (k.page.flags[page] ?? 0) & PG.dirty]).toEqual([1, 0]);
  });

  test('S188 XFS stops to 4.18, and writes what it finds since', () => {
    expect(bypassed(FILE.xfs, '4.18').k.report[0]).toBe(BUG.dirtyNoBuffers);
    const { k, file } = bypassed(FILE.xfs, '4.19');
    expect([k.report[0], mediumByte(k, file, 0)]).toEqual([BUG.none, 9]);
  });

  test.each([
    ['6.3', false],
    ['6.4', true],
  ])('S25 at %s reclaim leaves a pinned page its buffers: %s', (version, kept) => {
    const { k, task, mm, file, at } = onDisk(FILE.ext4, 1, version);
    const page = store(k, task, at, 1);
    pin(k, mm, page);
    run(sysFsync(k, file));
    run(shrinkLruPages(k, 100));
    expect(hasBuffers(k, page)).toBe(kept);
  });

  test('buffers of a dirty page stay', () => {
    const { k, task, at } = onDisk(FILE.ext4);
    const page = store(k, task, at, 1);
    expect(run(releaseBuffers(k, page))).toBe(false);
    expect(hasBuffers(k, page)).toBe(true);
  });
});

describe('the cache of files on a medium', () => {
  test('a clean page is reclaimed, and read back from the medium', () => {
    const { k, task, file, at, held } = onDisk(FILE.ext4);
    store(k, task, at, 7);
    run(sysFsync(k, file));
    expect(run(shrinkLruPages(k, 100))).toBe(1);
    expect(cacheSlot(k, file, 0)).toBe(0);
    expect(pageByte(k, load(k, task, at), 0)).toBe(7);
    expect(audit(k, held)).toEqual([]);
  });

  test('A.18.5 a dirty page is unmapped, and stays', () => {
    const { k, task, mm, file, at } = onDisk(FILE.ext4);
    const page = store(k, task, at, 7);
    expect(run(shrinkLruPages(k, 100))).toBe(0);
    expect([cacheSlot(k, file, 0), ptePfn(k, mm, at)]).toEqual([page, 0]);
  });

  test('pwrite of a part of a page keeps the rest of the block', () => {
    const { k, task, file, at } = onDisk(FILE.ext4, 2);
    store(k, task, at, 7);
    store(k, task, at + 1, 9);
    run(sysFsync(k, file));
    run(shrinkLruPages(k, 100));
    expect(run(filePwrite(k, task, file, 0, 100, 1, at + 1, 0))).toBe(1);
    run(sysFsync(k, file));
    expect([mediumByte(k, file, 0), mediumByte(k, file, 100)]).toEqual([7, 9]);
  });

  test('pread of a hole gives zeros; pwrite past the medium is -ENOSPC', () => {
    const { k, task, file, at } = onDisk(FILE.ext4, 2);
    store(k, task, at, 7);
    expect(run(filePread(k, task, file, 1, 0, 1, at, 0))).toBe(1);
    expect(pageByte(k, load(k, task, at), 0)).toBe(0);
    expect(run(filePwrite(k, task, file, FILE_BLOCKS, 0, 1, at, 0))).toBe(-ENOSPC);
  });

  test('A.23.7 invalidation takes a referenced page out; a dirty one stays (-EBUSY)', () => {
    const { k, task, file, at } = onDisk(FILE.ext4);
    const page = store(k, task, at, 7);
    get(k, page);
    expect(run(invalidateRange(k, file, 0, 1))).toBe(-EBUSY);
    expect(cacheSlot(k, file, 0)).toBe(page);
    run(sysFsync(k, file));
    expect(run(invalidateRange(k, file, 0, 1))).toBe(0);
    expect([k.page.mapping[page], k.page.refcount[page]]).toEqual([0, 1]);
    expect(hasBuffers(k, page)).toBe(false);
    expect(load(k, task, at)).not.toBe(page);
  });

  test('A.23.6 truncation frees blocks and buffers; a pinned page is an orphan', () => {
    const { k, task, mm, file, at, held } = onDisk(FILE.ext4, 2);
    const page = store(k, task, at + 1, 7);
    run(sysFsync(k, file));
    pin(k, mm, page);
    held.pins[page] = 1;
    run(sysFtruncate(k, file, 1, 0));
    expect([k.page.mapping[page], k.page.refcount[page]]).toEqual([0, 1024]);
    expect(mediumByte(k, file, 4096)).toBe(0);
    run(setPageDirtyLock(k, page));
    expect(audit(k, held)).toEqual([]);
  });

  test('truncation inside of a page zeroes the rest, also on the medium', () => {
    const { k, task, file, at } = onDisk(FILE.xfs);
    const page = store(k, task, at, 7);
    setPageByte(k, page, 100, 8);
    run(sysFsync(k, file));
    run(shrinkLruPages(k, 100));
    run(sysFtruncate(k, file, 0, 50));
    run(sysFtruncate(k, file, 1, 0));
    run(sysFsync(k, file));
    expect([mediumByte(k, file, 0), mediumByte(k, file, 100)]).toEqual([7, 0]);
  });

  test('a hole is punched into pages and blocks', () => {
    const { k, task, file, at, held } = onDisk(FILE.ext4, 3);
    for (let i = 0; i < 3; i++) store(k, task, at + i, 7 + i);
    run(sysFallocate(k, file, FALLOC.punchHole | FALLOC.keepSize, 1, 0, 1, 0));
    run(sysFsync(k, file));
    expect([0, 1, 2].map((i) => mediumByte(k, file, i * 4096))).toEqual([7, 0, 9]);
    expect(pageByte(k, load(k, task, at + 1), 0)).toBe(0);
    expect(audit(k, held)).toEqual([]);
  });

  test('fallocate gives blocks, as far as the medium has some', () => {
    const { k, file } = onDisk(FILE.ext4, 0);
    expect(run(sysFallocate(k, file, 0, 0, 0, 2, 0))).toBe(0);
    expect(k.file.pages[file]).toBe(2);
    expect(k.file.block[file * FILE_BLOCKS]).toBeGreaterThan(0);
    expect(run(sysFallocate(k, file, 0, FILE_BLOCKS - 1, 0, 2, 0))).toBe(-ENOSPC);
  });

  test('the last reference gives back pages, blocks and the number', () => {
    const { k, task, file, at, held } = onDisk(FILE.ext4);
    store(k, task, at, 7);
    run(sysFsync(k, file));
    run(sysMunmap(k, task, at, 1));
    run(filePut(k, file));
    held.files[file] = 0;
    expect(k.file.kind[file]).toBe(FILE.none);
    expect(audit(k, held)).toEqual([]);
  });
});

describe('msync, sync_file_range, set_page_dirty', () => {
  test('A.23.10 MS_ASYNC writes nothing, MS_SYNC its range, a gap is -ENOMEM', () => {
    const { k, task, file, at } = onDisk(FILE.ext4, 2);
    store(k, task, at, 7);
    store(k, task, at + 1, 8);
    expect(run(sysMsync(k, task, at, 1, 1))).toBe(0);
    expect(mediumByte(k, file, 0)).toBe(0);
    expect(run(sysMsync(k, task, at, 1, 4))).toBe(0);
    expect([mediumByte(k, file, 0), mediumByte(k, file, 4096)]).toEqual([7, 0]);
    expect(run(sysMsync(k, task, at, 3, 4))).toBe(-ENOMEM);
    expect(mediumByte(k, file, 4096)).toBe(8);
    expect(run(sysMsync(k, task, at, 1, 5))).toBe(-EINVAL);
  });

  test('sync_file_range writes with SYNC_FILE_RANGE_WRITE only', () => {
    const { k, task, file, at } = onDisk(FILE.ext4);
    store(k, task, at, 7);
    expect(run(sysSyncFileRange(k, file, 0, 1, 1 | 4))).toBe(0);
    expect(mediumByte(k, file, 0)).toBe(0);
    expect(run(sysSyncFileRange(k, file, 0, 1, 2))).toBe(0);
    expect(mediumByte(k, file, 0)).toBe(7);
    expect(run(sysSyncFileRange(k, file, 0, 1, 8))).toBe(-EINVAL);
  });

  test('set_page_dirty without the lock may use a file that is gone; of an orphan it sets the flag', () => {
    const { k, task, file, at } = onDisk(FILE.ext4);
    const page = store(k, task, at, 7);
    const steps = setPageDirty(k, page);
    steps.next();
    // With the second step it has looked at the mapping; then the file goes.
    steps.next();
    k.file.kind[file] = FILE.none;
    steps.next();
    expect(k.report[0]).toBe(BUG.mappingFreed);
    k.report[0] = 0;
    k.page.mapping[page] = 0;
    run(setPageDirty(k, page));
    expect(k.report[0]).toBe(BUG.none);
  });
});

describe('the audit names', () => {
  test('a writable entry of a clean page', () => {
    const { k, task, at, held } = onDisk(FILE.ext4);
    const page = store(k, task, at, 7);
    k.page.flags[page] = (k.page.flags[page] ?? 0) & ~PG.dirty;
    expect(audit(k, held).join('\n')).toMatch(/writable, which its file system takes for clean/);
  });

  test('a block that nobody allocated, and one of a memory file', () => {
    const { k, file, held } = onDisk(FILE.ext4);
    k.file.block[file * FILE_BLOCKS] = 4000;
    expect(audit(k, held).join('\n')).toMatch(/page 4000 is free, yet block 0 of file \d+ refers/);
    k.file.kind[file] = FILE.shmem;
    expect(audit(k, held).join('\n')).toMatch(/has blocks, yet no medium/);
  });

  test('buffers where there are none', () => {
    const { k, task, at, held } = onDisk(FILE.xfs);
    const page = store(k, task, at, 7);
    k.page.flags[page] = (k.page.flags[page] ?? 0) | PG.private;
    expect(audit(k, held).join('\n')).toMatch(/has buffers, yet no file that uses them/);
  });
});
