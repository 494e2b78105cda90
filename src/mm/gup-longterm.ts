/**
 * Pins that may last for ever (mm/gup.c: __gup_longterm_locked(),
 * check_and_migrate_movable_pages(), before 5.13 check_and_migrate_cma_pages()). Rules:
 * semantics.md A.12, S21, S22.
 */
import { GFP, pageNode } from '../machine/buddy.ts';
import { EAGAIN, ENOMEM, EOPNOTSUPP } from '../machine/errno.ts';
import { PG } from '../machine/page.ts';
import type { Folio, MmId, Steps, TaskId, Vpn } from '../machine/types.ts';
import { kmallocWorks } from './fail-alloc.ts';
import { headOf, isHugetlb } from './folio.ts';
import { FOLL } from './foll.ts';
import { refusesLongterm } from './gup-check.ts';
import { getUserPagesLocked } from './gup-locked.ts';
import { outputRuns, runPage } from './gup-output.ts';
import { type Kernel, PF } from './kernel.ts';
import { folioIsLongtermPinnable } from './longterm-pinnable.ts';
import { lruDrain } from './lru.ts';
import { isolateFolio, migrateFolio, putbackFolio } from './migrate.ts';
import { unpinOutput } from './unpin.ts';
import { vmaAt } from './vma.ts';

/** `collectUnpinnable`: every folio may stay. */
const NONE = 0;
/** `collectUnpinnable`: some folio must leave and none of those could be isolated. */
const NOT_ISOLATED = -1;

/**
 * __gup_longterm_locked(): as `getUserPagesLocked`; with FOLL_LONGTERM repeats until every page
 * lies where it may stay (A.12.2). An error means that this batch holds no pin any more (A.3.5).
 */
export function* gupLongtermLocked(
  k: Kernel,
  task: TaskId,
  mm: MmId,
  start: Vpn,
  nr: number,
  flags: number,
  pages: number,
  locked: number,
): Steps<number> {
  if ((flags & FOLL.longterm) === 0)
    return yield* getUserPagesLocked(k, task, mm, start, nr, flags, pages, locked);
  if (k.rules.longterm.cma === 'none') {
    const got = yield* getUserPagesLocked(k, task, mm, start, nr, flags, pages, locked);
    return yield* refuseFsdax(k, mm, start, pages, got, flags);
  }
  const outer = memallocPinSave(k, task);
  let check = true;
  let result = 0;
  for (;;) {
    result = yield* getUserPagesLocked(k, task, mm, start, nr, flags, pages, locked);
    result = yield* refuseFsdax(k, mm, start, pages, result, flags);
    if (result <= 0 || !check) break;
    const moved = yield* checkAndMigrateMovable(k, pages, result, batchFlags(flags));
    if (moved === 0) break;
    if (moved !== -EAGAIN) {
      // Before 5.13 a page that can't be moved is pinned where it is (S21).
      if (k.rules.longterm.cma === 'migrateOrFail') {
        result = moved;
        break;
      }
      check = false;
    }
  }
  memallocPinRestore(k, task, outer);
  return result;
}

/**
 * check_dax_vmas(), from 4.15 to 5.10: the pages are there before anybody asks what they are; those of a file system on
 * persistent memory are given back, all of them, and the call fails (S20). Returns `got`, or -EOPNOTSUPP.
 */
function* refuseFsdax(
  k: Kernel,
  mm: MmId,
  start: Vpn,
  pages: number,
  got: number,
  flags: number,
): Steps<number> {
  if (k.rules.longterm.fsdax !== 'after' || got <= 0) return got;
  for (let i = 0; i < got; i++) {
    const vma = vmaAt(k, mm, start + i);
    if (vma === 0 || !refusesLongterm(k, vma)) continue;
    yield* unpinOutput(k, pages, got, batchFlags(flags));
    return -EOPNOTSUPP;
  }
  return got;
}

/**
 * The flags that say how the batch's references were taken: get_user_pages(LONGTERM) until 5.9
 * (S23).
 */
function batchFlags(flags: number): number {
  return (flags & FOLL.pin) !== 0 ? flags : flags | FOLL.get;
}

/**
 * memalloc_pin_save(): what the task allocates from here on may be pinned for ever; returns the
 * flag's old state.
 */
export function memallocPinSave(k: Kernel, task: TaskId): number {
  const outer = k.task.flags[task] & PF.memallocPin;
  k.task.flags[task] |= PF.memallocPin;
  return outer;
}

/** memalloc_pin_restore(). */
export function memallocPinRestore(k: Kernel, task: TaskId, outer: number): void {
  k.task.flags[task] = (k.task.flags[task] & ~PF.memallocPin) | outer;
}

/**
 * check_and_migrate_movable_pages(): 0 when the `nr` pages at `pages` may stay pinned; -EAGAIN when
 * they were given back and moved, to be pinned again; -ENOMEM when they were given back and some
 * could not be moved (A.12.4).
 */
export function* checkAndMigrateMovable(
  k: Kernel,
  pages: number,
  nr: number,
  flags: number,
): Steps<number> {
  if (!k.rules.longterm.bigBatch) {
    const room = yield* kmallocWorks(k);
    if (!room) {
      // The array of folios that 6.11 and 6.12 need; 6.11 forgets that it holds pins by now (S56, S57).
      if (!k.rules.longterm.leakOnFailure) yield* unpinOutput(k, pages, nr, flags);
      return -ENOMEM;
    }
  }
  const list = yield* collectUnpinnable(k, pages, nr, flags);
  if (list === NONE) return 0;
  // Before 5.13, and again in 6.14 and 6.15, a folio that can't be isolated is left where it is
  // (A.12.5).
  if (list === NOT_ISOLATED && k.rules.longterm.unisolated === 'stays') return 0;
  yield* unpinOutput(k, pages, nr, flags);
  if (list === NOT_ISOLATED) return -EAGAIN;
  return yield* migrateList(k, list);
}

/**
 * collect_longterm_unpinnable_folios(): isolates every folio of the batch that must leave. Returns
 * the first of them, the others follow by `page.lruNext`; `NONE` or `NOT_ISOLATED`.
 */
function* collectUnpinnable(k: Kernel, pages: number, nr: number, flags: number): Steps<number> {
  let list = 0;
  let found = false;
  let drained = k.rules.longterm.drain === 'none';
  let previous = 0;
  const runs = outputRuns(k, pages, nr, flags);
  for (let i = 0; i < runs; i++) {
    const folio = headOf(k, runPage(k, pages, i, flags));
    if (folio === previous) continue;
    previous = folio;
    if (folioIsLongtermPinnable(k, folio)) continue;
    found = true;
    if (!drained && !isHugetlb(k, folio) && (k.page.flags[folio] & PG.lru) === 0) {
      yield* lruDrain(k);
      drained = true;
    }
    const isolated = yield* isolateFolio(k, folio);
    if (!isolated) continue;
    k.page.lruNext[folio] = list;
    list = folio;
  }
  if (!found) return NONE;
  return list === 0 ? NOT_ISOLATED : list;
}

/**
 * migrate_longterm_unpinnable_folios(): -EAGAIN when all were moved, else -ENOMEM with the rest put
 * back.
 */
function* migrateList(k: Kernel, first: Folio): Steps<number> {
  let failed = false;
  let folio = first;
  while (folio !== 0) {
    const next = k.page.lruNext[folio];
    k.page.lruNext[folio] = 0;
    const error = yield* migrateFolio(k, folio, GFP.movable | GFP.pinnable, pageNode(k, folio));
    if (error !== 0) {
      failed = true;
      yield* putbackFolio(k, folio);
    }
    folio = next;
  }
  return failed ? -ENOMEM : -EAGAIN;
}
