/**
 * Which flags a caller may pass to which call (mm/gup.c: is_valid_gup_args() since 6.3, single
 * checks in each call before). Rules: semantics.md A.2.1, A.2.2, S23, S35.
 */
import { EINVAL } from '../machine/errno.ts';
import { WARN, warn } from '../machine/report.ts';
import { FOLL, FOLL_INTERNAL } from './foll.ts';
import type { Kernel } from './kernel.ts';

/**
 * How a call gets mmap_lock: `locked` of the internal functions. A value > 0 is the index of the
 * caller's `int *locked`.
 */
export const LOCKED = {
  /** The caller holds it and it is never dropped (`locked` is NULL). */
  caller: -1,
  /** The call takes and drops it itself. */
  self: 0,
} as const;

/** What `gupArgs` answers for a call that must be refused. */
export const BAD_ARGS = -1;

/**
 * is_valid_gup_args(): the flags to go on with, `toSet` included, or `BAD_ARGS`; the first failing
 * test wins and leaves a warning (A.2.2). `pages` -1 is NULL; `locked` see `LOCKED`.
 */
export function gupArgs(
  k: Kernel,
  pages: number,
  locked: number,
  flags: number,
  toSet: number,
): number {
  const result =
    k.rules.gup.argCheck === 'isValidGupArgs'
      ? argsAtOnce(k, pages, locked, flags, toSet)
      : argsPerCall(k, pages, locked, flags, toSet);
  // The proposal of 2021: whoever pins for a moment only has to take plain references (S207).
  const pinned = FOLL.pin | FOLL.longterm;
  const momentary = result !== BAD_ARGS && (result & pinned) === FOLL.pin;
  const refused = result === BAD_ARGS || (momentary && k.rules.design.pinFor === 'longterm');
  if (refused) warn(k, WARN.gupArgs);
  return refused ? BAD_ARGS : result;
}

function argsAtOnce(
  k: Kernel,
  pages: number,
  locked: number,
  given: number,
  toSet: number,
): number {
  if ((given & FOLL_INTERNAL) !== 0) return BAD_ARGS;
  let flags = given | toSet;
  if (locked > 0) {
    if (k.kmem[locked] !== 1) return BAD_ARGS;
    flags |= FOLL.unlockable;
  }
  const get = (flags & FOLL.get) !== 0;
  const pin = (flags & FOLL.pin) !== 0;
  if (get && pin) return BAD_ARGS;
  if ((flags & FOLL.longterm) !== 0 && !pin) return BAD_ARGS;
  if ((get || pin) && pages < 0) return BAD_ARGS;
  if ((flags & FOLL.longterm) !== 0 && (flags & FOLL.pciP2pdma) !== 0) return BAD_ARGS;
  return flags;
}

/**
 * Before 6.3: a get must not be asked to pin nor a pin to get; LONGTERM goes with get until 5.9,
 * remote from 5.6 (S23), unlocked from 6.2 (S246).
 */
function argsPerCall(
  k: Kernel,
  pages: number,
  locked: number,
  given: number,
  toSet: number,
): number {
  const pinCall = (toSet & FOLL.pin) !== 0;
  if ((given & (pinCall ? FOLL.get : FOLL.pin)) !== 0) return BAD_ARGS;
  const flags = given | toSet | (locked > 0 ? FOLL.unlockable : 0);
  if ((flags & FOLL.longterm) !== 0) {
    if (!pinCall && !k.rules.longterm.get) return BAD_ARGS;
    if (locked === LOCKED.self && !k.rules.longterm.unlocked) return BAD_ARGS;
    if ((toSet & FOLL.remote) !== 0 && (!k.rules.longterm.remote || locked > 0)) return BAD_ARGS;
  }
  if (pinCall && pages < 0 && k.rules.pin.arrayCheck) return BAD_ARGS;
  return flags;
}

/** What a slow pin_user_pages*() returns for arguments that it refuses (S35). */
export function badPinArgs(k: Kernel): number {
  return k.rules.pin.badArgRet === 'zero' ? 0 : -EINVAL;
}
