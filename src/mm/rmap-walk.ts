/** Walking the mappings of a locked folio (mm/rmap.c: rmap_walk, page_vma_mapped_walk). */
import { R } from '../machine/access.ts';
import { entryPfn } from '../machine/entry.ts';
import { lockShared, unlockShared } from '../machine/locks.ts';
import type { EntryAddr, Folio, MmId, Steps, VmaId, Vpn } from '../machine/types.ts';
import { anonVmaOf, fileOf, isAnon, isHugetlb, orderOf } from './folio.ts';
import { splitHugePmd } from './huge-split.ts';
import type { Kernel } from './kernel.ts';
import { entryPeek, isLeaf, PMD_PAGES, pmdEntry, pteEntry, pudEntry } from './pgtable.ts';
import { rmapVpn } from './rmap.ts';

/** Keeps the list of VMAs that may map the folio: anon_vma lock or i_mmap_rwsem, shared. Folio lock first. */
export function* rmapLock(k: Kernel, folio: Folio): Steps<void> {
  if (isAnon(k, folio)) yield* lockShared(k, R.anonLock, anonVmaOf(k, folio));
  else yield* lockShared(k, R.inodeLock, fileOf(k, folio));
}

export function* rmapUnlock(k: Kernel, folio: Folio): Steps<void> {
  if (isAnon(k, folio)) yield* unlockShared(k, R.anonLock, anonVmaOf(k, folio));
  else yield* unlockShared(k, R.inodeLock, fileOf(k, folio));
}

/** The entry that could map page `vpn` of a folio: of the huge page's level for hugetlb, else the PTE. 0: no table. */
export function rmapEntry(k: Kernel, folio: Folio, mm: MmId, vpn: Vpn): EntryAddr {
  if (!isHugetlb(k, folio)) return pteEntry(k, mm, vpn);
  return orderOf(k, folio) > 9 ? pudEntry(k, mm, vpn) : pmdEntry(k, mm, vpn);
}

/** How many entries map the folio in one VMA: one a page, one for all of a hugetlb folio. */
export function rmapEntries(k: Kernel, folio: Folio): number {
  return isHugetlb(k, folio) ? 1 : 1 << orderOf(k, folio);
}

/** TTU_SPLIT_HUGE_PMD: where `vma` maps a large folio by a PMD, that mapping becomes PTEs (or nothing, for files). */
export function* splitMappingPmd(k: Kernel, folio: Folio, vma: VmaId): Steps<void> {
  if (isHugetlb(k, folio) || orderOf(k, folio) < 9) return;
  const vpn = rmapVpn(k, folio, 0, vma);
  if (vpn < 0 || (vpn & (PMD_PAGES - 1)) !== 0) return;
  const e = pmdEntry(k, k.vma.mm[vma], vpn);
  if (e === 0 || !isLeaf(entryPeek(k, e))) return;
  if (entryPfn(k.contents[e], k.contents[e + 1]) === folio) yield* splitHugePmd(k, vma, e, vpn);
}
