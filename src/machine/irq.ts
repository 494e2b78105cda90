/** A CPU's interrupts: while they are off nobody's TLB flush, and no freeing of page tables, gets past it. */
import { at, R, WRITE } from './access.ts';
import type { Machine } from './machine.ts';
import type { CpuId, Steps } from './types.ts';

/** local_irq_disable(): from here on no interprocessor interrupt is answered by this CPU. */
export function* irqOff(k: Machine, cpu: CpuId): Steps<void> {
  yield WRITE | at(R.irq, cpu);
  k.irqOff[cpu] = 1;
}

/** local_irq_enable(). */
export function* irqOn(k: Machine, cpu: CpuId): Steps<void> {
  yield WRITE | at(R.irq, cpu);
  k.irqOff[cpu] = 0;
}
