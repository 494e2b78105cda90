import { describe, expect, test } from 'vitest';
import { aioResult, reapDirect, submitAio } from '../../src/fs/aio.ts';
import { directIo } from '../../src/fs/direct-io.ts';
import { fdCloseAll, fdInstall } from '../../src/fs/fd.ts';
import { addHeldBySystem } from '../../src/fs/held.ts';
import { newPipe } from '../../src/fs/pipe.ts';
import { readFd, readValue, seekFd, writeFd } from '../../src/fs/read-write.ts';
import { sysSplice } from '../../src/fs/splice-file.ts';
import { bootSystem, OFD } from '../../src/fs/system.ts';
import { rulesFor } from '../../src/kernels/index.ts';
import { pageByte, setPageByte } from '../../src/machine/contents.ts';
import {
  EAGAIN,
  EBADF,
  EFAULT,
  EINVAL,
  EIO,
  ENOSPC,
  ENOTBLK,
  ESPIPE,
} from '../../src/machine/errno.ts';
import { PG } from '../../src/machine/page.ts';
import { audit, newHeld } from '../../src/mm/audit.ts';
import { fileGet, newFile } from '../../src/mm/file-refs.ts';
import { sysFtruncate } from '../../src/mm/file-size.ts';
import { FILE, FILE_BLOCKS } from '../../src/mm/file-tables.ts';
import { newTask } from '../../src/mm/kernel.ts';
import { mediumByte } from '../../src/mm/medium.ts';
import { mmAlloc } from '../../src/mm/mm-alloc.ts';
import { MAP, PROT, sysMmap } from '../../src/mm/mmap.ts';
import { cacheSlot } from '../../src/mm/page-cache.ts';
import { setPageDirtyLock } from '../../src/mm/set-dirty.ts';
import { sysFsync } from '../../src/mm/sync.ts';
import { run } from '../mm/run.ts';
import { get, load, store } from '../mm/vma-builder.ts';

const O_RDWR = 2;
const O_DSYNC = 0o10000;
const O_DIRECT = 0o40000;
const PAGE = 4096;
const RW = PROT.read | PROT.write;

/** One process with two pages of memory and a file of one page, open through the cache (3) and past it (4). */
function system(kind: number, version = '6.12') {
  const k = bootSystem({ rules: rulesFor(version) });
  const mm = run(mmAlloc(k));
  const task = newTask(k, mm, 0);
  const file = run(newFile(k, kind));
  run(fileGet(k, file));
  const cached = run(fdInstall(k, mm, OFD.file, file, O_RDWR));
  const direct = run(fdInstall(k, mm, OFD.file, file, O_RDWR | O_DIRECT));
  run(sysFtruncate(k, file, 1, 0));
  const buf = run(sysMmap(k, task, 0, 2, RW, MAP.private | MAP.anonymous, 0, 0));
  const map = run(sysMmap(k, task, 0, 1, RW, MAP.shared, file, 0));
  const findings = () => {
    const held = newHeld(k);
    addHeldBySystem(k, held);
    return audit(k, held);
  };
  return { k, mm, task, file, cached, direct, buf, map, findings };
}

const byteOf = (s: ReturnType<typeof system>, vpn: number) =>
  pageByte(s.k, load(s.k, s.task, vpn), 0);

describe('direct I/O beside the cache (A.23.7)', () => {
  test('a direct read sees what the cache has, a read through the cache what was written directly', () => {
    const s = system(FILE.ext4);
    store(s.k, s.task, s.map, 7);
    expect(run(readFd(s.k, s.task, s.direct, s.buf, 0, 512, 0))).toBe(512);
    expect([byteOf(s, s.buf), mediumByte(s.k, s.file, 0)]).toEqual([7, 7]);
    store(s.k, s.task, s.buf, 9);
    expect(run(writeFd(s.k, s.task, s.direct, s.buf, 0, 512, 0))).toBe(512);
    expect(run(readValue(s.k, s.task, s.cached, 1, 0))).toBe(9);
    expect(byteOf(s, s.map)).toBe(9);
    expect(s.findings()).toEqual([]);
  });

  test.each([
    ['5.8', FILE.xfs, true],
    ['5.9', FILE.xfs, false],
    ['5.4', FILE.ext4, false],
    ['5.5', FILE.ext4, true],
    ['5.9', FILE.ext4, false],
  ])(
    'S190, S191 at %s a direct read of kind %s empties the cache: %s',
    (version, kind, empties) => {
      const s = system(kind, version);
      load(s.k, s.task, s.map);
      expect(run(directIo(s.k, s.task, s.file, true, s.buf, 0, 512, 0, -1))).toBe(512);
      expect(cacheSlot(s.k, s.file, 0) === 0).toBe(empties);
    },
  );

  test('not aligned: -EINVAL; past the medium: -ENOSPC; nowhere: -EFAULT; nothing to move: 0', () => {
    const s = system(FILE.ext4);
    const write = (vpn: number, off: number, len: number, pos: number) =>
      run(directIo(s.k, s.task, s.file, false, vpn, off, len, pos, -1));
    expect(write(s.buf, 1, 512, 0)).toBe(-EINVAL);
    expect(write(s.buf, 0, 100, 0)).toBe(-EINVAL);
    expect(write(s.buf, 0, 0, 0)).toBe(0);
    expect(write(s.buf, 0, PAGE, FILE_BLOCKS * PAGE)).toBe(-ENOSPC);
    expect(write(1, 0, 512, 0)).toBe(-EFAULT);
    expect(run(directIo(s.k, s.task, s.file, true, s.buf, 0, 512, PAGE, -1))).toBe(0);
    expect(s.k.file.direct[s.file]).toBe(0);
    expect(s.findings()).toEqual([]);
  });

  test('a direct write moves the end of the file', () => {
    const s = system(FILE.xfs);
    store(s.k, s.task, s.buf, 5);
    expect(run(writeFd(s.k, s.task, s.direct, s.buf, 0, 512, 2 * PAGE))).toBe(512);
    expect([s.k.file.pages[s.file], s.k.file.tail[s.file]]).toEqual([2, 512]);
    expect(run(seekFd(s.k, s.mm, s.cached, 0, 2))).toBe(2 * PAGE + 512);
    expect(run(seekFd(s.k, s.mm, s.cached, -1, 0))).toBe(-EINVAL);
    expect(run(seekFd(s.k, s.mm, 30, 0, 0))).toBe(-EBADF);
  });

  test('a request in flight counts, holds the file, and its result is fetched', () => {
    const s = system(FILE.ext4);
    store(s.k, s.task, s.buf, 5);
    expect(run(submitAio(s.k, s.task, s.file, false, s.buf, 0, 512, 0))).toBe(1);
    expect(s.k.file.direct[s.file]).toBe(1);
    expect(s.findings()).toEqual([]);
    for (let i = 0; i < 3; i++) expect(run(aioResult(s.k, s.task, -EIO))).toBe(1);
    expect(run(aioResult(s.k, s.task, 0))).toBe(-EAGAIN);
    s.k.aio.state[1] = 3;
    s.k.aio.result[1] = 512;
    s.k.aio.count[1] = (s.k.aio.count[1] ?? 0) + 1;
    expect(run(reapDirect(s.k, s.task))).toBe(512);
    expect(run(reapDirect(s.k, s.task))).toBe(-EIO);
  });
});

describe('btrfs', () => {
  test('S193 from 6.15 a direct write goes through the cache', () => {
    for (const [version, answer] of [
      ['6.14', PAGE],
      ['6.15', -ENOTBLK],
    ] as const) {
      const s = system(FILE.btrfs, version);
      store(s.k, s.task, s.buf, 5);
      expect(run(directIo(s.k, s.task, s.file, false, s.buf, 0, PAGE, 0, -1))).toBe(answer);
      expect(run(writeFd(s.k, s.task, s.direct, s.buf, 0, PAGE, 0))).toBe(PAGE);
      expect([mediumByte(s.k, s.file, 0), cacheSlot(s.k, s.file, 0)]).toEqual([5, 0]);
    }
  });

  test('A.23.4 a block that is not what was summed up is -EIO, and SIGBUS through a mapping', () => {
    const s = system(FILE.btrfs);
    store(s.k, s.task, s.buf, 5);
    run(writeFd(s.k, s.task, s.direct, s.buf, 0, PAGE, 0));
    setPageByte(s.k, s.k.file.block[s.file * FILE_BLOCKS] ?? 0, 0, 6);
    expect(run(readValue(s.k, s.task, s.cached, 1, 0))).toBe(-EIO);
    expect(run(readFd(s.k, s.task, s.cached, s.buf, 0, 1, 0))).toBe(-EIO);
    expect(load(s.k, s.task, s.map)).toBe(-EFAULT);
    expect(s.findings()).toEqual([]);
  });
});

describe('writes through the cache', () => {
  test('with O_DSYNC they are on the medium at once', () => {
    const s = system(FILE.ext4);
    store(s.k, s.task, s.buf, 5);
    run(writeFd(s.k, s.task, s.cached, s.buf, 0, 1, 0));
    expect(mediumByte(s.k, s.file, 0)).toBe(0);
    run(fileGet(s.k, s.file));
    const sync = run(fdInstall(s.k, s.mm, OFD.file, s.file, O_RDWR | O_DSYNC));
    run(writeFd(s.k, s.task, sync, s.buf, 0, 1, 1));
    expect([mediumByte(s.k, s.file, 0), mediumByte(s.k, s.file, 1)]).toEqual([5, 5]);
  });

  test('the descriptors give everything back', () => {
    const s = system(FILE.ext4);
    store(s.k, s.task, s.map, 5);
    run(sysFsync(s.k, s.file));
    const page = load(s.k, s.task, s.map);
    get(s.k, page);
    run(setPageDirtyLock(s.k, page));
    expect((s.k.page.flags[page] ?? 0) & PG.dirty).toBe(PG.dirty);
    run(fdCloseAll(s.k, s.mm));
    expect(s.k.file.refs[s.file]).toBe(1);
  });
});

describe('splice', () => {
  test('a file lends its page to the pipe, a pipe copies into the file', () => {
    const s = system(FILE.ext4);
    const pipe = run(newPipe(s.k));
    const reader = run(fdInstall(s.k, s.mm, OFD.pipeRead, pipe, 0));
    const writer = run(fdInstall(s.k, s.mm, OFD.pipeWrite, pipe, 1));
    const page = store(s.k, s.task, s.map, 7);
    const before = s.k.page.refcount[page] ?? 0;
    expect(run(sysSplice(s.k, s.task, s.cached, 0, writer, -1, 100, 0))).toBe(100);
    expect(s.k.page.refcount[page]).toBe(before + 1);
    expect(s.findings()).toEqual([]);
    expect(run(sysSplice(s.k, s.task, reader, -1, s.cached, 2000, 100, 0))).toBe(100);
    expect([pageByte(s.k, page, 2000), s.k.page.refcount[page]]).toEqual([7, before]);
    expect(run(sysSplice(s.k, s.task, s.cached, 0, writer, 0, 1, 0))).toBe(-ESPIPE);
    expect(run(sysSplice(s.k, s.task, s.cached, 0, s.direct, 0, 1, 0))).toBe(-EINVAL);
    expect(run(sysSplice(s.k, s.task, s.cached, PAGE, writer, -1, 1, 0))).toBe(0);
  });
});
