/**
 * The kernel side of gup_test (mm/gup_test.c; gup_benchmark until 5.10): takes the pages of a range by calls of so many
 * pages, looks whether they are pinned, and gives them back. Rules: semantics.md A.28; users.md 1.5.
 */
import { R } from '../machine/access.ts';
import { lockShared, unlockShared } from '../machine/locks.ts';
import type { Steps, TaskId, Vpn } from '../machine/types.ts';
import { folioPut, headOf } from '../mm/folio.ts';
import { FOLL } from '../mm/foll.ts';
import { getUserPages, getUserPagesFast, pinUserPages, pinUserPagesFast } from '../mm/gup.ts';
import type { Kernel } from '../mm/kernel.ts';
import { folioIsLongtermPinnable } from '../mm/longterm-pinnable.ts';
import { folioMaybeDmaPinned } from '../mm/pinned.ts';
import { unpinUserPages } from '../mm/unpin.ts';

/** Numbers of the commands (GUP_FAST_BENCHMARK to DUMP_USER_PAGES_TEST); the last is the dump that pins (`-p`). */
export const GUP_TEST = {
  gupFast: 1,
  pinFast: 2,
  pinLongterm: 3,
  gupBasic: 4,
  pinBasic: 5,
  dump: 6,
  dumpPinned: 7,
} as const;

/** Whether a command gives its pages back by unpin_user_pages(). */
export function gupTestPins(cmd: number): boolean {
  return cmd !== GUP_TEST.gupFast && cmd !== GUP_TEST.gupBasic && cmd !== GUP_TEST.dump;
}

/** All but the two FAST commands hold mmap_lock from their first call until the pages are given back. */
function holdsLock(cmd: number): boolean {
  return cmd !== GUP_TEST.gupFast && cmd !== GUP_TEST.pinFast;
}

/**
 * The timed first half of the ioctl: takes the `nr` pages from `start` by calls of `perCall` pages with `flags`, one page
 * frame number a word at `pages`, and ends with the first call that gives fewer. Stores at word `taken` how many pages it
 * has. Returns the pages of the calls that it made (what the test prints as size, also where the last gave fewer).
 */
export function* gupTestTake(
  k: Kernel,
  task: TaskId,
  cmd: number,
  start: Vpn,
  nr: number,
  perCall: number,
  flags: number,
  pages: number,
  taken: number,
): Steps<number> {
  if (holdsLock(cmd)) yield* lockShared(k, R.mmapLock, k.task.mm[task]);
  k.kmem[taken] = 0;
  let reached = 0;
  let got = perCall;
  while (reached < nr && got === perCall) {
    const asked = Math.min(perCall, nr - reached);
    got = yield* takeSome(k, task, cmd, start + reached, asked, flags, pages + k.kmem[taken]);
    if (got <= 0) break;
    k.kmem[taken] += got;
    reached += asked;
  }
  return reached;
}

function* takeSome(
  k: Kernel,
  task: TaskId,
  cmd: number,
  start: Vpn,
  nr: number,
  flags: number,
  pages: number,
): Steps<number> {
  switch (cmd) {
    case GUP_TEST.gupFast:
      return yield* getUserPagesFast(k, task, start, nr, flags, pages);
    case GUP_TEST.pinFast:
      return yield* pinUserPagesFast(k, task, start, nr, flags, pages);
    case GUP_TEST.pinLongterm:
      return yield* pinUserPages(k, task, start, nr, flags | FOLL.longterm, pages);
    case GUP_TEST.pinBasic:
    case GUP_TEST.dumpPinned:
      return yield* pinUserPages(k, task, start, nr, flags, pages);
    default:
      return yield* getUserPages(k, task, start, nr, flags, pages);
  }
}

/**
 * verify_dma_pinned(): the first of the `n` pages at `pages`, counted from 1, that is not pinned, or, negative, that is
 * pinned for long where it must not be; 0: all are as they should be, or the command does not ask.
 */
export function* gupTestVerify(k: Kernel, cmd: number, pages: number, n: number): Steps<number> {
  if (!gupTestPins(cmd) || cmd === GUP_TEST.dumpPinned) return 0;
  for (let i = 0; i < n; i++) {
    const folio = headOf(k, k.kmem[pages + i]);
    const pinned = yield* folioMaybeDmaPinned(k, folio);
    if (!pinned) return i + 1;
    if (cmd === GUP_TEST.pinLongterm && !folioIsLongtermPinnable(k, folio)) return -(i + 1);
  }
  return 0;
}

/** put_back_pages(), the timed second half, and the end of the ioctl: gives the `n` pages at `pages` back. */
export function* gupTestPut(
  k: Kernel,
  task: TaskId,
  cmd: number,
  pages: number,
  n: number,
): Steps<void> {
  if (gupTestPins(cmd)) yield* unpinUserPages(k, pages, n);
  else {
    for (let i = 0; i < n; i++) yield* folioPut(k, headOf(k, k.kmem[pages + i]), 1);
  }
  if (holdsLock(cmd)) yield* unlockShared(k, R.mmapLock, k.task.mm[task]);
}
