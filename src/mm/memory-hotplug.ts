/**
 * Taking memory away while the machine runs (mm/memory_hotplug.c: offline_pages). Rules: semantics.md A.19.5: a page that stays
 * pinned in the range keeps it from ending, which is why longterm pins leave ZONE_MOVABLE (A.12, S22).
 */
import { findArea, isolateArea, pageIsFree } from '../machine/buddy.ts';
import { EBUSY, EINTR, EINVAL } from '../machine/errno.ts';
import { AREA_FIELDS } from '../machine/machine.ts';
import type { Pfn, Steps, TaskId } from '../machine/types.ts';
import { migrateRange } from './contig-range.ts';
import { type Kernel, PF } from './kernel.ts';
import { signalled } from './signals.ts';

/** How often kernels to 4.14 try before they give up (S161). */
const TRIES = 5;

/**
 * offline_pages() for all of ZONE_MOVABLE: moves its pages elsewhere until none is left. 0: the memory is gone, nothing is given out
 * from it any more; -EINTR after a signal to `task`; -EBUSY when it gave up; -EINVAL where there is no such memory.
 */
export function* offlineMovable(k: Kernel, task: TaskId): Steps<number> {
  const a = findArea(k, AREA_FIELDS.movable);
  if (a < 0) return -EINVAL;
  const start = k.area[a + AREA_FIELDS.start];
  const end = k.area[a + AREA_FIELDS.end];
  yield* isolateArea(k, a, true);
  let tries = 0;
  let result = -EBUSY;
  while (result === -EBUSY) {
    yield* migrateRange(k, start, end);
    if (allFree(k, start, end)) result = 0;
    else if (signalled(k, task, PF.sigkill | PF.signal)) result = -EINTR;
    else if (k.rules.offline.givesUp && ++tries === TRIES) break;
  }
  if (result !== 0) yield* isolateArea(k, a, false);
  return result;
}

/** test_pages_isolated(). */
function allFree(k: Kernel, start: Pfn, end: Pfn): boolean {
  for (let pfn = start; pfn < end; pfn++) if (!pageIsFree(k, pfn)) return false;
  return true;
}
