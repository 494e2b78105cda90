/**
 * Fork of huge PMDs (huge_memory.c: copy_huge_pmd). Rules: semantics.md A.15.4 to A.15.8, S13, S12.
 */

import { entryHi, entryRead, entrySet, entryWrprotect } from '../machine/entries.ts';
import { entryPfn, PTE } from '../machine/entry.ts';
import { EAGAIN, ENOMEM } from '../machine/errno.ts';
import { HPAGE_PMD_NR } from '../machine/page.ts';
import type { EntryAddr, Folio, MmId, Pfn, Steps, VmaId, Vpn } from '../machine/types.ts';
import { folioGet, folioPut, headOf } from './folio.ts';
import { depositTable, isHugeZero } from './huge-entry.ts';
import { splitHugePmd } from './huge-split.ts';
import type { Kernel } from './kernel.ts';
import {
  allocTable,
  freeTable,
  isLeaf,
  pmdAlloc,
  pmdEntry,
  pteLock,
  pteUnlock,
} from './pgtable.ts';
import { folioNeedsCowForDma } from './pinned.ts';
import { folioAddAnonRmap, tryDupAnonRmap } from './rmap.ts';
import { VM, vmaIsAnonymous } from './vma.ts';

/**
 * copy_huge_pmd(): the child maps the parent's huge page, read-only in both. Returns 0; -ENOMEM; or -EAGAIN when the
 * parent's PMD is no huge page (any more): then go by PTE. A folio that may be pinned is never shared: its
 * PMD is split here, and -EAGAIN lets the PTEs be copied one by one (A.15.8). Huge pages of files are left to
 * be faulted in (A.15.9). mmap_lock of both is held exclusively.
 */
export function* copyHugePmd(
  k: Kernel,
  dstMm: MmId,
  srcMm: MmId,
  dstVma: VmaId,
  srcVma: VmaId,
  vpn: Vpn,
): Steps<number> {
  if (!vmaIsAnonymous(k, srcVma)) return 0;
  const src = pmdEntry(k, srcMm, vpn);
  if (src === 0) return 0;
  const dst = yield* pmdAlloc(k, dstMm, vpn);
  if (dst === 0) return -ENOMEM;
  const table = yield* allocTable(k, dstMm);
  if (table === 0) return -ENOMEM;
  yield* pteLock(k, dst);
  yield* pteLock(k, src);
  const lo = yield* entryRead(k, src);
  const hi = entryHi(k, src);
  const pfn = isLeaf(lo) ? entryPfn(lo, hi) : 0;
  let shared = false;
  if (pfn !== 0) {
    // The huge page of zeros is not counted by anybody.
    if (isHugeZero(k, pfn)) shared = true;
    else shared = yield* dupMapping(k, dstMm, srcVma, pfn);
  }
  if (shared) yield* shareEntry(k, dst, src, dstVma, lo, hi, table);
  yield* pteUnlock(k, src);
  yield* pteUnlock(k, dst);
  if (shared) return 0;
  yield* freeTable(k, dstMm, table);
  if (pfn !== 0) yield* splitHugePmd(k, srcVma, src, vpn);
  return -EAGAIN;
}

/** One more whole mapping and its reference; false: the folio may be pinned and must not be shared. */
function* dupMapping(k: Kernel, dstMm: MmId, srcVma: VmaId, pfn: Pfn): Steps<boolean> {
  const folio: Folio = headOf(k, pfn);
  let needsCopy = false;
  if (k.rules.fork.earlyCopy !== 'none') needsCopy = yield* folioNeedsCowForDma(k, srcVma, folio);
  yield* folioGet(k, folio, 1);
  let shared = true;
  if (k.rules.fork.earlyCopy === 'exclusive')
    shared = yield* tryDupAnonRmap(k, pfn, true, needsCopy);
  else if (needsCopy) shared = false;
  else yield* folioAddAnonRmap(k, pfn, false, true);
  if (shared) k.mm.anonRss[dstMm] += HPAGE_PMD_NR;
  else yield* folioPut(k, folio, 1);
  return shared;
}

/** Write-protects the parent's entry, then sets the child's: old, and without uffd-wp unless it keeps that. */
function* shareEntry(
  k: Kernel,
  dst: EntryAddr,
  src: EntryAddr,
  dstVma: VmaId,
  lo: number,
  hi: number,
  table: Pfn,
): Steps<void> {
  depositTable(k, dst, table);
  yield* entryWrprotect(k, src);
  const dropped =
    PTE.write | PTE.accessed | ((k.vma.flags[dstVma] & VM.uffdWp) === 0 ? PTE.uffdWp : 0);
  yield* entrySet(k, dst, lo & ~dropped, hi);
}
