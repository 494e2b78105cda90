/** `locks.ts` for memory that several worker threads share: who finds a lock taken waits for it. */
import { R } from './access.ts';
import type { Machine } from './machine.ts';
import { PG } from './page.ts';
import { BUG, bug } from './report.ts';
import type { Folio } from './types.ts';
import { alone, pause, wake } from './workers.ts';

class SelfDeadlock extends Error {}

function deadlock(region: number, index: number): never {
  throw new SelfDeadlock(`deadlock: lock ${index} of region ${region} is already held`);
}

function mightSleep(k: Machine, region: number): void {
  if (region === R.ptl || region === R.pageCache || region === R.swap || region === R.zone) return;
  const cpu = k.cpuNow[0];
  if (k.irqOff[cpu] !== 0 || k.spinDepth[cpu] !== 0) bug(k, BUG.sleepInAtomic, region);
}

/** As in the other forms; a worker that is alone would wait for itself, which is a deadlock. */
export function lock(k: Machine, region: number, index: number): void {
  mightSleep(k, region);
  const words = k.regions[region];
  let seen = Atomics.compareExchange(words, index, 0, -1);
  for (let tries = 0; seen !== 0; tries++) {
    if (alone(k)) deadlock(region, index);
    pause(k, words, index, seen, tries);
    seen = Atomics.compareExchange(words, index, 0, -1);
  }
}

/** As in the other forms. */
export function tryLock(k: Machine, region: number, index: number): boolean {
  return Atomics.compareExchange(k.regions[region], index, 0, -1) === 0;
}

/** As in the other forms. */
export function unlock(k: Machine, region: number, index: number): void {
  const words = k.regions[region];
  if (Atomics.exchange(words, index, 0) !== -1) bug(k, BUG.badUnlock, index);
  wake(k, words, index);
}

/** As in the other forms. */
export function lockShared(k: Machine, region: number, index: number): void {
  mightSleep(k, region);
  const words = k.regions[region];
  let tries = 0;
  for (;;) {
    const seen = Atomics.load(words, index);
    if (seen >= 0) {
      if (Atomics.compareExchange(words, index, seen, seen + 1) === seen) return;
    } else {
      if (alone(k)) deadlock(region, index);
      pause(k, words, index, seen, tries);
      tries++;
    }
  }
}

/** As in the other forms. */
export function unlockShared(k: Machine, region: number, index: number): void {
  const words = k.regions[region];
  const was = Atomics.sub(words, index, 1);
  if (was <= 0) bug(k, BUG.badUnlock, index);
  if (was === 1) wake(k, words, index);
}

/** As in the other forms. */
export function lockHeld(k: Machine, region: number, index: number): boolean {
  return Atomics.load(k.regions[region], index) !== 0;
}

/** As in the other forms. */
export function folioLock(k: Machine, folio: Folio): void {
  mightSleep(k, R.flags);
  const words = k.page.flags;
  let seen = Atomics.or(words, folio, PG.locked);
  for (let tries = 0; (seen & PG.locked) !== 0; tries++) {
    if (alone(k)) deadlock(R.flags, folio);
    pause(k, words, folio, seen, tries);
    seen = Atomics.or(words, folio, PG.locked);
  }
}

/** As in the other forms. */
export function folioTrylock(k: Machine, folio: Folio): boolean {
  return (Atomics.or(k.page.flags, folio, PG.locked) & PG.locked) === 0;
}

/** As in the other forms. */
export function folioUnlock(k: Machine, folio: Folio): void {
  const words = k.page.flags;
  if ((Atomics.and(words, folio, ~PG.locked) & PG.locked) === 0) bug(k, BUG.badUnlock, folio);
  wake(k, words, folio);
}
