/**
 * Buffer heads: what ext4 (and XFS to 4.18) attaches to a page of the cache when the page is about to be written
 * (fs/buffer.c: create_empty_buffers, try_to_free_buffers). `PG.private` says that a folio has them; they hold one
 * reference. A page that gets dirty without them was not announced to the file system (A.23.3).
 */
import { flagsRead, refAdd } from '../machine/atomic.ts';
import { PG } from '../machine/page.ts';
import type { FileId, Folio, Steps } from '../machine/types.ts';
import { FILE } from './file-tables.ts';
import { folioPut } from './folio.ts';
import type { Kernel } from './kernel.ts';

/** Whether pages of the file must have buffers when they are written back. */
export function usesBuffers(k: Kernel, file: FileId): boolean {
  const kind = k.file.kind[file];
  return kind === FILE.ext4 || (kind === FILE.xfs && k.rules.xfs.bufferHeads);
}

/** folio_buffers() != NULL. */
export function hasBuffers(k: Kernel, folio: Folio): boolean {
  return (k.page.flags[folio] & PG.private) !== 0;
}

/** create_empty_buffers(), once; the folio is locked. */
export function* attachBuffers(k: Kernel, folio: Folio): Steps<void> {
  if (hasBuffers(k, folio)) return;
  yield* refAdd(k, folio, 1);
  k.page.flags[folio] |= PG.private;
}

/** folio_detach_private(); the folio is locked, and its holder has a reference besides. */
export function* dropBuffers(k: Kernel, folio: Folio): Steps<void> {
  if (!hasBuffers(k, folio)) return;
  k.page.flags[folio] &= ~PG.private;
  yield* folioPut(k, folio, 1);
}

/**
 * filemap_release_folio(): gives up what the file system keeps with a locked folio. False, and nothing done, while the
 * folio is dirty (so are its buffers) or under writeback.
 */
export function* releaseBuffers(k: Kernel, folio: Folio): Steps<boolean> {
  if (!hasBuffers(k, folio)) return true;
  const flags = yield* flagsRead(k, folio);
  if ((flags & (PG.dirty | PG.writeback)) !== 0) return false;
  yield* dropBuffers(k, folio);
  return true;
}
