/** io_uring with registered buffers, and asynchronous direct I/O. */

import { fixedIo } from '../../drivers/fixed-io.ts';
import { ringRegister, ringUnregister } from '../../drivers/io-uring.ts';
import { reapDirect, submitAio } from '../../fs/direct-io.ts';
import { ofdOf } from '../../fs/fd.ts';
import { OFD } from '../../fs/system.ts';
import { EBADF, EINVAL, ENOSPC } from '../../machine/errno.ts';
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
      if (k.ofd.kind[ofd] !== OFD.disk) return -EINVAL;
      const isRead = argInt(k, pc, 0) === PREAD;
      return yield* submitAio(
        k,
        task,
        k.ofd.target[ofd],
        isRead,
        argVpn(k, pc, 2),
        argOff(k, pc, 2),
        argInt(k, pc, 3),
        argInt(k, pc, 4),
      );
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

/** A disk of the model is small: a write beyond it says nothing about Linux. */
export function noteFull(k: Lit, pc: number, result: number): void {
  if (result === -ENOSPC) k.lit.limits[LIMIT.disk] = instructionAt(k, pc).line;
}
