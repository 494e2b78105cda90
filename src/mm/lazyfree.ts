/**
 * MADV_FREE (mm/madvise.c: madvise_free_pte_range; mm/swap.c: folio_mark_lazyfree): pages lose their dirty state,
 * and reclaim may throw them away unless they are written again. Rules: semantics.md A.18.4.
 */
import { flagClear, flagTestAndClear } from '../machine/atomic.ts';
import { flushTlbRange } from '../machine/cpu.ts';
import { entryClear, entryHi, entryRead, entrySet } from '../machine/entries.ts';
import {
  entryPfn,
  isPresent,
  isSwapEntry,
  PTE,
  SWP,
  swpOffset,
  swpType,
} from '../machine/entry.ts';
import { EINVAL } from '../machine/errno.ts';
import { folioTrylock, folioUnlock } from '../machine/locks.ts';
import { PG } from '../machine/page.ts';
import type { EntryAddr, Folio, Steps, TaskId, VmaId, Vpn } from '../machine/types.ts';
import { folioMapcount, headOf, isAnon, isLarge } from './folio.ts';
import type { Kernel } from './kernel.ts';
import { lruDrain } from './lru.ts';
import { splitForAdvice, splitMapped } from './madvise-cold.ts';
import { pteEntry, pteLock, pteUnlock } from './pgtable.ts';
import { freeSwapAndCache, inSwapCache, tryToFreeSwap } from './swap-state.ts';
import { vmaIsAnonymous } from './vma.ts';

/**
 * madvise_free_single_vma(): marks the anonymous pages of [start, end) as free to drop; swapped ones are dropped now.
 * 0, or -EINVAL for a VMA that is not anonymous. The caller holds mmap_lock shared.
 */
export function* madvFreeRange(
  k: Kernel,
  _task: TaskId,
  vma: VmaId,
  start: Vpn,
  end: Vpn,
): Steps<number> {
  if (!vmaIsAnonymous(k, vma)) return -EINVAL;
  yield* lruDrain(k);
  for (let vpn = start; vpn < end; vpn++) {
    const small = yield* splitForAdvice(k, vma, vpn);
    if (small) yield* freePte(k, vma, vpn);
  }
  yield* flushTlbRange(k, k.vma.mm[vma], start, end);
  return 0;
}

function* freePte(k: Kernel, vma: VmaId, vpn: Vpn): Steps<void> {
  const e = pteEntry(k, k.vma.mm[vma], vpn);
  if (e === 0) return;
  yield* pteLock(k, e);
  let lo = yield* entryRead(k, e);
  let folio = anonFolio(k, lo, entryHi(k, e));
  if (folio !== 0 && isLarge(k, folio)) {
    const split = yield* splitMapped(k, e, folio);
    if (!split) return;
    yield* pteLock(k, e);
    lo = yield* entryRead(k, e);
    folio = anonFolio(k, lo, entryHi(k, e));
  }
  if (isSwapEntry(lo, entryHi(k, e))) yield* freeSwapPte(k, vma, e, lo);
  else if (folio !== 0 && !isLarge(k, folio)) yield* freePresent(k, e, folio);
  yield* pteUnlock(k, e);
}

function anonFolio(k: Kernel, lo: number, hi: number): Folio {
  if (!isPresent(lo) || (lo & PTE.special) !== 0) return 0;
  const folio = headOf(k, entryPfn(lo, hi));
  return isAnon(k, folio) ? folio : 0;
}

function* freeSwapPte(k: Kernel, vma: VmaId, e: EntryAddr, lo: number): Steps<void> {
  const hi = entryHi(k, e);
  if (swpType(hi) !== SWP.swap) return;
  yield* freeSwapAndCache(k, swpOffset(lo, hi));
  yield* entryClear(k, e);
  k.mm.swapEnts[k.vma.mm[vma]] -= 1;
}

/** A present page: leaves the swap cache, becomes clean and old, and not backed by swap. */
function* freePresent(k: Kernel, e: EntryAddr, folio: Folio): Steps<void> {
  if (inSwapCache(k, folio) || (k.page.flags[folio] & PG.dirty) !== 0) {
    const cleaned = yield* cleanFolio(k, folio);
    if (!cleaned) return;
  }
  const lo = yield* entryRead(k, e);
  const hi = entryHi(k, e);
  if ((lo & (PTE.accessed | PTE.dirty)) !== 0) {
    const old = yield* entryClear(k, e);
    yield* entrySet(k, e, old & ~(PTE.accessed | PTE.dirty), hi);
  }
  const lazy = PG.swapbacked | PG.lru;
  const flags = k.page.flags[folio] & (lazy | PG.swapcache | PG.unevictable);
  if (flags === lazy) yield* flagClear(k, folio, PG.swapbacked | PG.active | PG.referenced);
}

/** False: locked by somebody, mapped elsewhere too, or its slot is still in use. */
function* cleanFolio(k: Kernel, folio: Folio): Steps<boolean> {
  const locked = yield* folioTrylock(k, folio);
  if (!locked) return false;
  let clean = folioMapcount(k, folio) === 1;
  if (clean && inSwapCache(k, folio)) clean = yield* tryToFreeSwap(k, folio);
  if (clean) yield* flagTestAndClear(k, folio, PG.dirty);
  yield* folioUnlock(k, folio);
  return clean;
}
