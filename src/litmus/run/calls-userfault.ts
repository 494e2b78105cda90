/** userfaultfd, as its monitor uses it, and /proc/self/clear_refs. */
import { EINVAL } from '../../machine/errno.ts';
import type { MmId, Steps, TaskId, Vpn } from '../../machine/types.ts';
import { clearRefs } from '../../mm/soft-dirty.ts';
import { uffdioMove } from '../../mm/userfault-move.ts';
import {
  UFFD_REGISTER,
  uffdioContinue,
  uffdioCopy,
  uffdioRegister,
  uffdioWriteprotect,
} from '../../mm/userfaultfd.ts';
import { VM, vmaAt, vmaIsShmem } from '../../mm/vma.ts';
import { CALL } from './call-ids.ts';
import { LIMIT, type Lit } from './program.ts';
import { argInt, argOff, argPages, argVpn, instructionAt } from './values.ts';

export function* callUserfault(k: Lit, task: TaskId, pc: number, id: number): Steps<number> {
  const mm = k.task.mm[task];
  if (id === CALL.clear_refs) return yield* clearRefs(k, mm, argInt(k, pc, 0));
  const start = argVpn(k, pc, 0);
  if (argOff(k, pc, 0) !== 0) return -EINVAL;
  if (id === CALL.uffdio_copy || id === CALL.uffdio_move) {
    // Length and mode stand behind the second address.
    const src = argVpn(k, pc, 1);
    if (argOff(k, pc, 1) !== 0 || argOff(k, pc, 2) !== 0) return -EINVAL;
    const nr = argPages(k, pc, 2, start);
    if (id === CALL.uffdio_copy)
      return yield* uffdioCopy(k, task, start, src, nr, argInt(k, pc, 3));
    return yield* uffdioMove(k, mm, start, src, nr, argInt(k, pc, 3));
  }
  if (argOff(k, pc, 1) !== 0) return -EINVAL;
  const nr = argPages(k, pc, 1, start);
  const mode = argInt(k, pc, 2);
  if (id === CALL.uffdio_register) {
    if (notModelled(k, mm, start, mode)) k.lit.limits[LIMIT.memory] = instructionAt(k, pc).line;
    return yield* uffdioRegister(k, mm, start, nr, mode);
  }
  if (id === CALL.uffdio_continue) return yield* uffdioContinue(k, mm, start, nr, mode);
  return yield* uffdioWriteprotect(k, mm, start, nr, mode);
}

/** Huge pages (hugetlb) under userfaultfd, and write protection of files (5.19), are not in the model. */
function notModelled(k: Lit, mm: MmId, start: Vpn, mode: number): boolean {
  const vma = vmaAt(k, mm, start);
  if (vma === 0) return false;
  if ((k.vma.flags[vma] & VM.hugetlb) !== 0) return true;
  return (mode & UFFD_REGISTER.wp) !== 0 && vmaIsShmem(k, vma);
}
