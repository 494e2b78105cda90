import { at, IPI, R, WRITE } from './access.ts';
import { touchAlso } from './also.ts';
import { type Machine, TLB } from './machine.ts';
import type { CpuId, MmId, Steps, Vpn } from './types.ts';
import { enterTlb, leaveTlb } from './workers.ts';

/**
 * flush_tlb_range(): each CPU that may hold translations of `mm` drops those of [start, end), and has
 * to take the interrupt for it; one with interrupts off (a lockless walk) is waited for. Machines that free
 * tables by RCU broadcast the flush in hardware instead, which waits for nobody (A.13, A.20.5).
 *
 * CPUs are asked in a fixed order. That loses nothing: a CPU that is asked later may already have
 * dropped a stale entry by itself, which `mmuAccess` explores.
 */
export function* flushTlbRange(k: Machine, mm: MmId, start: Vpn, end: Vpn): Steps<void> {
  for (let cpu = 0; cpu < k.cpus; cpu++) {
    if ((k.cpumask[mm] & (1 << cpu)) === 0) continue;
    yield (k.tableFree === 'rcu' ? WRITE : IPI) | at(R.irq, cpu);
    dropTranslations(k, cpu, mm, start, end);
  }
}

/** flush_tlb_mm(): every translation of the address space. */
export function* flushTlbMm(k: Machine, mm: MmId): Steps<void> {
  yield* flushTlbRange(k, mm, 0, 0x7fffffff);
}

/**
 * Waits until no lockless walker that was under way still is: an IPI to every CPU, or an RCU grace
 * period (tlb_remove_table_sync_one, tlb_remove_table). Page tables may be freed afterwards.
 */
export function* syncTableFree(k: Machine): Steps<void> {
  for (let cpu = 0; cpu < k.cpus; cpu++) {
    yield IPI | at(R.irq, cpu);
    // Nor does the processor itself walk any more.
    enterTlb(k, cpu);
    leaveTlb(k, cpu);
  }
}

function dropTranslations(k: Machine, cpu: CpuId, mm: MmId, start: Vpn, end: Vpn): void {
  const first = cpu * k.tlbEntries * TLB.words;
  enterTlb(k, cpu);
  for (let t = first; t < first + k.tlbEntries * TLB.words; t += TLB.words) {
    if (k.tlb[t + TLB.mm] !== mm) continue;
    const vpn = k.tlb[t + TLB.vpn];
    if (vpn >= start && vpn < end) dropTranslation(k, t);
  }
  leaveTlb(k, cpu);
}

/** Empties the TLB entry at word `t`; all its words, so that equal TLBs are equal bytes. */
export function dropTranslation(k: Machine, t: number): void {
  touchAlso(k, WRITE | at(R.tlb, Math.floor(t / (k.tlbEntries * TLB.words))));
  k.tlb[t + TLB.mm] = 0;
  k.tlb[t + TLB.vpn] = 0;
  k.tlb[t + TLB.lo] = 0;
  k.tlb[t + TLB.hi] = 0;
}
