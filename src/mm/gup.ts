/**
 * The pinning API: get_user_pages*() and pin_user_pages*() (mm/gup.c). Rules: semantics.md A.1 to
 * A.3; S23, S35.
 *
 * Common to all: `task` calls, on its CPU; addresses are page numbers; `pages` is the index in
 * `k.kmem` where page frame numbers are stored, -1 is NULL; `flags` are `FOLL` bits. They return
 * how many pages were taken, at most `nr`, or -errno. A caller that got fewer than it asked for has
 * exactly those to give back (A.3.7).
 *
 * mmap_lock: getUserPages, pinUserPages and the *Remote calls are called with it held shared
 * (`R.mmapLock`); the *Unlocked and *Fast ones take it themselves.
 */
import { EINVAL } from '../machine/errno.ts';
import type { MmId, Steps, TaskId, Vpn } from '../machine/types.ts';
import { FOLL } from './foll.ts';
import { BAD_ARGS, badPinArgs, gupArgs, LOCKED } from './gup-args.ts';
import { gupFastFallback } from './gup-fallback.ts';
import { gupLongtermLocked } from './gup-longterm.ts';
import type { Kernel } from './kernel.ts';

/** get_user_pages(). */
export function* getUserPages(
  k: Kernel,
  task: TaskId,
  start: Vpn,
  nr: number,
  flags: number,
  pages: number,
): Steps<number> {
  const all = gupArgs(k, pages, LOCKED.caller, flags, FOLL.touch);
  if (all === BAD_ARGS) return -EINVAL;
  return yield* gupLongtermLocked(k, task, k.task.mm[task], start, nr, all, pages, LOCKED.caller);
}

/** get_user_pages_unlocked(). */
export function* getUserPagesUnlocked(
  k: Kernel,
  task: TaskId,
  start: Vpn,
  nr: number,
  flags: number,
  pages: number,
): Steps<number> {
  const all = gupArgs(k, pages, LOCKED.self, flags, FOLL.touch | FOLL.unlockable);
  if (all === BAD_ARGS) return -EINVAL;
  return yield* gupLongtermLocked(k, task, k.task.mm[task], start, nr, all, pages, LOCKED.self);
}

/**
 * get_user_pages_remote(): of another process. `locked` is the index in `k.kmem` of the caller's
 * `int *locked`, which must be 1 and is 0 afterwards when mmap_lock was dropped; `LOCKED.caller` is
 * NULL.
 */
export function* getUserPagesRemote(
  k: Kernel,
  task: TaskId,
  mm: MmId,
  start: Vpn,
  nr: number,
  flags: number,
  pages: number,
  locked: number,
): Steps<number> {
  const all = gupArgs(k, pages, locked, flags, FOLL.touch | FOLL.remote);
  if (all === BAD_ARGS) return -EINVAL;
  return yield* gupLongtermLocked(k, task, mm, start, nr, all, pages, locked);
}

/** get_user_pages_fast(): without a lock as far as that goes. */
export function* getUserPagesFast(
  k: Kernel,
  task: TaskId,
  start: Vpn,
  nr: number,
  flags: number,
  pages: number,
): Steps<number> {
  const all = gupArgs(k, pages, LOCKED.caller, flags, FOLL.get);
  if (all === BAD_ARGS) return -EINVAL;
  return yield* gupFastFallback(k, task, start, nr, all, pages);
}

/**
 * get_user_pages_fast_only() (5.8+), __get_user_pages_fast(): never sleeps, never falls back; the
 * count found.
 */
export function* getUserPagesFastOnly(
  k: Kernel,
  task: TaskId,
  start: Vpn,
  nr: number,
  flags: number,
  pages: number,
): Steps<number> {
  const all = gupArgs(k, pages, LOCKED.caller, flags, FOLL.get | FOLL.fastOnly);
  if (all === BAD_ARGS) return -EINVAL;
  return yield* gupFastFallback(k, task, start, nr, all, pages);
}

/** get_user_pages_longterm() (4.15 to 5.1): what FOLL_LONGTERM became. */
export function* getUserPagesLongterm(
  k: Kernel,
  task: TaskId,
  start: Vpn,
  nr: number,
  flags: number,
  pages: number,
): Steps<number> {
  return yield* getUserPages(k, task, start, nr, flags | FOLL.longterm, pages);
}

/** pin_user_pages() (5.6+). */
export function* pinUserPages(
  k: Kernel,
  task: TaskId,
  start: Vpn,
  nr: number,
  flags: number,
  pages: number,
): Steps<number> {
  const all = gupArgs(k, pages, LOCKED.caller, flags, FOLL.pin);
  if (all === BAD_ARGS) return badPinArgs(k);
  return yield* gupLongtermLocked(k, task, k.task.mm[task], start, nr, all, pages, LOCKED.caller);
}

/** pin_user_pages_unlocked() (5.8+). */
export function* pinUserPagesUnlocked(
  k: Kernel,
  task: TaskId,
  start: Vpn,
  nr: number,
  flags: number,
  pages: number,
): Steps<number> {
  const all = gupArgs(k, pages, LOCKED.self, flags, FOLL.pin | FOLL.touch | FOLL.unlockable);
  if (all === BAD_ARGS) return badPinArgs(k);
  return yield* gupLongtermLocked(k, task, k.task.mm[task], start, nr, all, pages, LOCKED.self);
}

/** pin_user_pages_remote() (5.6+); `locked` as for `getUserPagesRemote`. */
export function* pinUserPagesRemote(
  k: Kernel,
  task: TaskId,
  mm: MmId,
  start: Vpn,
  nr: number,
  flags: number,
  pages: number,
  locked: number,
): Steps<number> {
  const all = gupArgs(k, pages, locked, flags, FOLL.pin | FOLL.touch | FOLL.remote);
  if (all === BAD_ARGS) return badPinArgs(k);
  return yield* gupLongtermLocked(k, task, mm, start, nr, all, pages, locked);
}

/** pin_user_pages_fast() (5.6+). Its answer to bad arguments is -EINVAL in every kernel. */
export function* pinUserPagesFast(
  k: Kernel,
  task: TaskId,
  start: Vpn,
  nr: number,
  flags: number,
  pages: number,
): Steps<number> {
  const all = gupArgs(k, pages, LOCKED.caller, flags, FOLL.pin);
  if (all === BAD_ARGS) return -EINVAL;
  return yield* gupFastFallback(k, task, start, nr, all, pages);
}

/** pin_user_pages_fast_only() (5.8 to 6.2): never falls back, and answers 0 instead of an error. */
export function* pinUserPagesFastOnly(
  k: Kernel,
  task: TaskId,
  start: Vpn,
  nr: number,
  flags: number,
  pages: number,
): Steps<number> {
  const all = gupArgs(k, pages, LOCKED.caller, flags, FOLL.pin | FOLL.fastOnly);
  if (all === BAD_ARGS) return 0;
  const taken = yield* gupFastFallback(k, task, start, nr, all, pages);
  return Math.max(0, taken);
}

/** pin_longterm_pages() of the 2019 proposal (B.2): FOLL_PIN and FOLL_LONGTERM at once. */
export function* pinLongtermPages(
  k: Kernel,
  task: TaskId,
  start: Vpn,
  nr: number,
  flags: number,
  pages: number,
): Steps<number> {
  return yield* pinUserPages(k, task, start, nr, flags | FOLL.longterm, pages);
}

/** pin_longterm_pages_fast() of the 2019 proposal. */
export function* pinLongtermPagesFast(
  k: Kernel,
  task: TaskId,
  start: Vpn,
  nr: number,
  flags: number,
  pages: number,
): Steps<number> {
  return yield* pinUserPagesFast(k, task, start, nr, flags | FOLL.longterm, pages);
}

/** pin_longterm_pages_remote() of the 2019 proposal. */
export function* pinLongtermPagesRemote(
  k: Kernel,
  task: TaskId,
  mm: MmId,
  start: Vpn,
  nr: number,
  flags: number,
  pages: number,
  locked: number,
): Steps<number> {
  return yield* pinUserPagesRemote(k, task, mm, start, nr, flags | FOLL.longterm, pages, locked);
}
