/**
 * memfd_secret(2) files (mm/secretmem.c): pages that leave the kernel's own map while they are in the file, are
 * never reclaimed or migrated, and cannot be pinned (A.5.5, S34).
 */
import { allocPages, GFP } from '../machine/buddy.ts';
import { EEXIST, EMFILE, ENOSYS } from '../machine/errno.ts';
import { folioUnlock } from '../machine/locks.ts';
import { PG } from '../machine/page.ts';
import type { FileId, Folio, Steps } from '../machine/types.ts';
import { newFile } from './file-refs.ts';
import { FILE } from './file-tables.ts';
import { filemapAddFolio, filemapGetFolio, filemapRemoveFolio, insideFile } from './filemap.ts';
import { folioPut } from './folio.ts';
import type { Kernel } from './kernel.ts';

/** memfd_secret(): a new file of size 0; -ENOSYS where the kernel lacks the call, -EMFILE without numbers. */
export function* sysMemfdSecret(k: Kernel): Steps<FileId> {
  if (!k.rules.call.memfdSecret) return -ENOSYS;
  const file = yield* newFile(k, FILE.secretmem);
  return file === 0 ? -EMFILE : file;
}

/** The folio of page `index`, made if need be, with one reference; 0: beyond the end, or out of memory. */
export function* secretmemGetFolio(k: Kernel, file: FileId, index: number): Steps<Folio> {
  for (;;) {
    const found = yield* filemapGetFolio(k, file, index);
    if (found !== 0) return found;
    const fresh = yield* allocPages(k, 0, GFP.zero, 0);
    if (fresh === 0) return 0;
    k.page.flags[fresh] |= PG.uptodate | PG.unevictable;
    const error = yield* filemapAddFolio(k, fresh, file, index);
    if (error === 0) {
      const inside = insideFile(k, file, index);
      if (!inside) yield* filemapRemoveFolio(k, fresh);
      yield* folioUnlock(k, fresh);
      if (inside) return fresh;
    }
    yield* folioPut(k, fresh, 1);
    if (error !== -EEXIST) return 0;
  }
}
