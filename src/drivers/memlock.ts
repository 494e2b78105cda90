/**
 * RLIMIT_MEMLOCK and the three counters that subsystems hold against it: mm->locked_vm (mlock, VFIO type 1, powerpc),
 * mm->pinned_vm (RDMA), user->locked_vm (io_uring, AF_XDP, iommufd). Each is compared with the whole limit, and none
 * knows of the others (users.md 3.3). Who has CAP_IPC_LOCK has no limit: in the model, who never set one. Units: pages.
 */
import type { System } from '../fs/system.ts';
import { at, R, WRITE } from '../machine/access.ts';
import type { MmId, Steps } from '../machine/types.ts';
import { overMemlock } from '../mm/mlock.ts';

/** Which counter. */
export const ACCOUNT = { lockedVm: 0, pinnedVm: 1, user: 2 } as const;

/** Adds `n` pages to a counter of the mm or its user; false, and nothing done, when that passes the limit. */
export function* accountPages(k: System, mm: MmId, counter: number, n: number): Steps<boolean> {
  yield WRITE | at(R.mmFlags, mm);
  if (overMemlock(k, mm, countedOf(k, mm, counter) + n)) return false;
  addPages(k, mm, counter, n);
  return true;
}

/** Takes `n` pages back. */
export function* unaccountPages(k: System, mm: MmId, counter: number, n: number): Steps<void> {
  yield WRITE | at(R.mmFlags, mm);
  addPages(k, mm, counter, -n);
}

function countedOf(k: System, mm: MmId, counter: number): number {
  if (counter === ACCOUNT.user) return k.device.userLocked[0];
  return counter === ACCOUNT.pinnedVm ? k.mm.pinnedVm[mm] : k.mm.lockedVm[mm];
}

function addPages(k: System, mm: MmId, counter: number, n: number): void {
  if (counter === ACCOUNT.user) {
    k.device.userLocked[0] += n;
  } else if (counter === ACCOUNT.pinnedVm) {
    k.mm.pinnedVm[mm] += n;
  } else {
    k.mm.lockedVm[mm] += n;
    k.mm.lockedByDma[mm] += n;
  }
}
