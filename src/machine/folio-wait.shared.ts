/** `folio-wait.ts` for memory that several worker threads share: the next holder's time is waited for too. */
import { at, LOCK_FOLIO, R } from './access.ts';
import type { Machine } from './machine.ts';
import { PG } from './page.ts';
import type { Folio } from './types.ts';
import { alone, waitFor } from './workers.ts';

/** As in the other forms. */
export function folioWaitUnlocked(k: Machine, folio: Folio): void {
  while ((Atomics.load(k.page.flags, folio) & PG.locked) !== 0) {
    if (alone(k)) throw new Error(`deadlock: folio ${folio} stays locked`);
    waitFor(k, LOCK_FOLIO | at(R.flags, folio));
  }
}
