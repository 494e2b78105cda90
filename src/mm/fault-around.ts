/**
 * Pages that a read fault on a file maps along (memory.c: do_fault_around; filemap.c: filemap_map_pages): those around
 * the touched one that are in the page cache, up to 16 (fault_around_bytes = 64 KiB).
 */
import { at, R, READ } from '../machine/access.ts';
import { touchAlso } from '../machine/also.ts';
import { flagsRead } from '../machine/atomic.ts';
import { entryRead, entrySet } from '../machine/entries.ts';
import { entryHiOf, isNone } from '../machine/entry.ts';
import { refTryAdd } from '../machine/grab-words.ts';
import { folioTrylock, folioUnlock } from '../machine/locks.ts';
import { HPAGE_PMD_NR, PG } from '../machine/page.ts';
import type { EntryAddr, FileId, Pfn, Steps, VmaId, Vpn } from '../machine/types.ts';
import { makePteLo } from './fault-common.ts';
import { FILE } from './file-tables.ts';
import { insideFile } from './filemap.ts';
import { folioPut, headOf } from './folio.ts';
import type { Kernel } from './kernel.ts';
import { cacheLoad, cacheSlot } from './page-cache.ts';
import { entryCurrent, pteAlloc, pteLock, pteUnlock } from './pgtable.ts';
import { folioAddFileRmap, linearIndex } from './rmap.ts';
import { VM } from './vma.ts';

/** Pages of the window, which starts at a multiple of this. */
const WINDOW = 16;

/**
 * do_fault_around(): maps what the cache holds around `vpn`, without waiting for anything. True: `vpn` itself is mapped now.
 * The caller holds mmap_lock shared. Where the cache has no other page of the window nothing is done: then
 * the fault itself does the same.
 */
export function* faultAround(k: Kernel, vma: VmaId, vpn: Vpn): Steps<boolean> {
  const from = windowStart(k, vma, vpn);
  const to = windowEnd(k, vma, vpn, from);
  if (!mapsAround(k, vma) || !othersCached(k, vma, vpn, from, to)) return false;
  const mm = k.vma.mm[vma];
  const first = yield* pteAlloc(k, mm, from);
  if (first === 0) return false;
  yield* pteLock(k, first);
  if (entryCurrent(k, mm, from, first)) {
    for (let v = from; v < to; v++) {
      const e = first + 2 * (v - from);
      if (isNone(k.contents[e], k.contents[e + 1])) yield* mapCached(k, vma, v, e);
    }
  }
  const e = first + 2 * (vpn - from);
  const lo = yield* entryRead(k, e);
  const mapped = !isNone(lo, k.contents[e + 1]);
  yield* pteUnlock(k, first);
  return mapped;
}

/** The window's first page: inside the mapping and below the same page table. */
function windowStart(k: Kernel, vma: VmaId, vpn: Vpn): Vpn {
  return Math.max(vpn - (vpn % WINDOW), k.vma.start[vma]);
}

function windowEnd(k: Kernel, vma: VmaId, vpn: Vpn, from: Vpn): Vpn {
  const tableEnd = vpn - (vpn % HPAGE_PMD_NR) + HPAGE_PMD_NR;
  return Math.min(from + WINDOW, tableEnd, k.vma.end[vma]);
}

/** should_fault_around(): the file's operations have map_pages; not where userfaultfd watches present pages. */
function mapsAround(k: Kernel, vma: VmaId): boolean {
  const kind = k.file.kind[k.vma.file[vma]];
  if (kind === FILE.secretmem || kind === FILE.hugetlbfs) return false;
  return (k.vma.flags[vma] & (VM.uffdWp | VM.uffdMinor)) === 0;
}

/** Whether the cache holds a page of [from, to) beside that of `vpn`. Part of the step that is under way. */
function othersCached(k: Kernel, vma: VmaId, vpn: Vpn, from: Vpn, to: Vpn): boolean {
  const file = k.vma.file[vma];
  touchAlso(k, READ | at(R.pageCache, file));
  for (let v = from; v < to; v++) {
    const index = linearIndex(k, vma, v);
    if (v !== vpn && insideFile(k, file, index) && cacheSlot(k, file, index) > 0) return true;
  }
  return false;
}

/** Maps the cached page of `vpn` at the empty entry `e`, its table locked, if it is uptodate and nobody holds its lock. */
function* mapCached(k: Kernel, vma: VmaId, vpn: Vpn, e: EntryAddr): Steps<void> {
  const file = k.vma.file[vma];
  const index = linearIndex(k, vma, vpn);
  if (!insideFile(k, file, index)) return;
  const page = yield* cacheLoad(k, file, index);
  if (page <= 0) return;
  const taken = yield* takeUptodate(k, file, index, page);
  if (!taken) return;
  k.mm.fileRss[k.vma.mm[vma]] += 1;
  yield* folioAddFileRmap(k, page, false);
  yield* entrySet(k, e, makePteLo(k, vma, page, 0), entryHiOf(page, 0));
  yield* folioUnlock(k, headOf(k, page));
}

/** next_uptodate_folio(): the page's folio locked and with one reference more; false: it is not to be had at once. */
function* takeUptodate(k: Kernel, file: FileId, index: number, page: Pfn): Steps<boolean> {
  const folio = headOf(k, page);
  const flags = yield* flagsRead(k, folio);
  if ((flags & (PG.locked | PG.uptodate | PG.hwpoison)) !== PG.uptodate) return false;
  const got = yield* refTryAdd(k, folio, 1);
  if (!got) return false;
  const locked = yield* folioTrylock(k, folio);
  if (locked) {
    const still =
      cacheSlot(k, file, index) === page &&
      k.page.mapping[folio] === file << 2 &&
      insideFile(k, file, index);
    if (still) return true;
    yield* folioUnlock(k, folio);
  }
  yield* folioPut(k, folio, 1);
  return false;
}
