/**
 * Files on persistent memory without a page cache (fs/dax.c: dax_iomap_fault, dax_layout_busy_page, dax_break_layout;
 * xfs_break_layouts, ext4_break_layouts): a block is a page of the device, mapped as it is. Whoever takes blocks away must
 * wait for those who have references: there is no orphan to be left behind. Rules: semantics.md A.24.1 to A.24.4, S32, S70,
 * S71, S220.
 */
import { at, R, READ, WAIT_IDLE, WRITE } from '../machine/access.ts';
import { touchAlso } from '../machine/also.ts';
import { clearPage, setPageByte } from '../machine/contents.ts';
import { deviceIdle } from '../machine/enabled.ts';
import { ETXTBSY } from '../machine/errno.ts';
import { lock, lockShared, unlock, unlockShared } from '../machine/locks.ts';
import { PAGE_SIZE } from '../machine/page.ts';
import type { FileId, Pfn, Steps, VmaId, Vpn } from '../machine/types.ts';
import { insertDevicePte, insertZeroPte } from './dax-insert.ts';
import { deviceStart } from './dev-pagemap.ts';
import { DEVICE } from './device-tables.ts';
import { VMF } from './fault-flags.ts';
import { END_OF_FILE, invalidateLock, setFileSize } from './file-refs.ts';
import { FILE, FILE_BLOCKS } from './file-tables.ts';
import { insideFile } from './filemap.ts';
import type { Kernel } from './kernel.ts';
import { layoutLeased } from './layout-lease.ts';
import { blockWord } from './medium.ts';
import { folioMaybeDmaPinned } from './pinned.ts';
import { linearIndex } from './rmap.ts';
import { unmapMappingRange } from './truncate.ts';

/** The free blocks of the device, as an object that steps meet at. */
const FREE_BLOCKS = at(R.zone, 1 << 12);

/** The file's map of blocks, as in medium.ts. */
function mapAt(k: Kernel, file: FileId): number {
  return at(R.directIo, k.file.kind.length + file);
}

/** The device page of block `index`, 0: a hole. One step. */
export function* daxBlock(k: Kernel, file: FileId, index: number): Steps<Pfn> {
  yield READ | mapAt(k, file);
  const word = blockWord(file, index);
  return word < 0 ? 0 : k.file.block[word];
}

/** The same, and a hole gets a block of zeros, the lowest free one; 0: none left. One step. */
export function* daxAllocBlock(k: Kernel, file: FileId, index: number): Steps<Pfn> {
  yield WRITE | mapAt(k, file);
  touchAlso(k, WRITE | FREE_BLOCKS);
  const word = blockWord(file, index);
  if (word < 0) return 0;
  if (k.file.block[word] !== 0) return k.file.block[word];
  const pfn = freeBlock(k);
  if (pfn === 0) return 0;
  touchAlso(k, WRITE | at(R.content, pfn));
  clearPage(k, pfn);
  k.file.block[word] = pfn;
  k.page.mapping[pfn] = file << 2;
  k.page.index[pfn] = index;
  return pfn;
}

function freeBlock(k: Kernel): Pfn {
  const start = deviceStart(k, DEVICE.fsdax);
  for (let pfn = start; pfn < start + k.zoneDevice.quarter; pfn++) {
    if (k.page.mapping[pfn] === 0) return pfn;
  }
  return 0;
}

/**
 * dax_iomap_fault(): maps the block of page `vpn`; a write allocates it, a read of a hole maps the page of zeros. Returns
 * `VMF` bits. mmap_lock is held shared; faults keep out of the way of those who take blocks.
 */
export function* fsdaxFault(k: Kernel, vma: VmaId, vpn: Vpn, write: boolean): Steps<number> {
  const file = k.vma.file[vma];
  const index = linearIndex(k, vma, vpn);
  yield* lockShared(k, R.inodeLock, invalidateLock(k, file));
  let result: number = VMF.sigbus;
  if (insideFile(k, file, index)) result = yield* mapBlock(k, file, index, vma, vpn, write);
  yield* unlockShared(k, R.inodeLock, invalidateLock(k, file));
  return result & VMF.error;
}

function* mapBlock(
  k: Kernel,
  file: FileId,
  index: number,
  vma: VmaId,
  vpn: Vpn,
  write: boolean,
): Steps<number> {
  const counted = k.rules.devmap.mapRefs;
  let pfn = yield* daxBlock(k, file, index);
  if (pfn !== 0) return yield* insertDevicePte(k, vma, vpn, pfn, write, counted);
  if (!write) return yield* insertZeroPte(k, vma, vpn);
  pfn = yield* daxAllocBlock(k, file, index);
  if (pfn === 0) return VMF.sigbus;
  // Whoever has read the hole maps the page of zeros (dax_insert_entry).
  yield* unmapMappingRange(k, file, index, index + 1, false);
  return yield* insertDevicePte(k, vma, vpn, pfn, write, counted);
}

/** What a private copy is made of: the block's page; 0: zeros; -1: behind the end. Holds nothing. */
export function* fsdaxCowSource(k: Kernel, vma: VmaId, vpn: Vpn): Steps<Pfn> {
  const file = k.vma.file[vma];
  const index = linearIndex(k, vma, vpn);
  if (!insideFile(k, file, index)) return -1;
  return yield* daxBlock(k, file, index);
}

/** Whether taking blocks away waits for whoever uses their pages (S32, S70). */
function waitsForBusy(k: Kernel, file: FileId): boolean {
  if (k.rules.dax.busy === 'none') return false;
  return k.file.kind[file] === FILE.daxXfs || k.rules.dax.ext4;
}

/**
 * dax_layout_busy_page(): unmaps the blocks from `from` to `to` and looks for one that somebody uses all the same; its page,
 * or 0.
 */
function* layoutBusyPage(k: Kernel, file: FileId, from: number, to: number): Steps<Pfn> {
  yield* unmapMappingRange(k, file, from, to, false);
  for (let i = from; i < Math.min(to, FILE_BLOCKS); i++) {
    const pfn = k.file.block[file * FILE_BLOCKS + i];
    if (pfn === 0) continue;
    yield READ | at(R.refcount, pfn);
    touchAlso(k, READ | at(R.mapcount, pfn));
    if (!deviceIdle(k, pfn)) return pfn;
  }
  return 0;
}

/**
 * dax_break_layout(): returns when nobody uses the blocks. While it waits, faults may go on: invalidate_lock, which the
 * caller holds exclusively, is dropped. -ETXTBSY where layouts are leased, and this one is, or a block pinned.
 */
function* breakLayout(k: Kernel, file: FileId, from: number, to: number): Steps<number> {
  for (;;) {
    const busy = yield* layoutBusyPage(k, file, from, to);
    if (layoutLeased(k, file)) return -ETXTBSY;
    if (busy === 0) return 0;
    if (k.rules.design.layoutLease === 'exclusive') {
      const pinned = yield* folioMaybeDmaPinned(k, busy);
      if (pinned) return -ETXTBSY;
    }
    yield* unlock(k, R.inodeLock, invalidateLock(k, file));
    yield WAIT_IDLE | at(R.refcount, busy);
    touchAlso(k, READ | at(R.mapcount, busy));
    yield* lock(k, R.inodeLock, invalidateLock(k, file));
  }
}

/** The blocks [from, to) are holes again, and their pages free for any file. */
function* freeDaxBlocks(k: Kernel, file: FileId, from: number, to: number): Steps<void> {
  for (let i = from; i < Math.min(to, FILE_BLOCKS); i++) {
    const word = file * FILE_BLOCKS + i;
    if (k.file.block[word] === 0) continue;
    yield WRITE | mapAt(k, file);
    touchAlso(k, WRITE | FREE_BLOCKS);
    const pfn = k.file.block[word];
    k.page.mapping[pfn] = 0;
    k.page.index[pfn] = 0;
    k.file.block[word] = 0;
  }
}

/**
 * Takes the invalidate lock; if blocks of pages [from, to) are to be given up (`frees`), after `breakLayout`, where the kernel waits for busy
 * pages. 0, or its error, and then the lock is not taken.
 */
function* lockLayout(
  k: Kernel,
  file: FileId,
  from: number,
  to: number,
  frees: boolean,
): Steps<number> {
  yield* lock(k, R.inodeLock, invalidateLock(k, file));
  let error = 0;
  if (frees && waitsForBusy(k, file)) error = yield* breakLayout(k, file, from, to);
  if (error !== 0) yield* unlock(k, R.inodeLock, invalidateLock(k, file));
  return error;
}

/**
 * The size becomes `pages` pages and `tail` bytes; with `shrink`, what lies behind goes. i_rwsem is held. -ETXTBSY: see
 * `breakLayout`.
 */
export function* fsdaxSetSize(
  k: Kernel,
  file: FileId,
  pages: number,
  tail: number,
  shrink: boolean,
): Steps<number> {
  const from = tail === 0 ? pages : pages + 1;
  const error = yield* lockLayout(k, file, from, END_OF_FILE, shrink);
  if (error !== 0) return error;
  setFileSize(k, file, pages, tail);
  if (shrink) {
    yield* unmapMappingRange(k, file, from, END_OF_FILE, true);
    if (tail !== 0) yield* zeroBlock(k, file, pages, tail, PAGE_SIZE);
    yield* freeDaxBlocks(k, file, from, END_OF_FILE);
  }
  yield* unlock(k, R.inodeLock, invalidateLock(k, file));
  return 0;
}

/** Punching a hole: whole blocks are freed, parts of blocks zeroed. i_rwsem is held. -ETXTBSY: see `breakLayout`. */
export function* fsdaxPunchHole(
  k: Kernel,
  file: FileId,
  fromPage: number,
  fromOff: number,
  toPage: number,
  toOff: number,
): Steps<number> {
  const first = fromOff === 0 ? fromPage : fromPage + 1;
  const error = yield* lockLayout(k, file, first, toPage, true);
  if (error !== 0) return error;
  if (fromPage === toPage) {
    yield* zeroBlock(k, file, fromPage, fromOff, toOff);
  } else {
    if (fromOff !== 0) yield* zeroBlock(k, file, fromPage, fromOff, PAGE_SIZE);
    if (toOff !== 0) yield* zeroBlock(k, file, toPage, 0, toOff);
  }
  if (first < toPage) {
    yield* unmapMappingRange(k, file, first, toPage, false);
    yield* freeDaxBlocks(k, file, first, toPage);
  }
  yield* unlock(k, R.inodeLock, invalidateLock(k, file));
  return 0;
}

/** Blocks for the pages [from, to): false when the device is full. */
export function* fsdaxAllocate(k: Kernel, file: FileId, from: number, to: number): Steps<boolean> {
  for (let i = from; i < to; i++) {
    const pfn = yield* daxAllocBlock(k, file, i);
    if (pfn === 0) return false;
  }
  return true;
}

function* zeroBlock(k: Kernel, file: FileId, index: number, from: number, to: number): Steps<void> {
  const pfn = yield* daxBlock(k, file, index);
  if (pfn === 0) return;
  yield WRITE | at(R.content, pfn);
  for (let off = from; off < to; off++) setPageByte(k, pfn, off, 0);
}

/** evict(): the file goes with its blocks; since 6.15 not before they are idle (dax_break_layout_final, S71). */
export function* fsdaxEvict(k: Kernel, file: FileId): Steps<void> {
  yield* lock(k, R.inodeLock, invalidateLock(k, file));
  if (k.rules.dax.breakFinal) yield* breakLayout(k, file, 0, END_OF_FILE);
  yield* freeDaxBlocks(k, file, 0, END_OF_FILE);
  yield* unlock(k, R.inodeLock, invalidateLock(k, file));
}
