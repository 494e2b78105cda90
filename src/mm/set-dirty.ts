/**
 * Marking pages dirty and recently used on behalf of whoever wrote or read through a reference
 * (page-writeback.c: folio_mark_dirty(), set_page_dirty_lock(); swap.c: folio_mark_accessed()).
 * Rules: semantics.md A.6.10, A.10.2, A.10.5, A.23.
 */
import { flagSet, flagTestAndSet } from '../machine/atomic.ts';
import { folioLock, folioUnlock } from '../machine/locks.ts';
import { PG } from '../machine/page.ts';
import type { Folio, Pfn, Steps } from '../machine/types.ts';
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
