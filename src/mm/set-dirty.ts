/**
 * Marking pages dirty and recently used on behalf of whoever wrote or read through a reference
 * (page-writeback.c: folio_mark_dirty(), set_page_dirty_lock(); swap.c: folio_mark_accessed()).
 * Rules: semantics.md A.6.10, A.10.2, A.10.5, A.23.
 */
import { at, R, READ } from '../machine/access.ts';
import { flagSet, flagTestAndSet } from '../machine/atomic.ts';
import { mappingRead } from '../machine/grab-words.ts';
import { folioLock, folioUnlock } from '../machine/locks.ts';
import { MAPPING_KIND, PG } from '../machine/page.ts';
import { BUG, bug } from '../machine/report.ts';
import type { Folio, Pfn, Steps } from '../machine/types.ts';
import { FILE } from './file-tables.ts';
import { headOf } from './folio.ts';
import type { Kernel } from './kernel.ts';

/**
 * folio_mark_dirty(): true when it was clean. No page table, no page_mkwrite: the file system only
 * sees the dirty folio (A.10.2). On an anonymous or truncated folio only the flag is set (A.10.5).
 */
export function* folioMarkDirty(k: Kernel, folio: Folio): Steps<boolean> {
  const was = yield* flagTestAndSet(k, folio, PG.dirty);
  return !was;
}

/**
 * set_page_dirty() by somebody who does not hold the folio lock: the folio may leave its file between the look at its
 * mapping and the use of it, and the file itself be freed; only the lock, or a reference on the file, forbids it.
 */
export function* setPageDirty(k: Kernel, pfn: Pfn): Steps<void> {
  const folio = headOf(k, pfn);
  const mapping = yield* mappingRead(k, folio);
  if (mapping !== 0 && (mapping & MAPPING_KIND) === 0) {
    yield READ | at(R.pageCache, mapping >> 2);
    if (k.file.kind[mapping >> 2] === FILE.none) bug(k, BUG.mappingFreed, folio);
  }
  yield* folioMarkDirty(k, folio);
}

/** set_page_dirty_lock(): `folioMarkDirty` of the page's folio, under the folio lock; may sleep. */
export function* setPageDirtyLock(k: Kernel, pfn: Pfn): Steps<void> {
  const folio = headOf(k, pfn);
  yield* folioLock(k, folio);
  yield* folioMarkDirty(k, folio);
  yield* folioUnlock(k, folio);
}

/**
 * folio_mark_accessed(), first half: remembers the use; promotion to the active list is left to
 * reclaim.
 */
export function* folioMarkAccessed(k: Kernel, folio: Folio): Steps<void> {
  if ((k.page.flags[folio] & PG.referenced) === 0) yield* flagSet(k, folio, PG.referenced);
}
