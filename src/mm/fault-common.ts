/**
 * What the page fault handlers share: the protection of a mapping's entries (vm_page_prot,
 * maybe_mkwrite), pages for user memory, and small steps on entries under the page table lock.
 */
import { allocPages, GFP } from '../machine/buddy.ts';
import { flushTlbRange } from '../machine/cpu.ts';
import { entryHi, entryRead } from '../machine/entries.ts';
import { entryLo, isNone, PTE } from '../machine/entry.ts';
import { PG } from '../machine/page.ts';
import type { EntryAddr, MmId, Pfn, Steps, TaskId, VmaId, Vpn } from '../machine/types.ts';
import { type Kernel, PF } from './kernel.ts';
import { entryPeek, isTable, pmdEntry } from './pgtable.ts';
import { VM, vmaWantsNotify } from './vma.ts';

/** Allocation flags for memory of a user: movable, and for a longterm pin only memory that may stay (A.12.2). */
export function userGfp(k: Kernel, task: TaskId): number {
  const pinnable = (k.task.flags[task] & PF.memallocPin) !== 0 ? GFP.pinnable : 0;
  return GFP.movable | pinnable;
}

/** vma_alloc_folio() of order 0: one page, reference count 1, uptodate; 0: out of memory. */
export function* allocUserPage(k: Kernel, task: TaskId, gfp: number): Steps<Pfn> {
  const pfn = yield* allocPages(k, 0, userGfp(k, task) | gfp, 0);
  if (pfn !== 0) k.page.flags[pfn] |= PG.uptodate;
  return pfn;
}

/** vma_is_accessible(): some access is allowed. */
export function vmaAccessible(k: Kernel, vma: VmaId): boolean {
  return (k.vma.flags[vma] & (VM.read | VM.write | VM.exec)) !== 0;
}

/**
 * vm_page_prot as the low word's flags: what an entry of this mapping starts with. Only a shared writable
 * mapping is writable without a fault, and that only where no file system wants to be told of writes.
 */
export function pteProt(k: Kernel, vma: VmaId): number {
  if (!vmaAccessible(k, vma)) return PTE.protnone | PTE.user;
  const flags = k.vma.flags[vma];
  const sharedWrite = (flags & VM.shared) !== 0 && (flags & VM.write) !== 0;
  const writable = sharedWrite && !vmaWantsNotify(k, vma);
  return PTE.present | PTE.user | (writable ? PTE.write : 0);
}

/** maybe_mkwrite(): the write bit if the mapping allows writing now. */
export function mayWriteBit(k: Kernel, vma: VmaId): number {
  return (k.vma.flags[vma] & VM.write) !== 0 ? PTE.write : 0;
}

/** What pte_mkdirty() sets on x86. */
export const PTE_MKDIRTY = PTE.dirty | PTE.softDirty;

/** Entry of a folio's page for `vma`: its low word with `flags` beside the mapping's own protection, accessed (mk_pte). */
export function makePteLo(k: Kernel, vma: VmaId, pfn: Pfn, flags: number): number {
  return entryLo(pfn, pteProt(k, vma) | PTE.accessed | flags);
}

/** pte_same(): whether entry `e` still holds what was read before. One read. */
export function* entrySame(k: Kernel, e: EntryAddr, lo: number, hi: number): Steps<boolean> {
  const now = yield* entryRead(k, e);
  return now === lo && entryHi(k, e) === hi;
}

/** flush_tlb_page(). */
export function* flushTlbPage(k: Kernel, mm: MmId, vpn: Vpn): Steps<void> {
  yield* flushTlbRange(k, mm, vpn, vpn + 1);
}

/** Whether a huge page's entry stands where a table was expected (pte_alloc() fails without being out of memory). */
export function hugeLeafStands(k: Kernel, mm: MmId, vpn: Vpn): boolean {
  const e = pmdEntry(k, mm, vpn);
  if (e === 0) return false;
  const lo = entryPeek(k, e);
  return !isNone(lo, k.contents[e + 1]) && !isTable(lo);
}
