/** `irq.ts` for memory that several worker threads share: what is read afterwards is not read before. */
import type { Machine } from './machine.ts';
import type { CpuId } from './types.ts';
import { wake } from './workers.ts';

/** As in the other forms. */
export function irqOff(k: Machine, cpu: CpuId): void {
  Atomics.store(k.irqOff, cpu, 1);
}

/** As in the other forms. */
export function irqOn(k: Machine, cpu: CpuId): void {
  Atomics.store(k.irqOff, cpu, 0);
  wake(k, k.irqOff, cpu);
}
