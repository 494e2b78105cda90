/**
 * Entries of hugetlb mappings (hugetlb.c: make_huge_pte, set_huge_ptep_writable, huge_ptep_clear_flush):
 * leaves of the PMD level (2 MiB) or the PUD level (1 GiB).
 */
import { R } from '../machine/access.ts';
import { entryHi, entryRead, entrySet } from '../machine/entries.ts';
import { entryHiOf, entryLo, PTE } from '../machine/entry.ts';
import { lock, unlock } from '../machine/locks.ts';
import type { EntryAddr, Pfn, Steps, VmaId, Vpn } from '../machine/types.ts';
import { mayWriteBit, pteProt } from './fault-common.ts';
import { hugeIndex } from './hugetlb-resv.ts';
import { FAULT_MUTEXES } from './hugetlb-tables.ts';
import type { Kernel } from './kernel.ts';

/**
 * The write bit of an entry that a write has copied or reused. Up to 5.19 the entry becomes writable even where the
 * mapping isn't (FOLL_FORCE, and 5.8's forced copy: the walk looks for that bit); later ones follow a forced write otherwise (S9).
 */
function wpWriteBit(k: Kernel, vma: VmaId): number {
  return k.rules.gup.followForce === 'exclusive' ? mayWriteBit(k, vma) : PTE.write;
}

/** make_huge_pte(): low word of the entry for a folio; writable and dirty only if asked and the mapping allows it. */
export function hugeLeafLo(k: Kernel, vma: VmaId, pfn: Pfn, writable: boolean): number {
  const write = writable && mayWriteBit(k, vma) !== 0;
  const prot = pteProt(k, vma) & ~PTE.write;
  return entryLo(pfn, prot | PTE.pse | PTE.accessed | (write ? PTE.write | PTE.dirty : 0));
}

/** Installs that entry. The caller holds the table's lock. */
export function* setHugeLeaf(
  k: Kernel,
  vma: VmaId,
  e: EntryAddr,
  pfn: Pfn,
  writable: boolean,
): Steps<void> {
  yield* entrySet(k, e, hugeLeafLo(k, vma, pfn, writable), entryHiOf(pfn, 0));
}

/** The entry of a copy made for a write: see `wpWriteBit`. The caller holds the table's lock. */
export function* setHugeLeafCopied(k: Kernel, vma: VmaId, e: EntryAddr, pfn: Pfn): Steps<void> {
  const lo = hugeLeafLo(k, vma, pfn, false) | PTE.dirty | wpWriteBit(k, vma);
  yield* entrySet(k, e, lo, entryHiOf(pfn, 0));
}

/** set_huge_ptep_writable(): the entry stays, writable (see `wpWriteBit`), dirty and young. */
export function* setHugeLeafWritable(k: Kernel, vma: VmaId, e: EntryAddr): Steps<void> {
  const lo = yield* entryRead(k, e);
  yield* entrySet(k, e, lo | PTE.dirty | PTE.accessed | wpWriteBit(k, vma), entryHi(k, e));
}

/** Word of the fault mutex for the huge page of `vma` at `vpn` (hugetlb_fault_mutex_hash). */
function mutexOf(k: Kernel, vma: VmaId, vpn: Vpn): number {
  return 1 + ((k.vma.file[vma] + hugeIndex(k, vma, vpn)) & (FAULT_MUTEXES - 1));
}

/** Takes the mutex that keeps two faults on one huge page apart. */
export function* hugetlbFaultLock(k: Kernel, vma: VmaId, vpn: Vpn): Steps<void> {
  yield* lock(k, R.hugetlb, mutexOf(k, vma, vpn));
}

export function* hugetlbFaultUnlock(k: Kernel, vma: VmaId, vpn: Vpn): Steps<void> {
  yield* unlock(k, R.hugetlb, mutexOf(k, vma, vpn));
}
