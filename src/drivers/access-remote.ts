/**
 * /proc/PID/mem and ptrace (mm/memory.c: access_remote_vm, __access_remote_vm): a plain reference with FOLL_FORCE,
 * so that a debugger can write where the process itself may not (A.5, S9).
 */

import { bouncePage } from '../fs/splice.ts';
import type { System } from '../fs/system.ts';
import { at, R, READ, WRITE } from '../machine/access.ts';
import { pageByte, setPageByte } from '../machine/contents.ts';
import { EIO } from '../machine/errno.ts';
import { lockShared, unlockShared } from '../machine/locks.ts';
import type { MmId, Steps, TaskId, Vpn } from '../machine/types.ts';
import { headOf } from '../mm/folio.ts';
import { FOLL } from '../mm/foll.ts';
import { gupPutFolio } from '../mm/grab.ts';
import { getUserPagesRemote } from '../mm/gup.ts';
import { LOCKED } from '../mm/gup-args.ts';
import { setPageDirtyLock } from '../mm/set-dirty.ts';

/** Writes one byte of the process of `mm`: 1, or -EIO where nothing can be written. */
export function* accessRemoteWrite(
  k: System,
  task: TaskId,
  mm: MmId,
  vpn: Vpn,
  off: number,
  byte: number,
): Steps<number> {
  const page = bouncePage(k, task);
  const got = yield* remotePage(k, task, mm, vpn, FOLL.write | forceFlag(k, task, mm), page);
  if (!got) return -EIO;
  const pfn = k.kmem[page];
  yield WRITE | at(R.content, pfn);
  setPageByte(k, pfn, off, byte);
  yield* setPageDirtyLock(k, pfn);
  yield* gupPutFolio(k, headOf(k, pfn), 1, FOLL.get);
  k.kmem[page] = 0;
  return 1;
}

/** Reads one byte of the process of `mm`: its value, or -EIO. */
export function* accessRemoteRead(
  k: System,
  task: TaskId,
  mm: MmId,
  vpn: Vpn,
  off: number,
): Steps<number> {
  const page = bouncePage(k, task);
  const got = yield* remotePage(k, task, mm, vpn, forceFlag(k, task, mm), page);
  if (!got) return -EIO;
  const pfn = k.kmem[page];
  yield READ | at(R.content, pfn);
  const byte = pageByte(k, pfn, off);
  yield* gupPutFolio(k, headOf(k, pfn), 1, FOLL.get);
  k.kmem[page] = 0;
  return byte;
}

/**
 * FOLL_FORCE unless the kernel is configured to leave it to tracers (S74, proc_mem.force_override=ptrace, 6.12). Whoever
 * reaches into another process here traces it; nobody is its own tracer, so that /proc/self/mem loses its force.
 */
function forceFlag(k: System, task: TaskId, mm: MmId): number {
  return k.rules.proc.memForce === 'always' || k.task.mm[task] !== mm ? FOLL.force : 0;
}

function* remotePage(
  k: System,
  task: TaskId,
  mm: MmId,
  vpn: Vpn,
  flags: number,
  page: number,
): Steps<boolean> {
  yield* lockShared(k, R.mmapLock, mm);
  const got = yield* getUserPagesRemote(k, task, mm, vpn, 1, flags, page, LOCKED.caller);
  yield* unlockShared(k, R.mmapLock, mm);
  return got === 1;
}
