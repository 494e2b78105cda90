/** Waiting for a folio without taking it (mm/filemap.c: folio_wait_locked, folio_wait_writeback). */
import { at, LOCK_FOLIO, R, WAIT_WRITEBACK } from './access.ts';
import type { Machine } from './machine.ts';
import { PG } from './page.ts';
import type { Folio, Steps } from './types.ts';

/**
 * folio_wait_locked(): goes on when nobody holds the folio's lock; takes neither the lock nor a
 * reference. Throws where one thread runs alone and would wait for itself.
 */
export function* folioWaitUnlocked(k: Machine, folio: Folio): Steps<void> {
  yield LOCK_FOLIO | at(R.flags, folio);
  if ((k.page.flags[folio] & PG.locked) !== 0) stuck(folio);
}

/** folio_wait_writeback(): goes on when the folio is not under writeback. The caller has a reference. */
export function* folioWaitWriteback(k: Machine, folio: Folio): Steps<void> {
  yield WAIT_WRITEBACK | at(R.flags, folio);
  if ((k.page.flags[folio] & PG.writeback) !== 0) stuck(folio);
}

function stuck(folio: Folio): never {
  throw new Error(`deadlock: folio ${folio} stays locked or under writeback`);
}
