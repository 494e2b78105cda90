/**
 * Unmapping and protecting hugetlb ranges (hugetlb.c: __unmap_hugepage_range, hugetlb_change_protection).
 * Rules: semantics.md A.26.1, A.22.1; steps M2 to M4 of A.31 for each huge page.
 */
import { flagSet } from '../machine/atomic.ts';
import { flushTlbRange } from '../machine/cpu.ts';
import { entryClear, entryHi, entryRead, entrySet } from '../machine/entries.ts';
import {
  entryPfn,
  isNone,
  isPresent,
  PTE,
  SWP,
  swpHi,
  swpOffset,
  swpType,
} from '../machine/entry.ts';
import { PG } from '../machine/page.ts';
import type { EntryAddr, Folio, Steps, VmaId, Vpn } from '../machine/types.ts';
import { pteProt } from './fault-common.ts';
import { folioPut, headOf } from './folio.ts';
import { hugeEntry, vmaHugeOrder } from './hugetlb.ts';
import type { Kernel } from './kernel.ts';
import { invalidateEnd, invalidateStart } from './mmu-notifier.ts';
import { pteLock, pteUnlock } from './pgtable.ts';
import { folioRemoveRmap } from './rmap.ts';

/**
 * __unmap_hugepage_range(): empties the entries of the huge pages in [start, end), flushes, drops the mapping's
 * references. Pinned folios live on (A.26.1).
 */
export function* unmapHugetlbPageRange(k: Kernel, vma: VmaId, start: Vpn, end: Vpn): Steps<void> {
  const order = vmaHugeOrder(k, vma);
  const n = 1 << order;
  for (let vpn = start - (start & (n - 1)); vpn < end; vpn += n) {
    const e = hugeEntry(k, k.vma.mm[vma], vpn, order);
    if (e !== 0) yield* unmapEntry(k, vma, e, vpn, 0);
  }
}

/** unmap_hugepage_range() with a page given: unmaps it there, and the mapping must not get a new one in its place. */
export function* unmapHugetlbPage(k: Kernel, vma: VmaId, vpn: Vpn, only: Folio): Steps<void> {
  const order = vmaHugeOrder(k, vma);
  const mm = k.vma.mm[vma];
  const told = yield* invalidateStart(k, mm, vpn, vpn + (1 << order));
  const e = hugeEntry(k, mm, vpn, order);
  if (e !== 0) yield* unmapEntry(k, vma, e, vpn, only);
  yield* invalidateEnd(k, mm, told);
}

function* unmapEntry(k: Kernel, vma: VmaId, e: EntryAddr, vpn: Vpn, only: Folio): Steps<void> {
  yield* pteLock(k, e);
  const seen = yield* entryRead(k, e);
  const hi = entryHi(k, e);
  const folio = isPresent(seen) ? headOf(k, entryPfn(seen, hi)) : 0;
  if (isNone(seen, hi) || (only !== 0 && folio !== only)) {
    yield* pteUnlock(k, e);
    return;
  }
  if (only !== 0) k.hugetlb.unmapped[vma] = 1;
  const lo = yield* entryClear(k, e);
  if (folio !== 0) {
    if ((lo & PTE.dirty) !== 0) yield* flagSet(k, folio, PG.dirty);
    yield* folioRemoveRmap(k, folio, true);
  }
  yield* pteUnlock(k, e);
  if (folio === 0) return;
  yield* flushTlbRange(k, k.vma.mm[vma], vpn, vpn + (1 << vmaHugeOrder(k, vma)));
  yield* folioPut(k, folio, 1);
}

/**
 * hugetlb_change_protection(): gives the entries in [start, end) the protection that the VMA's flags say now,
 * and flushes. A private page that may be written again becomes writable by its next fault (S5).
 */
export function* hugetlbChangeProtection(k: Kernel, vma: VmaId, start: Vpn, end: Vpn): Steps<void> {
  const order = vmaHugeOrder(k, vma);
  const n = 1 << order;
  for (let vpn = start - (start & (n - 1)); vpn < end; vpn += n) {
    const e = hugeEntry(k, k.vma.mm[vma], vpn, order);
    if (e !== 0) yield* protectEntry(k, vma, e);
  }
  yield* flushTlbRange(k, k.vma.mm[vma], start, end);
}

function* protectEntry(k: Kernel, vma: VmaId, e: EntryAddr): Steps<void> {
  yield* pteLock(k, e);
  const seen = yield* entryRead(k, e);
  const hi = entryHi(k, e);
  if (isPresent(seen)) {
    const kept = PTE.accessed | PTE.dirty | PTE.pse | PTE.uffdWp | PTE.softDirty;
    const lo = yield* entryClear(k, e);
    yield* entrySet(k, e, (lo & (kept | ~0xfff)) | pteProt(k, vma), hi);
  } else if (!isNone(seen, hi) && swpType(hi) === SWP.migrationWrite) {
    const pfn = swpOffset(seen, hi);
    const exclusive = (k.page.flags[headOf(k, pfn)] & PG.anonExclusive) !== 0;
    yield* entrySet(
      k,
      e,
      seen,
      swpHi(exclusive ? SWP.migrationReadExclusive : SWP.migrationRead, pfn),
    );
  }
  yield* pteUnlock(k, e);
}
