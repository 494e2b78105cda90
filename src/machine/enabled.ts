import {
  accessIndex,
  accessOp,
  accessRegion,
  IPI,
  LOCK,
  LOCK_FOLIO,
  LOCK_SHARED,
  WAIT,
  WAIT_ZERO,
} from './access.ts';
import type { Machine } from './machine.ts';
import { PG } from './page.ts';

/** Whether a thread that announced `word` can take its step now, or has to wait for somebody. */
export function accessEnabled(k: Machine, word: number): boolean {
  switch (accessOp(word)) {
    case LOCK:
    case WAIT_ZERO:
      return k.regions[accessRegion(word)][accessIndex(word)] === 0;
    case LOCK_SHARED:
      return k.regions[accessRegion(word)][accessIndex(word)] >= 0;
    case LOCK_FOLIO:
      return (k.page.flags[accessIndex(word)] & PG.locked) === 0;
    case WAIT:
      return k.regions[accessRegion(word)][accessIndex(word)] !== 0;
    case IPI:
      return k.irqOff[accessIndex(word)] === 0;
    default:
      return true;
  }
}
