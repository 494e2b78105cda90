/**
 * May a write fault keep an anonymous page, or must it copy? The rule that changed most: by map count (to 5.8),
 * by reference count (5.9 to 5.18), by exclusive ownership (5.19 on). memory.c: do_wp_page,
 * wp_can_reuse_anon_folio; swapfile.c: reuse_swap_page; ksm.c: reuse_ksm_page.
 * Rules: semantics.md A.14.1, A.16.3, S1, S3, S28.
 */

import { flagsRead, mapcountRead, refFreeze, refRead, refUnfreeze } from '../machine/atomic.ts';
import { entryPfn } from '../machine/entry.ts';
import { mappingRead } from '../machine/grab-words.ts';
import { folioLock, folioTrylock, folioUnlock } from '../machine/locks.ts';
import { leafPfn } from '../machine/mmu.ts';
import { MAPPING_KIND, MAPPING_KSM, PG } from '../machine/page.ts';
import type { EntryAddr, Folio, MmId, Pfn, Steps, VmaId, Vpn } from '../machine/types.ts';
import { entrySame } from './fault-common.ts';
import {
  folioGet,
  folioPut,
  headOf,
  isAnon,
  isKsm,
  isLarge,
  nrPages,
  pageMapcount,
} from './folio.ts';
import type { Kernel } from './kernel.ts';
import { lruDrain } from './lru.ts';
import { pteLock, pteUnlock } from './pgtable.ts';
import {
  anonExclusiveRead,
  anonExclusiveWrite,
  folioMapcountRead,
  rmapFirst,
  rmapNext,
  rmapVpn,
  setAnonMapping,
} from './rmap.ts';
import { swapCount, tryToFreeSwap } from './swap-state.ts';

/** What `reuseVerdict` answers. The page table lock is held in each case. */
export const REUSE = {
  copy: 0,
  reuse: 1,
  /** The lock had to be dropped and the entry has changed: nothing to do but try the access again. */
  stale: 2,
} as const;

/**
 * Decides about the anonymous page that PTE `e` (read as `lo`, `hi`) maps read-only at `vpn` (A.31 P1). Called and
 * left with the lock of `e`'s table. A page that is reused becomes exclusive where the kernel has that notion.
 */
export function* reuseVerdict(
  k: Kernel,
  vma: VmaId,
  vpn: Vpn,
  e: EntryAddr,
  lo: number,
  hi: number,
): Steps<number> {
  const page = entryPfn(lo, hi);
  const rule = isLarge(k, headOf(k, page)) ? k.rules.cow.pteThpReuse : k.rules.cow.smallReuse;
  switch (rule) {
    case 'mapcount':
      return yield* reuseByMapcount(k, vma, vpn, e, lo, hi);
    case 'refcount1': {
      const alone = yield* onlyReference(k, page);
      return alone ? REUSE.reuse : REUSE.copy;
    }
    default: {
      const owned = yield* reuseByOwner(k, vma, page);
      return owned ? REUSE.reuse : REUSE.copy;
    }
  }
}

/**
 * 5.19 on: an exclusive page is reused whatever refers to it; another one if it turns out to be ours alone, be it the last
 * page of a large folio that anybody maps (to 6.8) or one of several (from 6.15 on).
 */
function* reuseByOwner(k: Kernel, vma: VmaId, page: Pfn): Steps<boolean> {
  const exclusive = yield* anonExclusiveRead(k, page);
  if (exclusive) return true;
  const folio = headOf(k, page);
  const rule = isLarge(k, folio) ? k.rules.cow.pteThpReuse : 'exclusiveOrLast';
  let owned = false;
  if (rule === 'exclusiveOrLast') owned = yield* onlyReference(k, page);
  else if (rule === 'exclusiveOrOwned') owned = yield* onlyOurMappings(k, folio, k.vma.mm[vma]);
  if (owned) yield* anonExclusiveWrite(k, page, true);
  return owned;
}

/**
 * The folio's only reference is the entry's (wp_can_reuse_anon_folio() to 6.8, later for small folios; before 5.18 without
 * emptying the LRU batches and giving up the swap cache's place first: `cow.lruDrain`, `cow.reuseFreesSwap`). KSM pages never.
 */
function* onlyReference(k: Kernel, page: Pfn): Steps<boolean> {
  const folio = headOf(k, page);
  const most = 1 + (k.rules.cow.lruDrain ? 1 : 0) + (k.rules.cow.reuseFreesSwap ? 1 : 0);
  let references = yield* refRead(k, folio);
  if (isKsm(k, folio) || references > most) return false;
  if (k.rules.cow.lruDrain) {
    const flags = yield* flagsRead(k, folio);
    if ((flags & PG.lru) === 0) yield* lruDrain(k);
    references = yield* refRead(k, folio);
    const cached = k.rules.cow.reuseFreesSwap && (k.page.flags[folio] & PG.swapcache) !== 0;
    if (references > (cached ? 2 : 1)) return false;
  }
  const locked = yield* folioTrylock(k, folio);
  if (!locked) return false;
  if (k.rules.cow.reuseFreesSwap && (k.page.flags[folio] & PG.swapcache) !== 0)
    yield* tryToFreeSwap(k, folio);
  references = yield* refRead(k, folio);
  const alone = !isKsm(k, folio) && references === 1 && pageMapcount(k, page) === 1;
  yield* folioUnlock(k, folio);
  return alone;
}

/**
 * __wp_can_reuse_large_anon_folio(), 6.15 on: more than one page is mapped, all by this mm, and nothing but these
 * mappings refers to the folio.
 */
function* onlyOurMappings(k: Kernel, folio: Folio, mm: MmId): Steps<boolean> {
  const mapped = yield* folioMapcountRead(k, folio);
  if (mapped <= 1 || mappingsIn(k, folio, mm) !== mapped) return false;
  if ((k.page.flags[folio] & PG.swapcache) !== 0) {
    const locked = yield* folioTrylock(k, folio);
    if (!locked) return false;
    yield* tryToFreeSwap(k, folio);
    yield* folioUnlock(k, folio);
  }
  const references = yield* refRead(k, folio);
  return references === k.page.mapping[folio + 1] && mappingsIn(k, folio, mm) === references;
}

/** How many of the folio's pages `mm` maps; the kernel keeps the answer in the folio's mm ids. */
function mappingsIn(k: Kernel, folio: Folio, mm: MmId): number {
  let count = 0;
  for (let vma = rmapFirst(k, folio); vma !== 0; vma = rmapNext(k, folio, vma)) {
    if (k.vma.mm[vma] !== mm) continue;
    for (let i = 0; i < nrPages(k, folio); i++) {
      const vpn = rmapVpn(k, folio, i, vma);
      if (vpn !== -1 && leafPfn(k, mm, vpn) === folio + i) count++;
    }
  }
  return count;
}

/**
 * To 5.8: reused when this is the page's only mapping, swap entries included; references don't matter (S1). The
 * folio lock may have to be waited for, without the page table lock.
 */
function* reuseByMapcount(
  k: Kernel,
  vma: VmaId,
  vpn: Vpn,
  e: EntryAddr,
  lo: number,
  hi: number,
): Steps<number> {
  const page = entryPfn(lo, hi);
  const folio = headOf(k, page);
  if (isKsm(k, folio)) {
    const mayReuse = yield* ksmLooksAlone(k, folio);
    if (!mayReuse) return REUSE.copy;
  }
  const locked = yield* folioTrylock(k, folio);
  if (!locked) {
    yield* folioGet(k, folio, 1);
    yield* pteUnlock(k, e);
    yield* folioLock(k, folio);
    yield* pteLock(k, e);
    const same = yield* entrySame(k, e, lo, hi);
    if (!same) {
      yield* folioUnlock(k, folio);
      yield* folioPut(k, folio, 1);
      return REUSE.stale;
    }
    yield* folioPut(k, folio, 1);
  }
  let reuse = false;
  const mapping = yield* mappingRead(k, folio);
  // It may have been merged since it was looked at without its lock.
  if ((mapping & MAPPING_KIND) !== MAPPING_KSM) reuse = yield* reuseSwapPage(k, folio);
  else if (k.rules.ksm.reuse) reuse = yield* reuseKsmPage(k, folio, vma, vpn);
  yield* folioUnlock(k, folio);
  return reuse ? REUSE.reuse : REUSE.copy;
}

/** reuse_swap_page(): no other mapping and no swap entry; a swap slot that only the cache holds is given up. Folio locked. */
function* reuseSwapPage(k: Kernel, folio: Folio): Steps<boolean> {
  let most = 0;
  for (let i = 0; i < nrPages(k, folio); i++) {
    yield* mapcountRead(k, folio + i);
    const users = pageMapcount(k, folio + i) + swapUsers(k, folio, i);
    if (users > most) most = users;
  }
  const flags = yield* flagsRead(k, folio);
  if (most === 1 && (flags & PG.swapcache) !== 0 && (flags & PG.writeback) === 0)
    yield* tryToFreeSwap(k, folio);
  return most <= 1;
}

/** page_swapcount(): page tables that hold the swap entry of page `i`. */
function swapUsers(k: Kernel, folio: Folio, i: number): number {
  return (k.page.flags[folio] & PG.swapcache) !== 0 ? swapCount(k, k.page.private[folio] + i) : 0;
}

/** 5.1 to 5.8 (S28): a KSM page that only one entry is left of may be taken back. */
function* ksmLooksAlone(k: Kernel, folio: Folio): Steps<boolean> {
  if (!k.rules.ksm.reuse) return false;
  const references = yield* refRead(k, folio);
  return references === 1 && (k.page.flags[folio] & PG.swapcache) === 0;
}

/** reuse_ksm_page(): freezes the one reference while the page becomes an ordinary anonymous one. Folio locked. */
function* reuseKsmPage(k: Kernel, folio: Folio, vma: VmaId, vpn: Vpn): Steps<boolean> {
  if (!isAnon(k, folio) || (k.page.flags[folio] & PG.swapcache) !== 0) return false;
  const frozen = yield* refFreeze(k, folio, 1);
  if (!frozen) return false;
  setAnonMapping(k, folio, vma, vpn);
  yield* refUnfreeze(k, folio, 1);
  return true;
}
