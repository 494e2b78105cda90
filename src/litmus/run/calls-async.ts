/** io_uring with registered buffers, and asynchronous direct I/O. */

import { fixedIo } from '../../drivers/fixed-io.ts';
import { ringRegister, ringUnregister } from '../../drivers/io-uring.ts';
import { aioResult, reapDirect, submitAio } from '../../fs/aio.ts';
import { ofdOf } from '../../fs/fd.ts';
import { isDirect, readFd, writeFd } from '../../fs/read-write.ts';
import { OFD } from '../../fs/system.ts';
import { EBADF, EINVAL, ENOSPC, ENOTBLK } from '../../machine/errno.ts';
import type { Steps, TaskId } from '../../machine/types.ts';
import { CALL } from './call-ids.ts';
import { LIMIT, type Lit } from './program.ts';
import { argInt, argOff, argVpn, instructionAt } from './values.ts';

/** IOCB_CMD_PREAD; IOCB_CMD_PWRITE is 1. */
const PREAD = 0;

export function* callAsync(k: Lit, task: TaskId, pc: number, id: number): Steps<number> {
  const mm = k.task.mm[task];
  switch (id) {
    case CALL.io_uring_register_buffers:
      return yield* ringRegister(k, task, argVpn(k, pc, 0), argOff(k, pc, 0), argInt(k, pc, 1));
    case CALL.io_uring_unregister_buffers:
      return yield* ringUnregister(k, mm);
    case CALL.io_submit: {
      const ofd = ofdOf(k, mm, argInt(k, pc, 1));
      if (ofd === 0) return -EBADF;
      return yield* callSubmit(k, task, pc, ofd);
    }
    case CALL.io_getevents: {
      const result = yield* reapDirect(k, task);
      noteFull(k, pc, result);
      return result;
    }
    default: {
      const result = yield* fixedIo(
        k,
        task,
        id === CALL.io_uring_read_fixed,
        argInt(k, pc, 0),
        argVpn(k, pc, 1),
        argOff(k, pc, 1),
        argInt(k, pc, 2),
        argInt(k, pc, 3),
        argInt(k, pc, 4),
      );
      noteFull(k, pc, result);
      return result;
    }
  }
}

/**
 * io_submit of one request. What goes through the page cache is over when the call returns (aio knows no waiting there),
 * and only its result waits for io_getevents.
 */
function* callSubmit(k: Lit, task: TaskId, pc: number, ofd: number): Steps<number> {
  if (k.ofd.kind[ofd] !== OFD.file) return -EINVAL;
  const isRead = argInt(k, pc, 0) === PREAD;
  const fd = argInt(k, pc, 1);
  const vpn = argVpn(k, pc, 2);
  const off = argOff(k, pc, 2);
  const len = argInt(k, pc, 3);
  const pos = argInt(k, pc, 4);
  let submitted = -ENOTBLK;
  if (isDirect(k, ofd))
    submitted = yield* submitAio(k, task, k.ofd.target[ofd], isRead, vpn, off, len, pos);
  if (submitted !== -ENOTBLK) return submitted;
  const done = isRead
    ? yield* readFd(k, task, fd, vpn, off, len, pos)
    : yield* writeFd(k, task, fd, vpn, off, len, pos);
  return yield* aioResult(k, task, done);
}

/** A disk of the model is small: a write beyond it says nothing about Linux. */
export function noteFull(k: Lit, pc: number, result: number): void {
  if (result === -ENOSPC) k.lit.limits[LIMIT.disk] = instructionAt(k, pc).line;
}
