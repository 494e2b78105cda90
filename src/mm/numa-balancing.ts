/**
 * NUMA hints: a page's entry is made PROT_NONE, so that the next access tells which node wants it (mm/mempolicy.c:
 * change_prot_numa; mm/mprotect.c: change_pte_range, change_huge_pmd with MM_CP_PROT_NUMA). The write bit stays in the
 * entry, so that the fault gives it back (pte_savedwrite; from 6.2 can_change_pte_writable). Rules: semantics.md A.19.6, S27.
 */
import { R } from '../machine/access.ts';
import { refRead } from '../machine/atomic.ts';
import { flushTlbRange } from '../machine/cpu.ts';
import { entryClear, entryHi, entryRead, entrySet } from '../machine/entries.ts';
import { entryPfn, isPresent, isProtnone, PTE } from '../machine/entry.ts';
import { lockShared, unlockShared } from '../machine/locks.ts';
import type { EntryAddr, MmId, Pfn, Steps, VmaId, Vpn } from '../machine/types.ts';
import { vmaAccessible } from './fault-common.ts';
import { headOf, isKsm } from './folio.ts';
import { isHugeZero } from './huge-entry.ts';
import type { Kernel } from './kernel.ts';
import { invalidateEnd, invalidateStart } from './mmu-notifier.ts';
import { entryPeek, isLeaf, PMD_PAGES, pmdEntry, pteEntry, pteLock, pteUnlock } from './pgtable.ts';
import { folioMaybeDmaPinned } from './pinned.ts';
import { folioMapcountRead } from './rmap.ts';
import { isCowMapping, VM, vmaAt } from './vma.ts';

/**
 * task_numa_work() and change_prot_numa() for the page at `vpn`: 1 when its entry is a hint now, 0 when it was passed over. Takes
 * mmap_lock.
 */
export function* numaHint(k: Kernel, mm: MmId, vpn: Vpn): Steps<number> {
  yield* lockShared(k, R.mmapLock, mm);
  const vma = vmaAt(k, mm, vpn);
  let hinted = 0;
  if (vma !== 0 && mayHint(k, vma)) {
    const pmd = pmdEntry(k, mm, vpn);
    const huge = pmd !== 0 && isLeaf(entryPeek(k, pmd));
    const start = huge ? vpn - (vpn % PMD_PAGES) : vpn;
    const told = yield* invalidateStart(k, mm, start, start + (huge ? PMD_PAGES : 1));
    if (huge) hinted = yield* hintPmd(k, vma, vpn, pmd);
    else hinted = yield* hintPte(k, vma, vpn);
    yield* invalidateEnd(k, mm, told);
  }
  yield* unlockShared(k, R.mmapLock, mm);
  return hinted;
}

/** vma_migratable() and what task_numa_work() leaves out: huge pages of hugetlb, what nobody may access, files that are only read. */
function mayHint(k: Kernel, vma: VmaId): boolean {
  const flags = k.vma.flags[vma];
  if ((flags & (VM.io | VM.pfnmap | VM.hugetlb | VM.mixedmap)) !== 0) return false;
  if (!vmaAccessible(k, vma)) return false;
  return k.vma.file[vma] === 0 || (flags & VM.write) !== 0;
}

/** change_huge_pmd(): a huge page gets its hint whoever holds it; only the huge page of zeros is left out. */
function* hintPmd(k: Kernel, vma: VmaId, vpn: Vpn, e: EntryAddr): Steps<number> {
  yield* pteLock(k, e);
  const lo = yield* entryRead(k, e);
  const passed = !isLeaf(lo) || isProtnone(lo) || isHugeZero(k, entryPfn(lo, entryHi(k, e)));
  if (!passed) yield* makeHint(k, vma, vpn - (vpn % PMD_PAGES), PMD_PAGES, e);
  yield* pteUnlock(k, e);
  return passed ? 0 : 1;
}

function* hintPte(k: Kernel, vma: VmaId, vpn: Vpn): Steps<number> {
  const e = pteEntry(k, k.vma.mm[vma], vpn);
  if (e === 0) return 0;
  yield* pteLock(k, e);
  const lo = yield* entryRead(k, e);
  let passed = !isPresent(lo) || isProtnone(lo) || (lo & PTE.special) !== 0;
  if (!passed) passed = yield* leftAlone(k, vma, entryPfn(lo, entryHi(k, e)));
  if (!passed) yield* makeHint(k, vma, vpn, 1, e);
  yield* pteUnlock(k, e);
  return passed ? 0 : 1;
}

/** Whether moving this page would be in vain: in a copy-on-write mapping, it has other users (S27). */
function* leftAlone(k: Kernel, vma: VmaId, pfn: Pfn): Steps<boolean> {
  const folio = headOf(k, pfn);
  if (isKsm(k, folio)) return true;
  if (!isCowMapping(k.vma.flags[vma])) return false;
  const mapped = yield* folioMapcountRead(k, folio);
  if (k.rules.numa.pinSkip === 'mapcount') return mapped !== 1;
  if (k.rules.numa.pinSkip === 'refcount') {
    const references = yield* refRead(k, folio);
    return references !== 1;
  }
  if (mapped > 1) return true;
  return yield* folioMaybeDmaPinned(k, folio);
}

/** pte_modify() to PAGE_NONE with the write bit kept; accessed and dirty bits that processors set meanwhile are not lost. */
function* makeHint(k: Kernel, vma: VmaId, start: Vpn, n: number, e: EntryAddr): Steps<void> {
  const hi = entryHi(k, e);
  const lo = yield* entryClear(k, e);
  yield* entrySet(k, e, (lo & ~PTE.present) | PTE.protnone, hi);
  yield* flushTlbRange(k, k.vma.mm[vma], start, start + n);
}
