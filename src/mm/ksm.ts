/**
 * KSM: equal anonymous pages become one, which is copied again at the next write (mm/ksm.c: try_to_merge_two_pages,
 * try_to_merge_one_page, write_protect_page, replace_page, break_ksm). Rules: semantics.md A.21, A.14.4, S28.
 *
 * Who else refers to a page must not notice: so a page is merged only while its mappings, the swap cache and the scanner are all that
 * refers to it. That is asked only where the entry is written, dirty or exclusive: to 5.18 a page that came back from swap, and was
 * only read since, is merged even while it is pinned for reading (the reason for Andrea Arcangeli's FOLL_MM_SYNC patch to KSM, 2021).
 *
 * A KSM page has the mapping word of its kind and no index; the model neither reclaims nor moves it.
 */
import { at, R, READ, WRITE } from '../machine/access.ts';
import { touchAlso } from '../machine/also.ts';
import { flagSet, refRead } from '../machine/atomic.ts';
import { PAGE_WORDS } from '../machine/contents.ts';
import { flushTlbRange } from '../machine/cpu.ts';
import { entryClear, entryHi, entryRead, entrySet } from '../machine/entries.ts';
import { entryHiOf, entryPfn, isPresent, PTE } from '../machine/entry.ts';
import { EBUSY, EFAULT, EINVAL } from '../machine/errno.ts';
import { refTryAdd } from '../machine/grab-words.ts';
import { folioLock, folioUnlock, lockShared, unlockShared } from '../machine/locks.ts';
import { MAPPING_KSM, PG } from '../machine/page.ts';
import type { EntryAddr, Folio, MmId, Pfn, Steps, TaskId, VmaId, Vpn } from '../machine/types.ts';
import { entrySame, makePteLo } from './fault-common.ts';
import { FAULT } from './fault-flags.ts';
import { folioGet, folioPut, headOf, isAnon, isKsm, isZeroPfn } from './folio.ts';
import type { Kernel } from './kernel.ts';
import { handleMmFault } from './memory.ts';
import { invalidateEnd, invalidateStart } from './mmu-notifier.ts';
import { entryPeek, isLeaf, PMD_PAGES, pmdEntry, pteEntry, pteLock, pteUnlock } from './pgtable.ts';
import {
  anonExclusiveRead,
  folioAddAnonRmap,
  folioMapcountRead,
  folioRemoveRmap,
  tryShareAnonRmap,
} from './rmap.ts';
import { trySplitToPage } from './split-to-page.ts';
import { inSwapCache } from './swap-state.ts';
import { VM, vmaAt } from './vma.ts';

/**
 * cmp_and_merge_page() for two addresses of one process: one page in place of two equal ones. 0: done (or it was one page already);
 * -EINVAL: not MADV_MERGEABLE memory, or the pages differ; -EFAULT: no anonymous page there; -EBUSY: somebody else refers to one of
 * them. Takes mmap_lock.
 */
export function* ksmMerge(k: Kernel, mm: MmId, first: Vpn, second: Vpn): Steps<number> {
  yield* lockShared(k, R.mmapLock, mm);
  const a = yield* scanned(k, mm, first);
  const b = yield* scanned(k, mm, second);
  yield* unlockShared(k, R.mmapLock, mm);
  let result = Math.min(a, b, 0);
  if (result === 0 && a !== b) {
    if (isKsm(k, b) && !isKsm(k, a)) result = yield* mergePair(k, mm, second, b, first, a);
    else result = yield* mergePair(k, mm, first, a, second, b);
  }
  if (a > 0) yield* folioPut(k, headOf(k, a), 1);
  if (b > 0) yield* folioPut(k, headOf(k, b), 1);
  return result;
}

/** scan_get_next_rmap_item(): the page mapped at `vpn`, with the scanner's reference; -EINVAL or -EFAULT. Under mmap_lock. */
function* scanned(k: Kernel, mm: MmId, vpn: Vpn): Steps<Pfn> {
  const vma = vmaAt(k, mm, vpn);
  if (vma === 0) return -EFAULT;
  if ((k.vma.flags[vma] & VM.mergeable) === 0) return -EINVAL;
  const pmd = pmdEntry(k, mm, vpn);
  const huge = pmd !== 0 && isLeaf(entryPeek(k, pmd));
  const e = huge ? pmd : pteEntry(k, mm, vpn);
  if (e === 0) return -EFAULT;
  yield* pteLock(k, e);
  const lo = yield* entryRead(k, e);
  const pfn = entryPfn(lo, entryHi(k, e)) + (huge && isLeaf(lo) ? vpn % PMD_PAGES : 0);
  let found = -EFAULT;
  if (isPresent(lo) && !isZeroPfn(k, pfn) && isAnon(k, headOf(k, pfn))) {
    const got = yield* refTryAdd(k, headOf(k, pfn), 1);
    if (got) found = pfn;
  }
  yield* pteUnlock(k, e);
  return found;
}

/** try_to_merge_two_pages(): `kept` becomes a KSM page where it is, then takes the place of `other`, too. */
function* mergePair(
  k: Kernel,
  mm: MmId,
  keptVpn: Vpn,
  kept: Pfn,
  otherVpn: Vpn,
  other: Pfn,
): Steps<number> {
  const equal = yield* pagesIdentical(k, kept, other);
  if (!equal) return -EINVAL;
  if (!isKsm(k, kept)) {
    const error = yield* mergeWith(k, mm, keptVpn, kept, 0);
    if (error !== 0) return error;
  }
  const error = yield* mergeWith(k, mm, otherVpn, other, kept);
  if (error !== 0) yield* breakCow(k, mm, keptVpn, kept);
  return error;
}

/** memcmp_pages(). */
function* pagesIdentical(k: Kernel, a: Pfn, b: Pfn): Steps<boolean> {
  yield READ | at(R.content, a);
  yield READ | at(R.content, b);
  return sameContent(k, a, b);
}

function sameContent(k: Kernel, a: Pfn, b: Pfn): boolean {
  const x = k.page.slot[a] * PAGE_WORDS;
  const y = k.page.slot[b] * PAGE_WORDS;
  for (let i = 0; i < PAGE_WORDS; i++) if (k.contents[x + i] !== k.contents[y + i]) return false;
  return true;
}

/** try_to_merge_with_ksm_page(): takes mmap_lock. `kpage` 0: `page` itself becomes the KSM page. */
function* mergeWith(k: Kernel, mm: MmId, vpn: Vpn, page: Pfn, kpage: Folio): Steps<number> {
  yield* lockShared(k, R.mmapLock, mm);
  const vma = vmaAt(k, mm, vpn);
  let result = -EFAULT;
  if (vma !== 0 && (k.vma.flags[vma] & VM.mergeable) !== 0)
    result = yield* mergeOne(k, vma, vpn, page, kpage);
  yield* unlockShared(k, R.mmapLock, mm);
  return result;
}

/** try_to_merge_one_page(): 0, -EFAULT or -EBUSY. A huge page is split first, which everybody else's reference refuses. */
function* mergeOne(k: Kernel, vma: VmaId, vpn: Vpn, page: Pfn, kpage: Folio): Steps<number> {
  if (!isAnon(k, headOf(k, page)) || isKsm(k, headOf(k, page))) return -EFAULT;
  const refused = yield* trySplitToPage(k, page);
  if (refused !== 0) return refused;
  const mm = k.vma.mm[vma];
  const told = yield* invalidateStart(k, mm, vpn, vpn + 1);
  const error = yield* mergeLocked(k, vma, vpn, page, kpage);
  yield* invalidateEnd(k, mm, told);
  yield* folioUnlock(k, page);
  return error;
}

function* mergeLocked(k: Kernel, vma: VmaId, vpn: Vpn, page: Pfn, kpage: Folio): Steps<number> {
  const e = pteEntry(k, k.vma.mm[vma], vpn);
  if (e === 0) return -EFAULT;
  const error = yield* writeProtectPage(k, vma, vpn, e, page);
  if (error !== 0) return error;
  const lo = k.contents[e];
  const hi = entryHi(k, e);
  if (kpage === 0) {
    // set_page_stable_node(); dirty, for nothing else will say that swap hasn't got it.
    yield WRITE | at(R.mapping, page);
    touchAlso(k, WRITE | at(R.flags, page));
    k.page.mapping[page] = (page << 2) | MAPPING_KSM;
    k.page.index[page] = 0;
    yield* flagSet(k, page, PG.dirty | PG.referenced);
    return 0;
  }
  yield* folioLock(k, kpage);
  const equal = yield* pagesIdentical(k, page, kpage);
  yield* folioUnlock(k, kpage);
  if (!equal || !isKsm(k, kpage)) return -EFAULT;
  return yield* replacePage(k, vma, vpn, e, page, kpage, lo, hi);
}

/**
 * write_protect_page(): the entry becomes read-only and clean, and, if it was neither or the page exclusive, nobody but mappings, swap
 * cache and scanner may refer to the page. The entry is cleared while that is asked, so that no fast walk can begin.
 */
function* writeProtectPage(
  k: Kernel,
  vma: VmaId,
  vpn: Vpn,
  e: EntryAddr,
  page: Pfn,
): Steps<number> {
  yield* pteLock(k, e);
  const lo = yield* entryRead(k, e);
  const hi = entryHi(k, e);
  let error = 0;
  if (!isPresent(lo) || entryPfn(lo, hi) !== page) error = -EFAULT;
  let exclusive = false;
  if (error === 0 && k.rules.anon.exclusive) exclusive = yield* anonExclusiveRead(k, page);
  if (error === 0 && ((lo & (PTE.write | PTE.dirty)) !== 0 || exclusive))
    error = yield* protectHeld(k, vma, vpn, e, page, exclusive);
  yield* pteUnlock(k, e);
  return error;
}

function* protectHeld(
  k: Kernel,
  vma: VmaId,
  vpn: Vpn,
  e: EntryAddr,
  page: Pfn,
  exclusive: boolean,
): Steps<number> {
  const hi = entryHi(k, e);
  const lo = yield* entryClear(k, e);
  yield* flushTlbRange(k, k.vma.mm[vma], vpn, vpn + 1);
  const mapped = yield* folioMapcountRead(k, page);
  const references = yield* refRead(k, page);
  let alone = references === mapped + 1 + (inSwapCache(k, page) ? 1 : 0);
  if (alone && exclusive) alone = yield* tryShareAnonRmap(k, page);
  if (!alone) {
    yield* entrySet(k, e, lo, hi);
    return -EBUSY;
  }
  k.page.flags[page] &= ~PG.anonExclusive;
  if ((lo & PTE.dirty) !== 0) yield* flagSet(k, page, PG.dirty);
  yield* entrySet(k, e, lo & ~(PTE.write | PTE.dirty), hi);
  return 0;
}

/** replace_page(): the entry names `kpage` from now on. -EFAULT when it changed since it was protected. */
function* replacePage(
  k: Kernel,
  vma: VmaId,
  vpn: Vpn,
  e: EntryAddr,
  page: Pfn,
  kpage: Folio,
  lo: number,
  hi: number,
): Steps<number> {
  yield* pteLock(k, e);
  const same = yield* entrySame(k, e, lo, hi);
  if (same) {
    yield* folioGet(k, kpage, 1);
    yield* folioAddAnonRmap(k, kpage, false, false);
    yield* entryClear(k, e);
    yield* flushTlbRange(k, k.vma.mm[vma], vpn, vpn + 1);
    yield* entrySet(k, e, makePteLo(k, vma, kpage, 0) & ~PTE.write, entryHiOf(kpage, 0));
    yield* folioRemoveRmap(k, page, false);
  }
  yield* pteUnlock(k, e);
  if (!same) return -EFAULT;
  yield* folioPut(k, page, 1);
  return 0;
}

/** break_cow(): a page that became KSM alone becomes an ordinary one again. */
function* breakCow(k: Kernel, mm: MmId, vpn: Vpn, kpage: Folio): Steps<void> {
  if (!isKsm(k, kpage)) return;
  yield* lockShared(k, R.mmapLock, mm);
  const vma = vmaAt(k, mm, vpn);
  if (vma !== 0) yield* breakKsm(k, 0, vma, vpn);
  yield* unlockShared(k, R.mmapLock, mm);
}

/**
 * break_ksm(): a fault at `vpn` as long as a KSM page is mapped there: one that writes, from 6.2 one that only unshares, so that
 * userfaultfd's protection is none of its business (S162). `VMF` errors end it: 0 or -EFAULT. Under mmap_lock shared.
 */
function* breakKsm(k: Kernel, task: TaskId, vma: VmaId, vpn: Vpn): Steps<number> {
  const how = k.rules.ksm.breakUnshares ? FAULT.unshare : FAULT.write;
  while (mapsKsm(k, k.vma.mm[vma], vpn)) {
    const answer = yield* handleMmFault(k, task, vma, vpn, how | FAULT.remote);
    if (answer !== 0 && mapsKsm(k, k.vma.mm[vma], vpn)) return -EFAULT;
  }
  return 0;
}

function mapsKsm(k: Kernel, mm: MmId, vpn: Vpn): boolean {
  const e = pteEntry(k, mm, vpn);
  if (e === 0) return false;
  const lo = k.contents[e];
  if (!isPresent(lo) || (lo & PTE.special) !== 0) return false;
  return isKsm(k, headOf(k, entryPfn(lo, entryHi(k, e))));
}

/** unmerge_ksm_pages(), for MADV_UNMERGEABLE: every KSM page of [start, end) is copied. 0 or -EFAULT. Under mmap_lock. */
export function* unmergeKsm(
  k: Kernel,
  task: TaskId,
  vma: VmaId,
  start: Vpn,
  end: Vpn,
): Steps<number> {
  let error = 0;
  for (let vpn = start; vpn < end && error === 0; vpn++) error = yield* breakKsm(k, task, vma, vpn);
  return error;
}
