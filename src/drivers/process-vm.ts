/** process_vm_readv(2), process_vm_writev(2) (mm/process_vm_access.c): the other process's pages are held while they are copied. */

import { copyFromPage, copyFromUser, copyToPage, copyToUser } from '../fs/bounce.ts';
import { bouncePage } from '../fs/splice.ts';
import { type System, TASK_PAGE_WORDS } from '../fs/system.ts';
import { R } from '../machine/access.ts';
import { EFAULT } from '../machine/errno.ts';
import { lockShared, unlockShared } from '../machine/locks.ts';
import type { MmId, Steps, TaskId, Vpn } from '../machine/types.ts';
import { bounceClear } from '../mm/bounce-buffer.ts';
import { headOf } from '../mm/folio.ts';
import { FOLL } from '../mm/foll.ts';
import { gupPutFolio } from '../mm/grab.ts';
import { getUserPagesRemote, pinUserPagesRemote } from '../mm/gup.ts';
import { LOCKED } from '../mm/gup-args.ts';
import { setPageDirtyLock } from '../mm/set-dirty.ts';
import { unpinUserPagesDirtyLock } from '../mm/unpin.ts';

const PAGE_SIZE = 4096;

/**
 * process_vm_rw_single_vec(): moves `n` bytes between the task's memory at vpn:off and that of `mm` at rvpn:roff. The other
 * process's pages are all held before the first is copied, up to 16 at a time. Returns the bytes moved, or
 * -EFAULT when there are none. FOLL_PIN from 5.6, a plain reference and set_page_dirty_lock before (A.28).
 */
export function* processVmCopy(
  k: System,
  task: TaskId,
  mm: MmId,
  write: boolean,
  vpn: Vpn,
  off: number,
  rvpn: Vpn,
  roff: number,
  n: number,
): Steps<number> {
  let done = 0;
  while (done < n) {
    const at = roff + done;
    const first = rvpn + Math.floor(at / PAGE_SIZE);
    const wanted = Math.min(TASK_PAGE_WORDS, Math.ceil(((at % PAGE_SIZE) + n - done) / PAGE_SIZE));
    const got = yield* holdRemote(k, task, mm, write, first, wanted);
    if (got < 1) break;
    const length = Math.min(n - done, got * PAGE_SIZE - (at % PAGE_SIZE));
    const moved = yield* copyHeld(k, task, write, vpn, off + done, at % PAGE_SIZE, length);
    yield* letGo(k, task, write, got);
    done += moved;
    if (moved < length) break;
  }
  return done === 0 && n > 0 ? -EFAULT : done;
}

/** Takes the pages into the task's array; how many, or an error. */
function* holdRemote(
  k: System,
  task: TaskId,
  mm: MmId,
  write: boolean,
  first: Vpn,
  wanted: number,
): Steps<number> {
  const flags = write ? FOLL.write : 0;
  const pages = bouncePage(k, task);
  yield* lockShared(k, R.mmapLock, mm);
  const got =
    k.rules.users.processVm === 'pin'
      ? yield* pinUserPagesRemote(k, task, mm, first, wanted, flags, pages, LOCKED.caller)
      : yield* getUserPagesRemote(k, task, mm, first, wanted, flags, pages, LOCKED.caller);
  yield* unlockShared(k, R.mmapLock, mm);
  return got;
}

/** process_vm_rw_pages(): `n` bytes of the held pages, the first from `roff` on. Returns how many could be moved. */
function* copyHeld(
  k: System,
  task: TaskId,
  write: boolean,
  vpn: Vpn,
  off: number,
  roff: number,
  n: number,
): Steps<number> {
  const pages = bouncePage(k, task);
  let done = 0;
  while (done < n) {
    const from = (off + done) % PAGE_SIZE;
    const to = (roff + done) % PAGE_SIZE;
    const part = Math.min(PAGE_SIZE - from, PAGE_SIZE - to, n - done);
    const here = vpn + Math.floor((off + done) / PAGE_SIZE);
    const word = pages + Math.floor((roff + done) / PAGE_SIZE);
    let error = 0;
    if (write) {
      error = yield* copyFromUser(k, task, here, from, part);
      if (error === 0) yield* copyToPage(k, task, k.kmem[word], to, part);
    } else {
      yield* copyFromPage(k, task, k.kmem[word], to, part);
      error = yield* copyToUser(k, task, here, from, part);
    }
    bounceClear(k, task);
    if (error < 0) return done;
    done += part;
  }
  return done;
}

/** Drops the references on the first `n` pages of the task's array. */
function* letGo(k: System, task: TaskId, write: boolean, n: number): Steps<void> {
  const pages = bouncePage(k, task);
  const pin = k.rules.users.processVm === 'pin';
  if (pin) yield* unpinUserPagesDirtyLock(k, pages, n, write);
  for (let i = 0; i < n; i++) {
    if (!pin && write) yield* setPageDirtyLock(k, k.kmem[pages + i]);
    if (!pin) yield* gupPutFolio(k, headOf(k, k.kmem[pages + i]), 1, FOLL.get);
    k.kmem[pages + i] = 0;
  }
}
