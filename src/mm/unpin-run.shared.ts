/** `unpin-run.ts` for memory that several worker threads share. */
import { releaseRun } from '../machine/shared-runs.ts';
import { FOLL } from './foll.ts';
import { countsAsPin, pinIsFree } from './grab.ts';
import type { Kernel } from './kernel.ts';
import { PIN_BIAS } from './pinned.ts';
import { vmstatAdd } from './vmstat.ts';
import { VMSTAT } from './vmstat-items.ts';

/** As in the other forms; each reference goes by compare-and-exchange. */
export function unpinPlainRun(k: Kernel, pages: number, n: number): number {
  if (k.nodes !== 1 || !countsAsPin(k, FOLL.pin)) return 0;
  const { refcount, compound } = k.page;
  const free = pinIsFree(k, k.zeroPfn) ? k.zeroPfn : 0;
  const released = releaseRun(k.kmem, pages, n, compound, refcount, free, PIN_BIAS);
  if (released > 0 && k.rules.pin.counters) vmstatAdd(k, 0, VMSTAT.nr_foll_pin_released, released);
  return released;
}
