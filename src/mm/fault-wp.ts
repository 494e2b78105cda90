/**
 * A write (or an unsharing) meets a present, read-only entry: memory.c: do_wp_page, wp_page_reuse,
 * wp_page_copy, wp_page_shared. Which pages are reused is in wp-reuse.ts.
 * Rules: semantics.md A.14.1, A.16, A.23.1; steps P1 to P8 of A.31. Write protection by userfaultfd (A.16.1)
 * comes before P1; the MMU notifier's calls (P4, P8) around the second hold of the page table lock.
 */
import { GFP } from '../machine/buddy.ts';
import { copyUserPage } from '../machine/copy-page.ts';
import { entryClear, entrySet } from '../machine/entries.ts';
import { entryHiOf, entryPfn, PTE } from '../machine/entry.ts';
import { folioLock, folioUnlock } from '../machine/locks.ts';
import type { EntryAddr, Pfn, Steps, TaskId, VmaId, Vpn } from '../machine/types.ts';
import { isDevmap } from './dax-insert.ts';
import {
  allocUserPage,
  entrySame,
  flushTlbPage,
  makePteLo,
  mayWriteBit,
  PTE_MKDIRTY,
} from './fault-common.ts';
import { FAULT, VMF } from './fault-flags.ts';
import { isDaxKind } from './file-tables.ts';
import { folioGet, folioPut, headOf, isAnon } from './folio.ts';
import { fsdaxFault } from './fsdax.ts';
import type { Kernel } from './kernel.ts';
import { folioAddLru } from './lru.ts';
import { invalidateEnd, invalidateStart } from './mmu-notifier.ts';
import { pageMkwrite } from './page-mkwrite.ts';
import { pteLock, pteUnlock } from './pgtable.ts';
import { folioAddNewAnonRmap, folioRemoveRmap } from './rmap.ts';
import { folioMarkDirty } from './set-dirty.ts';
import { freeSwapCache } from './swap-state.ts';
import { handleUserfault, USERFAULT } from './userfault-wait.ts';
import { anonVmaPrepare, VM, vmaWantsNotify } from './vma.ts';
import { REUSE, reuseVerdict } from './wp-reuse.ts';

/**
 * do_wp_page(): `flags` has FAULT.write or FAULT.unshare; `e` was read as `lo`, `hi`. Called with the lock of `e`'s
 * table, which is released. Returns `VMF` bits; VMF.write where a write may go on (kernels to 6.0 want to know).
 */
export function* doWpPage(
  k: Kernel,
  task: TaskId,
  vma: VmaId,
  vpn: Vpn,
  e: EntryAddr,
  lo: number,
  hi: number,
  flags: number,
): Steps<number> {
  const unshare = (flags & FAULT.unshare) !== 0;
  const page = structPage(lo, hi);
  if (!unshare && (lo & PTE.uffdWp) !== 0 && (k.vma.flags[vma] & VM.uffdWp) !== 0) {
    yield* pteUnlock(k, e);
    return yield* handleUserfault(k, task, vma, vpn, flags, USERFAULT.wp);
  }
  const shared = (k.vma.flags[vma] & (VM.shared | VM.mayShare)) !== 0;
  if (shared && isDaxKind(k.file.kind[k.vma.file[vma]])) {
    yield* pteUnlock(k, e);
    const result = yield* fsdaxFault(k, vma, vpn, true);
    return result === 0 ? VMF.write : result;
  }
  if (shared)
    return vmaWantsNotify(k, vma)
      ? yield* wpNotified(k, vma, e, page, lo, hi)
      : yield* wpShared(k, vma, e, page, lo, hi);

  if (page !== 0 && isAnon(k, headOf(k, page))) {
    const verdict = yield* reuseVerdict(k, vma, vpn, e, lo, hi);
    if (verdict !== REUSE.copy) {
      if (verdict === REUSE.reuse && !unshare) yield* wpReuse(k, vma, e, lo, hi);
      yield* pteUnlock(k, e);
      return verdict === REUSE.reuse && !unshare ? VMF.write : 0;
    }
  }
  // P2: hold on to the old page, and let go of the table.
  if (page !== 0) yield* folioGet(k, headOf(k, page), 1);
  yield* pteUnlock(k, e);
  // Device memory whose mappings hold no references is copied all the same.
  const source = isDevmap(hi) ? entryPfn(lo, hi) : page;
  return yield* wpCopy(k, task, vma, vpn, e, page, source, lo, hi, unshare);
}

/** vm_normal_page(): the page of an entry, 0 for the page of zeros and what else has no page structure. */
function structPage(lo: number, hi: number): Pfn {
  return (lo & PTE.special) !== 0 || isDevmap(hi) ? 0 : entryPfn(lo, hi);
}

/** wp_page_reuse(): the same page, now dirty, and writable if the mapping is (under FOLL_FORCE it may not be). */
function* wpReuse(k: Kernel, vma: VmaId, e: EntryAddr, lo: number, hi: number): Steps<void> {
  yield* entrySet(k, e, lo | PTE.accessed | PTE_MKDIRTY | mayWriteBit(k, vma), hi);
}

/**
 * wp_page_shared() of a file on a medium: its file system is asked first, without the table's lock (A.23.1, Q2). The
 * folio stays locked until it is dirty, so that nobody cleans it in between.
 */
function* wpNotified(
  k: Kernel,
  vma: VmaId,
  e: EntryAddr,
  page: Pfn,
  lo: number,
  hi: number,
): Steps<number> {
  const folio = headOf(k, page);
  yield* folioGet(k, folio, 1);
  yield* pteUnlock(k, e);
  const denied = yield* pageMkwrite(k, k.vma.file[vma], folio);
  if (denied !== 0) {
    yield* folioPut(k, folio, 1);
    return denied & VMF.error;
  }
  yield* pteLock(k, e);
  const same = yield* entrySame(k, e, lo, hi);
  if (same) yield* wpReuse(k, vma, e, lo, hi);
  yield* pteUnlock(k, e);
  if (same) yield* folioMarkDirty(k, folio);
  yield* folioUnlock(k, folio);
  yield* folioPut(k, folio, 1);
  return same ? VMF.write : 0;
}

/** wp_page_shared(), wp_pfn_shared(): a shared mapping never copies; a memory file has nobody to ask. */
function* wpShared(
  k: Kernel,
  vma: VmaId,
  e: EntryAddr,
  page: Pfn,
  lo: number,
  hi: number,
): Steps<number> {
  const folio = headOf(k, page);
  if (page !== 0) yield* folioGet(k, folio, 1);
  yield* wpReuse(k, vma, e, lo, hi);
  yield* pteUnlock(k, e);
  if (page === 0) return VMF.write;
  yield* folioLock(k, folio);
  yield* folioMarkDirty(k, folio);
  yield* folioUnlock(k, folio);
  yield* folioPut(k, folio, 1);
  return VMF.write;
}

/**
 * wp_page_copy(): a fresh page takes the old one's place (P3 to P7). Pins stay on the old page (A.16.5). `old` is 0
 * for the page of zeros, else it has a reference for this call, which is dropped.
 */
function* wpCopy(
  k: Kernel,
  task: TaskId,
  vma: VmaId,
  vpn: Vpn,
  e: EntryAddr,
  old: Pfn,
  source: Pfn,
  lo: number,
  hi: number,
  unshare: boolean,
): Steps<number> {
  const fresh = yield* freshCopy(k, task, vma, source);
  if (fresh === 0) {
    if (old !== 0) yield* folioPut(k, headOf(k, old), 1);
    return VMF.oom;
  }
  const mm = k.vma.mm[vma];
  const told = yield* invalidateStart(k, mm, vpn, vpn + 1);
  yield* pteLock(k, e);
  const same = yield* entrySame(k, e, lo, hi);
  if (!same) {
    yield* pteUnlock(k, e);
    yield* invalidateEnd(k, mm, told);
    yield* folioPut(k, fresh, 1);
    if (old !== 0) yield* folioPut(k, headOf(k, old), 1);
    return 0;
  }
  yield* placeCopy(k, vma, vpn, e, old, fresh, unshare ? lo & (PTE.softDirty | PTE.uffdWp) : -1);
  yield* pteUnlock(k, e);
  yield* invalidateEnd(k, mm, told);
  if (old !== 0) yield* dropOld(k, old);
  return unshare ? 0 : VMF.write;
}

/** P3: a page of our own with the old content; 0: out of memory. */
function* freshCopy(k: Kernel, task: TaskId, vma: VmaId, old: Pfn): Steps<Pfn> {
  const prepared = yield* anonVmaPrepare(k, vma);
  if (!prepared) return 0;
  const fresh = yield* allocUserPage(k, task, old === 0 ? GFP.zero : 0);
  if (fresh !== 0 && old !== 0) yield* copyUserPage(k, old, fresh);
  return fresh;
}

/**
 * P5 and P6, under the table's lock: no processor may use the old page any more before the new one appears.
 * `keep`: the flags that an unshared entry keeps beside read-only protection; -1: it is for a write.
 */
function* placeCopy(
  k: Kernel,
  vma: VmaId,
  vpn: Vpn,
  e: EntryAddr,
  old: Pfn,
  fresh: Pfn,
  keep: number,
): Steps<void> {
  const mm = k.vma.mm[vma];
  if (old === 0 || !isAnon(k, headOf(k, old))) k.mm.anonRss[mm] += 1;
  if (old !== 0 && !isAnon(k, headOf(k, old))) k.mm.fileRss[mm] -= 1;
  yield* entryClear(k, e);
  yield* flushTlbPage(k, mm, vpn);
  yield* folioAddNewAnonRmap(k, fresh, vma, vpn, false);
  yield* folioAddLru(k, fresh);
  const flags = keep === -1 ? mayWriteBit(k, vma) | PTE_MKDIRTY : keep;
  yield* entrySet(k, e, makePteLo(k, vma, fresh, flags), entryHiOf(fresh, 0));
  if (old !== 0) yield* folioRemoveRmap(k, old, false);
}

/** P7: the mapping's reference and this call's; a swap slot that nobody needs goes too (`cow.copyFreesSwap`). */
function* dropOld(k: Kernel, old: Pfn): Steps<void> {
  const folio = headOf(k, old);
  if (k.rules.cow.copyFreesSwap) yield* freeSwapCache(k, folio);
  yield* folioPut(k, folio, 2);
}
