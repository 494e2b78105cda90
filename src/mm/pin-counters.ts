/** The two counters of pins, by the names that a kernel gives them (A.27, S206). */
import type { Kernel } from './kernel.ts';
import { VMSTAT } from './vmstat-items.ts';

/** What counts pins taken: nr_foll_pin_acquired, nr_foll_pin_requested in the proposal of 2019 (S206). */
export function acquiredItem(k: Kernel): number {
  return k.rules.pin.counterNames === 'requested'
    ? VMSTAT.nr_foll_pin_requested
    : VMSTAT.nr_foll_pin_acquired;
}

/** What counts pins given back: nr_foll_pin_released, nr_foll_pin_returned in the proposal of 2019. */
export function releasedItem(k: Kernel): number {
  return k.rules.pin.counterNames === 'requested'
    ? VMSTAT.nr_foll_pin_returned
    : VMSTAT.nr_foll_pin_released;
}
