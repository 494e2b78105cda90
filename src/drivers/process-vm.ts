/** process_vm_readv(2), process_vm_writev(2) (mm/process_vm_access.c): the other process's pages are held page by page. */

import { copyFromPage, copyFromUser, copyToPage, copyToUser } from '../fs/bounce.ts';
import { bouncePage } from '../fs/splice.ts';
import type { System } from '../fs/system.ts';
import { R } from '../machine/access.ts';
import { EFAULT } from '../machine/errno.ts';
import { lockShared, unlockShared } from '../machine/locks.ts';
import type { MmId, Steps, TaskId, Vpn } from '../machine/types.ts';
import { bounceClear } from '../mm/file-io.ts';
import { folioPut, headOf } from '../mm/folio.ts';
import { FOLL } from '../mm/foll.ts';
import { getUserPagesRemote, pinUserPagesRemote } from '../mm/gup.ts';
import { LOCKED } from '../mm/gup-args.ts';
import { setPageDirtyLock } from '../mm/set-dirty.ts';
import { unpinUserPagesDirtyLock } from '../mm/unpin.ts';

/**
 * Moves `n` bytes, inside one page on either side, between the task's memory at vpn:off and that of `mm` at
 * rvpn:roff. Returns `n` or -EFAULT. FOLL_PIN from 5.6, a plain reference and set_page_dirty_lock before (A.28).
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
  const pin = k.rules.users.processVm === 'pin';
  const flags = write ? FOLL.write : 0;
  const page = bouncePage(k, task);
  yield* lockShared(k, R.mmapLock, mm);
  const got = pin
    ? yield* pinUserPagesRemote(k, task, mm, rvpn, 1, flags, page, LOCKED.caller)
    : yield* getUserPagesRemote(k, task, mm, rvpn, 1, flags, page, LOCKED.caller);
  yield* unlockShared(k, R.mmapLock, mm);
  if (got < 1) return -EFAULT;
  let error = 0;
  if (write) {
    error = yield* copyFromUser(k, task, vpn, off, n);
    if (error === 0) yield* copyToPage(k, task, k.kmem[page], roff, n);
  } else {
    yield* copyFromPage(k, task, k.kmem[page], roff, n);
    error = yield* copyToUser(k, task, vpn, off, n);
  }
  bounceClear(k, task);
  if (pin) {
    yield* unpinUserPagesDirtyLock(k, page, 1, write);
  } else {
    if (write) yield* setPageDirtyLock(k, k.kmem[page]);
    yield* folioPut(k, headOf(k, k.kmem[page]), 1);
  }
  k.kmem[page] = 0;
  return error < 0 ? error : n;
}
