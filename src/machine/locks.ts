import { at, LOCK, LOCK_FOLIO, LOCK_SHARED, R, UNLOCK, WRITE } from './access.ts';
import type { Machine } from './machine.ts';
import { PG } from './page.ts';
import { BUG, bug } from './report.ts';
import type { Folio, Steps } from './types.ts';

/**
 * Locks are words of the tables: 0 free, -1 held exclusively, n > 0 shared by n readers. A thread whose
 * announced acquire isn't enabled is not scheduled; in the direct form of one thread nobody could
 * ever release the lock, so that is a deadlock.
 */
class SelfDeadlock extends Error {}

function deadlock(region: number, index: number): never {
  throw new SelfDeadlock(`deadlock: lock ${index} of region ${region} is already held`);
}

/** might_sleep(): taking a sleeping lock with interrupts off or a spin lock held is a bug, whether or not it waits. */
function mightSleep(k: Machine, region: number): void {
  if (region === R.ptl || region === R.pageCache || region === R.swap || region === R.zone) return;
  if (region === R.lru) return;
  const cpu = k.cpuNow[0];
  if (k.irqOff[cpu] !== 0 || k.spinDepth[cpu] !== 0) bug(k, BUG.sleepInAtomic, region);
}

/** down_write(), spin_lock(), mutex_lock(). */
export function* lock(k: Machine, region: number, index: number): Steps<void> {
  yield LOCK | at(region, index);
  mightSleep(k, region);
  const words = k.regions[region];
  if (words[index] !== 0) deadlock(region, index);
  words[index] = -1;
}

/** down_write_trylock() and the like. */
export function* tryLock(k: Machine, region: number, index: number): Steps<boolean> {
  yield WRITE | at(region, index);
  const words = k.regions[region];
  if (words[index] !== 0) return false;
  words[index] = -1;
  return true;
}

/** up_write(), spin_unlock(), mutex_unlock(). */
export function* unlock(k: Machine, region: number, index: number): Steps<void> {
  yield UNLOCK | at(region, index);
  const words = k.regions[region];
  if (words[index] !== -1) bug(k, BUG.badUnlock, index);
  words[index] = 0;
}

/** down_read(). */
export function* lockShared(k: Machine, region: number, index: number): Steps<void> {
  yield LOCK_SHARED | at(region, index);
  mightSleep(k, region);
  const words = k.regions[region];
  if (words[index] < 0) deadlock(region, index);
  words[index] = words[index] + 1;
}

/** up_read(). */
export function* unlockShared(k: Machine, region: number, index: number): Steps<void> {
  yield UNLOCK | at(region, index);
  const words = k.regions[region];
  if (words[index] <= 0) bug(k, BUG.badUnlock, index);
  words[index] = words[index] - 1;
}

/** Whether somebody holds the lock, in whichever way. */
export function lockHeld(k: Machine, region: number, index: number): boolean {
  return k.regions[region][index] !== 0;
}

/** folio_lock(). */
export function* folioLock(k: Machine, folio: Folio): Steps<void> {
  yield LOCK_FOLIO | at(R.flags, folio);
  mightSleep(k, R.flags);
  if ((k.page.flags[folio] & PG.locked) !== 0) deadlock(R.flags, folio);
  k.page.flags[folio] |= PG.locked;
}

/** folio_trylock(). */
export function* folioTrylock(k: Machine, folio: Folio): Steps<boolean> {
  yield WRITE | at(R.flags, folio);
  if ((k.page.flags[folio] & PG.locked) !== 0) return false;
  k.page.flags[folio] |= PG.locked;
  return true;
}

/** folio_unlock(). */
export function* folioUnlock(k: Machine, folio: Folio): Steps<void> {
  yield UNLOCK | at(R.flags, folio);
  if ((k.page.flags[folio] & PG.locked) === 0) bug(k, BUG.badUnlock, folio);
  k.page.flags[folio] &= ~PG.locked;
}
