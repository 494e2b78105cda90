/**
 * Broken memory (mm/memory-failure.c: memory_failure, soft_offline_page; mm/madvise.c: madvise_inject_error). Hard: the page is taken
 * from everybody who maps it, pinned or not, and whoever touches it there gets SIGBUS; a device goes on using it. Soft: it is moved,
 * which a pin refuses. Rules: semantics.md A.19.7, S163. What the model can take away
 * are anonymous pages, small or transparent huge; it can replace those and small pages of memory files.
 */
import { R } from '../machine/access.ts';
import { flagClear, flagSet, flagTestAndSet, refRead } from '../machine/atomic.ts';
import { GFP, pageNode, takePageAt } from '../machine/buddy.ts';
import { EBUSY, EFAULT, EHWPOISON, EIO, ENOMEM } from '../machine/errno.ts';
import { refTryAdd } from '../machine/grab-words.ts';
import { folioLock, folioUnlock, lockShared, unlockShared } from '../machine/locks.ts';
import { leafPfn, noteWalk } from '../machine/mmu.ts';
import { PG } from '../machine/page.ts';
import type { MmId, Pfn, Steps, TaskId, Vpn } from '../machine/types.ts';
import { folioMapcount, folioPut, headOf, isAnon, isHugetlb, isKsm, isZeroPfn } from './folio.ts';
import type { Kernel } from './kernel.ts';
import { isolateLru, lruDrain } from './lru.ts';
import { userAccess } from './memory.ts';
import { isolateFolio, migrateFolio, putbackFolio } from './migrate.ts';
import { splitToPage } from './split-to-page.ts';
import { inSwapCache } from './swap-state.ts';
import { tryToUnmap } from './try-to-unmap.ts';

/**
 * madvise_inject_error(): MADV_HWPOISON or (`soft`) MADV_SOFT_OFFLINE of every page of [start, end). 0; -EFAULT: nothing is mapped
 * there; -EBUSY (soft, to 5.10: -EIO): a page is in use by somebody who does not let go of it; -ENOMEM. Takes mmap_lock.
 */
export function* injectError(
  k: Kernel,
  task: TaskId,
  start: Vpn,
  end: Vpn,
  soft: boolean,
): Steps<number> {
  for (let vpn = start; vpn < end; vpn++) {
    const page = yield* getPage(k, task, vpn);
    if (page < 0) return page;
    let error = 0;
    if (soft) error = yield* softOfflinePage(k, page);
    else error = yield* memoryFailure(k, page);
    if (error !== 0) return error;
  }
  return 0;
}

/** get_user_pages_fast() for reading: the page at `vpn` with a reference, or -EFAULT. */
function* getPage(k: Kernel, task: TaskId, vpn: Vpn): Steps<Pfn> {
  const mm: MmId = k.task.mm[task];
  for (;;) {
    const seen = yield* userAccess(k, task, vpn, false);
    if (seen < 0) return -EFAULT;
    yield* lockShared(k, R.mmapLock, mm);
    noteWalk(k, mm, vpn);
    const pfn = leafPfn(k, mm, vpn);
    let got = false;
    if (pfn > 0) got = yield* refTryAdd(k, headOf(k, pfn), 1);
    yield* unlockShared(k, R.mmapLock, mm);
    if (got) return pfn;
  }
}

/**
 * memory_failure(): takes over the caller's reference, which is never given back, so that nobody gets the page again. 0: recovered;
 * -EBUSY: somebody still refers to it, or a huge page could not be split (then the page stays as it was); -EHWPOISON: known already.
 */
export function* memoryFailure(k: Kernel, page: Pfn): Steps<number> {
  const known = yield* flagTestAndSet(k, page, PG.hwpoison);
  if (known) {
    yield* folioPut(k, headOf(k, page), 1);
    return -EHWPOISON;
  }
  yield* lruDrain(k);
  yield* folioLock(k, headOf(k, page));
  const whole = canIsolate(k, page);
  let split = -EBUSY;
  if (whole) split = yield* splitToPage(k, page);
  else yield* folioUnlock(k, headOf(k, page));
  if (split !== 0) {
    yield* flagClear(k, page, PG.hwpoison);
    yield* folioPut(k, headOf(k, page), 1);
    return -EBUSY;
  }
  // hwpoison_user_mappings(): every entry says from now on that the page is broken.
  if (folioMapcount(k, page) !== 0) yield* tryToUnmap(k, page);
  let result = folioMapcount(k, page) === 0 ? 0 : -EBUSY;
  if (result === 0) result = yield* forget(k, page);
  yield* folioUnlock(k, page);
  return result;
}

/** Pages that the model knows to take away: anonymous, in no cache. */
function canIsolate(k: Kernel, page: Pfn): boolean {
  const folio = headOf(k, page);
  if (isZeroPfn(k, page) || isHugetlb(k, folio) || isKsm(k, folio)) return false;
  return isAnon(k, folio) && !inSwapCache(k, folio);
}

/** me_pagecache_clean() for anonymous memory, page_action(): off its list; whoever still refers to it is told of (-EBUSY). */
function* forget(k: Kernel, page: Pfn): Steps<number> {
  const isolated = yield* isolateLru(k, page);
  if (!isolated) return -EBUSY;
  yield* flagClear(k, page, PG.isolated);
  yield* folioPut(k, page, 1);
  const references = yield* refRead(k, page);
  return references === 1 ? 0 : -EBUSY;
}

/** soft_offline_page(): takes over the caller's reference. 0: the content lives elsewhere and the page is out of use. */
export function* softOfflinePage(k: Kernel, page: Pfn): Steps<number> {
  const movable = !isZeroPfn(k, page) && !isHugetlb(k, headOf(k, page));
  let refused = movable ? 0 : -EBUSY;
  if (movable) {
    yield* folioLock(k, headOf(k, page));
    refused = yield* splitToPage(k, page);
    if (refused === 0) yield* folioUnlock(k, page);
  }
  let isolated = false;
  if (refused === 0) {
    yield* lruDrain(k);
    isolated = yield* isolateFolio(k, page);
  }
  yield* folioPut(k, headOf(k, page), 1);
  if (refused !== 0) return refused;
  if (!isolated) return -EBUSY;
  const error = yield* migrateFolio(k, page, GFP.movable, pageNode(k, page));
  if (error !== 0) {
    yield* putbackFolio(k, page);
    if (error === -ENOMEM) return error;
    return k.rules.hwpoison.softOfflineErrno === 'EIO' ? -EIO : -EBUSY;
  }
  // page_handle_poison(): out of the allocator before anybody gets it.
  const taken = yield* takePageAt(k, page);
  if (taken) yield* flagSet(k, page, PG.hwpoison);
  return 0;
}
