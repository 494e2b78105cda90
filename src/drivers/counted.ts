/** Registrations whose pages are counted against RLIMIT_MEMLOCK before they are taken: RDMA regions, UMEMs of AF_XDP. */
import type { System } from '../fs/system.ts';
import type { Steps, TaskId, Vpn } from '../machine/types.ts';
import { accountPages, unaccountPages } from './memlock.ts';
import { dropRegion, putPages, takePages } from './region.ts';

/** `takeCounted`: the limit does not allow it. Errors of the pinning calls are negative. */
export const OVER_LIMIT = 1;

/**
 * Counts `nr` pages in `counter` (`ACCOUNT`), then takes them into the row as `takePages` does: 0, OVER_LIMIT, or what that
 * said; if not 0, nothing is counted and the row is forgotten.
 */
export function* takeCounted(
  k: System,
  task: TaskId,
  row: number,
  counter: number,
  vpn: Vpn,
  nr: number,
  wanted: number,
  flags: number,
): Steps<number> {
  const mm = k.device.mm[row];
  const allowed = yield* accountPages(k, mm, counter, nr);
  let error = OVER_LIMIT;
  if (allowed) {
    error = yield* takePages(k, task, row, vpn, nr, wanted, flags);
    if (error !== 0) yield* unaccountPages(k, mm, counter, nr);
  }
  if (error !== 0) yield* dropRegion(k, row);
  else k.device.counted[row] = nr;
  return error;
}

/** Gives back what `takeCounted` took, and forgets the row. The device has stopped before. */
export function* putCounted(k: System, row: number, counter: number, dirty: boolean): Steps<void> {
  const mm = k.device.mm[row];
  const nr = k.device.counted[row];
  yield* putPages(k, row, dirty);
  yield* unaccountPages(k, mm, counter, nr);
  yield* dropRegion(k, row);
}
