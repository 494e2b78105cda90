/**
 * Moving folios to other memory (mm/migrate.c: migrate_pages, putback_movable_pages). Used by
 * longterm pins (A.12), memory that is to be freed as a block, and move_pages. Rules: semantics.md A.19.
 */
import { flagClear, refRead } from '../machine/atomic.ts';
import { allocPages, GFP } from '../machine/buddy.ts';
import { EAGAIN, EBUSY, ENOMEM } from '../machine/errno.ts';
import { folioLock, folioTrylock, folioUnlock } from '../machine/locks.ts';
import { PG } from '../machine/page.ts';
import type { Folio, Steps } from '../machine/types.ts';
import { FILE } from './file-tables.ts';
import { fileOf, folioMapcount, folioPut, isHugetlb, isKsm, nrPages, orderOf } from './folio.ts';
import { allocHugetlbTarget, isolateHugetlb, putbackHugetlb } from './hugetlb.ts';
import type { Kernel } from './kernel.ts';
import { folioAddLru, isolateLru, putbackLru } from './lru.ts';
import { moveFolio } from './migrate-move.ts';
import { removeMigrationPtes, tryToMigrate } from './migration-entries.ts';
import { vmstatAdd } from './vmstat.ts';
import { VMSTAT } from './vmstat-items.ts';

/** `migrateOnce`: somebody freed the folio; only the isolation still refers to it. */
const FREED = 1;

/** Takes a folio for migration: off the LRU, or out of the hugetlb pool's active list. False: not possible now. */
export function* isolateFolio(k: Kernel, folio: Folio): Steps<boolean> {
  if (isHugetlb(k, folio)) return yield* isolateHugetlb(k, folio);
  // The model does not know where KSM pages are mapped (ksm.ts).
  if (isKsm(k, folio)) return false;
  return yield* isolateLru(k, folio);
}

/** putback_movable_pages() for one folio. */
export function* putbackFolio(k: Kernel, folio: Folio): Steps<void> {
  if (isHugetlb(k, folio)) yield* putbackHugetlb(k, folio);
  else yield* putbackLru(k, folio);
}

/**
 * migrate_pages() for one isolated folio, synchronously: a new folio by `gfp` and `node` takes its place. 0: done, and
 * the isolation's reference is gone; -EAGAIN: still in use after `migrateTries` attempts (pinned, say); -EBUSY:
 * can't ever move; -ENOMEM: no room. On errors the folio stays isolated, the caller puts it back.
 */
export function* migrateFolio(k: Kernel, folio: Folio, gfp: number, node: number): Steps<number> {
  if (k.file.kind[fileOf(k, folio)] === FILE.secretmem) return -EBUSY;
  const dst = yield* allocTarget(k, folio, gfp, node);
  if (dst === 0) return -ENOMEM;
  return yield* migrateFolioTo(k, folio, dst);
}

/** As `migrateFolio`, to `dst`, a fresh folio of the same order, whose reference is the call's to drop. */
export function* migrateFolioTo(k: Kernel, folio: Folio, dst: Folio): Steps<number> {
  let result = -EAGAIN;
  for (let i = 0; i < k.migrateTries && result === -EAGAIN; i++)
    result = yield* migrateOnce(k, folio, dst);
  const moved = result === 0;
  vmstatAdd(k, dst, result < 0 ? VMSTAT.pgmigrate_fail : VMSTAT.pgmigrate_success, nrPages(k, dst));
  if (moved && !isHugetlb(k, dst)) yield* folioAddLru(k, dst);
  yield* folioPut(k, dst, 1);
  if (result < 0) return result;
  yield* flagClear(k, folio, PG.isolated);
  yield* folioPut(k, folio, 1);
  return 0;
}

function* allocTarget(k: Kernel, folio: Folio, gfp: number, node: number): Steps<Folio> {
  const order = orderOf(k, folio);
  if (isHugetlb(k, folio)) return yield* allocHugetlbTarget(k, order, gfp);
  return yield* allocPages(k, order, order > 0 ? gfp | GFP.comp : gfp, node);
}

/** unmap_and_move(): one attempt. 0, `FREED` or -EAGAIN. */
function* migrateOnce(k: Kernel, folio: Folio, dst: Folio): Steps<number> {
  const references = yield* refRead(k, folio);
  if (references === 1) return FREED;
  yield* folioLock(k, folio);
  if ((k.page.flags[folio] & PG.writeback) !== 0) {
    yield* folioUnlock(k, folio);
    return -EAGAIN;
  }
  yield* folioTrylock(k, dst);
  let result = -EAGAIN;
  const mapped = folioMapcount(k, folio) !== 0;
  let unmapped = true;
  if (mapped) unmapped = yield* tryToMigrate(k, folio, false);
  if (unmapped) result = yield* moveFolio(k, folio, dst);
  if (mapped) yield* removeMigrationPtes(k, folio, result === 0 ? dst : folio, false, false);
  yield* folioUnlock(k, dst);
  yield* folioUnlock(k, folio);
  return result;
}
