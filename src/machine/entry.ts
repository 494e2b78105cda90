/**
 * Page table entries, as x86-64 has them: 64 bits, kept as two words. The low word holds the flags and
 * the low 20 bits of the page frame number, so that memory below 4 GiB needs the high word only for its
 * attributes.
 *
 *   low word   0 P, 1 RW, 2 US, 3 PWT, 4 PCD, 5 A, 6 D, 7 PSE, 8 G, 9 special, 10 uffd-wp,
 *              11 soft-dirty, 12..31 page frame number, low 20 bits
 *   high word  0..19 page frame number, high bits; 26 devmap (bit 58); 31 NX (bit 63)
 *
 * G with P clear is PROTNONE: present for the kernel, a fault for the processor (mprotect(PROT_NONE),
 * NUMA hints). An entry with neither, and not zero, is a swap entry:
 *
 *   low word   1 soft-dirty, 2 uffd-wp, 3 exclusive, 12..31 offset or page frame number, low 20 bits
 *   high word  0..19 offset or page frame number, high bits; 27..31 `SWP` type
 */
export const PTE = {
  present: 1 << 0,
  write: 1 << 1,
  user: 1 << 2,
  accessed: 1 << 5,
  dirty: 1 << 6,
  /** Page size: a leaf above the last level. */
  pse: 1 << 7,
  protnone: 1 << 8,
  special: 1 << 9,
  uffdWp: 1 << 10,
  softDirty: 1 << 11,
  swpSoftDirty: 1 << 1,
  swpUffdWp: 1 << 2,
  swpExclusive: 1 << 3,
} as const;

export const PTE_HI = { devmap: 1 << 26, nx: 1 << 31 } as const;

/** Low-word flags that hardware may set by itself. */
export const PTE_AD = PTE.accessed | PTE.dirty;

/** Types of a swap entry. */
export const SWP = {
  swap: 1,
  migrationRead: 2,
  migrationReadExclusive: 3,
  migrationWrite: 4,
  /** Not mapped, but something is remembered (uffd-wp, poisoned). */
  marker: 5,
  hwpoison: 6,
  devicePrivate: 7,
  /** Every access fails (MADV_GUARD_INSTALL). */
  guard: 8,
} as const;

/** Entries of a table; a table is one page. */
export const PTRS_PER_TABLE = 512;

/** Page frame number of a present entry, by its two words. */
export function entryPfn(lo: number, hi: number): number {
  return (lo >>> 12) | ((hi & 0xfff) << 20);
}

/** Low word of a leaf or table entry for `pfn` with the flag bits `flags`. */
export function entryLo(pfn: number, flags: number): number {
  return (pfn << 12) | flags;
}

/** High word of a leaf or table entry for `pfn` with the attribute bits `attributes`. */
export function entryHiOf(pfn: number, attributes: number): number {
  return (pfn >>> 20) | attributes;
}

/** An entry that says nothing (pte_none). */
export function isNone(lo: number, hi: number): boolean {
  return lo === 0 && hi === 0;
}

/** Present as the kernel's pte_present() has it: P or PROTNONE. */
export function isPresent(lo: number): boolean {
  return (lo & (PTE.present | PTE.protnone)) !== 0;
}

/** pte_protnone(): present for the kernel only. */
export function isProtnone(lo: number): boolean {
  return (lo & (PTE.present | PTE.protnone)) === PTE.protnone;
}

/** A swap entry of any type (swap, migration, marker, ...). */
export function isSwapEntry(lo: number, hi: number): boolean {
  return !isPresent(lo) && !isNone(lo, hi);
}

/** `SWP` type of a swap entry. */
export function swpType(hi: number): number {
  return hi >>> 27;
}

/** is_guard_pte_marker(). */
export function isGuardEntry(lo: number, hi: number): boolean {
  return !isPresent(lo) && swpType(hi) === SWP.guard;
}

/** Offset in the swap area, or page frame number, of a swap entry. */
export function swpOffset(lo: number, hi: number): number {
  return (lo >>> 12) | ((hi & 0xfff) << 20);
}

/** Low word of a swap entry: offset (or page frame number) and flag bits. */
export function swpLo(offset: number, flags: number): number {
  return (offset << 12) | flags;
}

/** High word of a swap entry: its type (`SWP`) and the upper bits of the offset. */
export function swpHi(type: number, offset: number): number {
  return (type << 27) | (offset >>> 20);
}

/** A migration entry of any of the three types. */
export function isMigrationEntry(lo: number, hi: number): boolean {
  return (
    isSwapEntry(lo, hi) && swpType(hi) >= SWP.migrationRead && swpType(hi) <= SWP.migrationWrite
  );
}
