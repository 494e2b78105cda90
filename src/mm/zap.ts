/**
 * Taking pages out of page tables: memory.c: unmap_vmas, zap_page_range_single, zap_pte_range. Pins do not stop it and do not notice it (A.26.1).
 * Rules: semantics.md A.26, steps M2 to M4 of A.31; the notifier's calls (M1, M6) belong around a VMA's range,
 * tables (M5) are `freePgtables`.
 */
import { flushTlbRange } from '../machine/cpu.ts';
import { entryClear, entryHi, entryRead } from '../machine/entries.ts';
import {
  entryPfn,
  isGuardEntry,
  isMigrationEntry,
  isNone,
  isPresent,
  PTE,
  SWP,
  swpOffset,
  swpType,
} from '../machine/entry.ts';
import { HPAGE_PMD_NR } from '../machine/page.ts';
import type { EntryAddr, MmId, Steps, VmaId, Vpn } from '../machine/types.ts';
import { clearDevicePud, isDevmap } from './dax-insert.ts';
import { folioPut, headOf, isAnon } from './folio.ts';
import { pmdBase } from './huge-entry.ts';
import { zapHugePmd } from './huge-memory.ts';
import { splitHugePmd } from './huge-split.ts';
import { unmapHugetlbPageRange } from './hugetlb-zap.ts';
import type { Kernel } from './kernel.ts';
import { gatherBegin, gatherEnd, gatherFree, gatherPage } from './mmu-gather.ts';
import { invalidateEnd, invalidateStart } from './mmu-notifier.ts';
import { isTable, pmdEntry, pteEntry, pteLock, pteUnlock, retireEmptyTable } from './pgtable.ts';
import { folioRemoveRmap } from './rmap.ts';
import { folioMarkDirty } from './set-dirty.ts';
import { freeSwapAndCache } from './swap-state.ts';
import { VM } from './vma.ts';

/** What goes besides pages of files: private copies, and marks that nothing may be accessed (`ZAP_FLAG_DROP_MARKER`). */
const ZAP = { cows: 1, marks: 2 } as const;

/** unmap_vmas(): zaps [start, end) of the VMAs from `firstVma` on. The caller holds mmap_lock. */
export function* unmapVmas(k: Kernel, firstVma: VmaId, start: Vpn, end: Vpn): Steps<void> {
  for (let vma = firstVma; vma !== 0 && k.vma.start[vma] < end; vma = k.vma.next[vma]) {
    const from = Math.max(start, k.vma.start[vma]);
    yield* zapPages(k, vma, from, Math.min(end, k.vma.end[vma]), ZAP.cows | ZAP.marks);
  }
}

/**
 * zap_page_range_single(): empties the entries of [start, end), which lies inside the VMA. When it returns, the TLBs
 * are flushed and the mappings' references dropped. The caller holds mmap_lock (shared is enough).
 */
export function* zapRange(k: Kernel, vma: VmaId, start: Vpn, end: Vpn): Steps<void> {
  yield* zapPages(k, vma, start, end, ZAP.cows);
}

/**
 * As `zapRange`, for MADV_DONTNEED: page tables that are emptied whole are taken out of the tree where the kernel does
 * that (S177).
 */
export function* zapRangeAndTables(k: Kernel, vma: VmaId, start: Vpn, end: Vpn): Steps<void> {
  yield* zapRange(k, vma, start, end);
  if (!k.rules.madvise.freeTables || (k.vma.flags[vma] & VM.hugetlb) !== 0) return;
  let base = pmdBase(start + HPAGE_PMD_NR - 1);
  while (base + HPAGE_PMD_NR <= end) {
    yield* retireEmptyTable(k, k.vma.mm[vma], base);
    base += HPAGE_PMD_NR;
  }
}

/**
 * As `zapRange`, but private copies stay: only pages of the file go (unmap_mapping_range() with even_cows 0, for
 * invalidation). The caller holds the file's i_mmap lock, or mmap_lock.
 */
export function* zapFileRange(k: Kernel, vma: VmaId, start: Vpn, end: Vpn): Steps<void> {
  yield* zapPages(k, vma, start, end, 0);
}

/** M1 to M6: those who watch the range are told before and after (A.25.2). */
function* zapPages(k: Kernel, vma: VmaId, start: Vpn, end: Vpn, what: number): Steps<void> {
  const mm = k.vma.mm[vma];
  const told = yield* invalidateStart(k, mm, start, end);
  yield* zapTold(k, vma, start, end, what);
  yield* invalidateEnd(k, mm, told);
}

function* zapTold(k: Kernel, vma: VmaId, start: Vpn, end: Vpn, what: number): Steps<void> {
  if ((k.vma.flags[vma] & VM.hugetlb) !== 0) {
    yield* unmapHugetlbPageRange(k, vma, start, end);
    return;
  }
  const batch = gatherBegin(k);
  let vpn = start;
  while (vpn < end) {
    yield* clearDevicePud(k, vma, vpn);
    const next = Math.min(end, vpn - (vpn % HPAGE_PMD_NR) + HPAGE_PMD_NR);
    yield* zapPmd(k, vma, batch, vpn, next, what);
    vpn = next;
  }
  gatherEnd(k, batch);
}

/** zap_pmd_range(), for the part of the range below one PMD entry. */
function* zapPmd(
  k: Kernel,
  vma: VmaId,
  batch: number,
  start: Vpn,
  end: Vpn,
  what: number,
): Steps<void> {
  const pmd = pmdEntry(k, k.vma.mm[vma], start);
  if (pmd === 0) return;
  const lo = yield* entryRead(k, pmd);
  if (isNone(lo, entryHi(k, pmd))) return;
  // A huge page, or one that is just being split: whoever does that holds the entry's lock.
  if (!isTable(lo)) {
    if (end - start === HPAGE_PMD_NR) {
      const done = yield* zapHugePmd(k, vma, pmd, start);
      if (done) return;
    } else {
      yield* splitHugePmd(k, vma, pmd, start);
    }
  }
  yield* zapPteRange(k, vma, batch, start, end, what);
}

/** zap_pte_range(): [start, end) below one table. */
function* zapPteRange(
  k: Kernel,
  vma: VmaId,
  batch: number,
  start: Vpn,
  end: Vpn,
  what: number,
): Steps<void> {
  const mm = k.vma.mm[vma];
  const first = pteEntry(k, mm, start);
  if (first === 0) return;
  let n = 0;
  let flush = false;
  let flushNow = false;
  yield* pteLock(k, first);
  for (let vpn = start; vpn < end; vpn++) {
    const e = first + 2 * (vpn - start);
    // Under the lock nobody fills an empty entry, and processors only touch present ones.
    if (isNone(k.contents[e], k.contents[e + 1]) || !zapWanted(k, e, what)) continue;
    const hi = k.contents[e + 1];
    const lo = yield* entryClear(k, e);
    if (!isPresent(lo)) {
      yield* zapSwapEntry(k, mm, lo, hi);
      continue;
    }
    // The page of zeros too: a stale translation of it would hide what is mapped here next.
    flush = true;
    if ((lo & PTE.special) !== 0 || isDevmap(hi)) continue;
    const page = entryPfn(lo, hi);
    if (isAnon(k, headOf(k, page))) {
      k.mm.anonRss[mm] -= 1;
    } else {
      k.mm.fileRss[mm] -= 1;
      if ((lo & PTE.dirty) !== 0) {
        yield* folioMarkDirty(k, headOf(k, page));
        flushNow = true;
      }
    }
    yield* folioRemoveRmap(k, page, false);
    gatherPage(k, batch, n, page);
    n++;
  }
  // A dirty page of a file must not be written through a stale translation once the lock is free: its
  // cleaner would not see it.
  if (flushNow) yield* flushTlbRange(k, mm, start, end);
  yield* pteUnlock(k, first);
  if (flush && !flushNow) yield* flushTlbRange(k, mm, start, end);
  yield* gatherFree(k, batch, n);
}

/** should_zap_folio(), zap_drop_markers(): what the `ZAP` bits do not name is spared. */
function zapWanted(k: Kernel, e: EntryAddr, what: number): boolean {
  const lo = k.contents[e];
  if (isGuardEntry(lo, k.contents[e + 1])) return (what & ZAP.marks) !== 0;
  if ((what & ZAP.cows) !== 0) return true;
  if ((lo & PTE.special) !== 0) return true;
  const present = isPresent(lo);
  if (!present && swpType(k.contents[e + 1]) === SWP.swap) return false;
  if (!present && swpType(k.contents[e + 1]) === SWP.devicePrivate) return false;
  if (!present && !isMigrationEntry(lo, k.contents[e + 1])) return false;
  const page = present ? entryPfn(lo, k.contents[e + 1]) : swpOffset(lo, k.contents[e + 1]);
  return !isAnon(k, headOf(k, page));
}

/** zap_nonpresent_ptes(): what stands behind an entry that is not present. The table's lock is held. */
function* zapSwapEntry(k: Kernel, mm: MmId, lo: number, hi: number): Steps<void> {
  const offset = swpOffset(lo, hi);
  if (swpType(hi) === SWP.devicePrivate) {
    k.mm.anonRss[mm] -= 1;
    yield* folioRemoveRmap(k, offset, false);
    yield* folioPut(k, offset, 1);
  } else if (swpType(hi) === SWP.swap) {
    k.mm.swapEnts[mm] -= 1;
    yield* freeSwapAndCache(k, offset);
  } else if (isMigrationEntry(lo, hi)) {
    // The page on its way still counts as mapped memory, but its references are the mover's.
    if (isAnon(k, headOf(k, offset))) k.mm.anonRss[mm] -= 1;
    else k.mm.fileRss[mm] -= 1;
  }
}
