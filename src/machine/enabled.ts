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
  WAIT_IDLE,
  WAIT_WRITEBACK,
  WAIT_ZERO,
  WRITE,
} from './access.ts';
import type { Machine } from './machine.ts';
import { PG } from './page.ts';
import type { Pfn } from './types.ts';

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
    case WAIT_IDLE:
      return deviceIdle(k, accessIndex(word));
    case WAIT:
      return k.regions[accessRegion(word)][accessIndex(word)] !== 0;
    case IPI:
      return k.irqOff[accessIndex(word)] === 0;
    default:
      return true;
  }
}

/** Whether page tables are the only users of a page of device memory. Map counts are 0 where they hold no references. */
export function deviceIdle(k: Machine, pfn: Pfn): boolean {
  return k.page.refcount[pfn] - k.page.mapcount[pfn] <= k.idleRefs;
}

/** Operations that no thread ever has to wait for. */
const NEVER_WAIT = (1 << READ) | (1 << WRITE) | (1 << UNLOCK) | (1 << CHOOSE) | (1 << ADD);

/** Whether there are states in which a thread that announced `word` has to wait. */
export function mayWait(word: number): boolean {
  return ((NEVER_WAIT >>> accessOp(word)) & 1) === 0;
}
