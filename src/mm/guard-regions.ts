/**
 * Lightweight guard regions (mm/madvise.c: madvise_guard_install, madvise_guard_remove): marks in the page table at which every
 * access fails. What was mapped goes, pinned or not (A.26.1). Rule: S244; madvise(2).
 */
import { entryClear, entryHi, entryRead, entrySet } from '../machine/entries.ts';
import { isGuardEntry, isNone, SWP, swpHi } from '../machine/entry.ts';
import { EEXIST, EINVAL, ENOMEM } from '../machine/errno.ts';
import { HPAGE_PMD_NR } from '../machine/page.ts';
import type { EntryAddr, Steps, VmaId, Vpn } from '../machine/types.ts';
import { hugeLeafStands } from './fault-common.ts';
import type { Kernel } from './kernel.ts';
import { entryCurrent, pteAlloc, pteEntry, pteLock, pteUnlock } from './pgtable.ts';
import { anonVmaPrepare, VM, VM_SPECIAL, vmaIsAnonymous } from './vma.ts';
import { zapRange } from './zap.ts';

/** is_valid_guard_vma(). */
function suits(k: Kernel, vma: VmaId, locked: boolean): boolean {
  const flags = k.vma.flags[vma];
  if ((flags & (VM_SPECIAL | VM.hugetlb)) !== 0) return false;
  if ((flags & VM.locked) !== 0 && !locked) return false;
  if (k.rules.madvise.guard === 'any') return true;
  return vmaIsAnonymous(k, vma) && (flags & VM.mayWrite) !== 0;
}

/** MADV_GUARD_INSTALL on a part of a mapping: -EINVAL where it does not suit, -ENOMEM. The caller holds mmap_lock shared. */
export function* guardInstall(k: Kernel, vma: VmaId, start: Vpn, end: Vpn): Steps<number> {
  if (!suits(k, vma, false)) return -EINVAL;
  // With a family, fork copies the marks.
  const prepared = yield* anonVmaPrepare(k, vma);
  if (!prepared) return -ENOMEM;
  let at = start;
  while (at < end) {
    const stop = Math.min(end, at - (at % HPAGE_PMD_NR) + HPAGE_PMD_NR);
    const error = yield* markTable(k, vma, at, stop);
    if (error === -ENOMEM) return error;
    at = stop;
    if (error !== 0) {
      // Something is mapped, perhaps since a moment ago: it goes, and all is begun again.
      yield* zapRange(k, vma, start, end);
      at = start;
    }
  }
  return 0;
}

/** Marks what is empty below one page table: 0, -EEXIST (not all was), -ENOMEM. */
function* markTable(k: Kernel, vma: VmaId, start: Vpn, end: Vpn): Steps<number> {
  const mm = k.vma.mm[vma];
  const first = yield* pteAlloc(k, mm, start);
  if (first === 0) return hugeLeafStands(k, mm, start) ? -EEXIST : -ENOMEM;
  yield* pteLock(k, first);
  let all = entryCurrent(k, mm, start, first);
  for (let i = 0; all && i < end - start; i++) all = yield* mark(k, first + 2 * i);
  yield* pteUnlock(k, first);
  return all ? 0 : -EEXIST;
}

/** False: the entry is in use. */
function* mark(k: Kernel, e: EntryAddr): Steps<boolean> {
  const lo = yield* entryRead(k, e);
  const hi = entryHi(k, e);
  if (isNone(lo, hi)) yield* entrySet(k, e, 0, swpHi(SWP.guard, 0));
  return isNone(lo, hi) || isGuardEntry(lo, hi);
}

/** MADV_GUARD_REMOVE: takes the marks away, and nothing else. */
export function* guardRemove(k: Kernel, vma: VmaId, start: Vpn, end: Vpn): Steps<number> {
  if (!suits(k, vma, true)) return -EINVAL;
  let at = start;
  while (at < end) {
    const stop = Math.min(end, at - (at % HPAGE_PMD_NR) + HPAGE_PMD_NR);
    const first = pteEntry(k, k.vma.mm[vma], at);
    if (first !== 0) {
      yield* pteLock(k, first);
      for (let i = 0; i < stop - at; i++) {
        const e = first + 2 * i;
        if (isGuardEntry(k.contents[e], k.contents[e + 1])) yield* entryClear(k, e);
      }
      yield* pteUnlock(k, first);
    }
    at = stop;
  }
  return 0;
}
