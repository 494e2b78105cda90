/**
 * Fork of hugetlb mappings (hugetlb.c: copy_hugetlb_page_range). Rules: semantics.md A.17.2, A.15.4, A.15.5,
 * S13, S14.
 */

import { entryHi, entryRead, entrySet, entryWrprotect } from '../machine/entries.ts';
import {
  entryPfn,
  isMigrationEntry,
  isNone,
  isPresent,
  PTE,
  SWP,
  swpHi,
  swpOffset,
  swpType,
} from '../machine/entry.ts';
import { ENOMEM } from '../machine/errno.ts';
import { PG } from '../machine/page.ts';
import { seqWriteBegin, seqWriteEnd } from '../machine/seqcount.ts';
import type { EntryAddr, Folio, MmId, Steps, VmaId, Vpn } from '../machine/types.ts';
import { folioGet, folioPut, headOf, isAnon } from './folio.ts';
import { copyHugePages } from './huge-copy.ts';
import {
  allocHugetlbFolio,
  commitHugetlbFolio,
  hugeEntry,
  hugeEntryAlloc,
  putUnusedHugetlbFolio,
  vmaHugeOrder,
  vmaHugePages,
} from './hugetlb.ts';
import { setHugeLeaf } from './hugetlb-entry.ts';
import type { Kernel } from './kernel.ts';
import { pteLock, pteUnlock, tableOf } from './pgtable.ts';
import { folioNeedsCowForDma } from './pinned.ts';
import { folioAddAnonRmap, folioAddFileRmap, folioAddNewAnonRmap, tryDupAnonRmap } from './rmap.ts';
import { isCowMapping } from './vma.ts';

/** What became of one entry. */
const SHARED = 0;
const NEEDS_COPY = 1;

/**
 * copy_hugetlb_page_range(): maps the parent's huge pages in the child, write-protected on both sides where a
 * write must copy; what may be pinned is copied now. Returns 0 or -ENOMEM (no table, or an empty pool).
 * mmap_lock of both is held exclusively; the caller flushes the parent's TLB afterwards.
 */
export function* copyHugetlbPageRange(
  k: Kernel,
  dstMm: MmId,
  srcMm: MmId,
  dstVma: VmaId,
  srcVma: VmaId,
): Steps<number> {
  const cow = isCowMapping(k.vma.flags[srcVma]);
  const counted = cow && k.rules.fork.seq === 'all';
  if (counted) yield* seqWriteBegin(k, srcMm);
  const error = yield* copyEntries(k, dstMm, srcMm, dstVma, srcVma, cow);
  if (counted) yield* seqWriteEnd(k, srcMm);
  return error;
}

function* copyEntries(
  k: Kernel,
  dstMm: MmId,
  srcMm: MmId,
  dstVma: VmaId,
  srcVma: VmaId,
  cow: boolean,
): Steps<number> {
  const order = vmaHugeOrder(k, srcVma);
  for (let vpn = k.vma.start[srcVma]; vpn < k.vma.end[srcVma]; vpn += 1 << order) {
    const src = hugeEntry(k, srcMm, vpn, order);
    if (src === 0) continue;
    const dst = yield* hugeEntryAlloc(k, dstMm, vpn, order);
    if (dst === 0) return -ENOMEM;
    const error = yield* copyEntry(k, dst, src, dstVma, srcVma, vpn, cow);
    if (error !== 0) return error;
  }
  return 0;
}

/** One huge page, again until nothing changes between the look and the copy. */
function* copyEntry(
  k: Kernel,
  dst: EntryAddr,
  src: EntryAddr,
  dstVma: VmaId,
  srcVma: VmaId,
  vpn: Vpn,
  cow: boolean,
): Steps<number> {
  for (;;) {
    yield* lockBoth(k, dst, src);
    const lo = yield* entryRead(k, src);
    const hi = entryHi(k, src);
    const what = yield* shareEntry(k, dst, src, srcVma, lo, hi, cow);
    yield* unlockBoth(k, dst, src);
    if (what === SHARED) return 0;
    const old = headOf(k, entryPfn(lo, hi));
    const fresh = yield* allocHugetlbFolio(k, 0, dstVma, vpn, false);
    if (fresh === 0) {
      yield* folioPut(k, old, 1);
      return -ENOMEM;
    }
    yield* copyHugePages(k, old, fresh, vmaHugePages(k, srcVma));
    k.page.flags[fresh] |= PG.uptodate;
    yield* folioPut(k, old, 1);
    const installed = yield* installCopy(k, dst, src, dstVma, vpn, lo, fresh);
    if (installed) return 0;
  }
}

/** The tables of two processes are different pages, so their locks are; child first, as fork has it. */
function* lockBoth(k: Kernel, dst: EntryAddr, src: EntryAddr): Steps<void> {
  yield* pteLock(k, dst);
  if (tableOf(k, src) !== tableOf(k, dst)) yield* pteLock(k, src);
}

function* unlockBoth(k: Kernel, dst: EntryAddr, src: EntryAddr): Steps<void> {
  if (tableOf(k, src) !== tableOf(k, dst)) yield* pteUnlock(k, src);
  yield* pteUnlock(k, dst);
}

/** NEEDS_COPY: the folio may be pinned; a reference for the copy has been taken. */
function* shareEntry(
  k: Kernel,
  dst: EntryAddr,
  src: EntryAddr,
  srcVma: VmaId,
  lo: number,
  hi: number,
  cow: boolean,
): Steps<number> {
  if (isNone(lo, hi)) return SHARED;
  if (!isPresent(lo)) {
    yield* copySwapEntry(k, dst, src, lo, hi, cow);
    return SHARED;
  }
  const folio = headOf(k, entryPfn(lo, hi));
  yield* folioGet(k, folio, 1);
  const shared = yield* dupMapping(k, srcVma, folio, cow);
  if (!shared) return NEEDS_COPY;
  if (cow) yield* entryWrprotect(k, src);
  yield* entrySet(k, dst, cow ? lo & ~PTE.write : lo, hi);
  return SHARED;
}

/** One more mapping of the folio; false: it must be copied for the child (S13). */
function* dupMapping(k: Kernel, srcVma: VmaId, folio: Folio, cow: boolean): Steps<boolean> {
  let needsCopy = false;
  if (cow && k.rules.fork.hugetlbEarlyCopy)
    needsCopy = yield* folioNeedsCowForDma(k, srcVma, folio);
  const anon = isAnon(k, folio);
  if (k.rules.fork.earlyCopy === 'exclusive') {
    if (anon) return yield* tryDupAnonRmap(k, folio, true, needsCopy);
  } else if (needsCopy) {
    return false;
  }
  if (anon) yield* folioAddAnonRmap(k, folio, false, true);
  else yield* folioAddFileRmap(k, folio, true);
  return true;
}

/** Migration entries become readable ones in both, poisoned ones are inherited (A.15.10). */
function* copySwapEntry(
  k: Kernel,
  dst: EntryAddr,
  src: EntryAddr,
  lo: number,
  hi: number,
  cow: boolean,
): Steps<void> {
  let type = swpType(hi);
  if (cow && isMigrationEntry(lo, hi) && type !== SWP.migrationRead) {
    type = SWP.migrationRead;
    yield* entrySet(k, src, lo, swpHi(type, swpOffset(lo, hi)));
  }
  yield* entrySet(k, dst, lo, swpHi(type, swpOffset(lo, hi)));
}

/** hugetlb_install_folio(), unless the parent's entry has changed meanwhile: then the copy is given back, false. */
function* installCopy(
  k: Kernel,
  dst: EntryAddr,
  src: EntryAddr,
  dstVma: VmaId,
  vpn: Vpn,
  lo: number,
  fresh: Folio,
): Steps<boolean> {
  yield* lockBoth(k, dst, src);
  const now = yield* entryRead(k, src);
  const same = now === lo;
  if (same) {
    yield* folioAddNewAnonRmap(k, fresh, dstVma, vpn, true);
    commitHugetlbFolio(k, fresh);
    yield* setHugeLeaf(k, dstVma, dst, fresh, true);
  }
  yield* unlockBoth(k, dst, src);
  if (!same) yield* putUnusedHugetlbFolio(k, dstVma, vpn, fresh);
  return same;
}
