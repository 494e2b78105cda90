/**
 * Reverse mapping (rmap.c): the counts of how often a folio is mapped, who owns an anonymous page
 * alone (A.14), and where a folio may be mapped.
 *
 * Counts: `mapcount` of each page counts its PTEs; a folio mapped whole (PMD, hugetlb) counts in
 * `entireMapcount`; both add to the folio's total in its first tail.
 */
import { at, R, READ, WRITE } from '../machine/access.ts';
import { flagClear, mapcountAdd } from '../machine/atomic.ts';
import { MAPPING_ANON, PG } from '../machine/page.ts';
import { BUG, bug } from '../machine/report.ts';
import type { Folio, Pfn, Steps, VmaId, Vpn } from '../machine/types.ts';
import { folioMapcount, headOf, isAnon, isHugetlb, isLarge, nrPages } from './folio.ts';
import type { Kernel } from './kernel.ts';
import { folioMaybeDmaPinned } from './pinned.ts';

/** Index of `vpn` in the linear numbering that a VMA shares with its anon_vma family or file (linear_page_index). */
export function linearIndex(k: Kernel, vma: VmaId, vpn: Vpn): number {
  return vpn - k.vma.start[vma] + k.vma.pgoff[vma];
}

/**
 * folio_add_new_anon_rmap(): a fresh anonymous folio, about to be mapped at `vpn` (its first page) by one
 * PTE a page, or whole by a PMD when `byPmd`. It belongs to this process alone.
 */
export function* folioAddNewAnonRmap(
  k: Kernel,
  folio: Folio,
  vma: VmaId,
  vpn: Vpn,
  byPmd: boolean,
): Steps<void> {
  setAnonMapping(k, folio, vma, vpn);
  k.page.flags[folio] |= PG.swapbacked;
  if (byPmd) {
    yield* entireMapcountAdd(k, folio, 1);
  } else {
    const n = nrPages(k, folio);
    for (let i = 0; i < n; i++) yield* pteMapcountAdd(k, folio + i, 1);
  }
  // Exclusive: the head's flag stands for a folio that is mapped whole, else each page has its own (A.14.1, A.14.6).
  const pages = byPmd ? 1 : nrPages(k, folio);
  for (let i = 0; i < pages; i++) k.page.flags[folio + i] |= PG.anonExclusive;
}

/** Where an anonymous folio lives: its anon_vma family and its index there. */
export function setAnonMapping(k: Kernel, folio: Folio, vma: VmaId, vpn: Vpn): void {
  k.page.mapping[folio] = (k.vma.anonVma[vma] << 2) | MAPPING_ANON;
  k.page.index[folio] = linearIndex(k, vma, vpn);
}

/**
 * folio_add_anon_rmap_pte/pmd(): one more mapping of an anonymous page at `vpn`; `exclusive` says that it is
 * the only one and may be written without a copy.
 */
export function* folioAddAnonRmap(
  k: Kernel,
  pfn: Pfn,
  exclusive: boolean,
  byPmd: boolean,
): Steps<void> {
  if (byPmd) yield* entireMapcountAdd(k, headOf(k, pfn), 1);
  else yield* pteMapcountAdd(k, pfn, 1);
  if (exclusive) {
    yield WRITE | at(R.flags, pfn);
    k.page.flags[exclusivePage(k, pfn)] |= PG.anonExclusive;
  }
}

/** folio_add_file_rmap_pte/pmd(). */
export function* folioAddFileRmap(k: Kernel, pfn: Pfn, byPmd: boolean): Steps<void> {
  if (byPmd) yield* entireMapcountAdd(k, headOf(k, pfn), 1);
  else yield* pteMapcountAdd(k, pfn, 1);
}

/** folio_remove_rmap_pte/pmd(): one mapping less. The reference that came with it is the caller's to drop. */
export function* folioRemoveRmap(k: Kernel, pfn: Pfn, byPmd: boolean): Steps<void> {
  const folio = headOf(k, pfn);
  if (byPmd) yield* entireMapcountAdd(k, folio, -1);
  else yield* pteMapcountAdd(k, pfn, -1);
}

/** One PTE mapping more or less of exactly this page, and of its folio. */
export function* pteMapcountAdd(k: Kernel, pfn: Pfn, n: number): Steps<void> {
  const now = yield* mapcountAdd(k, pfn, n);
  if (now < 0) bug(k, BUG.mapUnderflow, pfn);
  const folio = headOf(k, pfn);
  if (isLarge(k, folio)) k.page.mapping[folio + 1] += n;
}

/** One whole mapping more or less of a large folio. */
export function* entireMapcountAdd(k: Kernel, folio: Folio, n: number): Steps<void> {
  yield WRITE | at(R.mapcount, folio);
  k.page.index[folio + 1] += n;
  if (k.page.index[folio + 1] < 0) bug(k, BUG.mapUnderflow, folio);
  k.page.mapping[folio + 1] += n;
}

/** Total of a folio's mappings, one read. */
export function* folioMapcountRead(k: Kernel, folio: Folio): Steps<number> {
  yield READ | at(R.mapcount, folio);
  return folioMapcount(k, folio);
}

/** The page whose flag says who owns `pfn` alone: hugetlb folios keep one, in the head (A.14.6). */
export function exclusivePage(k: Kernel, pfn: Pfn): Pfn {
  const folio = headOf(k, pfn);
  return isHugetlb(k, folio) ? folio : pfn;
}

/** PageAnonExclusive, one read. */
export function* anonExclusiveRead(k: Kernel, pfn: Pfn): Steps<boolean> {
  const page = exclusivePage(k, pfn);
  yield READ | at(R.flags, page);
  return (k.page.flags[page] & PG.anonExclusive) !== 0;
}

/** SetPageAnonExclusive / ClearPageAnonExclusive. */
export function* anonExclusiveWrite(k: Kernel, pfn: Pfn, exclusive: boolean): Steps<void> {
  const page = exclusivePage(k, pfn);
  yield WRITE | at(R.flags, page);
  if (exclusive) k.page.flags[page] |= PG.anonExclusive;
  else k.page.flags[page] &= ~PG.anonExclusive;
}

/**
 * folio_try_dup_anon_rmap_pte/pmd(), for fork: one more mapping, shared from now on, unless `needsCopy`
 * (the folio may be pinned by this process) and the page is exclusive: then false, and nothing done (A.15.4).
 * Before PageAnonExclusive (S7 off) the caller decides alone and passes what it decided.
 */
export function* tryDupAnonRmap(
  k: Kernel,
  pfn: Pfn,
  byPmd: boolean,
  needsCopy: boolean,
): Steps<boolean> {
  const exclusive = yield* anonExclusiveRead(k, pfn);
  if (exclusive) {
    if (needsCopy) return false;
    yield* anonExclusiveWrite(k, pfn, false);
  }
  yield* folioAddAnonRmap(k, pfn, false, byPmd);
  return true;
}

/**
 * folio_try_share_anon_rmap_pte(): gives up exclusivity of a page whose entry has been cleared already,
 * so that no new pin can appear; false when it may be pinned (A.14.4, A.18.4).
 */
export function* tryShareAnonRmap(k: Kernel, pfn: Pfn): Steps<boolean> {
  const pinned = yield* folioMaybeDmaPinned(k, headOf(k, pfn));
  if (pinned) return false;
  yield* flagClear(k, exclusivePage(k, pfn), PG.anonExclusive);
  return true;
}

/** First VMA that may map the folio; continue with `rmapNext`. 0: none. */
export function rmapFirst(k: Kernel, folio: Folio): VmaId {
  const owner = k.page.mapping[folio] >> 2;
  return isAnon(k, folio) ? k.anonVma.first[owner] : k.file.mapFirst[owner];
}

/** The VMA behind `vma` in the folio's family. 0: no more. */
export function rmapNext(k: Kernel, folio: Folio, vma: VmaId): VmaId {
  return isAnon(k, folio) ? k.vma.anonNext[vma] : k.vma.fileNext[vma];
}

/** Page number at which `vma` would map page `i` of the folio, or -1 when that is outside of it (vma_address). */
export function rmapVpn(k: Kernel, folio: Folio, i: number, vma: VmaId): Vpn {
  const vpn = k.vma.start[vma] + (k.page.index[folio] + i - k.vma.pgoff[vma]);
  return vpn >= k.vma.start[vma] && vpn < k.vma.end[vma] ? vpn : -1;
}
