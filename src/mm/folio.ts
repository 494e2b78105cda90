/**
 * Folios: the unit that is referenced, pinned, mapped and freed (mm_types.h, page-flags.h, swap.c).
 * A small folio is one page. A large one keeps its map count, its whole-folio mappings and its pin
 * count in its first tail page (A.9.4).
 */
import { refAdd, refSubAndTest } from '../machine/atomic.ts';
import { freePages } from '../machine/buddy.ts';
import { MAPPING_ANON, MAPPING_KIND, MAPPING_KSM, PG } from '../machine/page.ts';
import { BUG, bug } from '../machine/report.ts';
import type { AnonVmaId, FileId, Folio, Pfn, Steps } from '../machine/types.ts';
import { checkDevicePage, freeDeviceFolio, isZoneDevice } from './dev-pagemap.ts';
import { freeHugetlbFolio } from './hugetlb.ts';
import type { Kernel } from './kernel.ts';
import { lruRemoveOnFree } from './lru.ts';
import { checkPins, closePins } from './pin-ledger.ts';

/** page_folio(): the head of the folio that holds `pfn`. */
export function headOf(k: Kernel, pfn: Pfn): Folio {
  const c = k.page.compound[pfn];
  return c > 0 ? c - 1 : pfn;
}

/** folio_order(). */
export function orderOf(k: Kernel, folio: Folio): number {
  const c = k.page.compound[folio];
  return c < 0 ? -c : 0;
}

/** folio_test_large(). */
export function isLarge(k: Kernel, folio: Folio): boolean {
  return k.page.compound[folio] < 0;
}

/** folio_nr_pages(). */
export function nrPages(k: Kernel, folio: Folio): number {
  return 1 << orderOf(k, folio);
}

/** folio_test_anon(): KSM folios are anonymous too. */
export function isAnon(k: Kernel, folio: Folio): boolean {
  return (k.page.mapping[folio] & MAPPING_ANON) !== 0;
}

/** A page that KSM keeps (PageKsm). */
export function isKsm(k: Kernel, folio: Folio): boolean {
  return (k.page.mapping[folio] & MAPPING_KIND) === MAPPING_KSM;
}

/** A folio of some file's page cache (not truncated). */
export function isFile(k: Kernel, folio: Folio): boolean {
  return k.page.mapping[folio] !== 0 && (k.page.mapping[folio] & MAPPING_KIND) === 0;
}

/** A folio of hugetlb (folio_test_hugetlb). */
export function isHugetlb(k: Kernel, folio: Folio): boolean {
  return (k.page.flags[folio] & PG.hugetlb) !== 0;
}

/** The family of an anonymous folio; 0: it is none. */
export function anonVmaOf(k: Kernel, folio: Folio): AnonVmaId {
  return isAnon(k, folio) ? k.page.mapping[folio] >> 2 : 0;
}

/** The file whose page cache the folio is in; 0: none. */
export function fileOf(k: Kernel, folio: Folio): FileId {
  return isFile(k, folio) ? k.page.mapping[folio] >> 2 : 0;
}

/** The page of zeros, or a page of the huge zero folio. */
export function isZeroPfn(k: Kernel, pfn: Pfn): boolean {
  return pfn === k.zeroPfn;
}

/** folio_mapcount(): every mapping of the folio, by PTE or whole. */
export function folioMapcount(k: Kernel, folio: Folio): number {
  return isLarge(k, folio) ? k.page.mapping[folio + 1] : k.page.mapcount[folio];
}

/** Mappings of the whole folio by one PMD (or hugetlb entry). */
export function entireMapcount(k: Kernel, folio: Folio): number {
  return isLarge(k, folio) ? k.page.index[folio + 1] : 0;
}

/** page_mapcount(): mappings of this page, by its own PTEs or with the whole folio. */
export function pageMapcount(k: Kernel, pfn: Pfn): number {
  return k.page.mapcount[pfn] + entireMapcount(k, headOf(k, pfn));
}

/** PageAnonExclusive of the exact page; hugetlb folios keep one flag, in the head (A.14.6). */
export function pageAnonExclusive(k: Kernel, pfn: Pfn): boolean {
  const folio = headOf(k, pfn);
  const page = isHugetlb(k, folio) ? folio : pfn;
  return (k.page.flags[page] & PG.anonExclusive) !== 0;
}

/** folio_get() `n` times. Taking a reference on a free page is a use after free. */
export function* folioGet(k: Kernel, folio: Folio, n: number): Steps<void> {
  const now = yield* refAdd(k, folio, n);
  if (now === n) bug(k, BUG.useAfterFree, folio);
}

/** folio_put() `n` times: the last reference frees the folio. */
export function* folioPut(k: Kernel, folio: Folio, n: number): Steps<void> {
  const last = yield* refSubAndTest(k, folio, n);
  checkDevicePage(k, folio);
  if (last) {
    yield* freeFolio(k, folio);
  } else if (k.page.refcount[folio] < 0 && k.page.refcount[folio] + n >= 0) {
    bug(k, BUG.refUnderflow, folio);
  } else {
    checkPins(k, folio);
  }
}

/**
 * __folio_put(): nobody refers to the folio any more. What still maps it or pins it is a "bad page"
 * (A.10.8), reported and freed all the same.
 */
export function* freeFolio(k: Kernel, folio: Folio): Steps<void> {
  if (folioMapcount(k, folio) !== 0) bug(k, BUG.freeMapped, folio);
  if (isLarge(k, folio) && k.page.private[folio + 1] !== 0) bug(k, BUG.freePinned, folio);
  closePins(k, folio);
  if (isZoneDevice(k, folio)) {
    yield* freeDeviceFolio(k, folio);
    return;
  }
  lruRemoveOnFree(k, folio);
  if (isHugetlb(k, folio)) {
    yield* freeHugetlbFolio(k, folio);
    return;
  }
  yield* freePages(k, folio, orderOf(k, folio));
}
