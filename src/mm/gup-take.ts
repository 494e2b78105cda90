/**
 * Taking the page that the slow walk found: unshare or grab, mark used, the rest of a huge entry,
 * storing (mm/gup.c: the second half of follow_page_pte(), the tail of __get_user_pages()). Rules:
 * semantics.md A.4.6, A.6.6 to A.6.10.
 */
import { PTE } from '../machine/entry.ts';
import { EFAULT, EMLINK } from '../machine/errno.ts';
import { PG } from '../machine/page.ts';
import type { Folio, Pfn, Steps, VmaId } from '../machine/types.ts';
import { headOf, isHugetlb } from './folio.ts';
import { FOLL } from './foll.ts';
import { gupPutFolio, tryGrabFolio } from './grab.ts';
import { outputPages, outputRoom } from './gup-output.ts';
import { checkPinnedExclusive, gupMustUnshare } from './gup-unshare.ts';
import type { Kernel } from './kernel.ts';
import { folioMarkAccessed, folioMarkDirty } from './set-dirty.ts';

/** `storePages`: the output is full, nothing was taken. No errno has this value. */
export const NO_ROOM = -4096;

/**
 * FOLL_TOUCH: a write by way of a clean entry dirties the folio; every use is remembered (A.6.10).
 */
export function* touchFolio(k: Kernel, folio: Folio, lo: number, flags: number): Steps<void> {
  const write = (flags & FOLL.write) !== 0 && (lo & PTE.dirty) === 0;
  if (write && (k.page.flags[folio] & PG.dirty) === 0) yield* folioMarkDirty(k, folio);
  yield* folioMarkAccessed(k, folio);
}

/**
 * Unshares or takes one reference on the folio of `pfn`, under the lock. `checked` is the page
 * whose flags decide: the head for a huge entry, else the page itself. Returns `pfn`, -EMLINK or
 * the grab's error.
 */
export function* takePage(
  k: Kernel,
  vma: VmaId,
  pfn: Pfn,
  checked: Pfn,
  lo: number,
  flags: number,
): Steps<number> {
  if ((lo & PTE.write) === 0) {
    const unshare = yield* gupMustUnshare(k, vma, flags, checked);
    if (unshare) return -EMLINK;
  }
  checkPinnedExclusive(k, checked, flags);
  const error = yield* tryGrabFolio(k, headOf(k, pfn), 1, flags);
  return error !== 0 ? error : pfn;
}

/**
 * The rest of a huge entry, `n` pages with the one already taken: one count update for all of them,
 * without the lock, for the first reference keeps the folio (A.4.6). Kernels before 6.6 walk again
 * for each page.
 */
export function* takeRest(
  k: Kernel,
  pfn: Pfn,
  n: number,
  flags: number,
  pages: number,
  nr: number,
): Steps<number> {
  if (n === 1 || !takesBatch(k, pfn, pages)) return yield* storePages(k, pfn, 1, flags, pages, nr);
  const error = yield* tryGrabFolio(k, headOf(k, pfn), n - 1, flags);
  if (error !== 0) {
    yield* drop(k, headOf(k, pfn), 1, flags);
    return -EFAULT;
  }
  return yield* storePages(k, pfn, n, flags, pages, nr);
}

function takesBatch(k: Kernel, pfn: Pfn, pages: number): boolean {
  if (pages < 0 || k.rules.gup.hugeBatch) return true;
  return k.rules.hugetlb.grabOnce && isHugetlb(k, headOf(k, pfn));
}

/**
 * Stores `n` pages that were taken, and answers `n`; gives them back and answers `NO_ROOM` where
 * they don't fit.
 */
export function* storePages(
  k: Kernel,
  pfn: Pfn,
  n: number,
  flags: number,
  pages: number,
  nr: number,
): Steps<number> {
  if (!outputRoom(k, pages, pfn, n, flags)) {
    yield* drop(k, headOf(k, pfn), n, flags);
    return NO_ROOM;
  }
  outputPages(k, pages, nr, pfn, n, flags);
  return n;
}

/** Gives references back, if this call takes any. */
function* drop(k: Kernel, folio: Folio, n: number, flags: number): Steps<void> {
  if ((flags & (FOLL.get | FOLL.pin)) !== 0) yield* gupPutFolio(k, folio, n, flags);
}
