/**
 * The page cache (mm/filemap.c): finding, adding and removing folios of a file, and the fault of a file
 * mapping. A folio in the cache holds one reference a page (hugetlb: one) and has `mapping` = file << 2.
 * Rules: semantics.md A.9.2, A.23.5, A.23.6.
 */
import { at, R, READ, WRITE } from '../machine/access.ts';
import { GFP } from '../machine/buddy.ts';
import { EEXIST, ENOMEM } from '../machine/errno.ts';
import { refTryAdd } from '../machine/grab-words.ts';
import { folioLock, folioUnlock, lock, unlock } from '../machine/locks.ts';
import { PG } from '../machine/page.ts';
import type { FileId, Folio, Pfn, Steps, VmaId, Vpn } from '../machine/types.ts';
import { diskGetFolio } from './disk-file.ts';
import { FAULT, VMF } from './fault-flags.ts';
import { touchSize } from './file-refs.ts';
import { FILE, isDiskKind } from './file-tables.ts';
import { folioPut, headOf, isHugetlb, nrPages } from './folio.ts';
import type { Kernel } from './kernel.ts';
import { cacheLoad, cacheReserve, cacheSlot, cacheStore } from './page-cache.ts';
import { linearIndex } from './rmap.ts';
import { secretmemGetFolio } from './secretmem.ts';
import { shmemGetFolio } from './shmem.ts';

/** References that the cache holds on a folio. */
export function cacheRefs(k: Kernel, folio: Folio): number {
  return isHugetlb(k, folio) ? 1 : nrPages(k, folio);
}

/** Slots that a folio fills in the index: one a page; a huge page of hugetlb only its first. */
function cacheSlots(k: Kernel, folio: Folio): number {
  return isHugetlb(k, folio) ? 1 : nrPages(k, folio);
}

/** The slot that names page `index`. */
function slotIndex(k: Kernel, file: FileId, index: number): number {
  return index & ~((1 << k.file.order[file]) - 1);
}

/**
 * filemap_get_entry(): the folio at page `index` with one more reference, or 0 when there is none (or it is in
 * swap). Lockless: the reference is tried, then the slot looked at again.
 */
export function* filemapGetFolio(k: Kernel, file: FileId, index: number): Steps<Folio> {
  const slot = slotIndex(k, file, index);
  for (;;) {
    const found = yield* cacheLoad(k, file, slot);
    if (found <= 0) return 0;
    const folio = headOf(k, found);
    const got = yield* refTryAdd(k, folio, 1);
    if (!got) continue;
    const still = yield* cacheLoad(k, file, slot);
    if (still === found && headOf(k, found) === folio) return folio;
    yield* folioPut(k, folio, 1);
  }
}

/** filemap_lock_folio(): as `filemapGetFolio`, locked, and in the cache as long as it is; or 0. */
export function* filemapLockFolio(k: Kernel, file: FileId, index: number): Steps<Folio> {
  for (;;) {
    const folio = yield* filemapGetFolio(k, file, index);
    if (folio === 0) return 0;
    yield* folioLock(k, folio);
    if (k.page.mapping[folio] === file << 2) return folio;
    yield* folioUnlock(k, folio);
    yield* folioPut(k, folio, 1);
  }
}

/**
 * filemap_add_folio(): puts a fresh folio that only the caller knows at page `index`, and locks it. The cache
 * takes its own references. 0, -EEXIST (somebody was faster; the folio is unlocked) or -ENOMEM.
 */
export function* filemapAddFolio(
  k: Kernel,
  folio: Folio,
  file: FileId,
  index: number,
): Steps<number> {
  const pages = cacheSlots(k, folio);
  const refs = cacheRefs(k, folio);
  for (let i = 0; i < pages; i++) {
    const reserved = yield* cacheReserve(k, file, index + i);
    if (!reserved) return -ENOMEM;
  }
  yield* lock(k, R.pageCache, file);
  for (let i = 0; i < pages; i++) {
    if (cacheSlot(k, file, index + i) !== 0) {
      yield* unlock(k, R.pageCache, file);
      return -EEXIST;
    }
  }
  k.page.flags[folio] |= PG.locked;
  k.page.refcount[folio] += refs;
  k.page.mapping[folio] = file << 2;
  k.page.index[folio] = index;
  for (let i = 0; i < pages; i++) cacheStore(k, file, index + i, folio + i);
  k.file.nrpages[file] += nrPages(k, folio);
  yield* unlock(k, R.pageCache, file);
  return 0;
}

/**
 * filemap_remove_folio(): takes a locked folio out of its file's cache and drops the cache's references.
 * Whoever pins it keeps it: it is an orphan from now on (A.23.6).
 */
export function* filemapRemoveFolio(k: Kernel, folio: Folio): Steps<void> {
  const file = k.page.mapping[folio] >> 2;
  const index = k.page.index[folio];
  const pages = cacheSlots(k, folio);
  yield* lock(k, R.pageCache, file);
  for (let i = 0; i < pages; i++) cacheStore(k, file, index + i, 0);
  k.file.nrpages[file] -= nrPages(k, folio);
  yield WRITE | at(R.mapping, folio);
  k.page.mapping[folio] = 0;
  yield* unlock(k, R.pageCache, file);
  yield* folioPut(k, folio, cacheRefs(k, folio));
}

/**
 * vm_ops->fault (shmem_fault, secretmem_fault, filemap_fault): the exact page behind `vpn`, its folio locked
 * and with one reference for the caller; a page that was never there is made. Negative: minus `VMF` bits,
 * `VMF.sigbus` beyond the file's end. `flags` are `FAULT` bits; FAULT.pinnable asks for memory that may
 * be pinned for long (A.12.2).
 */
export function* filemapFault(k: Kernel, vma: VmaId, vpn: Vpn, flags: number): Steps<Pfn> {
  const file = k.vma.file[vma];
  const index = linearIndex(k, vma, vpn);
  const gfp = (flags & FAULT.pinnable) !== 0 ? GFP.pinnable : 0;
  for (;;) {
    if (!insideFile(k, file, index)) return -VMF.sigbus;
    const folio = yield* faultFolio(k, file, index, gfp);
    if (folio < 0) return folio;
    if (folio === 0) {
      if (!insideFile(k, file, index)) continue;
      return -VMF.oom;
    }
    yield* folioLock(k, folio);
    // Truncated or reclaimed while we waited for the lock: look again.
    if (k.page.mapping[folio] === file << 2 && insideFile(k, file, index))
      return folio + (index - k.page.index[folio]);
    yield* folioUnlock(k, folio);
    yield* folioPut(k, folio, 1);
  }
}

/**
 * replace_page_cache_folio(): the slots of `old` name `fresh` from now on, which takes over mapping and index;
 * no count changes. Plain: the caller has frozen `old`'s references and holds the xa_lock.
 */
export function filemapReplaceFolio(k: Kernel, old: Folio, fresh: Folio): void {
  const file = k.page.mapping[old] >> 2;
  const index = k.page.index[old];
  const pages = cacheSlots(k, old);
  for (let i = 0; i < pages; i++) cacheStore(k, file, index + i, fresh + i);
  k.page.mapping[fresh] = file << 2;
  k.page.index[fresh] = index;
}

/**
 * __filemap_remove_folio(): takes the locked folio, its references frozen, out of its file's cache; counts of
 * references stay as they are. Plain: the caller holds the xa_lock.
 */
export function filemapDeleteFolio(k: Kernel, folio: Folio): void {
  const file = k.page.mapping[folio] >> 2;
  const index = k.page.index[folio];
  const pages = cacheSlots(k, folio);
  for (let i = 0; i < pages; i++) cacheStore(k, file, index + i, 0);
  k.file.nrpages[file] -= nrPages(k, folio);
  k.page.mapping[folio] = 0;
}

/** Whether page `index` holds a byte of the file (index < DIV_ROUND_UP(i_size, PAGE_SIZE)). */
export function insideFile(k: Kernel, file: FileId, index: number): boolean {
  touchSize(k, file, READ);
  return index >= 0 && index < k.file.pages[file] + (k.file.tail[file] !== 0 ? 1 : 0);
}

/**
 * The folio of page `index` of a file, made or read in if need be, with one reference; 0: truncated, or out of memory;
 * minus VMF.sigbus: it cannot be read.
 */
function* faultFolio(k: Kernel, file: FileId, index: number, gfp: number): Steps<Folio> {
  if (isDiskKind(k.file.kind[file])) {
    const folio = yield* diskGetFolio(k, file, index, gfp, true);
    if (folio === -ENOMEM) return 0;
    return folio < 0 ? -VMF.sigbus : folio;
  }
  if (k.file.kind[file] === FILE.secretmem) return yield* secretmemGetFolio(k, file, index);
  return yield* shmemGetFolio(k, file, index, true, gfp);
}
