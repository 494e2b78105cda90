/**
 * Where a new mapping goes (mm/mmap.c: get_unmapped_area): top down from a fixed base, so that equal programs get
 * equal addresses, and the next mapping lies right below the last one, as on x86.
 */

import { HPAGE_PMD_NR } from '../machine/page.ts';
import type { MmId, Vpn } from '../machine/types.ts';
import type { Kernel } from './kernel.ts';

/** One past the highest page of a mapping that names no address: virtual address 0x7000'0000'000. */
export const MMAP_BASE = 0x7000_0000;
/** One past the highest page that a mapping may have (the model's TASK_SIZE). */
export const TASK_PAGES = 0x7fff_0000;
/** vm.mmap_min_addr. */
export const MIN_VPN = 16;

/** Whether nothing is mapped in [start, end). */
export function rangeFree(k: Kernel, mm: MmId, start: Vpn, end: Vpn): boolean {
  for (let vma = k.mm.vmaFirst[mm]; vma !== 0; vma = k.vma.next[vma]) {
    if (k.vma.start[vma] < end && k.vma.end[vma] > start) return false;
  }
  return true;
}

/**
 * The highest free place of `nr` pages below the base, at a multiple of `align` pages plus `phase`; 0: there is none.
 */
export function highestFree(k: Kernel, mm: MmId, nr: number, align: number, phase: number): Vpn {
  let best = 0;
  let low = MIN_VPN;
  for (let vma = k.mm.vmaFirst[mm]; ; vma = k.vma.next[vma]) {
    const high = Math.min(vma === 0 ? MMAP_BASE : k.vma.start[vma], MMAP_BASE);
    const last = high - nr;
    const start = last - ((((last - phase) % align) + align) % align);
    if (start >= low) best = start;
    if (vma === 0) return best;
    low = Math.max(low, k.vma.end[vma]);
  }
}

/**
 * get_unmapped_area(): a place for `nr` pages, at `hint` where that is free (0: no wish). Mappings of 2 MiB and more
 * lie at multiples of 2 MiB, so that huge pages can map them; `align` (pages) asks for more. 0: no room.
 */
export function unmappedArea(
  k: Kernel,
  mm: MmId,
  hint: Vpn,
  nr: number,
  align: number,
  pgoff: number,
): Vpn {
  const unit = Math.max(align, nr >= HPAGE_PMD_NR ? HPAGE_PMD_NR : 1);
  if (hint !== 0) {
    const wish = Math.ceil(Math.max(hint, MIN_VPN) / align) * align;
    if (wish + nr <= TASK_PAGES && rangeFree(k, mm, wish, wish + nr)) return wish;
  }
  return highestFree(k, mm, nr, unit, pgoff % unit);
}
