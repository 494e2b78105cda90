/**
 * Memory files: tmpfs, memfd and shared anonymous memory (mm/shmem.c). Their pages live in the page cache and
 * nowhere else; reclaim writes them to swap, and the cache's slot then keeps the swap slot.
 */
import { allocPages, GFP } from '../machine/buddy.ts';
import { EEXIST, ENOMEM } from '../machine/errno.ts';
import { folioUnlock } from '../machine/locks.ts';
import { PG } from '../machine/page.ts';
import type { FileId, Folio, Steps } from '../machine/types.ts';
import { newFile } from './file-refs.ts';
import { FILE } from './file-tables.ts';
import { filemapAddFolio, filemapGetFolio, filemapRemoveFolio, insideFile } from './filemap.ts';
import { folioPut } from './folio.ts';
import type { Kernel } from './kernel.ts';
import { folioAddLru } from './lru.ts';
import { cacheLoad } from './page-cache.ts';
import { shmemSwapin } from './swap-shmem.ts';

/** shmem_file_setup(): a file of `pages` pages, all holes, with one reference; 0: no number left. */
export function* shmemNewFile(k: Kernel, pages: number): Steps<FileId> {
  const file = yield* newFile(k, FILE.shmem);
  if (file !== 0) k.file.pages[file] = pages;
  return file;
}

/**
 * shmem_get_folio(): the folio of page `index`, uptodate, with one more reference, not locked. A hole is filled
 * when `alloc` (SGP_CACHE), with `gfp` bits added to GFP.movable. 0: a hole and not `alloc`, beyond the file's
 * end, or out of memory.
 */
export function* shmemGetFolio(
  k: Kernel,
  file: FileId,
  index: number,
  alloc: boolean,
  gfp: number,
): Steps<Folio> {
  const folio = yield* shmemFindFolio(k, file, index, gfp);
  if (folio < 0) return 0;
  if (folio !== 0 || !alloc || !insideFile(k, file, index)) return folio;
  return yield* shmemAllocFolio(k, file, index, gfp, false);
}

/**
 * The folio that is there, read back from swap if need be, with one reference; 0: a hole; -ENOMEM: in swap, and
 * no memory to read it into.
 */
function* shmemFindFolio(k: Kernel, file: FileId, index: number, gfp: number): Steps<Folio> {
  for (;;) {
    const found = yield* filemapGetFolio(k, file, index);
    if (found !== 0) return found;
    const slot = yield* cacheLoad(k, file, index);
    if (slot === 0) return 0;
    if (slot > 0) continue;
    const folio = yield* shmemSwapin(k, file, index, -slot, gfp);
    if (folio === 0) return -ENOMEM;
    if (folio > 0) {
      yield* folioUnlock(k, folio);
      return folio;
    }
  }
}

/** The same for write() and fallocate() (SGP_WRITE, SGP_FALLOC): a hole is filled, also beyond the file's end. 0: out of memory. */
export function* shmemGetOrMakeFolio(k: Kernel, file: FileId, index: number): Steps<Folio> {
  const folio = yield* shmemGetFolio(k, file, index, false, 0);
  if (folio !== 0) return folio;
  return yield* shmemAllocFolio(k, file, index, 0, true);
}

/**
 * Fills the hole at `index` (or finds that somebody did) and returns the folio with one reference; 0: out of memory,
 * or, unless `beyondEnd` (fallocate), truncated meanwhile.
 */
function* shmemAllocFolio(
  k: Kernel,
  file: FileId,
  index: number,
  gfp: number,
  beyondEnd: boolean,
): Steps<Folio> {
  for (;;) {
    const fresh = yield* allocPages(k, 0, GFP.movable | GFP.zero | gfp, 0);
    if (fresh === 0) return 0;
    k.page.flags[fresh] |= PG.uptodate | PG.swapbacked;
    const error = yield* filemapAddFolio(k, fresh, file, index);
    if (error === 0) {
      const stays = beyondEnd || insideFile(k, file, index);
      if (stays) yield* folioAddLru(k, fresh);
      else yield* filemapRemoveFolio(k, fresh);
      yield* folioUnlock(k, fresh);
      if (stays) return fresh;
    }
    yield* folioPut(k, fresh, 1);
    if (error !== -EEXIST) return 0;
    const found = yield* shmemFindFolio(k, file, index, gfp);
    if (found < 0) return 0;
    if (found > 0) return found;
  }
}
