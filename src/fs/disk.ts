/**
 * A disk: files as blocks on a medium that only direct I/O reaches (`/ext4`, `/xfs` opened with O_DIRECT). The
 * page cache of such files is not part of this model yet.
 */
import { at, R, WRITE } from '../machine/access.ts';
import { allocPages, GFP } from '../machine/buddy.ts';
import { pageByte, setPageByte } from '../machine/contents.ts';
import type { Pfn, Steps } from '../machine/types.ts';
import { DISK_BLOCKS, type System } from './system.ts';

const PAGE_SIZE = 4096;

/** The disk file known by `name` (an identity, not 0), made when it is new; 0: no number left. */
export function* openDisk(k: System, name: number): Steps<number> {
  yield WRITE | at(R.io, 0);
  let free = 0;
  for (let disk = k.disk.name.length - 1; disk > 0; disk--) {
    if (k.disk.name[disk] === name) return disk;
    if (k.disk.name[disk] === 0) free = disk;
  }
  k.disk.name[free] = free === 0 ? 0 : name;
  return free;
}

/** Page frame that stands for block `block` of the medium, made when `create`; 0: a block of zeros, or none left. */
export function* diskBlock(k: System, disk: number, block: number, create: boolean): Steps<Pfn> {
  if (block >= DISK_BLOCKS) return 0;
  const i = disk * DISK_BLOCKS + block;
  if (k.disk.block[i] === 0 && create) {
    const pfn = yield* allocPages(k, 0, GFP.zero, 0);
    k.disk.block[i] = pfn;
  }
  return k.disk.block[i];
}

/** Byte `pos` of the medium. */
export function diskByte(k: System, disk: number, pos: number): number {
  const pfn = k.disk.block[disk * DISK_BLOCKS + Math.floor(pos / PAGE_SIZE)];
  return pfn === 0 ? 0 : pageByte(k, pfn, pos % PAGE_SIZE);
}

/** The device moves `n` bytes between a page of memory and a block (0: zeros), inside one page of each. Part of one step. */
export function diskTransfer(
  k: System,
  toMemory: boolean,
  pfn: Pfn,
  off: number,
  block: Pfn,
  blockOff: number,
  n: number,
): void {
  for (let i = 0; i < n; i++) {
    if (toMemory) setPageByte(k, pfn, off + i, block === 0 ? 0 : pageByte(k, block, blockOff + i));
    else setPageByte(k, block, blockOff + i, pageByte(k, pfn, off + i));
  }
}
