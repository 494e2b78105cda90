/**
 * What MADV_FREE and MADV_PAGEOUT share: walking the present pages of a VMA by PTE, with huge and large
 * pages split on the way (mm/madvise.c). Rules: semantics.md A.18.
 */
import { refAdd } from '../machine/atomic.ts';
import { entryPfn } from '../machine/entry.ts';
import { folioTrylock, folioUnlock } from '../machine/locks.ts';
import type { EntryAddr, Folio, Steps, VmaId, Vpn } from '../machine/types.ts';
import { folioMapcount, folioPut, headOf, isAnon, nrPages } from './folio.ts';
import { splitHugePage } from './huge-split.ts';
import type { Kernel } from './kernel.ts';
import { entryPeek, isLeaf, pmdEntry, pteLock, pteUnlock } from './pgtable.ts';

/**
 * Makes a huge page mapped at `vpn` by a PMD one of small pages, if it is this process's alone. False: there is
 * one, and it stays (shared, locked, pinned, of zeros); the caller leaves it alone.
 */
export function* splitForAdvice(k: Kernel, vma: VmaId, vpn: Vpn): Steps<boolean> {
  const e = pmdEntry(k, k.vma.mm[vma], vpn);
  if (e === 0 || !isLeaf(entryPeek(k, e))) return true;
  yield* pteLock(k, e);
  const folio = isLeaf(k.contents[e]) ? headOf(k, entryPfn(k.contents[e], k.contents[e + 1])) : 0;
  const alone = folio !== 0 && isAnon(k, folio) && folioMapcount(k, folio) === 1;
  if (alone) yield* refAdd(k, folio, 1);
  yield* pteUnlock(k, e);
  if (folio === 0) return true;
  if (!alone) return false;
  return yield* splitFolio(k, folio);
}

/** Splits a large folio that the caller has a reference on, which is dropped. False: it stays large. */
export function* splitFolio(k: Kernel, folio: Folio): Steps<boolean> {
  const locked = yield* folioTrylock(k, folio);
  let err = -1;
  if (locked) {
    err = yield* splitHugePage(k, folio);
    yield* folioUnlock(k, folio);
  }
  yield* folioPut(k, folio, 1);
  return err === 0;
}

/**
 * A PTE that maps a page of a large folio, its table locked: splits the folio, with the lock dropped meanwhile (and not
 * taken again). False: it can't be, or others map it too.
 */
export function* splitMapped(k: Kernel, e: EntryAddr, folio: Folio): Steps<boolean> {
  const alone = folioMapcount(k, folio) <= nrPages(k, folio);
  if (alone) yield* refAdd(k, folio, 1);
  yield* pteUnlock(k, e);
  if (!alone) return false;
  return yield* splitFolio(k, folio);
}
