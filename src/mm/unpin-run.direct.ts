/** `unpin-run.ts` for plain memory and one thread. */
import { FOLL } from './foll.ts';
import { countsAsPin, pinIsFree } from './grab.ts';
import type { Kernel } from './kernel.ts';
import { PIN_BIAS } from './pinned.ts';
import { vmstatAdd } from './vmstat.ts';
import { VMSTAT } from './vmstat-items.ts';

/** As in the other forms. A page that is listed twice in a row loses one pin after the other. */
export function unpinPlainRun(k: Kernel, pages: number, n: number): number {
  if (k.nodes !== 1 || !countsAsPin(k, FOLL.pin)) return 0;
  const { refcount, compound } = k.page;
  const { kmem } = k;
  // The page of zeros, where it isn't counted; 0 is never a page that may be released.
  const free = pinIsFree(k, k.zeroPfn) ? k.zeroPfn : 0;
  const to = (pages + n) | 0;
  let at = pages | 0;
  while (at < to) {
    const pfn = kmem[at];
    if (pfn <= free || compound[pfn] !== 0) break;
    const left = refcount[pfn] - PIN_BIAS;
    if (left <= 0) break;
    refcount[pfn] = left;
    at = (at + 1) | 0;
  }
  const released = at - pages;
  if (released > 0 && k.rules.pin.counters) vmstatAdd(k, 0, VMSTAT.nr_foll_pin_released, released);
  return released;
}
