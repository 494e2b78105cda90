import { setPageByte } from '../../src/machine/contents.ts';
import { entryPfn } from '../../src/machine/entry.ts';
import type { MmId, Pfn, TaskId, VmaId, Vpn } from '../../src/machine/types.ts';
import { type Kernel, MMF } from '../../src/mm/kernel.ts';
import { userAccess } from '../../src/mm/memory.ts';
import { pteEntry } from '../../src/mm/pgtable.ts';
import { allocVma, linkVma, VM, vmaSetFile } from '../../src/mm/vma.ts';
import { run } from './run.ts';

export const RW = VM.read | VM.write | VM.mayRead | VM.mayWrite | VM.softDirty;
export const RO = RW & ~VM.write;

/** A mapping of `n` pages at `start`, as mmap() leaves it. */
export function mapVma(k: Kernel, mm: MmId, start: Vpn, n: number, flags = RW, file = 0): VmaId {
  const vma = run(allocVma(k, mm));
  k.vma.start[vma] = start;
  k.vma.end[vma] = start + n;
  k.vma.flags[vma] = flags;
  k.vma.pgoff[vma] = file === 0 ? start : 0;
  run(vmaSetFile(k, vma, file));
  linkVma(k, vma);
  k.mm.totalVm[mm] += n;
  return vma;
}

/** A task's store of one byte at the start of a page; returns the page that took it. */
export function store(k: Kernel, task: TaskId, vpn: Vpn, value: number): Pfn {
  const pfn = run(userAccess(k, task, vpn, true));
  if (pfn > 0) setPageByte(k, pfn, 0, value);
  return pfn;
}

/** A task's load; returns the page that it came from. */
export function load(k: Kernel, task: TaskId, vpn: Vpn): Pfn {
  return run(userAccess(k, task, vpn, false));
}

/** Low word of the PTE for `vpn`. */
export function pteLo(k: Kernel, mm: MmId, vpn: Vpn): number {
  const e = pteEntry(k, mm, vpn);
  return e === 0 ? 0 : k.contents[e];
}

export function ptePfn(k: Kernel, mm: MmId, vpn: Vpn): Pfn {
  const e = pteEntry(k, mm, vpn);
  return e === 0 ? 0 : entryPfn(k.contents[e], k.contents[e + 1]);
}

/** What pin_user_pages() leaves on a small page. */
export function pin(k: Kernel, mm: MmId, pfn: Pfn): void {
  k.page.refcount[pfn] = k.page.refcount[pfn] + 1024;
  k.mm.flags[mm] = k.mm.flags[mm] | MMF.hasPinned;
}

/** What get_user_pages() leaves. */
export function get(k: Kernel, pfn: Pfn): void {
  k.page.refcount[pfn] = k.page.refcount[pfn] + 1;
}
