/**
 * Memory of devices and who watches address spaces: what a machine keeps of struct dev_pagemap and of MMU notifiers. What
 * threads meet at stands in the first words of kernel memory, region `R.kmem`.
 */
import { at, R } from '../machine/access.ts';
import type { Alloc } from '../machine/arena.ts';
import type { AreaConfig } from '../machine/machine.ts';
import { HPAGE_PMD_ORDER, HPAGE_PUD_ORDER } from '../machine/page.ts';
import type { MmId, Pfn } from '../machine/types.ts';

/** Kinds of device memory (MEMORY_DEVICE_*), in the order in which they lie in the device area: a quarter each. */
export const DEVICE = { none: 0, fsdax: 1, devdax: 2, p2pdma: 3, private: 4 } as const;

/** States of a page map: pages may be had; being taken away; gone, with its page structures. */
export const PGMAP = { live: 0, dying: 1, gone: 2 } as const;

/** Interval notifiers at most, and pages that the device table of one has. */
export const NOTIFIERS = 4;
export const NOTIFIER_PAGES = 16;

/** The device area. Constant; `pages` 0: the machine has none. */
export interface DeviceArea {
  readonly first: Pfn;
  readonly pages: number;
  /** Pages of each kind. */
  readonly quarter: number;
  /** Alignment of device-dax, which is what one of its entries maps: log2 of pages. */
  readonly order: number;
}

/** Interval notifiers by number, from 1; empty on machines without. */
export interface NotifierTables {
  /** Address space that it watches; 0: this number is free. */
  readonly mm: Int32Array;
  /** Pages [start, end) that it watches. */
  readonly start: Int32Array;
  readonly end: Int32Array;
  /** Offset of its first byte in the first page. */
  readonly off: Int32Array;
  /** The sequence number that its owner was last told. */
  readonly seq: Int32Array;
  /** 1: its device asks for pages to write to. */
  readonly writes: Int32Array;
  /** 1: its owner is taking it away, and the device has stopped. */
  readonly leaving: Int32Array;
  /** `NOTIFIER_PAGES` entries of the device's page table a notifier: page frame << 1 | may write; 0: none. */
  readonly table: Int32Array;
}

/** The area that holds device pages, a quarter for each kind of device; all zero: the machine has none. */
export function deviceArea(areas: readonly AreaConfig[]): DeviceArea {
  let first = 0;
  for (const area of areas) {
    if (area.device === true) {
      const quarter = area.pages >> 2;
      const order = area.giga === true ? HPAGE_PUD_ORDER : HPAGE_PMD_ORDER;
      return { first, pages: area.pages, quarter, order: quarter >= 1 << order ? order : 0 };
    }
    first += area.pages;
  }
  return { first: 0, pages: 0, quarter: 0, order: 0 };
}

/** `wanted`: the machine has notifiers; else every array is empty and nobody asks for them. */
export function notifierTables(alloc: Alloc, wanted: boolean): NotifierTables {
  const n = wanted ? NOTIFIERS + 1 : 0;
  return {
    mm: alloc(n),
    start: alloc(n),
    end: alloc(n),
    off: alloc(n),
    seq: alloc(n),
    writes: alloc(n),
    leaving: alloc(n),
    table: alloc(n * NOTIFIER_PAGES),
  };
}

/** Word of kernel memory with the state of the page map of a `DEVICE` kind; its references are in the next. */
export function pgmapWord(kind: number): number {
  return 1 + 2 * kind;
}

/** Word of kernel memory that is the mutex of whoever fills the tables of an IOMMU (vfio's iommu->lock and its like). */
export const IOMMU_LOCK = 10;

/** Word of kernel memory that is the lock of notifier `n`'s owner. */
export function notifierLock(n: number): number {
  return 10 + n;
}

/** Word of kernel memory at which senders of signals and those who ask for them meet. */
export const SIGNALS = 15;

/** Word of kernel memory with the number of device faults of notifier `n` under way. */
export function notifierFaults(n: number): number {
  return 15 + n;
}

/** Word of kernel memory with an address space's invalidate_seq; invalidations under way are counted in the next. */
export function invalidateSeq(mm: MmId): number {
  return 20 + 2 * mm;
}

/** First word of kernel memory behind these; `mms` counts the unused number 0. */
export function firstFreeKmem(mms: number): number {
  return 20 + 2 * mms;
}

/** The object of a word of kernel memory, for an access word. */
export function kmemAt(word: number): number {
  return at(R.kmem, word);
}
