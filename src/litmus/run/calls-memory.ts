/** mmap(2) and its kind. */

import { ofdOf } from '../../fs/fd.ts';
import { OFD } from '../../fs/system.ts';
import { EBADF, EINVAL, ENOMEM } from '../../machine/errno.ts';
import type { MmId, Steps, TaskId, Vpn } from '../../machine/types.ts';
import { NOT_MODELLED } from '../../mm/khugepaged-file.ts';
import { MADV, sysMadvise } from '../../mm/madvise.ts';
import { sysMlock, sysMunlock } from '../../mm/mlock.ts';
import { sysMmap, sysMunmap } from '../../mm/mmap.ts';
import { sysMprotect } from '../../mm/mprotect.ts';
import { sysMremap } from '../../mm/mremap.ts';
import { sysMsync } from '../../mm/sync.ts';
import { VM, vmaAt, vmaIsAnonymous, vmaIsShmem } from '../../mm/vma.ts';
import { CALL } from './call-ids.ts';
import { LIMIT, type Lit } from './program.ts';
import {
  argInt,
  argOff,
  argPages,
  argVpn,
  beyondModel,
  instructionAt,
  outsideSize,
  outsideUser,
} from './values.ts';

/** Addresses must be page aligned where the manual says so. */
function misaligned(k: Lit, pc: number): boolean {
  return argOff(k, pc, 0) !== 0;
}

export function* callMemory(k: Lit, task: TaskId, pc: number, id: number): Steps<number> {
  if (id === CALL.mmap) return yield* callMmap(k, task, pc);
  if (misaligned(k, pc)) return -EINVAL;
  const vpn = argVpn(k, pc, 0);
  const nr = argPages(k, pc, 1, vpn);
  switch (id) {
    case CALL.munmap:
      if (outsideUser(k, pc, 0, 1)) return -EINVAL;
      return yield* sysMunmap(k, task, vpn, nr);
    case CALL.mprotect:
      return yield* sysMprotect(k, task, vpn, nr, argInt(k, pc, 2));
    case CALL.mremap:
      if (beyondModel(k, pc, 2) || beyondModel(k, pc, 4)) return tooFar(k, pc);
      if (outsideSize(k, pc, 2)) return -ENOMEM;
      return yield* sysMremap(
        k,
        task,
        vpn,
        nr,
        argPages(k, pc, 2, 0),
        argInt(k, pc, 3),
        argVpn(k, pc, 4),
      );
    case CALL.madvise:
      if (breaksFile(k, k.task.mm[task], vpn, argInt(k, pc, 2)))
        k.lit.limits[LIMIT.memory] = instructionAt(k, pc).line;
      return yield* callMadvise(k, task, pc, vpn, nr);
    case CALL.msync:
      return yield* sysMsync(k, task, vpn, nr, argInt(k, pc, 2));
    case CALL.mlock:
      return yield* sysMlock(k, task, vpn, nr);
    default:
      return yield* sysMunlock(k, task, vpn, nr);
  }
}

function* callMadvise(k: Lit, task: TaskId, pc: number, vpn: Vpn, nr: number): Steps<number> {
  const result = yield* sysMadvise(k, task, vpn, nr, argInt(k, pc, 2));
  if (result === NOT_MODELLED) k.lit.limits[LIMIT.memory] = instructionAt(k, pc).line;
  return result;
}

const MAP_ANONYMOUS = 0x20;
const MAP_FIXED = 0x10;

/** Linux might do it, the model can not: nothing is claimed. */
function tooFar(k: Lit, pc: number): number {
  k.lit.limits[LIMIT.address] = instructionAt(k, pc).line;
  return -ENOMEM;
}

function* callMmap(k: Lit, task: TaskId, pc: number): Steps<number> {
  const flags = argInt(k, pc, 3);
  let file = 0;
  if ((flags & MAP_ANONYMOUS) === 0) {
    const ofd = ofdOf(k, k.task.mm[task], argInt(k, pc, 4));
    if (ofd === 0) return -EBADF;
    if (k.ofd.kind[ofd] !== OFD.file) return -EBADF;
    file = k.ofd.target[ofd];
  }
  if (argOff(k, pc, 5) !== 0) return -EINVAL;
  if (beyondModel(k, pc, 0) || beyondModel(k, pc, 1)) return tooFar(k, pc);
  if (outsideSize(k, pc, 1) || ((flags & MAP_FIXED) !== 0 && outsideUser(k, pc, 0, 1)))
    return -ENOMEM;
  return yield* sysMmap(
    k,
    task,
    argVpn(k, pc, 0),
    argPages(k, pc, 1, argVpn(k, pc, 0)),
    argInt(k, pc, 2),
    flags,
    file,
    argVpn(k, pc, 5),
  );
}

/** Broken memory is modelled for anonymous memory, soft offline for that of memory files too (mm/memory-failure.ts). */
function breaksFile(k: Lit, mm: MmId, vpn: Vpn, advice: number): boolean {
  if (advice !== MADV.hwpoison && advice !== MADV.softOffline) return false;
  const vma = vmaAt(k, mm, vpn);
  if (vma === 0 || vmaIsAnonymous(k, vma)) return false;
  return advice === MADV.hwpoison || (k.vma.flags[vma] & VM.hugetlb) !== 0 || !vmaIsShmem(k, vma);
}
