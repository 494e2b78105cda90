import { entryPfn } from '../../src/machine/entry.ts';
import type { Folio, MmId, Pfn, TaskId, VmaId, Vpn } from '../../src/machine/types.ts';
import { setHugetlbPool } from '../../src/mm/hugetlb.ts';
import { type Kernel, type KernelConfig, MMF, newTask } from '../../src/mm/kernel.ts';
import { MAP, PROT, sysMmap } from '../../src/mm/mmap.ts';
import { pmdEntry } from '../../src/mm/pgtable.ts';
import { VM } from '../../src/mm/vma.ts';
import { boot, run } from './run.ts';
import { mapVma, RW, store } from './vma-builder.ts';

/** First page of the huge mapping that `thpBoot` makes. */
export const HAT = 0x1000;

/** A process with one huge page at `HAT`, its first byte 7, and a task for its child. */
export function thpBoot(version: string, config: Partial<KernelConfig> = {}) {
  const { k, mm, task } = boot(version, config);
  const vma: VmaId = mapVma(k, mm, HAT, 1024, RW | VM.hugepage);
  const folio: Folio = store(k, task, HAT, 7);
  return { k, mm, task, vma, folio, e: pmdEntry(k, mm, HAT), childTask: newTask(k, 0, 1) };
}

/** What pin_user_pages() leaves on a large folio where they have a pin count. */
export function pinLarge(k: Kernel, mm: MmId, folio: Folio): void {
  k.page.refcount[folio] = k.page.refcount[folio] + 1;
  k.page.private[folio + 1] = k.page.private[folio + 1] + 1;
  k.mm.flags[mm] = k.mm.flags[mm] | MMF.hasPinned;
}

/** The reverse of `pinLarge`, without the put. */
export function unpinLarge(k: Kernel, folio: Folio): void {
  k.page.private[folio + 1] = k.page.private[folio + 1] - 1;
}

/** Low word of the PMD entry for `vpn`; 0: none. */
export function pmdLo(k: Kernel, mm: MmId, vpn: Vpn): number {
  const e = pmdEntry(k, mm, vpn);
  return e === 0 ? 0 : k.contents[e];
}

export function pmdPfn(k: Kernel, mm: MmId, vpn: Vpn): Pfn {
  const e = pmdEntry(k, mm, vpn);
  return e === 0 ? 0 : entryPfn(k.contents[e], k.contents[e + 1]);
}

/** A kernel with a pool of `pool` 2 MiB pages and a process. */
export function hugetlbBoot(version: string, pool: number) {
  const { k, mm, task } = boot(version);
  setHugetlbPool(k, 9, pool);
  return { k, mm, task, childTask: newTask(k, 0, 1) };
}

/** mmap(MAP_HUGETLB) of `n` huge pages at an address of the kernel's choice. */
export function mapHuge(k: Kernel, task: TaskId, n: number, flags: number = MAP.private): Vpn {
  return run(
    sysMmap(k, task, 0, n * 512, PROT.read | PROT.write, flags | MAP.anonymous | MAP.hugetlb, 0, 0),
  );
}

/** [free, promised, all] of the 2 MiB pool. */
export function pool(k: Kernel): [number, number, number] {
  return [k.hugetlb.nrFree[0] ?? 0, k.hugetlb.reserved[0] ?? 0, k.hugetlb.nrTotal[0] ?? 0];
}
