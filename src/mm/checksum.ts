/**
 * Checksums of data (fs/btrfs/file-item.c: btrfs_csum_one_bio, btrfs_lookup_bio_sums): summed up when the write is sent
 * off, compared when the block is read. What changes the page in between, while the device reads it, makes the two
 * disagree: that is what stable pages are for, and a device's writes through a pin know nothing of them (A.23.4).
 */
import { PAGE_WORDS } from '../machine/contents.ts';
import type { FileId, Pfn } from '../machine/types.ts';
import { FILE } from './file-tables.ts';
import type { Kernel } from './kernel.ts';
import { blockWord } from './medium.ts';

/** FNV-1a over the words of a page, never 0. */
function sumOf(k: Kernel, pfn: Pfn): number {
  const base = k.page.slot[pfn] * PAGE_WORDS;
  let sum = 0x811c9dc5 | 0;
  for (let i = 0; i < PAGE_WORDS; i++) sum = Math.imul(sum ^ k.contents[base + i], 0x01000193);
  return sum === 0 ? 1 : sum;
}

/** The sum of what block `index` is about to get from the page. Inside a step that announced the page. */
export function noteChecksum(k: Kernel, file: FileId, index: number, pfn: Pfn): void {
  const word = blockWord(file, index);
  if (k.file.kind[file] === FILE.btrfs && word >= 0) k.file.checksum[word] = sumOf(k, pfn);
}

/** Whether the page that was just read from block `index` is what was once summed up. */
export function checksumFits(k: Kernel, file: FileId, index: number, pfn: Pfn): boolean {
  const word = blockWord(file, index);
  if (word < 0 || k.file.checksum[word] === 0) return true;
  return k.file.checksum[word] === sumOf(k, pfn);
}
