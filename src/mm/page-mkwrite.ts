/**
 * vm_ops->page_mkwrite: a file system is asked before a page of a shared mapping becomes writable (memory.c:
 * do_page_mkwrite; ext4_page_mkwrite, xfs_filemap_page_mkwrite, btrfs_page_mkwrite). A write through GUP is announced by
 * the same fault, once, when the page is pinned. Rules: semantics.md A.23.1, A.31 Q1, Q2; S186.
 */
import { R } from '../machine/access.ts';
import { folioUnlock, lockShared, unlockShared } from '../machine/locks.ts';
import type { FileId, Folio, Steps } from '../machine/types.ts';
import { faultsGuarded, lockInFile, prepareWrite } from './disk-file.ts';
import { VMF } from './fault-flags.ts';
import { invalidateLock } from './file-refs.ts';
import { insideFile } from './filemap.ts';
import type { Kernel } from './kernel.ts';
import { folioMarkDirty } from './set-dirty.ts';

/**
 * do_page_mkwrite(): the folio, which the caller has a reference on and not locked, may be written. 0: it is locked and
 * in its file. VMF.nopage: it has left the file, try the access again. VMF.sigbus: no space on the medium.
 */
export function* pageMkwrite(k: Kernel, file: FileId, folio: Folio): Steps<number> {
  const guarded = faultsGuarded(k, file);
  if (guarded) yield* lockShared(k, R.inodeLock, invalidateLock(k, file));
  const result = yield* mkwriteFolio(k, file, folio);
  if (guarded) yield* unlockShared(k, R.inodeLock, invalidateLock(k, file));
  return result;
}

function* mkwriteFolio(k: Kernel, file: FileId, folio: Folio): Steps<number> {
  const inFile = yield* lockInFile(k, file, folio);
  if (!inFile) return VMF.nopage;
  if (!insideFile(k, file, k.page.index[folio])) {
    yield* folioUnlock(k, folio);
    return VMF.nopage;
  }
  const ready = yield* prepareWrite(k, file, folio);
  if (ready) {
    yield* folioMarkDirty(k, folio);
    return 0;
  }
  yield* folioUnlock(k, folio);
  return VMF.sigbus;
}
