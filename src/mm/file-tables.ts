import type { Alloc } from '../machine/arena.ts';
import { PAGE_WORDS } from '../machine/contents.ts';

/** What an inode is (`k.file.kind`). Other file systems add their kinds here. */
export const FILE = {
  none: 0,
  /** tmpfs, memfd and shared anonymous memory. */
  shmem: 1,
  /** memfd_secret(): pages that the kernel's own map lacks. */
  secretmem: 2,
  /** Huge pages: MAP_HUGETLB, MFD_HUGETLB, hugetlbfs. `k.file.order` is the page's order. */
  hugetlbfs: 3,
  /** Files on a medium: their pages are written back to it (disk-file.ts). */
  ext4: 4,
  xfs: 5,
  btrfs: 6,
  /** Files on persistent memory, mapped as they are: XFS and ext4 with dax (fsdax.ts). */
  daxXfs: 7,
  daxExt4: 8,
  /** A device whose file is its memory: device-dax, memory of a PCI device (device-dax.ts). */
  devdax: 9,
  p2pmem: 10,
} as const;

/** Blocks (of one page) of a file on a medium at most. */
export const FILE_BLOCKS = 16;

/** Whether files of this `FILE` kind have blocks on a medium. */
export function isDiskKind(kind: number): boolean {
  return kind >= FILE.ext4 && kind <= FILE.btrfs;
}

/** Whether files of this `FILE` kind have blocks in memory, without a page cache. */
export function isDaxKind(kind: number): boolean {
  return kind === FILE.daxXfs || kind === FILE.daxExt4;
}

/** Whether a file of this `FILE` kind is a device's memory. */
export function isDeviceFile(kind: number): boolean {
  return kind === FILE.devdax || kind === FILE.p2pmem;
}

/** Per inode, by FileId; see filemap.ts for the page cache and shmem.ts for memory files. */
export interface FileTables {
  /** `FILE` kind; 0: this number is free. */
  readonly kind: Int32Array;
  /** Size: whole pages, and bytes of the last partial one. */
  readonly pages: Int32Array;
  readonly tail: Int32Array;
  /** Open descriptors and mappings that keep it. */
  readonly refs: Int32Array;
  /** F_SEAL_* bits. */
  readonly seals: Int32Array;
  /** 1: somebody has its layout lease (layout-lease.ts). */
  readonly lease: Int32Array;
  /** Page frame of the root node of the page cache's index; 0: empty. */
  readonly cacheRoot: Int32Array;
  /** Folios in the page cache, in pages. */
  readonly nrpages: Int32Array;
  /** First VMA that maps it (i_mmap). */
  readonly mapFirst: Int32Array;
  /** Order of a hugetlb file's pages: 9 or 18; 0 else. */
  readonly order: Int32Array;
  /** Spin lock of the page cache's index (xa_lock, `R.pageCache`). */
  readonly cacheLock: Int32Array;
  /**
   * Three locks a file, region `R.inodeLock`: word `file` is i_mmap_rwsem, word `files + file` is i_rwsem, which
   * writes and truncations hold (`inodeRwsem`), word `2 * files + file` is invalidate_lock (`invalidateLock`). 0 free,
   * -1 held, n shared.
   */
  readonly lock: Int32Array;
  /** Where a task keeps bytes between user memory and page cache: 1024 words a task. */
  readonly bounce: Int32Array;
  /**
   * The medium, `FILE_BLOCKS` words a file: page frame that stands for the block; 0: a hole; -1: promised, not yet
   * allocated (delayed allocation).
   */
  readonly block: Int32Array;
  /** The same for btrfs: checksum of the block's data as it was when its write began; 0: none. */
  readonly checksum: Int32Array;
  /** Direct requests under way (i_dio_count), region `R.directIo`. */
  readonly direct: Int32Array;
}

/** `files` and `tasks` count the unused number 0. */
export function fileTables(alloc: Alloc, files: number, tasks: number): FileTables {
  const perFile = () => alloc(files);
  return {
    kind: perFile(),
    pages: perFile(),
    tail: perFile(),
    refs: perFile(),
    seals: perFile(),
    lease: perFile(),
    cacheRoot: perFile(),
    nrpages: perFile(),
    mapFirst: perFile(),
    order: perFile(),
    cacheLock: perFile(),
    lock: alloc(3 * files),
    bounce: alloc(tasks * PAGE_WORDS),
    block: alloc(files * FILE_BLOCKS),
    checksum: alloc(files * FILE_BLOCKS),
    direct: perFile(),
  };
}
