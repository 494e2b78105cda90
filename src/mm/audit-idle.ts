/** What must not be between calls: locks held, sequences odd, pages on their way. */
import { PG } from '../machine/page.ts';
import { BUG, bugName } from '../machine/report.ts';
import type { Kernel } from './kernel.ts';

/** What is still going on in a kernel in which no call is under way; empty when nothing is. BUGs are named too. */
export function auditIdle(k: Kernel): string[] {
  const findings: string[] = [];
  if (k.report[0] !== BUG.none) findings.push(`BUG ${bugName(k.report[0])} (${k.report[1]})`);
  const notZero = (name: string, words: Int32Array) => {
    words.forEach((word, i) => {
      if (word !== 0) findings.push(`${name} ${i} is ${word}`);
    });
  };
  notZero('mmap_lock of mm', k.mm.mmapLock);
  notZero('lock of anon_vma', k.anonVma.lock);
  notZero('lock of file', k.file.lock);
  notZero('xa_lock of file', k.file.cacheLock);
  notZero('hugetlb lock', k.hugetlb.locks);
  notZero('userfault of task', k.uffd.waits);
  notZero('interrupts off on CPU', k.irqOff);
  notZero('batch of unmapped pages in use', k.gather.used);
  for (let mm = 1; mm < k.pgd.length; mm++) {
    if ((k.mm.writeProtectSeq[mm] & 1) !== 0) findings.push(`write_protect_seq of mm ${mm} is odd`);
  }
  for (let pfn = 1; pfn < k.pages; pfn++) {
    const flags = k.page.flags[pfn];
    if ((flags & PG.locked) !== 0) findings.push(`page ${pfn} is locked`);
    if ((flags & PG.writeback) !== 0) findings.push(`page ${pfn} is under writeback`);
    if ((flags & PG.isolated) !== 0) findings.push(`page ${pfn} is isolated from its list`);
    if ((flags & PG.table) !== 0 && k.page.private[pfn] !== 0)
      findings.push(`page table ${pfn} is locked`);
  }
  return findings;
}
