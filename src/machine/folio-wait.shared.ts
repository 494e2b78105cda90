/** `folio-wait.ts` for memory that several worker threads share: the next holder's time is waited for too. */
import { at, LOCK_FOLIO, R, WAIT_WRITEBACK } from './access.ts';
import type { Machine } from './machine.ts';
import { PG } from './page.ts';
import type { Folio } from './types.ts';
import { alone, waitFor } from './workers.ts';

/** As in the other forms. */
export function folioWaitUnlocked(k: Machine, folio: Folio): void {
  waitUntilClear(k, folio, PG.locked, LOCK_FOLIO);
}

/** As in the other forms. */
export function folioWaitWriteback(k: Machine, folio: Folio): void {
  waitUntilClear(k, folio, PG.writeback, WAIT_WRITEBACK);
}

function waitUntilClear(k: Machine, folio: Folio, bit: number, op: number): void {
  while ((Atomics.load(k.page.flags, folio) & bit) !== 0) {
    if (alone(k)) throw new Error(`deadlock: folio ${folio} stays locked or under writeback`);
    waitFor(k, op | at(R.flags, folio));
  }
}
