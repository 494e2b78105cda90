/**
 * Pages of hugetlbfs files (fs/hugetlbfs/inode.c: hugetlb_vmtruncate, hugetlbfs_punch_hole, hugetlbfs_evict_inode). The page
 * cache knows a huge page by the index of its first 4 KiB page.
 */
import { ENOSPC } from '../machine/errno.ts';
import { folioUnlock } from '../machine/locks.ts';
import { PG } from '../machine/page.ts';
import type { FileId, Folio, Steps, TaskId, VmaId, Vpn } from '../machine/types.ts';
import { END_OF_FILE } from './file-refs.ts';
import { filemapAddFolio, filemapLockFolio, filemapRemoveFolio } from './filemap.ts';
import { folioPut } from './folio.ts';
import {
  allocHugetlbFolio,
  clearHugePages,
  commitHugetlbFolio,
  putUnusedHugetlbFolio,
  vmaHugePages,
} from './hugetlb.ts';
import { hugetlbFileClose, hugetlbUnreserveFile } from './hugetlb-resv.ts';
import type { Kernel } from './kernel.ts';
import { cacheNext } from './page-cache.ts';
import { linearIndex } from './rmap.ts';

/** filemap_lock_hugetlb_folio(): the folio that the mapping's file has at `vpn`, locked and referenced; 0: none. */
export function* hugetlbCacheFolio(k: Kernel, vma: VmaId, base: Vpn): Steps<Folio> {
  const file = k.vma.file[vma];
  if (file === 0) return 0;
  return yield* filemapLockFolio(k, file, linearIndex(k, vma, base));
}

/** Whether `base` lies beyond the end of the mapping's file: an access gets SIGBUS. */
export function beyondFileEnd(k: Kernel, vma: VmaId, base: Vpn): boolean {
  const file = k.vma.file[vma];
  return file !== 0 && linearIndex(k, vma, base) + vmaHugePages(k, vma) > k.file.pages[file];
}

/**
 * A new, zeroed folio in the page cache for a shared mapping, locked and referenced (hugetlb_add_to_page_cache).
 * -ENOSPC: the pool has none. -EEXIST: somebody else added one meanwhile, look again. -ENOMEM: no memory for the index.
 */
export function* hugetlbAddToCache(k: Kernel, task: TaskId, vma: VmaId, base: Vpn): Steps<number> {
  const folio = yield* allocHugetlbFolio(k, task, vma, base, false);
  if (folio === 0) return -ENOSPC;
  clearHugePages(k, folio, vmaHugePages(k, vma));
  k.page.flags[folio] |= PG.uptodate;
  const error = yield* filemapAddFolio(k, folio, k.vma.file[vma], linearIndex(k, vma, base));
  if (error !== 0) {
    yield* putUnusedHugetlbFolio(k, vma, base, folio);
    return error;
  }
  commitHugetlbFolio(k, folio);
  return folio;
}

/** remove_inode_hugepages(): takes the pages of indexes [from, to) out of the cache; pins keep theirs as orphans. */
function* removePages(k: Kernel, file: FileId, from: number, to: number): Steps<void> {
  const order = k.file.order[file];
  let index = yield* cacheNext(k, file, from, to);
  while (index >= 0) {
    const folio = yield* filemapLockFolio(k, file, index);
    if (folio !== 0) {
      yield* filemapRemoveFolio(k, folio);
      yield* hugetlbUnreserveFile(k, file, index >> order, (index >> order) + 1, 1);
      yield* folioUnlock(k, folio);
      yield* folioPut(k, folio, 1);
    }
    index = yield* cacheNext(k, file, index, to);
  }
}

/**
 * hugetlb_vmtruncate(), hugetlbfs_punch_hole(), after the unmapping: indexes [from, to) of the file (in 4 KiB
 * pages, multiples of the file's page size) lose their pages; what was reserved behind the file's end, which
 * is already set, goes back to the pool.
 */
export function* hugetlbRemovePages(
  k: Kernel,
  file: FileId,
  from: number,
  to: number,
): Steps<void> {
  const order = k.file.order[file];
  yield* removePages(k, file, from, to);
  const end = Math.max(from, k.file.pages[file]);
  if (end < to) yield* hugetlbUnreserveFile(k, file, end >> order, to >> order, 0);
}

/** hugetlbfs_evict_inode(): nobody has the file any more; its pages and reservations go back to the pool. */
export function* hugetlbEvict(k: Kernel, file: FileId): Steps<void> {
  yield* removePages(k, file, 0, END_OF_FILE);
  yield* hugetlbUnreserveFile(k, file, 0, END_OF_FILE >> k.file.order[file], 0);
  yield* hugetlbFileClose(k, file);
}
