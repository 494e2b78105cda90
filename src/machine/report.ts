import type { Machine } from './machine.ts';

/** What a kernel would stop for: BUG_ON, a use after free, a check of the audit. */
export const BUG = {
  none: 0,
  /** A reference count went below zero, or a page was released that had none. */
  refUnderflow: 1,
  /** A reference was taken on a page that is free. */
  useAfterFree: 2,
  /** A page was freed while FOLL_PIN references are on it ("bad page"). */
  freePinned: 3,
  /** A page table was freed under a walker. */
  tableFreed: 4,
  /** A pin count went below zero: an unpin of a page that is not pinned. */
  pinUnderflow: 5,
  /** Pinned anonymous page that is not exclusive (the DEBUG_VM check of gup). */
  pinNotExclusive: 6,
  /** Slept with interrupts off or a spin lock held. */
  sleepInAtomic: 7,
  /** The audit found a count that no reference explains. */
  audit: 8,
  /** A page's map count went below zero. */
  mapUnderflow: 9,
  /** insert_pfn_pmd and the like: an entry that must not be there. */
  badEntry: 10,
  /** A dirty page without buffers, or with no reservation behind it. */
  dirtyNoBuffers: 11,
  /** A lock was released by somebody who doesn't hold it. */
  badUnlock: 12,
  /** Released more content slots, swap slots or blocks than there are. */
  doubleFree: 13,
  /** References that belong to a pin were dropped by something else: the pin can never be released any more. */
  pinLeaked: 14,
  /** An access through a page pointer that lies outside the page. */
  outOfPage: 15,
  /** A page's file was used after it was freed. */
  mappingFreed: 16,
  /** A page was freed while page tables map it. */
  freeMapped: 17,
  /** A page pointer that is NULL, or points at no page, was used. */
  noPage: 18,
} as const;

/** What a kernel would warn of, once: bits of `report[2]`. */
export const WARN = {
  gupArgs: 1 << 0,
  refOverflow: 1 << 1,
  unpinErrno: 1 << 2,
  zeroReturn: 1 << 3,
  stackGrow: 1 << 4,
} as const;

/** Records the first BUG: `report` = [code, argument (a page frame, mm, ...), warnings]. */
export function bug(k: Machine, code: number, argument: number): void {
  if (k.report[0] !== 0) return;
  k.report[0] = code;
  k.report[1] = argument;
}

/** WARN_ON_ONCE: remembered, and nothing else happens. */
export function warn(k: Machine, bit: number): void {
  k.report[2] = k.report[2] | bit;
}

/** Name of a BUG code, for messages. */
export function bugName(code: number): string {
  return Object.entries(BUG).find(([, value]) => value === code)?.[0] ?? `bug ${code}`;
}
