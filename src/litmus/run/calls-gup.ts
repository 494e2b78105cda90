/** The pinning API's acquiring calls. Those that the kernel calls under mmap_lock get it around them here. */

import { fileOfFd } from '../../fs/fd.ts';
import { bouncePage } from '../../fs/splice.ts';
import { R } from '../../machine/access.ts';
import { EBADF, EINVAL } from '../../machine/errno.ts';
import { lockShared, unlockShared } from '../../machine/locks.ts';
import type { MmId, Steps, TaskId } from '../../machine/types.ts';
import { getDumpPage } from '../../mm/dump-page.ts';
import { mmPut } from '../../mm/exit.ts';
import { headOf } from '../../mm/folio.ts';
import { folioAddPin } from '../../mm/grab.ts';
import {
  getUserPages,
  getUserPagesFast,
  getUserPagesFastOnly,
  getUserPagesLongterm,
  getUserPagesRemote,
  getUserPagesUnlocked,
  pinLongtermPages,
  pinLongtermPagesFast,
  pinLongtermPagesRemote,
  pinUserPages,
  pinUserPagesFast,
  pinUserPagesFastOnly,
  pinUserPagesRemote,
  pinUserPagesUnlocked,
} from '../../mm/gup.ts';
import { LOCKED } from '../../mm/gup-args.ts';
import { memfdPinFolios } from '../../mm/memfd-pin.ts';
import { CALL } from './call-ids.ts';
import { holdMm } from './calls-process.ts';
import type { Lit } from './program.ts';
import { arg, argCount, argInt, argPageArray, argVpn, setVar } from './values.ts';

export function* callGup(
  k: Lit,
  thread: number,
  task: TaskId,
  pc: number,
  id: number,
): Steps<number> {
  if (id === CALL.folio_add_pin) {
    yield* folioAddPin(k, headOf(k, argInt(k, pc, 0)));
    return 0;
  }
  const mm = k.task.mm[task];
  if (
    id === CALL.get_user_pages_remote ||
    id === CALL.pin_user_pages_remote ||
    id === CALL.pin_longterm_pages_remote
  ) {
    return yield* remoteCall(k, thread, task, pc, id);
  }
  // A kernel thread has no memory of its own to name (current->mm is NULL).
  if (mm === 0) return -EINVAL;
  const vpn = argVpn(k, pc, 0);
  const nr = argInt(k, pc, 1);
  switch (id) {
    case CALL.memfd_pin_folios:
      return yield* callMemfd(k, task, pc);
    case CALL.get_dump_page:
      return yield* getDumpPage(k, task, vpn, bouncePage(k, task));
    case CALL.get_user_pages_unlocked:
      return yield* getUserPagesUnlocked(
        k,
        task,
        vpn,
        nr,
        argInt(k, pc, 3),
        argPageArray(k, pc, 2),
      );
    case CALL.pin_user_pages_unlocked:
      return yield* pinUserPagesUnlocked(
        k,
        task,
        vpn,
        nr,
        argInt(k, pc, 3),
        argPageArray(k, pc, 2),
      );
    case CALL.get_user_pages_fast:
      return yield* getUserPagesFast(k, task, vpn, nr, argInt(k, pc, 2), argPageArray(k, pc, 3));
    case CALL.get_user_pages_fast_only:
      return yield* getUserPagesFastOnly(
        k,
        task,
        vpn,
        nr,
        argInt(k, pc, 2),
        argPageArray(k, pc, 3),
      );
    case CALL.pin_user_pages_fast:
      return yield* pinUserPagesFast(k, task, vpn, nr, argInt(k, pc, 2), argPageArray(k, pc, 3));
    case CALL.pin_user_pages_fast_only:
      return yield* pinUserPagesFastOnly(
        k,
        task,
        vpn,
        nr,
        argInt(k, pc, 2),
        argPageArray(k, pc, 3),
      );
    case CALL.pin_longterm_pages_fast:
      return yield* pinLongtermPagesFast(
        k,
        task,
        vpn,
        nr,
        argInt(k, pc, 2),
        argPageArray(k, pc, 3),
      );
    default:
      return yield* underMmapLock(k, task, mm, pc, id);
  }
}

function* underMmapLock(k: Lit, task: TaskId, mm: MmId, pc: number, id: number): Steps<number> {
  const vpn = argVpn(k, pc, 0);
  const nr = argInt(k, pc, 1);
  const flags = argInt(k, pc, 2);
  const pages = argPageArray(k, pc, 3);
  let taken = 0;
  yield* lockShared(k, R.mmapLock, mm);
  if (id === CALL.get_user_pages) taken = yield* getUserPages(k, task, vpn, nr, flags, pages);
  else if (id === CALL.get_user_pages_longterm)
    taken = yield* getUserPagesLongterm(k, task, vpn, nr, flags, pages);
  else if (id === CALL.pin_user_pages) taken = yield* pinUserPages(k, task, vpn, nr, flags, pages);
  else taken = yield* pinLongtermPages(k, task, vpn, nr, flags, pages);
  yield* unlockShared(k, R.mmapLock, mm);
  return taken;
}

/** First argument: a thread of the process meant. */
function* remoteCall(k: Lit, thread: number, task: TaskId, pc: number, id: number): Steps<number> {
  const mm = yield* holdMm(k, thread, argInt(k, pc, 0));
  if (mm === 0) return -EINVAL;
  const vpn = argVpn(k, pc, 1);
  const nr = argInt(k, pc, 2);
  const flags = argInt(k, pc, 3);
  const pages = argPageArray(k, pc, 4);
  const locked = LOCKED.caller;
  let taken = 0;
  yield* lockShared(k, R.mmapLock, mm);
  if (id === CALL.get_user_pages_remote)
    taken = yield* getUserPagesRemote(k, task, mm, vpn, nr, flags, pages, locked);
  else if (id === CALL.pin_user_pages_remote)
    taken = yield* pinUserPagesRemote(k, task, mm, vpn, nr, flags, pages, locked);
  else taken = yield* pinLongtermPagesRemote(k, task, mm, vpn, nr, flags, pages, locked);
  yield* unlockShared(k, R.mmapLock, mm);
  yield* mmPut(k, mm);
  return taken;
}

function* callMemfd(k: Lit, task: TaskId, pc: number): Steps<number> {
  const file = fileOfFd(k, k.task.mm[task], argInt(k, pc, 0));
  if (file === 0) return -EBADF;
  const word = bouncePage(k, task);
  const max = argInt(k, pc, 4);
  const taken = yield* memfdPinFolios(
    k,
    task,
    file,
    argInt(k, pc, 1),
    argInt(k, pc, 2),
    argPageArray(k, pc, 3),
    max,
    word,
  );
  if (argCount(k, pc) === 6) setVar(k, arg(k, pc, 5), k.kmem[word]);
  k.kmem[word] = 0;
  return taken;
}
