/**
 * The hugetlb pools (hugetlb.c: set_max_huge_pages, dequeue_hugetlb_folio_*, alloc_hugetlb_folio,
 * free_huge_folio, isolate_hugetlb). Rules: semantics.md A.17.1, A.12.1, A.12.3.
 *
 * A folio in a pool has reference count 0 and stays compound, with `PG.hugetlb` set: only its head and
 * first tail are ever touched, so a 1 GiB folio costs what a 2 MiB one does. Its head's `private` word is
 * 1 while the folio came out of a reservation and isn't mapped yet (the restore-reserve flag).
 * All of this is done under hugetlb_lock, which is one step on `R.hugetlb` 0.
 */
import { at, R, WRITE } from '../machine/access.ts';
import { GFP, pageIsCma, pageIsMovableZone, returnPages, takePages } from '../machine/buddy.ts';
import { clearPage } from '../machine/contents.ts';
import { HPAGE_PMD_ORDER, HPAGE_PUD_ORDER, PG } from '../machine/page.ts';
import type { Folio, MmId, Pfn, Steps, TaskId, VmaId, Vpn } from '../machine/types.ts';
import { userGfp } from './fault-common.ts';
import { folioPut, orderOf } from './folio.ts';
import { hasReservation, takeReservation, untakeReservation } from './hugetlb-resv.ts';
import type { Kernel } from './kernel.ts';
import { entryAlloc, entryAt, LEVEL } from './pgtable.ts';

/** Order of the folios of pool 0 and pool 1: 2 MiB and 1 GiB. */
export const POOL_ORDER = [HPAGE_PMD_ORDER, HPAGE_PUD_ORDER] as const;

/** Pool (0 or 1) of the folios of `order` (9 or 18). */
export function poolOf(order: number): number {
  return order === POOL_ORDER[1] ? 1 : 0;
}

/** huge_page_order(hstate_vma(vma)): 9 or 18. A mapping without a file has 2 MiB pages. */
export function vmaHugeOrder(k: Kernel, vma: VmaId): number {
  const file = k.vma.file[vma];
  return file !== 0 && k.file.order[file] === POOL_ORDER[1] ? POOL_ORDER[1] : POOL_ORDER[0];
}

/** Pages (4 KiB) of one huge page of the mapping. */
export function vmaHugePages(k: Kernel, vma: VmaId): number {
  return 1 << vmaHugeOrder(k, vma);
}

/** First page number of the huge page of `vma` that holds `vpn`. */
export function hugeBase(k: Kernel, vma: VmaId, vpn: Vpn): Vpn {
  return vpn - (vpn & (vmaHugePages(k, vma) - 1));
}

/** hugetlb_walk(): the entry that maps the huge page at `vpn` in `mm`; 0: no table for it. */
export function hugeEntry(k: Kernel, mm: MmId, vpn: Vpn, order: number): number {
  return entryAt(k, mm, vpn, order === POOL_ORDER[1] ? LEVEL.pud : LEVEL.pmd);
}

/** huge_pte_alloc(): the same entry, tables made as needed; 0: out of memory. */
export function* hugeEntryAlloc(k: Kernel, mm: MmId, vpn: Vpn, order: number): Steps<number> {
  return yield* entryAlloc(k, mm, vpn, order === POOL_ORDER[1] ? LEVEL.pud : LEVEL.pmd);
}

/**
 * set_max_huge_pages(), as writing nr_hugepages does: makes the pool of `order` (9 or 18) hold `n` folios, as
 * far as there is memory, or as far as its folios are free and not promised. Returns how many it has then.
 * For set-up: not a step.
 */
export function setHugetlbPool(k: Kernel, order: number, n: number): number {
  const pool = poolOf(order);
  // A 1 GiB folio can hardly be moved, so ZONE_MOVABLE doesn't get any (hugepage_movable_supported).
  const gfp = GFP.comp | (pool === 0 ? GFP.movable : 0);
  while (k.hugetlb.nrTotal[pool] < n) {
    const folio = takePages(k, order, gfp, 0);
    if (folio === 0) break;
    k.page.flags[folio] |= PG.hugetlb;
    k.page.refcount[folio] = 0;
    k.hugetlb.nrTotal[pool] += 1;
    enqueue(k, pool, folio);
  }
  while (k.hugetlb.nrTotal[pool] > n && k.hugetlb.nrFree[pool] > k.hugetlb.reserved[pool]) {
    const folio = dequeue(k, pool, 0);
    if (folio === 0) break;
    k.hugetlb.nrTotal[pool] -= 1;
    returnPages(k, folio, order);
  }
  return k.hugetlb.nrTotal[pool];
}

/** Puts a folio on its pool's list, which is sorted so that equal pools are equal words. */
function enqueue(k: Kernel, pool: number, folio: Folio): void {
  let before = 0;
  let next = k.hugetlb.freeFirst[pool];
  while (next !== 0 && next < folio) {
    before = next;
    next = k.page.lruNext[next];
  }
  k.page.lruNext[folio] = next;
  if (before === 0) k.hugetlb.freeFirst[pool] = folio;
  else k.page.lruNext[before] = folio;
  k.hugetlb.nrFree[pool] += 1;
}

/** Takes the first folio that `gfp` allows off the list; 0: there is none (dequeue_hugetlb_folio_node_exact). */
function dequeue(k: Kernel, pool: number, gfp: number): Folio {
  let before = 0;
  let folio = k.hugetlb.freeFirst[pool];
  while (folio !== 0 && !folioAllowed(k, folio, gfp)) {
    before = folio;
    folio = k.page.lruNext[folio];
  }
  if (folio === 0) return 0;
  if (before === 0) k.hugetlb.freeFirst[pool] = k.page.lruNext[folio];
  else k.page.lruNext[before] = k.page.lruNext[folio];
  k.page.lruNext[folio] = 0;
  k.hugetlb.nrFree[pool] -= 1;
  return folio;
}

/** Not poisoned, and under PF_MEMALLOC_PIN only where a pin may stay (A.12.1). */
function folioAllowed(k: Kernel, folio: Folio, gfp: number): boolean {
  if ((k.page.flags[folio] & PG.hwpoison) !== 0) return false;
  if ((gfp & GFP.pinnable) === 0) return true;
  return !pageIsCma(k, folio) && !pageIsMovableZone(k, folio);
}

/**
 * alloc_hugetlb_folio(): a folio for the huge page of `vma` at `vpn`, reference count 1, content not cleared.
 * Uses the mapping's reservation where it has one left, unless `avoidReserve` (a copy for an owner whose
 * first page used it). 0: the pool has none to give (-ENOSPC), or no memory for the reservation map.
 * `task` (0: none) says whether the memory is for a longterm pin.
 */
export function* allocHugetlbFolio(
  k: Kernel,
  task: TaskId,
  vma: VmaId,
  vpn: Vpn,
  avoidReserve: boolean,
): Steps<Folio> {
  const pool = poolOf(vmaHugeOrder(k, vma));
  const gfp = task === 0 ? GFP.movable : userGfp(k, task);
  yield WRITE | at(R.hugetlb, 0);
  const promised = !avoidReserve && hasReservation(k, vma, vpn);
  if (!promised && k.hugetlb.nrFree[pool] <= k.hugetlb.reserved[pool]) return 0;
  const folio = dequeue(k, pool, gfp);
  if (folio === 0) return 0;
  k.page.refcount[folio] = 1;
  if (promised) {
    k.hugetlb.reserved[pool] -= 1;
    k.page.private[folio] = 1;
  }
  takeReservation(k, vma, vpn);
  return folio;
}

/** alloc_hugetlb_folio_nodemask(): a free, unpromised folio for migration; 0: none that `gfp` allows. */
export function* allocHugetlbTarget(k: Kernel, order: number, gfp: number): Steps<Folio> {
  const pool = poolOf(order);
  yield WRITE | at(R.hugetlb, 0);
  if (k.hugetlb.nrFree[pool] <= k.hugetlb.reserved[pool]) return 0;
  const folio = dequeue(k, pool, gfp);
  if (folio !== 0) k.page.refcount[folio] = 1;
  return folio;
}

/**
 * alloc_hugetlb_folio_reserve(): a folio out of what is promised (the caller has made the promise, or found it); 0: none that
 * `gfp` allows. Freed before `commitHugetlbFolio`, it goes back to the promise.
 */
export function* allocHugetlbReserved(k: Kernel, order: number, gfp: number): Steps<Folio> {
  const pool = poolOf(order);
  yield WRITE | at(R.hugetlb, 0);
  if (k.hugetlb.reserved[pool] === 0) return 0;
  const folio = dequeue(k, pool, gfp);
  if (folio === 0) return 0;
  k.page.refcount[folio] = 1;
  k.page.private[folio] = 1;
  k.hugetlb.reserved[pool] -= 1;
  return folio;
}

/** The folio is mapped or in the page cache now: its reservation is used up for good. */
export function commitHugetlbFolio(k: Kernel, folio: Folio): void {
  k.page.private[folio] = 0;
}

/** restore_reserve_on_error() and the put: gives back a folio of `allocHugetlbFolio` that was not mapped. */
export function* putUnusedHugetlbFolio(k: Kernel, vma: VmaId, vpn: Vpn, folio: Folio): Steps<void> {
  untakeReservation(k, vma, vpn, k.page.private[folio] === 1);
  yield* folioPut(k, folio, 1);
}

/** free_huge_folio(): the last reference is gone, so the folio goes back to its pool (and to who reserved it). */
export function* freeHugetlbFolio(k: Kernel, folio: Folio): Steps<void> {
  const order = orderOf(k, folio);
  const pool = poolOf(order);
  yield WRITE | at(R.hugetlb, 0);
  if (k.page.private[folio] === 1) k.hugetlb.reserved[pool] += 1;
  clearHugePages(k, folio, 1 << order);
  k.page.flags[folio] &= PG.hugetlb | PG.hwpoison;
  k.page.refcount[folio] = 0;
  k.page.mapping[folio] = 0;
  k.page.index[folio] = 0;
  k.page.private[folio] = 0;
  k.page.mapping[folio + 1] = 0;
  k.page.index[folio + 1] = 0;
  k.page.private[folio + 1] = 0;
  enqueue(k, pool, folio);
}

/** Makes `n` pages from `pfn` zero (folio_zero_user); nobody else can reach them yet, or any more. */
export function clearHugePages(k: Kernel, pfn: Pfn, n: number): void {
  for (let i = 0; i < n; i++) if (k.page.slot[pfn + i] !== 0) clearPage(k, pfn + i);
}

/** isolate_hugetlb(): takes one reference and the folio off the active list; false: free, or somebody else did. */
export function* isolateHugetlb(k: Kernel, folio: Folio): Steps<boolean> {
  yield WRITE | at(R.refcount, folio);
  if ((k.page.flags[folio] & PG.isolated) !== 0 || k.page.refcount[folio] <= 0) return false;
  k.page.refcount[folio] += 1;
  k.page.flags[folio] |= PG.isolated;
  return true;
}

/** folio_putback_hugetlb(): ends the isolation and drops its reference. */
export function* putbackHugetlb(k: Kernel, folio: Folio): Steps<void> {
  yield WRITE | at(R.flags, folio);
  k.page.flags[folio] &= ~PG.isolated;
  yield* folioPut(k, folio, 1);
}
