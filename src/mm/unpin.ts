/**
 * Releasing pins (mm/gup.c: unpin_user_page() and its family). No mapping, address space or page
 * table is looked at: only the page counts (A.10.4). Rules: semantics.md A.10, S10; names of 5.2 to
 * 5.5 (put_user_page).
 */
import { folioLock, folioUnlock } from '../machine/locks.ts';
import { PG } from '../machine/page.ts';
import { WARN, warn } from '../machine/report.ts';
import type { Folio, Pfn, Steps } from '../machine/types.ts';
import { headOf, nrPages } from './folio.ts';
import { FOLL } from './foll.ts';
import { gupPutFolio } from './grab.ts';
import { unpinPlainRun } from './gup-fast-run.ts';
import { outputDropBatch, outputRuns, runLength, runPage } from './gup-output.ts';
import type { Kernel } from './kernel.ts';
import { folioMarkDirty } from './set-dirty.ts';

/** Largest errno: a count in [-4095, -1] is one that a caller forgot to check (IS_ERR_VALUE). */
const MAX_ERRNO = 4095;

/** unpin_user_page(): one pin less on the page's folio. */
export function* unpinUserPage(k: Kernel, pfn: Pfn): Steps<void> {
  yield* gupPutFolio(k, headOf(k, pfn), 1, FOLL.pin);
}

/** unpin_user_folio(), unpin_folio(): `n` pins less on a folio. */
export function* unpinUserFolio(k: Kernel, folio: Folio, n: number): Steps<void> {
  yield* gupPutFolio(k, folio, n, FOLL.pin);
}

/** unpin_folio() (6.11+): the one pin that memfd_pin_folios() took. */
export function* unpinFolio(k: Kernel, folio: Folio): Steps<void> {
  yield* gupPutFolio(k, folio, 1, FOLL.pin);
}

/**
 * unpin_folios(): `n` folios at `folios`; neighbours that are the same folio are released together.
 */
export function* unpinFolios(k: Kernel, folios: number, n: number): Steps<void> {
  yield* unpinUserPages(k, folios, n);
}

/**
 * unpin_user_pages(): releases the `n` pages listed at `pages`. Empty entries (0) are skipped; an
 * error number given as the count is warned of, and nothing is released (A.10.1).
 */
export function* unpinUserPages(k: Kernel, pages: number, n: number): Steps<void> {
  yield* unpinUserPagesDirtyLock(k, pages, n, false);
}

/**
 * unpin_user_pages_dirty_lock(): as `unpinUserPages`; with `dirty` each folio that isn't dirty yet
 * is marked so under its lock. Whether it is dirty already is asked without a lock, as in the
 * kernel (A.10.2).
 */
export function* unpinUserPagesDirtyLock(
  k: Kernel,
  pages: number,
  n: number,
  dirty: boolean,
): Steps<void> {
  if (n < 0 && n >= -MAX_ERRNO) {
    warn(k, WARN.unpinErrno);
    return;
  }
  let i = 0;
  while (i < n) {
    if (!dirty) i += unpinPlainRun(k, pages + i, n - i);
    if (i >= n) break;
    const pfn = k.kmem[pages + i];
    const folio = headOf(k, pfn);
    let run = 1;
    while (i + run < n && headOf(k, k.kmem[pages + i + run]) === folio) run++;
    if (pfn !== 0) yield* unpinRun(k, folio, run, dirty);
    i += run;
  }
}

/**
 * unpin_user_page_range_dirty_lock() (5.13+): the `n` consecutive pages from `pfn`, which may span
 * folios (A.10.3).
 */
export function* unpinUserPageRangeDirtyLock(
  k: Kernel,
  pfn: Pfn,
  n: number,
  dirty: boolean,
): Steps<void> {
  let i = 0;
  while (i < n) {
    const folio = headOf(k, pfn + i);
    const run = Math.min(n - i, folio + nrPages(k, folio) - (pfn + i));
    yield* unpinRun(k, folio, run, dirty);
    i += run;
  }
}

/**
 * Releases the batch of ranges at `pages` (`FOLL.ranges` output, see gup-output.ts): one count
 * update a range.
 */
export function* unpinUserRanges(k: Kernel, pages: number, dirty: boolean): Steps<void> {
  yield* unpinRuns(k, pages, FOLL.ranges, dirty);
}

/** The same for the packed array at `pages` (`FOLL.packed` output, see gup-packed.ts). */
export function* unpinUserPacked(k: Kernel, pages: number, dirty: boolean): Steps<void> {
  yield* unpinRuns(k, pages, FOLL.ranges | FOLL.packed, dirty);
}

function* unpinRuns(k: Kernel, pages: number, flags: number, dirty: boolean): Steps<void> {
  const runs = outputRuns(k, pages, 0, flags);
  for (let i = 0; i < runs; i++) {
    const folio = headOf(k, runPage(k, pages, i, flags));
    yield* unpinRun(k, folio, runLength(k, pages, i, flags), dirty);
  }
  outputDropBatch(k, pages, flags);
}

/** Gives back the `nr` pages that a pinning call with `flags` has stored at `pages`. */
export function* unpinOutput(k: Kernel, pages: number, nr: number, flags: number): Steps<void> {
  const runs = outputRuns(k, pages, nr, flags);
  for (let i = 0; i < runs; i++) {
    yield* gupPutFolio(
      k,
      headOf(k, runPage(k, pages, i, flags)),
      runLength(k, pages, i, flags),
      flags,
    );
  }
  outputDropBatch(k, pages, flags);
}

function* unpinRun(k: Kernel, folio: Folio, n: number, dirty: boolean): Steps<void> {
  if (dirty) yield* dirtyUnlessDirty(k, folio);
  yield* gupPutFolio(k, folio, n, FOLL.pin);
}

/** X1 and X2 of A.31: a look without the lock, then the lock and the flag. */
function* dirtyUnlessDirty(k: Kernel, folio: Folio): Steps<void> {
  if ((k.page.flags[folio] & PG.dirty) !== 0) return;
  yield* folioLock(k, folio);
  yield* folioMarkDirty(k, folio);
  yield* folioUnlock(k, folio);
}

/**
 * put_user_page() (5.2 to 5.5): the unpin's name before there were pins: drops one reference (S10).
 * In the proposal of 2019 it releases a pin (B.2).
 */
export function* putUserPage(k: Kernel, pfn: Pfn): Steps<void> {
  yield* gupPutFolio(k, headOf(k, pfn), 1, putFlags(k));
}

/** put_user_pages() (5.2 to 5.5). */
export function* putUserPages(k: Kernel, pages: number, n: number): Steps<void> {
  for (let i = 0; i < n; i++) yield* putUserPage(k, k.kmem[pages + i]);
}

/** put_user_pages_dirty_lock() (5.2 to 5.5). */
export function* putUserPagesDirtyLock(
  k: Kernel,
  pages: number,
  n: number,
  dirty: boolean,
): Steps<void> {
  for (let i = 0; i < n; i++) {
    const pfn = k.kmem[pages + i];
    if (dirty) yield* dirtyUnlessDirty(k, headOf(k, pfn));
    yield* putUserPage(k, pfn);
  }
}

function putFlags(k: Kernel): number {
  return k.rules.pin.putUserPage === 'unpin' ? FOLL.pin : FOLL.get;
}
