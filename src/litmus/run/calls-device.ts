/** Devices as user space and the wire drive them, and the limit that their registrations meet. */
import { dqbuf, goldfishRead, qbufUserptr, umemReg, umemUnreg } from '../../drivers/buffers.ts';
import { iommuMap, iommuRead, iommuRelease, iommuUnmap, iommuWrite } from '../../drivers/iommu.ts';
import { ODP_HANDLE, odpRead, odpWrite } from '../../drivers/odp.ts';
import { deregMr, rdmaRead, rdmaWrite, regMr } from '../../drivers/rdma.ts';
import { dmaRead, dmaWrite } from '../../drivers/region.ts';
import { REGION } from '../../fs/device-tables.ts';
import { at, R, READ, WRITE } from '../../machine/access.ts';
import { EINVAL } from '../../machine/errno.ts';
import type { MmId, Steps, TaskId } from '../../machine/types.ts';
import { CALL } from './call-ids.ts';
import type { Lit } from './program.ts';
import { arg, argInt, argOff, argVpn } from './values.ts';

const PAGE_SIZE = 4096;
const RLIMIT_MEMLOCK = 8;
/** `proc_status` fields. */
const VM_LCK = 1;

export function* callDevice(k: Lit, task: TaskId, pc: number, id: number): Steps<number> {
  const mm = k.task.mm[task];
  switch (id) {
    case CALL.setrlimit:
      return yield* setLimit(k, mm, argInt(k, pc, 0), limitPages(arg(k, pc, 1)));
    case CALL.proc_status: {
      yield READ | at(R.mmFlags, mm);
      const pages = argInt(k, pc, 0) === VM_LCK ? k.mm.lockedVm[mm] : k.mm.pinnedVm[mm];
      return (pages * PAGE_SIZE) / 1024;
    }
    case CALL.ibv_reg_mr:
      return yield* regMr(
        k,
        task,
        argVpn(k, pc, 0),
        argOff(k, pc, 0),
        argInt(k, pc, 1),
        argInt(k, pc, 2),
      );
    case CALL.ibv_dereg_mr:
      return yield* deregMr(k, argInt(k, pc, 0));
    case CALL.rdma_read:
      return yield* wireRead(k, task, argInt(k, pc, 0), argInt(k, pc, 1));
    case CALL.rdma_write:
      return yield* wireWrite(k, task, argInt(k, pc, 0), argInt(k, pc, 1), argInt(k, pc, 2) & 255);
    case CALL.dma_read:
      return yield* iommuRead(k, argInt(k, pc, 0));
    case CALL.dma_write:
      return yield* iommuWrite(k, argInt(k, pc, 0), argInt(k, pc, 1) & 255);
    case CALL.vfio_dma_map:
    case CALL.iommufd_ioas_map: {
      const kind = id === CALL.vfio_dma_map ? REGION.vfio : REGION.iommufd;
      const iova = argInt(k, pc, 1);
      const len = argInt(k, pc, 2);
      return yield* iommuMap(k, task, kind, argVpn(k, pc, 0), argOff(k, pc, 0), iova, len);
    }
    case CALL.vfio_dma_unmap:
      return yield* iommuUnmap(k, REGION.vfio, argInt(k, pc, 0), argInt(k, pc, 1));
    case CALL.iommufd_ioas_unmap:
      return yield* iommuUnmap(k, REGION.iommufd, argInt(k, pc, 0), argInt(k, pc, 1));
    default:
      return yield* onBuffer(k, task, pc, id);
  }
}

/** rdma_read: of a region whose pages are pinned, or of one with on-demand paging. */
function* wireRead(k: Lit, task: TaskId, mr: number, offset: number): Steps<number> {
  if (mr > ODP_HANDLE) return yield* odpRead(k, task, mr - ODP_HANDLE, offset);
  return yield* rdmaRead(k, mr, offset);
}

function* wireWrite(k: Lit, task: TaskId, mr: number, offset: number, byte: number): Steps<number> {
  if (mr > ODP_HANDLE) return yield* odpWrite(k, task, mr - ODP_HANDLE, offset, byte);
  return yield* rdmaWrite(k, mr, offset, byte);
}

/** Whole pages of a limit in bytes. */
function limitPages(bytes: number): number {
  return Math.min(Math.floor(bytes / PAGE_SIZE), 1 << 30);
}

/** setrlimit(2) of RLIMIT_MEMLOCK, of a process without CAP_IPC_LOCK. */
function* setLimit(k: Lit, mm: MmId, resource: number, pages: number): Steps<number> {
  if (resource !== RLIMIT_MEMLOCK || pages < 0) return -EINVAL;
  yield WRITE | at(R.mmFlags, mm);
  k.mm.memlock[mm] = pages + 1;
  return 0;
}

function* onBuffer(k: Lit, task: TaskId, pc: number, id: number): Steps<number> {
  const vpn = argVpn(k, pc, 0);
  const off = argOff(k, pc, 0);
  switch (id) {
    case CALL.xdp_umem_reg:
      return yield* umemReg(k, task, vpn, off, argInt(k, pc, 1));
    case CALL.xdp_umem_unreg:
      return yield* umemUnreg(k, argInt(k, pc, 0));
    case CALL.v4l2_qbuf_userptr:
      return yield* qbufUserptr(k, task, vpn, off, argInt(k, pc, 1));
    case CALL.v4l2_dqbuf:
      return yield* dqbuf(k, argInt(k, pc, 0));
    case CALL.goldfish_pipe_read:
      return yield* goldfishRead(k, task, vpn, off, argInt(k, pc, 1), argInt(k, pc, 2) & 255);
    case CALL.mm_iommu_new:
      return yield* iommuMap(k, task, REGION.mmIommu, vpn, off, 0, argInt(k, pc, 1));
    case CALL.mm_iommu_put: {
      const released = yield* iommuRelease(k, argInt(k, pc, 0), REGION.mmIommu);
      return released ? 0 : -EINVAL;
    }
    default:
      return yield* byteOf(k, pc, id);
  }
}

/** One byte between a device and the buffer that it was lent. */
function* byteOf(k: Lit, pc: number, id: number): Steps<number> {
  const row = argInt(k, pc, 0);
  const xdp = id === CALL.xdp_rx || id === CALL.xdp_tx;
  const kind = xdp ? REGION.xdp : id === CALL.v4l2_capture ? REGION.v4l2 : REGION.mmIommu;
  const offset = argInt(k, pc, 1);
  if (id === CALL.xdp_tx || id === CALL.tce_read) return yield* dmaRead(k, row, kind, offset);
  return yield* dmaWrite(k, row, kind, offset, argInt(k, pc, 2) & 255);
}
