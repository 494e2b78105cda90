/**
 * Collapse of small pages into a huge one (khugepaged.c: madvise_collapse, collapse_huge_page,
 * __collapse_huge_page_copy). Rules: semantics.md A.20.4, A.20.5, S16; steps H1 to H8 of A.31. Anonymous
 * memory only (khugepaged-file.ts).
 */
import { R } from '../machine/access.ts';
import { clearPage } from '../machine/contents.ts';
import { copyUserPage } from '../machine/copy-page.ts';
import { flushTlbRange, syncTableFree } from '../machine/cpu.ts';
import { entryClear, entryHi, entryRead, entrySet } from '../machine/entries.ts';
import { entryHiOf, entryPfn, isNone } from '../machine/entry.ts';
import { EAGAIN, EINVAL, ENOMEM } from '../machine/errno.ts';
import { lock, lockShared, unlock, unlockShared } from '../machine/locks.ts';
import { tableEntry } from '../machine/mmu.ts';
import { HPAGE_PMD_NR } from '../machine/page.ts';
import type { EntryAddr, Folio, MmId, Pfn, Steps, TaskId, VmaId, Vpn } from '../machine/types.ts';
import { FAULT, VMF } from './fault-flags.ts';
import { folioPut, headOf } from './folio.ts';
import { allocThp, depositTable, freshPmdLo, pmdBase } from './huge-entry.ts';
import type { Kernel } from './kernel.ts';
import { collapseFileRange, fileCollapsible, NOT_MODELLED } from './khugepaged-file.ts';
import {
  COLLAPSIBLE,
  comesBack,
  holdsPage,
  isolatePages,
  lastOfFolio,
  looksCollapsible,
  releasePage,
} from './khugepaged-isolate.ts';
import { folioAddLru, lruDrain } from './lru.ts';
import { invalidateEnd, invalidateStart } from './mmu-notifier.ts';
import { entryPeek, isLeaf, isTable, pmdEntry, pteEntry, pteLock, pteUnlock } from './pgtable.ts';
import { folioAddNewAnonRmap, folioRemoveRmap } from './rmap.ts';
import { doSwapPage } from './swap-fault.ts';
import { freeSwapCache } from './swap-state.ts';
import { findVma, VM, vmaAt, vmaIsAnonymous } from './vma.ts';
import { vmstatAdd } from './vmstat.ts';
import { VMSTAT } from './vmstat-items.ts';

/** Somebody else has made the huge page meanwhile. */
const ALREADY = 1;
/** SCAN_PMD_NONE: there is not even a page table. No result of a system call; beside NOT_MODELLED. */
const HOLE = -525;

/**
 * madvise_collapse(): MADV_COLLAPSE of every whole 2 MiB that [start, end) has of each mapping. Returns 0 when all of them
 * are huge pages afterwards; -ENOMEM where nothing is mapped; else the error of the first mapping with one that
 * isn't (see `collapseHugePage`). Takes mmap_lock itself.
 */
export function* madviseCollapse(k: Kernel, task: TaskId, start: Vpn, end: Vpn): Steps<number> {
  const mm = k.task.mm[task];
  let gap = 0;
  let at = start;
  while (at < end) {
    yield* lockShared(k, R.mmapLock, mm);
    const vma = findVma(k, mm, at);
    if (vma === 0 || k.vma.start[vma] > at) gap = -ENOMEM;
    const here = vma !== 0 && k.vma.start[vma] < end;
    const from = here ? Math.max(at, k.vma.start[vma]) : end;
    const to = here ? Math.min(end, k.vma.end[vma]) : end;
    const fits = here && collapsible(k, vma);
    yield* unlockShared(k, R.mmapLock, mm);
    if (!here) return gap;
    if (!fits) return -EINVAL;
    const error = yield* collapseRange(k, mm, from, to);
    if (error !== 0) return error;
    at = to;
  }
  return gap;
}

/** thp_vma_allowable_order(): memory that may have huge pages, not advised against them, and large enough. */
function collapsible(k: Kernel, vma: VmaId): boolean {
  const suits = vmaIsAnonymous(k, vma) ? k.vma.anonVma[vma] !== 0 : fileCollapsible(k, vma);
  if (!suits) return false;
  if ((k.vma.flags[vma] & VM.noHugepage) !== 0) return false;
  return pmdBase(k.vma.end[vma] - HPAGE_PMD_NR) >= k.vma.start[vma];
}

/** The whole 2 MiB in [start, end) of one mapping; a range that lies inside of one 2 MiB has none to make (S235). */
function* collapseRange(k: Kernel, mm: MmId, start: Vpn, end: Vpn): Steps<number> {
  let base = pmdBase(start + HPAGE_PMD_NR - 1);
  if (pmdBase(end) < base) return k.rules.thp.collapseEmpty ? 0 : -EINVAL;
  let failed = 0;
  while (base + HPAGE_PMD_NR <= end) {
    const result = yield* collapseOnce(k, mm, base);
    const error = result === HOLE ? -EINVAL : result;
    if (error !== 0) failed = error;
    // Without a free block the ranges behind it will not do better.
    if (error === -ENOMEM || error === NOT_MODELLED) return failed;
    if (result === HOLE && k.rules.thp.collapseHole) return failed;
    base += HPAGE_PMD_NR;
  }
  return failed;
}

/** As `collapseOnce`, with -EINVAL for `HOLE`. */
export function* collapseHugePage(k: Kernel, mm: MmId, vpn: Vpn): Steps<number> {
  const result = yield* collapseOnce(k, mm, vpn);
  return result === HOLE ? -EINVAL : result;
}

/**
 * hpage_collapse_scan_pmd() and collapse_huge_page() for the 2 MiB around `vpn`: copies its pages into a huge page. Returns 0 (also when it is one
 * already); -EAGAIN when a page is referenced by somebody else, locked or off its list (A.20.4); -ENOMEM; -EINVAL
 * when the range can't be one (no such mapping, MADV_NOHUGEPAGE, only read); `HOLE`. What is in swap is brought back first.
 * Takes mmap_lock itself: the caller must not hold it.
 */
function* collapseOnce(k: Kernel, mm: MmId, vpn: Vpn): Steps<number> {
  const base = pmdBase(vpn);
  const file = yield* fileMappingAt(k, mm, base);
  if (file !== 0) return yield* collapseFileRange(k, file, base);
  const scanned = yield* scanRange(k, mm, base);
  if (scanned <= 0) return scanned;
  const fresh = yield* allocThp(k, 0, 0);
  if (fresh === 0) return -ENOMEM;
  vmstatAdd(k, fresh, VMSTAT.thp_collapse_alloc, 1);
  if (scanned === COLLAPSIBLE.afterSwapin) {
    const missing = yield* bringBack(k, mm, base);
    if (missing !== 0) {
      yield* folioPut(k, fresh, 1);
      return missing;
    }
  }
  yield* lock(k, R.mmapLock, mm);
  const told = yield* invalidateStart(k, mm, base, base + HPAGE_PMD_NR);
  const error = yield* collapseLocked(k, mm, base, fresh);
  yield* invalidateEnd(k, mm, told);
  yield* unlock(k, R.mmapLock, mm);
  if (error === 0) return 0;
  yield* folioPut(k, fresh, 1);
  return error === ALREADY ? 0 : error;
}

/**
 * __collapse_huge_page_swapin(): faults in what is in swap, as a read would. 0, or -EAGAIN when a page is locked, -EINVAL when one
 * can't be read or the range has changed.
 */
function* bringBack(k: Kernel, mm: MmId, base: Vpn): Steps<number> {
  yield* lockShared(k, R.mmapLock, mm);
  const state = rangeState(k, mm, base);
  if (state !== 1) {
    yield* unlockShared(k, R.mmapLock, mm);
    return state === 0 ? 0 : state;
  }
  const vma = vmaAt(k, mm, base);
  for (let vpn = base; vpn < base + HPAGE_PMD_NR; vpn++) {
    const pte = pteEntry(k, mm, vpn);
    if (pte === 0 || !comesBack(k, pte)) continue;
    const lo = yield* entryRead(k, pte);
    const result = yield* doSwapPage(k, 0, vma, vpn, pte, lo, FAULT.allowRetry);
    // Its lock was waited for, and mmap_lock given up for that.
    if ((result & VMF.retry) !== 0) return -EAGAIN;
    if ((result & VMF.error) !== 0) {
      yield* unlockShared(k, R.mmapLock, mm);
      return -EINVAL;
    }
  }
  yield* lruDrain(k);
  yield* unlockShared(k, R.mmapLock, mm);
  return 0;
}

/** The mapping around `base` if it is one of a file that may have huge pages, else 0. */
function* fileMappingAt(k: Kernel, mm: MmId, base: Vpn): Steps<VmaId> {
  yield* lockShared(k, R.mmapLock, mm);
  const vma = vmaAt(k, mm, base);
  const there = vma !== 0 && !vmaIsAnonymous(k, vma) && collapsible(k, vma);
  const whole = there && k.vma.end[vma] >= base + HPAGE_PMD_NR;
  yield* unlockShared(k, R.mmapLock, mm);
  return whole ? vma : 0;
}

/** userfaultfd_armed(). */
function armed(k: Kernel, vma: VmaId): boolean {
  return (k.vma.flags[vma] & (VM.uffdMissing | VM.uffdWp | VM.uffdMinor)) !== 0;
}

/** hpage_collapse_scan_pmd(): a first look, which spares the others the cleared PMD. 1: go on; else the result. */
function* scanRange(k: Kernel, mm: MmId, base: Vpn): Steps<number> {
  yield* lockShared(k, R.mmapLock, mm);
  let result = rangeState(k, mm, base);
  if (result === 1) {
    const e = pmdEntry(k, mm, base);
    const table = entryPfn(k.contents[e], entryHi(k, e));
    yield* lock(k, R.ptl, table);
    result = yield* looksCollapsible(k, table, armed(k, vmaAt(k, mm, base)));
    yield* unlock(k, R.ptl, table);
  }
  yield* unlockShared(k, R.mmapLock, mm);
  return result;
}

/** hugepage_vma_revalidate(), find_pmd_or_thp_or_none(): 1 when there is a table to collapse. mmap_lock is held. */
function rangeState(k: Kernel, mm: MmId, base: Vpn): number {
  const vma = vmaAt(k, mm, base);
  if (vma === 0 || k.vma.end[vma] < base + HPAGE_PMD_NR) return -EINVAL;
  if (!vmaIsAnonymous(k, vma) || k.vma.anonVma[vma] === 0) return -EINVAL;
  if ((k.vma.flags[vma] & VM.noHugepage) !== 0) return -EINVAL;
  const e = pmdEntry(k, mm, base);
  if (e === 0) return -EINVAL;
  const lo = entryPeek(k, e);
  if (isLeaf(lo)) return 0;
  if (isTable(lo)) return 1;
  return isNone(lo, entryHi(k, e)) ? HOLE : -EINVAL;
}

/** collapse_huge_page() with mmap_lock held exclusively. 0: `fresh` is mapped; `ALREADY`: there is a huge page; -errno. */
function* collapseLocked(k: Kernel, mm: MmId, base: Vpn, fresh: Folio): Steps<number> {
  const state = rangeState(k, mm, base);
  if (state !== 1) return state === 0 ? ALREADY : state;
  const vma = vmaAt(k, mm, base);
  const family = k.vma.anonVma[vma];
  const e = pmdEntry(k, mm, base);
  yield* lock(k, R.anonLock, family);
  // H2: no walk that starts now finds the table; IPIs of the flush wait for those under way (A.13).
  yield* pteLock(k, e);
  const hi = entryHi(k, e);
  const lo = yield* entryClear(k, e);
  yield* flushTlbRange(k, mm, base, base + HPAGE_PMD_NR);
  yield* pteUnlock(k, e);
  // H4: where tables are freed by RCU the flush waits for nobody, so the walkers are waited for (6.1+).
  if (k.rules.thp.collapseSync) yield* syncTableFree(k);
  const table = entryPfn(lo, hi);
  yield* lock(k, R.ptl, table);
  const error = yield* isolatePages(k, table, armed(k, vma));
  yield* unlock(k, R.ptl, table);
  if (error !== 0) {
    yield* pteLock(k, e);
    yield* entrySet(k, e, lo, hi);
    yield* pteUnlock(k, e);
    yield* unlock(k, R.anonLock, family);
    return error;
  }
  yield* unlock(k, R.anonLock, family);
  const filled = yield* copyPages(k, table, fresh);
  yield* dropPages(k, table);
  k.mm.anonRss[mm] += HPAGE_PMD_NR - filled;
  yield* installHuge(k, vma, base, e, fresh, table);
  return 0;
}

/** H6: pages of zeros where nothing was mapped. Returns how many pages were copied. */
function* copyPages(k: Kernel, table: Pfn, fresh: Folio): Steps<number> {
  let filled = 0;
  for (let i = 0; i < HPAGE_PMD_NR; i++) {
    const pte = tableEntry(k, table, i);
    if (holdsPage(k, pte)) {
      filled += 1;
      yield* copyUserPage(k, entryPfn(k.contents[pte], entryHi(k, pte)), fresh + i);
    } else {
      clearPage(k, fresh + i);
    }
  }
  return filled;
}

/** H7: empties the table, drops the mappings of the old pages, unlocks them and puts them back. */
function* dropPages(k: Kernel, table: Pfn): Steps<void> {
  for (let i = 0; i < HPAGE_PMD_NR; i++) {
    const pte = tableEntry(k, table, i);
    const held = holdsPage(k, pte);
    const last = held && lastOfFolio(k, table, i);
    yield* lock(k, R.ptl, table);
    const lo = yield* entryRead(k, pte);
    const hi = entryHi(k, pte);
    if (lo !== 0) yield* entryClear(k, pte);
    const pfn = entryPfn(lo, hi);
    if (held) yield* folioRemoveRmap(k, pfn, false);
    yield* unlock(k, R.ptl, table);
    if (!held) continue;
    const folio = headOf(k, pfn);
    if (last) yield* releasePage(k, folio);
    yield* freeSwapCache(k, folio);
    yield* folioPut(k, folio, 1);
  }
}

/** H8: the huge page appears; the empty table is kept for its split. */
function* installHuge(
  k: Kernel,
  vma: VmaId,
  base: Vpn,
  e: EntryAddr,
  fresh: Folio,
  table: Pfn,
): Steps<void> {
  yield* pteLock(k, e);
  yield* folioAddNewAnonRmap(k, fresh, vma, base, true);
  yield* folioAddLru(k, fresh);
  depositTable(k, e, table);
  yield* entrySet(k, e, freshPmdLo(k, vma, fresh), entryHiOf(fresh, 0));
  yield* pteUnlock(k, e);
}
