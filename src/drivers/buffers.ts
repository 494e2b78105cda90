/**
 * Buffers that a process lends to a device: the UMEM of an AF_XDP socket (net/xdp/xdp_umem.c), a V4L2 buffer by user
 * pointer (videobuf2, mm/frame_vector.c), and one transfer of the goldfish pipe (drivers/platform/goldfish). Rules:
 * semantics.md A.28; S80, S81, S211.
 */
import { REGION } from '../fs/device-tables.ts';
import type { System } from '../fs/system.ts';
import { EFAULT, EINVAL, ENOBUFS, ENOMEM } from '../machine/errno.ts';
import type { Steps, TaskId, Vpn } from '../machine/types.ts';
import { FOLL } from '../mm/foll.ts';
import { OVER_LIMIT, putCounted, takeCounted } from './counted.ts';
import { ACCOUNT } from './memlock.ts';
import {
  dmaWrite,
  dropRegion,
  holdsPins,
  longtermOf,
  newRegion,
  pagesOf,
  putPages,
  startDevice,
  stopDevice,
  TAKE,
  takePages,
} from './region.ts';

/**
 * XDP_UMEM_REG: the number of the UMEM, or -EINVAL (not page aligned), -ENOBUFS (RLIMIT_MEMLOCK), -ENOMEM (only some of
 * the pages could be pinned), or what pinning says.
 */
export function* umemReg(
  k: System,
  task: TaskId,
  vpn: Vpn,
  off: number,
  len: number,
): Steps<number> {
  const nr = pagesOf(off, len);
  if (nr < 0 || off !== 0) return -EINVAL;
  const row = yield* newRegion(k, REGION.xdp, k.task.mm[task]);
  if (row === 0) return -ENOMEM;
  const take = holdsPins(k.rules.users.xdp) ? TAKE.pin : TAKE.get;
  const flags = longtermOf(k.rules.users.xdp) | FOLL.write;
  const error = yield* takeCounted(k, task, row, ACCOUNT.user, vpn, nr, take, flags);
  if (error !== 0) return error === OVER_LIMIT ? -ENOBUFS : error;
  yield* startDevice(k, row, 0, len, true);
  return row;
}

/** The socket is closed: 0, or -EINVAL. */
export function* umemUnreg(k: System, row: number): Steps<number> {
  const stopped = yield* stopDevice(k, row, REGION.xdp);
  if (!stopped) return -EINVAL;
  yield* putCounted(k, row, ACCOUNT.user, true);
  return 0;
}

/** VIDIOC_QBUF with a user pointer: the number of the buffer; -EFAULT: not all of it could be held. Nothing is counted. */
export function* qbufUserptr(
  k: System,
  task: TaskId,
  vpn: Vpn,
  off: number,
  len: number,
): Steps<number> {
  const nr = pagesOf(off, len);
  if (nr < 0) return -EINVAL;
  const row = yield* newRegion(k, REGION.v4l2, k.task.mm[task]);
  if (row === 0) return -ENOMEM;
  const force = k.rules.users.v4l2Force ? FOLL.force : 0;
  const take = holdsPins(k.rules.users.v4l2) ? TAKE.pin : TAKE.get;
  const flags = longtermOf(k.rules.users.v4l2) | FOLL.write | force;
  const error = yield* takePages(k, task, row, vpn, nr, take, flags);
  if (error !== 0) {
    yield* dropRegion(k, row);
    return error === -ENOMEM ? error : -EFAULT;
  }
  yield* startDevice(k, row, off, len, true);
  return row;
}

/** The buffer comes back to the process, its pages dirty and given back: 0, or -EINVAL. */
export function* dqbuf(k: System, row: number): Steps<number> {
  const stopped = yield* stopDevice(k, row, REGION.v4l2);
  if (!stopped) return -EINVAL;
  yield* putPages(k, row, true);
  yield* dropRegion(k, row);
  return 0;
}

/** read(2) of a goldfish pipe: the host writes `byte` to every byte of the buffer. Bytes read, or -EFAULT. */
export function* goldfishRead(
  k: System,
  task: TaskId,
  vpn: Vpn,
  off: number,
  len: number,
  byte: number,
): Steps<number> {
  const nr = pagesOf(off, len);
  if (nr < 0) return -EINVAL;
  const row = yield* newRegion(k, REGION.goldfish, k.task.mm[task]);
  if (row === 0) return -ENOMEM;
  const take = holdsPins(k.rules.users.goldfish) ? TAKE.pinFast : TAKE.getFast;
  const error = yield* takePages(k, task, row, vpn, nr, take, FOLL.write);
  if (error !== 0) {
    yield* dropRegion(k, row);
    return -EFAULT;
  }
  yield* startDevice(k, row, off, len, true);
  for (let i = 0; i < len; i++) yield* dmaWrite(k, row, REGION.goldfish, i, byte);
  yield* putPages(k, row, true);
  yield* dropRegion(k, row);
  return len;
}
