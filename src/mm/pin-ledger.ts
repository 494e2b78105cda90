/**
 * The ledger of pins: how many FOLL_PIN references are held on each folio in truth, which the counts of a small folio
 * can't tell (A.11). No kernel has it; explored machines do, so that a release without a pin and the end of a pinned
 * page are found (A.10.8). The direct forms leave it out.
 */
import { BUG, bug } from '../machine/report.ts';
import type { Folio } from '../machine/types.ts';
import type { Kernel } from './kernel.ts';
import { hasPincount, PIN_BIAS } from './pinned.ts';

/** Writes `n` pins more (or, negative, fewer) into the ledger; part of the step that counts them. */
export function notePins(k: Kernel, folio: Folio, n: number): void {
  if (k.pins.length === 0) return;
  if (k.pins[folio] + n < 0) {
    bug(k, BUG.pinUnderflow, folio);
    k.pins[folio] = 0;
    return;
  }
  k.pins[folio] += n;
}

/** Pins held on the folio; 0 where there is no ledger. */
export function pinsHeld(k: Kernel, folio: Folio): number {
  return k.pins.length === 0 ? 0 : k.pins[folio];
}

/**
 * After references were dropped: those that are left must cover the pins (A.9.3: 1024 each on a small folio, one each
 * besides the pin count on a large one). If not, something else released what belongs to a pin.
 */
export function checkPins(k: Kernel, folio: Folio): void {
  if (k.pins.length === 0 || k.pins[folio] === 0) return;
  const each = hasPincount(k, folio) || k.rules.pin.impl !== 'bias' ? 1 : PIN_BIAS;
  if (k.page.refcount[folio] > 0 && k.page.refcount[folio] < k.pins[folio] * each)
    bug(k, BUG.pinLeaked, folio);
}

/** The folio is freed: nobody may hold a pin on it any more. */
export function closePins(k: Kernel, folio: Folio): void {
  if (k.pins.length === 0 || k.pins[folio] === 0) return;
  bug(k, BUG.freePinned, folio);
  k.pins[folio] = 0;
}
