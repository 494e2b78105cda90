import {
  ADD,
  accessIndex,
  accessOp,
  accessRegion,
  CHOOSE,
  IPI,
  LOCK,
  LOCK_FOLIO,
  LOCK_SHARED,
  READ,
  UNLOCK,
  WAIT,
  WAIT_WRITEBACK,
  WAIT_ZERO,
  WRITE,
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
    case WAIT_WRITEBACK:
      return (k.page.flags[accessIndex(word)] & PG.writeback) === 0;
    case WAIT:
      return k.regions[accessRegion(word)][accessIndex(word)] !== 0;
    case IPI:
      return k.irqOff[accessIndex(word)] === 0;
    default:
      return true;
  }
}

/** Operations that no thread ever has to wait for. */
const NEVER_WAIT = (1 << READ) | (1 << WRITE) | (1 << UNLOCK) | (1 << CHOOSE) | (1 << ADD);

/** Whether there are states in which a thread that announced `word` has to wait. */
export function mayWait(word: number): boolean {
  return ((NEVER_WAIT >>> accessOp(word)) & 1) === 0;
}
