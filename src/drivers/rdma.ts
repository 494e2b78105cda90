/**
 * RDMA memory regions (drivers/infiniband/core/umem.c: ib_umem_get, ib_umem_release): longterm, written to by the network
 * at any moment, accounted in mm->pinned_vm against RLIMIT_MEMLOCK. Rules: semantics.md A.28; S75 to S77.
 */
import { REGION } from '../fs/device-tables.ts';
import type { System } from '../fs/system.ts';
import { EINVAL, ENOMEM } from '../machine/errno.ts';
import type { Steps, TaskId, Vpn } from '../machine/types.ts';
import { FOLL } from '../mm/foll.ts';
import { OVER_LIMIT, putCounted, takeCounted } from './counted.ts';
import { ACCOUNT } from './memlock.ts';
import { ODP_HANDLE, odpDeregister, odpRegister } from './odp.ts';
import {
  dmaRead,
  dmaWrite,
  holdsPins,
  longtermOf,
  newRegion,
  pagesOf,
  startDevice,
  stopDevice,
  TAKE,
} from './region.ts';

const ACCESS = { localWrite: 1, remoteWrite: 2, atomic: 8, onDemand: 64 } as const;
/** ib_access_writable(). */
const WRITABLE = ACCESS.localWrite | ACCESS.remoteWrite | ACCESS.atomic;

/**
 * ibv_reg_mr(): the number of the memory region, or -EINVAL (nothing, too long, remote writes without local ones),
 * -ENOMEM (RLIMIT_MEMLOCK; no memory), or what pinning says. With on-demand paging nothing is pinned (odp.ts).
 */
export function* regMr(
  k: System,
  task: TaskId,
  vpn: Vpn,
  off: number,
  len: number,
  access: number,
): Steps<number> {
  const remote = (access & (ACCESS.remoteWrite | ACCESS.atomic)) !== 0;
  const nr = pagesOf(off, len);
  if (nr < 0 || (remote && (access & ACCESS.localWrite) === 0)) return -EINVAL;
  if ((access & ACCESS.onDemand) !== 0)
    return yield* odpRegister(k, task, vpn, off, len, (access & WRITABLE) !== 0);
  const mr = yield* newRegion(k, REGION.rdma, k.task.mm[task]);
  if (mr === 0) return -ENOMEM;
  const writable = (access & WRITABLE) !== 0;
  const flags = flagsOf(k, writable);
  const error = yield* takeCounted(k, task, mr, ACCOUNT.pinnedVm, vpn, nr, takeOf(k), flags);
  if (error !== 0) return error === OVER_LIMIT ? -ENOMEM : error;
  yield* startDevice(k, mr, off, len, writable);
  return mr;
}

function takeOf(k: System): number {
  if (!holdsPins(k.rules.users.rdma)) return TAKE.get;
  return k.rules.users.rdmaFast ? TAKE.pinFast : TAKE.pin;
}

/** A region that is only read was pinned for writing all the same, by force, so that copy-on-write was over (to 6.1). */
function flagsOf(k: System, writable: boolean): number {
  const longterm = longtermOf(k.rules.users.rdma);
  if (writable) return longterm | FOLL.write;
  return k.rules.users.rdmaForce ? longterm | FOLL.write | FOLL.force : longterm;
}

/** ibv_dereg_mr(): the device stops, the pages are given back, dirty if it could write. 0, or -EINVAL. */
export function* deregMr(k: System, mr: number): Steps<number> {
  if (mr > ODP_HANDLE) return yield* odpDeregister(k, mr - ODP_HANDLE);
  const stopped = yield* stopDevice(k, mr, REGION.rdma);
  if (!stopped) return -EINVAL;
  yield* putCounted(k, mr, ACCOUNT.pinnedVm, k.device.writable[mr] !== 0);
  return 0;
}

/** The network reads a byte of the region; -EINVAL: it is gone. */
export function* rdmaRead(k: System, mr: number, offset: number): Steps<number> {
  return yield* dmaRead(k, mr, REGION.rdma, offset);
}

/** The network writes a byte of the region. */
export function* rdmaWrite(k: System, mr: number, offset: number, byte: number): Steps<number> {
  return yield* dmaWrite(k, mr, REGION.rdma, offset, byte);
}
