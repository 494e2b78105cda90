/** See pin-ledger.ts: the direct forms keep no ledger. */
import type { Folio } from '../machine/types.ts';
import type { Kernel } from './kernel.ts';

export function notePins(_k: Kernel, _folio: Folio, _n: number): void {}

export function pinsHeld(_k: Kernel, _folio: Folio): number {
  return 0;
}

export function closePins(_k: Kernel, _folio: Folio): void {}

export function checkPins(_k: Kernel, _folio: Folio): void {}
