/**
 * Writing 4 to /proc/PID/clear_refs: the soft-dirty bits end, and entries are write-protected so that the next write sets them again
 * (fs/proc/task_mmu.c: clear_refs_write, clear_soft_dirty, clear_soft_dirty_pmd). A page that may be pinned would be copied at that
 * write where copies go by references, so since 5.11 it is left as it is. Rules: semantics.md A.22.3, S26. Writes by devices are not
 * tracked at all.
 */
import { R } from '../machine/access.ts';
import { flushTlbMm } from '../machine/cpu.ts';
import { entryClear, entryHi, entryRead, entrySet } from '../machine/entries.ts';
import { entryPfn, isNone, isPresent, PTE, SWP, swpType } from '../machine/entry.ts';
import { EINVAL } from '../machine/errno.ts';
import { lock, unlock } from '../machine/locks.ts';
import { HPAGE_PMD_NR } from '../machine/page.ts';
import type { EntryAddr, MmId, Steps, VmaId, Vpn } from '../machine/types.ts';
import { headOf, isHugetlb } from './folio.ts';
import { type Kernel, MMF } from './kernel.ts';
import { invalidateEnd, invalidateStart } from './mmu-notifier.ts';
import { isLeaf, pmdEntry, pteEntry, pteLock, pteUnlock } from './pgtable.ts';
import { folioMaybeDmaPinned } from './pinned.ts';
import { TASK_PAGES } from './unmapped-area.ts';
import { isCowMapping, VM } from './vma.ts';

/** CLEAR_REFS_SOFT_DIRTY. */
const SOFT_DIRTY = 4;
/** CLEAR_REFS_LAST; the others concern accessed bits and statistics only. */
const LAST = 5;

/** clear_refs_write(): 0 or -EINVAL. */
export function* clearRefs(k: Kernel, mm: MmId, value: number): Steps<number> {
  if (value < 1 || value > LAST) return -EINVAL;
  if (value !== SOFT_DIRTY) return 0;
  yield* lock(k, R.mmapLock, mm);
  // Everybody is told, whatever he watches (A.25.1, SOFT_DIRTY).
  const told = yield* invalidateStart(k, mm, 0, TASK_PAGES);
  for (let vma = k.mm.vmaFirst[mm]; vma !== 0; vma = k.vma.next[vma]) {
    k.vma.flags[vma] &= ~VM.softDirty;
    yield* clearVma(k, vma);
  }
  yield* invalidateEnd(k, mm, told);
  yield* flushTlbMm(k, mm);
  yield* unlock(k, R.mmapLock, mm);
  return 0;
}

function* clearVma(k: Kernel, vma: VmaId): Steps<void> {
  if ((k.vma.flags[vma] & (VM.hugetlb | VM.pfnmap)) !== 0) return;
  let vpn: Vpn = k.vma.start[vma];
  while (vpn < k.vma.end[vma]) {
    const pmd = pmdEntry(k, k.vma.mm[vma], vpn);
    const next = vpn - (vpn % HPAGE_PMD_NR) + HPAGE_PMD_NR;
    if (pmd !== 0 && isLeaf(k.contents[pmd])) {
      // A huge page is protected whoever holds it.
      yield* pteLock(k, pmd);
      if (isLeaf(k.contents[pmd])) yield* protect(k, pmd);
      yield* pteUnlock(k, pmd);
      vpn = next;
    } else {
      const first = pteEntry(k, k.vma.mm[vma], vpn);
      const end = Math.min(next, k.vma.end[vma]);
      if (first !== 0) yield* clearTable(k, vma, first, end - vpn);
      vpn = end;
    }
  }
}

function* clearTable(k: Kernel, vma: VmaId, first: EntryAddr, n: number): Steps<void> {
  yield* pteLock(k, first);
  for (let i = 0; i < n; i++) {
    const e = first + 2 * i;
    const hi = k.contents[e + 1];
    if (isNone(k.contents[e], hi)) continue;
    const lo = yield* entryRead(k, e);
    if (isPresent(lo)) {
      const pinned = yield* pteIsPinned(k, vma, lo, hi);
      if (!pinned) yield* protect(k, e);
    } else if (swpType(hi) === SWP.swap) {
      yield* entrySet(k, e, lo & ~PTE.swpSoftDirty, hi);
    }
  }
  yield* pteUnlock(k, first);
}

/** pte_is_pinned(): a writable entry of a copy-on-write mapping, in a process that has pinned, to a page that may be (S26). */
function* pteIsPinned(k: Kernel, vma: VmaId, lo: number, hi: number): Steps<boolean> {
  if (!k.rules.softdirty.pinSkip || (lo & PTE.write) === 0 || (lo & PTE.special) !== 0)
    return false;
  if (!isCowMapping(k.vma.flags[vma])) return false;
  if ((k.mm.flags[k.vma.mm[vma]] & MMF.hasPinned) === 0) return false;
  const folio = headOf(k, entryPfn(lo, hi));
  if (isHugetlb(k, folio)) return false;
  return yield* folioMaybeDmaPinned(k, folio);
}

/** ptep_modify_prot_start(), pte_wrprotect(), pte_clear_soft_dirty(). */
function* protect(k: Kernel, e: EntryAddr): Steps<void> {
  const hi = entryHi(k, e);
  const lo = yield* entryClear(k, e);
  yield* entrySet(k, e, lo & ~(PTE.write | PTE.softDirty), hi);
}
