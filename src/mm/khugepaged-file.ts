/**
 * MADV_COLLAPSE of a mapping of a file: who is refused (huge_memory.c: thp_vma_allowable_order; khugepaged.c:
 * hpage_collapse_scan_file). Rule: semantics.md A.20.4. The page cache of the model has no huge pages but hugetlb's, so a
 * collapse that nothing refuses ends with `NOT_MODELLED`.
 */
import { refRead } from '../machine/atomic.ts';
import { EAGAIN, EINVAL } from '../machine/errno.ts';
import { HPAGE_PMD_NR, PG } from '../machine/page.ts';
import type { FileId, Steps, VmaId, Vpn } from '../machine/types.ts';
import { FILE } from './file-tables.ts';
import { filemapGetFolio } from './filemap.ts';
import { folioPut, nrPages } from './folio.ts';
import type { Kernel } from './kernel.ts';
import { cacheLoad } from './page-cache.ts';
import { folioMapcountRead, linearIndex } from './rmap.ts';

/** A result that no system call has (the kernel's ENOTSUPP): the model ends here. */
export const NOT_MODELLED = -524;

/**
 * Whether a mapping of a file may have huge pages: memory files always (MADV_COLLAPSE does not ask
 * shmem_enabled), files on a medium by rule S236; the file's pages must stand at the same place of 2 MiB as the mapping's.
 */
export function fileCollapsible(k: Kernel, vma: VmaId): boolean {
  const kind = k.file.kind[k.vma.file[vma]];
  const onDisk = (kind === FILE.ext4 || kind === FILE.xfs) && k.rules.thp.collapseFiles;
  if (kind !== FILE.shmem && !onDisk) return false;
  return ((k.vma.start[vma] - k.vma.pgoff[vma]) & (HPAGE_PMD_NR - 1)) === 0;
}

/**
 * hpage_collapse_scan_file() and the first look of collapse_file() for the 2 MiB at `base` of a mapping: -EAGAIN when
 * somebody else refers to a page of it or it is off its list, -EINVAL where the file has none, else `NOT_MODELLED`.
 */
export function* collapseFileRange(k: Kernel, vma: VmaId, base: Vpn): Steps<number> {
  const file = k.vma.file[vma];
  const first = linearIndex(k, vma, base);
  let there = false;
  for (let i = first; i < first + HPAGE_PMD_NR; i++) {
    const state = yield* pageState(k, file, i);
    if (state < 0) return state;
    if (state > 0) there = true;
  }
  return there ? NOT_MODELLED : -EINVAL;
}

/** One page of the file: 0 a hole; 1 in the cache or in swap; -EAGAIN. */
function* pageState(k: Kernel, file: FileId, index: number): Steps<number> {
  const folio = yield* filemapGetFolio(k, file, index);
  if (folio === 0) {
    const slot = yield* cacheLoad(k, file, index);
    return slot === 0 ? 0 : 1;
  }
  const mapped = yield* folioMapcountRead(k, folio);
  const references = yield* refRead(k, folio);
  const listed = (k.page.flags[folio] & PG.lru) !== 0;
  const explained = mapped + nrPages(k, folio) + 1;
  yield* folioPut(k, folio, 1);
  return listed && references === explained ? 1 : -EAGAIN;
}
