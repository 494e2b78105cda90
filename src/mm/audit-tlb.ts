/** TLBs: once a call has ended no processor may remember more than the page tables say (A.26.1). */
import { entryPfn, PTE } from '../machine/entry.ts';
import { TLB } from '../machine/machine.ts';
import { leafPfn, walkLeaf } from '../machine/mmu.ts';
import type { Tally } from './audit-tally.ts';
import type { Kernel } from './kernel.ts';

/** Each translation is of a living address space, to the page that its tables name, with no more rights. */
export function auditTlb(k: Kernel, t: Tally): void {
  for (let i = 0; i < k.cpus * k.tlbEntries; i++) {
    const at = i * TLB.words;
    if (k.tlb[at + TLB.mm] !== 0) checkTranslation(k, t, Math.floor(i / k.tlbEntries), at);
  }
}

function checkTranslation(k: Kernel, t: Tally, cpu: number, at: number): void {
  const mm = k.tlb[at + TLB.mm];
  const vpn = k.tlb[at + TLB.vpn];
  const lo = k.tlb[at + TLB.lo];
  const pfn = entryPfn(lo, k.tlb[at + TLB.hi]);
  const who = `CPU ${cpu} translates page 0x${vpn.toString(16)} of mm ${mm} to page ${pfn}`;
  if (t.free[pfn] !== 0) t.findings.push(`${who}, which is free`);
  if (k.mm.users[mm] === 0) {
    t.findings.push(`${who}, but the mm is gone`);
    return;
  }
  if ((k.cpumask[mm] & (1 << cpu)) === 0)
    t.findings.push(`${who}, but flushes of the mm don't reach it`);
  const e = walkLeaf(k, mm, vpn);
  if (e === 0 || (k.contents[e] & PTE.present) === 0) {
    t.findings.push(`${who}, the tables have nothing there`);
    return;
  }
  const now = leafPfn(k, mm, vpn);
  if (now !== pfn) t.findings.push(`${who}, the tables say ${now}`);
  const extra = lo & ~k.contents[e] & (PTE.write | PTE.dirty);
  if (extra !== 0)
    t.findings.push(
      `${who} ${(extra & PTE.write) !== 0 ? 'writable' : 'dirty'}, which the tables don't`,
    );
}
