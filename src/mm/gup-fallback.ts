/**
 * The lockless walk first, then the slow path (mm/gup.c: gup_fast_fallback(), before 6.10
 * internal_get_user_pages_fast()). Rules: semantics.md A.2.4, A.3.6.
 */
import { EFAULT, EINVAL, EOVERFLOW } from '../machine/errno.ts';
import { WARN, warn } from '../machine/report.ts';
import type { Steps, TaskId, Vpn } from '../machine/types.ts';
import { FOLL } from './foll.ts';
import { LOCKED } from './gup-args.ts';
import { gupFast } from './gup-fast.ts';
import { gupLongtermLocked } from './gup-longterm.ts';
import { outputBehind } from './gup-output.ts';
import { mmSetHasPinned } from './has-pinned.ts';
import type { Kernel } from './kernel.ts';

/**
 * gup_fast_fallback(), internal_get_user_pages_fast(): the lockless walk, then the slow path for
 * the rest (A.2.4, A.3.6). `flags` hold FOLL_GET or FOLL_PIN.
 */
export function* gupFastFallback(
  k: Kernel,
  task: TaskId,
  start: Vpn,
  nr: number,
  flags: number,
  pages: number,
): Steps<number> {
  // What the wrappers add themselves isn't in the mask of old kernels.
  const accepted = k.rules.fast.flags | FOLL.get | FOLL.fastOnly | FOLL.ranges | FOLL.packed;
  if ((flags & ~accepted) !== 0) {
    warn(k, WARN.gupArgs);
    return -EINVAL;
  }
  const mm = k.task.mm[task];
  if ((flags & FOLL.pin) !== 0) yield* mmSetHasPinned(k, mm);
  const end = start + nr;
  // A negative count is a huge one: the length in bytes overflows.
  if (nr < 0 || end > ADDRESS_PAGES)
    return k.rules.fast.overflowRet === 'eoverflow' ? -EOVERFLOW : 0;
  if (end > USER_PAGES) return -EFAULT;
  const fast = yield* gupFast(k, k.task.cpu[task], mm, start, end, flags, pages);
  if (fast === nr || (flags & FOLL.fastOnly) !== 0) return fast;
  const rest = outputBehind(k, pages, fast, flags);
  const slowFlags = flags | FOLL.touch | FOLL.unlockable;
  const slow = yield* gupLongtermLocked(
    k,
    task,
    mm,
    start + fast,
    nr - fast,
    slowFlags,
    rest,
    LOCKED.self,
  );
  if (slow < 0) return fast > 0 ? fast : slow;
  return fast + slow;
}

/** Pages of the 64-bit address space; a range that ends behind it wraps. */
const ADDRESS_PAGES = 2 ** 52;

/**
 * Every page number of user memory is below; Linux has TASK_SIZE_MAX here, and refuses the same ranges but for those that begin
 * in memory that is mapped and go on for a quarter of a tebibyte.
 */
const USER_PAGES = 0x7fff_ffff;
