/** Waiting for a folio without taking it (mm/filemap.c: folio_wait_locked, migration_entry_wait_on_locked). */
import { at, LOCK_FOLIO, R } from './access.ts';
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

function stuck(folio: Folio): never {
  throw new Error(`deadlock: folio ${folio} stays locked`);
}
