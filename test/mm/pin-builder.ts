import { GFP, takePages } from '../../src/machine/buddy.ts';
import type { Folio } from '../../src/machine/types.ts';
import { type Kernel, kmalloc } from '../../src/mm/kernel.ts';
import { vmstatSum } from '../../src/mm/vmstat.ts';
import { VMSTAT } from '../../src/mm/vmstat-items.ts';
import { boot } from './run.ts';
import { mapVma, RW, store } from './vma-builder.ts';

/** First page of the mapping that `pinBoot` makes. */
export const AT = 0x1000;

/** A kernel without movable memory and one process that has `n` anonymous pages at `AT`, written, and room for 64 page pointers. */
export function pinBoot(name: string, n = 4, flags = RW) {
  const { k, task, mm } = boot(name, { areas: [{ pages: 16384 }] });
  const vma = mapVma(k, mm, AT, n, flags);
  const pfns: number[] = [];
  for (let i = 0; i < n; i++) pfns.push(store(k, task, AT + i, 10 + i));
  return { k, task, mm, vma, pfns, pages: kmalloc(k, 64) };
}

/** An unmapped folio of 2^order pages with one reference. */
export function folioOf(k: Kernel, order: number, movable = false): Folio {
  return takePages(k, order, (order > 0 ? GFP.comp : 0) | (movable ? GFP.movable : 0), 0);
}

/** [references, pins] of a folio; the pin count of a small one is 0. */
export function counts(k: Kernel, folio: Folio): [number, number] {
  const large = (k.page.compound[folio] ?? 0) < 0;
  return [k.page.refcount[folio] ?? 0, large ? (k.page.private[folio + 1] ?? 0) : 0];
}

/** [nr_foll_pin_acquired, nr_foll_pin_released]. */
export function pinStat(k: Kernel): [number, number] {
  return [vmstatSum(k, VMSTAT.nr_foll_pin_acquired), vmstatSum(k, VMSTAT.nr_foll_pin_released)];
}

/** The `n` page frame numbers at `pages`. */
export function stored(k: Kernel, pages: number, n: number): number[] {
  return Array.from(k.kmem.subarray(pages, pages + n));
}
