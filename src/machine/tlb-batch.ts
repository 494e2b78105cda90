/** Deferred TLB flushes (arch/x86/mm/tlb.c: arch_tlbbatch_flush; mm/rmap.c: try_to_unmap_flush). */
import { at, IPI, R } from './access.ts';
import { dropTranslation } from './cpu.ts';
import { type Machine, TLB } from './machine.ts';
import type { Steps } from './types.ts';
import { enterTlb, leaveTlb } from './workers.ts';

/**
 * Each CPU of the bit mask drops every translation that it has, of whichever address space; one with
 * interrupts off is waited for.
 */
export function* flushTlbCpus(k: Machine, cpumask: number): Steps<void> {
  for (let cpu = 0; cpu < k.cpus; cpu++) {
    if ((cpumask & (1 << cpu)) === 0) continue;
    yield IPI | at(R.irq, cpu);
    const first = cpu * k.tlbEntries * TLB.words;
    enterTlb(k, cpu);
    for (let t = first; t < first + k.tlbEntries * TLB.words; t += TLB.words) dropTranslation(k, t);
    leaveTlb(k, cpu);
  }
}
