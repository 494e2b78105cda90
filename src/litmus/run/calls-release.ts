/** The pinning API's releasing calls. */
import { BUG, bug } from '../../machine/report.ts';
import type { Pfn, Steps } from '../../machine/types.ts';
import { folioPut, headOf } from '../../mm/folio.ts';
import {
  putUserPage,
  putUserPages,
  putUserPagesDirtyLock,
  unpinFolio,
  unpinFolios,
  unpinUserFolio,
  unpinUserPage,
  unpinUserPageRangeDirtyLock,
  unpinUserPages,
  unpinUserPagesDirtyLock,
} from '../../mm/unpin.ts';
import { CALL } from './call-ids.ts';
import type { Lit } from './program.ts';
import { argInt, argPageArray } from './values.ts';

/** A driver that hands NULL or a page frame that isn't there to a release would oops. */
function notAPage(k: Lit, pfn: Pfn): boolean {
  if (pfn > 0 && pfn < k.pages) return false;
  bug(k, BUG.noPage, 0);
  return true;
}

export function* callRelease(k: Lit, pc: number, id: number): Steps<number> {
  switch (id) {
    case CALL.unpin_user_pages:
      yield* unpinUserPages(k, argPageArray(k, pc, 0), argInt(k, pc, 1));
      return 0;
    case CALL.unpin_user_pages_dirty_lock:
      yield* unpinUserPagesDirtyLock(
        k,
        argPageArray(k, pc, 0),
        argInt(k, pc, 1),
        argInt(k, pc, 2) !== 0,
      );
      return 0;
    case CALL.unpin_folios:
      yield* unpinFolios(k, argPageArray(k, pc, 0), argInt(k, pc, 1));
      return 0;
    case CALL.put_user_pages:
      yield* putUserPages(k, argPageArray(k, pc, 0), argInt(k, pc, 1));
      return 0;
    case CALL.put_user_pages_dirty_lock:
      yield* putUserPagesDirtyLock(
        k,
        argPageArray(k, pc, 0),
        argInt(k, pc, 1),
        argInt(k, pc, 2) !== 0,
      );
      return 0;
    default:
      return yield* releaseOne(k, pc, id);
  }
}

function* releaseOne(k: Lit, pc: number, id: number): Steps<number> {
  const pfn = argInt(k, pc, 0);
  if (notAPage(k, pfn)) return 0;
  switch (id) {
    case CALL.put_page:
    case CALL.folio_put:
      yield* folioPut(k, headOf(k, pfn), 1);
      return 0;
    case CALL.unpin_user_page:
      yield* unpinUserPage(k, pfn);
      return 0;
    case CALL.unpin_user_page_range_dirty_lock:
      yield* unpinUserPageRangeDirtyLock(k, pfn, argInt(k, pc, 1), argInt(k, pc, 2) !== 0);
      return 0;
    case CALL.unpin_folio:
      yield* unpinFolio(k, headOf(k, pfn));
      return 0;
    case CALL.unpin_user_folio:
      yield* unpinUserFolio(k, headOf(k, pfn), argInt(k, pc, 1));
      return 0;
    default:
      yield* putUserPage(k, pfn);
      return 0;
  }
}
