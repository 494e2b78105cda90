/**
 * The access word: what a thread announces before each step that another thread could notice.
 *
 *   bits 0..3   operation (below)
 *   bits 4..8   region: which kind of object (`R`)
 *   bits 9..31  index of the object in its region, modulo 2^23
 *
 * Two steps of different threads are independent when their regions or indexes differ, or when both
 * only read. Folding an index only ever makes steps look dependent that are not, which is safe.
 */
export const READ = 0;
/** A store, or an atomic read-modify-write. */
export const WRITE = 1;
/** Exclusive acquire of a lock word; enabled while the word is 0. */
export const LOCK = 2;
/** Shared acquire of a lock word; enabled while the word is >= 0. */
export const LOCK_SHARED = 3;
/** Release of a lock word; never blocks. */
export const UNLOCK = 4;
/** Acquire of a folio's lock bit (`PG.locked` in its flags word); enabled while the bit is clear. */
export const LOCK_FOLIO = 5;
/** Enabled while the word is not 0: an event posted, a process gone, a completion. */
export const WAIT = 6;
/** Interprocessor interrupt to the CPU named by the index; enabled while it takes interrupts. */
export const IPI = 7;
/** Nothing shared is touched, the thread only asks for one of `index` alternatives. */
export const CHOOSE = 8;
/** Enabled while the word is 0: waiting for readers of page tables to leave, for a count to drain. */
export const WAIT_ZERO = 9;
/** An atomic addition whose outcome no one tells from that of another addition before or after it: they commute. */
export const ADD = 10;
/** Enabled while the folio named by the index is not under writeback. */
export const WAIT_WRITEBACK = 11;
/** Enabled while nobody but page tables refers to the page of device memory named by the index (dax_page_is_idle). */
export const WAIT_IDLE = 12;
export const OP_MASK = 15;

/** Regions: which table of the machine an index belongs to. At most 32. */
export const R = {
  refcount: 0,
  flags: 1,
  mapcount: 2,
  compound: 3,
  pincount: 4,
  entry: 5,
  content: 6,
  mmapLock: 7,
  ptl: 8,
  seq: 9,
  mmFlags: 10,
  irq: 11,
  mmu: 12,
  zone: 13,
  anonLock: 14,
  inodeLock: 15,
  pageCache: 16,
  swap: 17,
  event: 18,
  pipe: 19,
  task: 20,
  kmem: 21,
  hugetlb: 22,
  ring: 23,
  io: 24,
  report: 25,
  mapping: 26,
  lru: 27,
  spare: 28,
  /** Translations that a CPU remembers; never announced, see `touchAlso`. */
  tlb: 29,
  /** Direct requests under way, by file (i_dio_count). */
  directIo: 30,
  /** Faults that wait for userfaultfd, by task. */
  uffd: 31,
} as const;

/** The region and index part of an access word. */
export function at(region: number, index: number): number {
  return (region << 4) | (index << 9);
}

/** The operation of an access word (READ, WRITE, ...). */
export function accessOp(word: number): number {
  return word & OP_MASK;
}

/** The region (`R`) that it is about. */
export function accessRegion(word: number): number {
  return (word >>> 4) & 31;
}

/** The index in that region. */
export function accessIndex(word: number): number {
  return word >>> 9;
}
