/**
 * Interval notifiers (mm/mmu_notifier.c): whoever keeps page numbers without references is told before page tables change, and
 * can tell afterwards whether what it has read still stands. Rules: semantics.md A.25.1 to A.25.4.
 *
 * An address space has a sequence number, odd while an invalidation that meets some interval is under way, and a count of
 * invalidations. Each interval remembers the number that its owner was told last: equal to the address space's own, the
 * owner's pages are just being taken away; and a change of it means that they were.
 */
import { R, READ, WAIT_ZERO, WRITE } from '../machine/access.ts';
import { touchAlso } from '../machine/also.ts';
import { lock, unlock } from '../machine/locks.ts';
import type { MmId, Pfn, Steps, Vpn } from '../machine/types.ts';
import { fillWords } from '../machine/words.ts';
import {
  invalidateSeq,
  kmemAt,
  NOTIFIER_PAGES,
  NOTIFIERS,
  notifierFaults,
  notifierLock,
} from './device-tables.ts';
import { headOf } from './folio.ts';
import type { Kernel } from './kernel.ts';
import { folioMarkDirty } from './set-dirty.ts';

/** Whether anybody watches this address space; part of the step under way, and nothing on machines without notifiers. */
function watched(k: Kernel, mm: MmId): boolean {
  if (k.notifier.mm.length === 0) return false;
  touchAlso(k, READ | kmemAt(invalidateSeq(mm)));
  for (let n = 1; n <= NOTIFIERS; n++) if (k.notifier.mm[n] === mm) return true;
  return false;
}

function overlaps(k: Kernel, n: number, start: Vpn, end: Vpn): boolean {
  return k.notifier.start[n] < end && start < k.notifier.end[n];
}

/**
 * mmu_notifier_invalidate_range_start(): tells every interval that meets [start, end) of `mm`; when it returns, no device
 * uses a page there any more. True: `invalidateEnd` must follow. May sleep.
 */
export function* invalidateStart(k: Kernel, mm: MmId, start: Vpn, end: Vpn): Steps<boolean> {
  if (!watched(k, mm)) return false;
  const word = invalidateSeq(mm);
  yield WRITE | kmemAt(word);
  touchAlso(k, WRITE | kmemAt(word + 1));
  k.kmem[word + 1] += 1;
  for (let n = 1; n <= NOTIFIERS; n++) {
    if (k.notifier.mm[n] === mm && overlaps(k, n, start, end)) k.kmem[word] |= 1;
  }
  const seq = k.kmem[word];
  for (let n = 1; n <= NOTIFIERS; n++) {
    touchAlso(k, READ | kmemAt(word));
    if (k.notifier.mm[n] === mm && overlaps(k, n, start, end))
      yield* invalidateInterval(k, n, start, end, seq);
  }
  return true;
}

/** mmu_notifier_invalidate_range_end(): the last one under way makes the number even again. */
export function* invalidateEnd(k: Kernel, mm: MmId, started: boolean): Steps<void> {
  if (!started) return;
  const word = invalidateSeq(mm);
  yield WRITE | kmemAt(word);
  touchAlso(k, WRITE | kmemAt(word + 1));
  k.kmem[word + 1] -= 1;
  if (k.kmem[word + 1] === 0 && (k.kmem[word] & 1) === 1) k.kmem[word] += 1;
}

/**
 * The owner's callback: under its lock it takes note of the number and drops the device's entries, whose pages it dirties
 * where the device could write (A.25.4).
 */
function* invalidateInterval(k: Kernel, n: number, start: Vpn, end: Vpn, seq: number): Steps<void> {
  yield* lock(k, R.kmem, notifierLock(n));
  k.notifier.seq[n] = seq;
  for (let i = 0; i < NOTIFIER_PAGES; i++) {
    const vpn = k.notifier.start[n] + i;
    const entry = k.notifier.table[n * NOTIFIER_PAGES + i];
    if (entry === 0 || vpn < start || vpn >= end) continue;
    k.notifier.table[n * NOTIFIER_PAGES + i] = 0;
    if ((entry & 1) !== 0) yield* folioMarkDirty(k, headOf(k, entry >> 1));
  }
  yield* unlock(k, R.kmem, notifierLock(n));
}

/** mmu_interval_notifier_insert(): watches pages [start, end) of `mm`. Its number from 1, 0: none left. */
export function* intervalInsert(
  k: Kernel,
  mm: MmId,
  start: Vpn,
  end: Vpn,
  writes: boolean,
): Steps<number> {
  yield WRITE | kmemAt(invalidateSeq(mm));
  let n = 1;
  while (n <= NOTIFIERS && k.notifier.mm[n] !== 0) {
    touchAlso(k, READ | kmemAt(notifierLock(n)));
    n++;
  }
  if (n > NOTIFIERS) return 0;
  touchAlso(k, WRITE | kmemAt(notifierLock(n)));
  const word = invalidateSeq(mm);
  k.notifier.mm[n] = mm;
  k.notifier.start[n] = start;
  k.notifier.end[n] = end;
  k.notifier.writes[n] = writes ? 1 : 0;
  // An invalidation under way did not tell it: what it reads before the end of that is no good.
  k.notifier.seq[n] = (k.kmem[word] & 1) === 1 ? k.kmem[word] : k.kmem[word] - 1;
  return n;
}

/** Whether `n` is an interval that its owner still uses. */
export function* intervalThere(k: Kernel, n: number): Steps<boolean> {
  if (n <= 0 || n >= k.notifier.mm.length) return false;
  yield READ | kmemAt(notifierLock(n));
  return intervalUsed(k, n);
}

/** As part of a step that announced the owner's lock. */
export function intervalUsed(k: Kernel, n: number): boolean {
  return k.notifier.mm[n] !== 0 && k.notifier.leaving[n] === 0;
}

/**
 * mmu_interval_notifier_remove(): the owner wants to hear no more; waits for the device's faults and the invalidations under
 * way. False: there is none, or another takes it away.
 */
export function* intervalRemove(k: Kernel, n: number): Steps<boolean> {
  if (n <= 0 || n >= k.notifier.mm.length) return false;
  yield WRITE | kmemAt(notifierLock(n));
  if (!intervalUsed(k, n)) return false;
  k.notifier.leaving[n] = 1;
  const mm = k.notifier.mm[n];
  yield WAIT_ZERO | kmemAt(notifierFaults(n));
  yield WAIT_ZERO | kmemAt(invalidateSeq(mm) + 1);
  yield* lock(k, R.kmem, notifierLock(n));
  touchAlso(k, WRITE | kmemAt(invalidateSeq(mm)));
  k.notifier.mm[n] = 0;
  k.notifier.start[n] = 0;
  k.notifier.end[n] = 0;
  k.notifier.off[n] = 0;
  k.notifier.seq[n] = 0;
  k.notifier.writes[n] = 0;
  k.notifier.leaving[n] = 0;
  fillWords(k.notifier.table, n * NOTIFIER_PAGES, NOTIFIER_PAGES, 0);
  yield* unlock(k, R.kmem, notifierLock(n));
  return true;
}

/** As part of the step that found the device's entry missing: the interval stays until `faultEnd`. */
export function faultBegin(k: Kernel, n: number): void {
  touchAlso(k, WRITE | kmemAt(notifierFaults(n)));
  k.kmem[notifierFaults(n)] += 1;
}

/** The device's fault is over. */
export function* faultEnd(k: Kernel, n: number): Steps<void> {
  yield WRITE | kmemAt(notifierFaults(n));
  k.kmem[notifierFaults(n)] -= 1;
}

/** mmu_interval_read_begin(): the number to compare later; waits while the interval is just being invalidated. */
export function* intervalReadBegin(k: Kernel, n: number): Steps<number> {
  const word = invalidateSeq(k.notifier.mm[n]);
  yield READ | kmemAt(word);
  touchAlso(k, READ | kmemAt(notifierLock(n)));
  const seq = k.notifier.seq[n];
  if (seq === k.kmem[word]) yield WAIT_ZERO | kmemAt(word + 1);
  return seq;
}

/** mmu_interval_read_retry(): whether the interval was invalidated since; under the owner's lock. */
export function* intervalReadRetry(k: Kernel, n: number, seq: number): Steps<boolean> {
  yield READ | kmemAt(notifierLock(n));
  return k.notifier.seq[n] !== seq;
}

/** Device entry of page `i` of an interval as part of a step that announced the owner's lock: page frame << 1 | may write. */
export function deviceEntry(k: Kernel, n: number, i: number): number {
  return i >= 0 && i < NOTIFIER_PAGES ? k.notifier.table[n * NOTIFIER_PAGES + i] : 0;
}

/** Programs the device's page table; the owner's lock is held. */
export function setDeviceEntry(k: Kernel, n: number, i: number, pfn: Pfn, write: boolean): void {
  touchAlso(k, WRITE | kmemAt(notifierLock(n)));
  k.notifier.table[n * NOTIFIER_PAGES + i] = (pfn << 1) | (write ? 1 : 0);
}
