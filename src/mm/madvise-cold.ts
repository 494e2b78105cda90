/**
 * What MADV_FREE and MADV_PAGEOUT share: walking the present pages of a VMA by PTE, with huge and large
 * pages split on the way (mm/madvise.c). Rules: semantics.md A.18.
 */
import { refAdd } from '../machine/atomic.ts';
import { entryPfn, isPresent, PTE } from '../machine/entry.ts';
import { folioTrylock, folioUnlock } from '../machine/locks.ts';
import type { EntryAddr, Folio, MmId, Steps, VmaId, Vpn } from '../machine/types.ts';
import { folioMapcount, folioPut, headOf, isAnon, nrPages } from './folio.ts';
import { splitHugePageFor } from './huge-split.ts';
import type { Kernel } from './kernel.ts';
import { entryPeek, isLeaf, pmdEntry, pteEntry, pteLock, pteUnlock } from './pgtable.ts';
import { rmapFirst, rmapNext, rmapVpn } from './rmap.ts';

/**
 * Makes a huge page mapped at `vpn` by a PMD one of small pages, if it is this process's alone. False: there is
 * one, and it stays (shared, locked, pinned, of zeros); the caller leaves it alone. `zeros` as for splitHugePageFor().
 */
export function* splitForAdvice(k: Kernel, vma: VmaId, vpn: Vpn, zeros: boolean): Steps<boolean> {
  const e = pmdEntry(k, k.vma.mm[vma], vpn);
  if (e === 0 || !isLeaf(entryPeek(k, e))) return true;
  yield* pteLock(k, e);
  const folio = isLeaf(k.contents[e]) ? headOf(k, entryPfn(k.contents[e], k.contents[e + 1])) : 0;
  const alone = folio !== 0 && isAnon(k, folio) && folioMapcount(k, folio) === 1;
  if (alone) yield* refAdd(k, folio, 1);
  yield* pteUnlock(k, e);
  if (folio === 0) return true;
  if (!alone) return false;
  return yield* splitFolio(k, folio, zeros);
}

/** Splits a large folio that the caller has a reference on, which is dropped. False: it stays large. */
function* splitFolio(k: Kernel, folio: Folio, zeros: boolean): Steps<boolean> {
  const locked = yield* folioTrylock(k, folio);
  let err = -1;
  if (locked) {
    err = yield* splitHugePageFor(k, folio, folio, zeros);
    yield* folioUnlock(k, folio);
  }
  yield* folioPut(k, folio, 1);
  return err === 0;
}

/**
 * A PTE that maps a page of a large folio, its table locked: splits the folio, with the lock dropped meanwhile (and not
 * taken again). False: it can't be, or others than `mm` map it too.
 */
export function* splitMapped(
  k: Kernel,
  mm: MmId,
  e: EntryAddr,
  folio: Folio,
  zeros: boolean,
): Steps<boolean> {
  const alone = !mappedByOthers(k, mm, folio);
  if (alone) yield* refAdd(k, folio, 1);
  yield* pteUnlock(k, e);
  if (!alone) return false;
  return yield* splitFolio(k, folio, zeros);
}

/** folio_pte_batch(): whether `pages` entries from `e` on map all of the folio in order, alike but for access bits. */
export function mapsWhole(k: Kernel, e: EntryAddr, folio: Folio, pages: number): boolean {
  const n = nrPages(k, folio);
  const ignored = PTE.accessed | PTE.dirty | PTE.write | PTE.softDirty;
  if (n > pages || entryPfn(k.contents[e], k.contents[e + 1]) !== folio) return false;
  for (let i = 1; i < n; i++) {
    const lo = k.contents[e + 2 * i];
    if (!isPresent(lo) || entryPfn(lo, k.contents[e + 2 * i + 1]) !== folio + i) return false;
    if (((lo ^ k.contents[e]) & 0xfff & ~ignored) !== 0) return false;
  }
  return true;
}

/** folio_maybe_mapped_shared(): another address space than `mm` maps a page of the folio. */
function mappedByOthers(k: Kernel, mm: MmId, folio: Folio): boolean {
  let own = 0;
  for (let vma = rmapFirst(k, folio); vma !== 0; vma = rmapNext(k, folio, vma))
    if (k.vma.mm[vma] === mm) own += mappingsIn(k, vma, folio);
  return own < folioMapcount(k, folio);
}

/** How many entries of the mapping map pages of the folio; a huge one counts once. */
function mappingsIn(k: Kernel, vma: VmaId, folio: Folio): number {
  const mm = k.vma.mm[vma];
  let found = 0;
  for (let i = 0; i < nrPages(k, folio); i++) {
    const vpn = rmapVpn(k, folio, i, vma);
    if (vpn < 0) continue;
    const e = pteEntry(k, mm, vpn);
    if (
      e !== 0 &&
      isPresent(k.contents[e]) &&
      entryPfn(k.contents[e], k.contents[e + 1]) === folio + i
    )
      found += 1;
    const pmd = i === 0 ? pmdEntry(k, mm, vpn) : 0;
    if (
      pmd !== 0 &&
      isLeaf(k.contents[pmd]) &&
      entryPfn(k.contents[pmd], k.contents[pmd + 1]) === folio
    )
      found += 1;
  }
  return found;
}
