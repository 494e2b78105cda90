/**
 * Asynchronous direct I/O (fs/aio.c: io_submit, io_getevents): requests that the device serves on its own while the process
 * goes on. Their pages are held until the device has moved the data (A.28).
 */
import { at, R, WAIT, WRITE } from '../machine/access.ts';
import { EAGAIN, EINVAL, ENOTBLK } from '../machine/errno.ts';
import type { FileId, Steps, TaskId, Vpn } from '../machine/types.ts';
import { fileGet, filePut } from '../mm/file-refs.ts';
import {
  beginDirect,
  deviceTransfer,
  forget,
  lockInode,
  refused,
  slotIn,
  unlockInode,
} from './direct-io.ts';
import { AIO, AIO_SLOTS, type System } from './system.ts';

/** The device on its own: takes the oldest request that was submitted and serves it; never ends. */
export function* deviceLoop(k: System): Steps<void> {
  for (;;) {
    yield WAIT | at(R.io, 0);
    const aio = slotIn(k, AIO.submitted);
    if (aio === 0) continue;
    k.aio.count[0] -= 1;
    k.aio.state[aio] = AIO.taken;
    yield* deviceTransfer(k, aio, k.rules.dio.aioInvalidates);
    yield WRITE | at(R.io, 1);
    k.aio.state[aio] = AIO.done;
    k.aio.count[1] += 1;
  }
}

/**
 * io_submit(2) of one direct request: 1, -EAGAIN when there are too many, or -ENOTBLK: it must go through the cache, and
 * its result is then `aioResult`'s. What direct I/O says of it at once (an error, or nothing to move) is its
 * result, which io_getevents fetches (aio_rw_done).
 */
export function* submitAio(
  k: System,
  task: TaskId,
  file: FileId,
  isRead: boolean,
  vpn: Vpn,
  off: number,
  len: number,
  pos: number,
): Steps<number> {
  const early = refused(off, len, pos);
  if (early <= 0) return yield* aioResult(k, task, early);
  yield* lockInode(k, file, isRead);
  const aio = yield* beginDirect(k, task, file, isRead, vpn, off, len, pos, -1);
  yield* unlockInode(k, file, isRead);
  if (aio === -ENOTBLK) return aio;
  if (aio <= 0) return yield* aioResult(k, task, aio);
  yield* fileGet(k, file);
  yield WRITE | at(R.io, 0);
  k.aio.mm[aio] = k.task.mm[task];
  k.aio.state[aio] = AIO.submitted;
  k.aio.count[0] += 1;
  return 1;
}

/** A request that is over when io_submit returns. 1, or -EAGAIN when there are too many. */
export function* aioResult(k: System, task: TaskId, result: number): Steps<number> {
  yield WRITE | at(R.io, 0);
  const own = slotIn(k, AIO.free);
  if (own === 0) return -EAGAIN;
  k.aio.mm[own] = k.task.mm[task];
  k.aio.result[own] = result;
  k.aio.state[own] = AIO.done;
  yield WRITE | at(R.io, 1);
  k.aio.count[1] += 1;
  return 1;
}

/** io_getevents(): waits for a request of this process to be done, and returns its result. -EINVAL: there is none. */
export function* reapDirect(k: System, task: TaskId): Steps<number> {
  let aio = 1;
  while (aio <= AIO_SLOTS && k.aio.mm[aio] !== k.task.mm[task]) aio++;
  if (aio > AIO_SLOTS) return -EINVAL;
  for (;;) {
    yield WAIT | at(R.io, 1);
    if (k.aio.state[aio] === AIO.done) break;
  }
  const result = k.aio.result[aio];
  const file = k.aio.file[aio];
  k.aio.count[1] -= 1;
  yield* forget(k, aio);
  if (file !== 0) yield* filePut(k, file);
  return result;
}
