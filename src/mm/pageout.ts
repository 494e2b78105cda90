/** MADV_PAGEOUT (mm/madvise.c: madvise_pageout, madvise_cold_or_pageout_pte_range). Rules: semantics.md A.18. */

import { entryClear, entryHi, entryRead, entrySet } from '../machine/entries.ts';
import { entryPfn, isPresent, PTE } from '../machine/entry.ts';
import { EINVAL } from '../machine/errno.ts';
import { PG } from '../machine/page.ts';
import type { EntryAddr, Folio, Steps, TaskId, VmaId, Vpn } from '../machine/types.ts';
import { folioMapcount, headOf, isLarge, isZeroPfn } from './folio.ts';
import type { Kernel } from './kernel.ts';
import { isolateLru, lruDrain, putbackLru } from './lru.ts';
import { splitForAdvice, splitMapped } from './madvise-cold.ts';
import { pteEntry, pteLock, pteUnlock } from './pgtable.ts';
import { VM } from './vma.ts';
import { reclaimFolio } from './vmscan.ts';

/**
 * madvise_pageout(): reclaims the pages of [start, end) of one VMA that this process maps alone (5.4 and 5.5: also
 * shared ones). 0, or -EINVAL for memory that is not on the LRU. The caller holds mmap_lock shared.
 */
export function* madvisePageout(
  k: Kernel,
  _task: TaskId,
  vma: VmaId,
  start: Vpn,
  end: Vpn,
): Steps<number> {
  if ((k.vma.flags[vma] & (VM.locked | VM.pfnmap | VM.hugetlb)) !== 0) return -EINVAL;
  yield* lruDrain(k);
  for (let vpn = start; vpn < end; vpn++) {
    const small = yield* splitForAdvice(k, vma, vpn);
    if (small) yield* pageoutPte(k, vma, vpn);
  }
  return 0;
}

function* pageoutPte(k: Kernel, vma: VmaId, vpn: Vpn): Steps<void> {
  const e = pteEntry(k, k.vma.mm[vma], vpn);
  if (e === 0) return;
  yield* pteLock(k, e);
  let folio = mappedFolio(k, e);
  if (folio !== 0 && isLarge(k, folio)) {
    const split = yield* splitMapped(k, k.vma.mm[vma], e, folio);
    if (!split) return;
    yield* pteLock(k, e);
    folio = mappedFolio(k, e);
  }
  const taken =
    folio !== 0 &&
    !isLarge(k, folio) &&
    (k.rules.madvise.pageoutShared || folioMapcount(k, folio) === 1);
  let isolated = false;
  if (taken) {
    yield* makeOld(k, e);
    isolated = yield* isolateLru(k, folio);
  }
  yield* pteUnlock(k, e);
  if (!isolated) return;
  if ((k.page.flags[folio] & PG.unevictable) !== 0) yield* putbackLru(k, folio);
  else yield* reclaimFolio(k, folio);
}

/** The folio that a PTE maps, 0 for none; the page of zeros is nobody's. The table is locked. */
function mappedFolio(k: Kernel, e: EntryAddr): Folio {
  const lo = k.contents[e];
  if (!isPresent(lo) || (lo & PTE.special) !== 0) return 0;
  const pfn = entryPfn(lo, k.contents[e + 1]);
  return isZeroPfn(k, pfn) ? 0 : headOf(k, pfn);
}

/** ptep_get_and_clear_full(), pte_mkold(), set_pte_at(). */
function* makeOld(k: Kernel, e: EntryAddr): Steps<void> {
  const lo = yield* entryRead(k, e);
  if ((lo & PTE.accessed) === 0) return;
  const hi = entryHi(k, e);
  const old = yield* entryClear(k, e);
  yield* entrySet(k, e, old & ~PTE.accessed, hi);
}
