/**
 * The medium below ext4, xfs and btrfs: which blocks of a file have a place on it, and what stands there. A block is a
 * page frame of the machine that nobody else uses; all the device does to it happens inside the step in which it
 * touches the page on the other side. Rules: semantics.md A.23.1 (reservation), A.31 W5.
 */
import { at, R, READ, WRITE } from '../machine/access.ts';
import { touchAlso } from '../machine/also.ts';
import { allocPages, freePages, GFP } from '../machine/buddy.ts';
import { pageByte, setPageByte } from '../machine/contents.ts';
import { PAGE_SIZE } from '../machine/page.ts';
import type { FileId, Pfn, Steps } from '../machine/types.ts';
import { FILE_BLOCKS } from './file-tables.ts';
import type { Kernel } from './kernel.ts';

/** `k.file.block`: space is promised to the block, and allocated when it is written back. */
export const DELAYED = -1;

/** Word of a block in `k.file.block`; -1: a file has no such block. */
export function blockWord(file: FileId, index: number): number {
  return index >= 0 && index < FILE_BLOCKS ? file * FILE_BLOCKS + index : -1;
}

/** The index in `R.directIo` that stands for the file's map of blocks. */
function mapOf(k: Kernel, file: FileId): number {
  return k.file.kind.length + file;
}

/** Page frame of block `index`, `DELAYED`, or 0 for a hole, as part of a step. */
function blockAt(k: Kernel, file: FileId, index: number): number {
  touchAlso(k, READ | at(R.directIo, mapOf(k, file)));
  return peekBlock(k, file, index);
}

function peekBlock(k: Kernel, file: FileId, index: number): number {
  const word = blockWord(file, index);
  return word < 0 ? 0 : k.file.block[word];
}

/** Whether the block has a place on the medium, as part of a step. */
export function isMapped(k: Kernel, file: FileId, index: number): boolean {
  return blockAt(k, file, index) > 0;
}

/** Promises space to a hole (ext4_da_get_block_prep, xfs_bmapi_reserve_delalloc); false: the medium is full. One step. */
export function* reserveBlock(k: Kernel, file: FileId, index: number): Steps<boolean> {
  const word = blockWord(file, index);
  if (word < 0) return false;
  yield WRITE | at(R.directIo, mapOf(k, file));
  if (k.file.block[word] === 0) k.file.block[word] = DELAYED;
  return true;
}

/** Gives the block its place, filled with zeros; its page frame, 0: none left. */
export function* allocBlock(k: Kernel, file: FileId, index: number): Steps<Pfn> {
  const word = blockWord(file, index);
  if (word < 0) return 0;
  const have = blockAt(k, file, index);
  if (have > 0) return have;
  const pfn = yield* allocPages(k, 0, GFP.zero, 0);
  if (pfn === 0) return 0;
  yield WRITE | at(R.directIo, mapOf(k, file));
  k.file.block[word] = pfn;
  return pfn;
}

/** Takes the place of the blocks [from, FILE_BLOCKS) away. */
export function* freeBlocks(k: Kernel, file: FileId, from: number): Steps<void> {
  yield* freeBlockRange(k, file, from, FILE_BLOCKS);
}

/** Takes the place of the blocks [from, to) away: they are holes again. */
export function* freeBlockRange(k: Kernel, file: FileId, from: number, to: number): Steps<void> {
  for (let i = from; i < Math.min(to, FILE_BLOCKS); i++) {
    const word = file * FILE_BLOCKS + i;
    const pfn = k.file.block[word];
    if (pfn === 0) continue;
    yield WRITE | at(R.directIo, mapOf(k, file));
    k.file.block[word] = 0;
    k.file.checksum[word] = 0;
    if (pfn === DELAYED) continue;
    k.page.refcount[pfn] = 0;
    yield* freePages(k, pfn, 0);
  }
}

/** The device copies `n` bytes of a block into a page; holes are zeros. Inside a step that announced the page. */
export function mediumToPage(
  k: Kernel,
  file: FileId,
  index: number,
  blockOff: number,
  pfn: Pfn,
  off: number,
  n: number,
): void {
  const block = blockAt(k, file, index);
  if (block > 0) touchAlso(k, READ | at(R.content, block));
  for (let i = 0; i < n; i++)
    setPageByte(k, pfn, off + i, block > 0 ? pageByte(k, block, blockOff + i) : 0);
}

/** The device copies `n` bytes of a page to a block that has its place. Inside a step that announced the page. */
export function pageToMedium(
  k: Kernel,
  pfn: Pfn,
  off: number,
  file: FileId,
  index: number,
  blockOff: number,
  n: number,
): void {
  const block = blockAt(k, file, index);
  if (block <= 0) return;
  touchAlso(k, WRITE | at(R.content, block));
  for (let i = 0; i < n; i++) setPageByte(k, block, blockOff + i, pageByte(k, pfn, off + i));
}

/** Byte `pos` of the file as it stands on the medium, of a machine that stands still; 0 in a hole and behind the end. */
export function mediumByte(k: Kernel, file: FileId, pos: number): number {
  const block = peekBlock(k, file, Math.floor(pos / PAGE_SIZE));
  return block > 0 ? pageByte(k, block, pos % PAGE_SIZE) : 0;
}
