import type { Pfn } from './types.ts';

/**
 * Page flags (`k.page.flags[pfn]`), named as the kernel's PG_*. Flags of a folio stand in its head page,
 * but `anonExclusive` (each page of a PTE-mapped folio has its own) and `hwpoison`.
 */
export const PG = {
  /** The folio lock: a bit, taken by `folioLock`. */
  locked: 1 << 0,
  referenced: 1 << 1,
  uptodate: 1 << 2,
  dirty: 1 << 3,
  /** On an LRU list. */
  lru: 1 << 4,
  active: 1 << 5,
  writeback: 1 << 6,
  /** `private` holds the swap entry and the swap cache holds references. */
  swapcache: 1 << 7,
  /** Anonymous or shmem memory: written to swap, not to a file system. */
  swapbacked: 1 << 8,
  /** This page is mapped by one process only and may be written without a copy (A.14). */
  anonExclusive: 1 << 9,
  hugetlb: 1 << 10,
  /** A page table page. */
  table: 1 << 11,
  /** Never given out by the allocator: page 0, the zero page. */
  reserved: 1 << 12,
  /** Taken off its LRU list by somebody who moves or reclaims it. */
  isolated: 1 << 13,
  unevictable: 1 << 14,
  mlocked: 1 << 15,
  hwpoison: 1 << 16,
  /** File systems keep buffers or other private data with the folio. */
  private: 1 << 17,
  slab: 1 << 18,
  reclaim: 1 << 19,
  /** Free, and the head of a block of the buddy allocator; the block's order is in `private`. */
  buddy: 1 << 20,
  /** First page of a folio of more than one page. */
  head: 1 << 21,
  /** PG_dma_pinned of the proposal of 2018: `lruPrev` counts the users (mm/dma-pinned.ts). */
  dmaPinned: 1 << 22,
  /** It was kept off its LRU list for that, and has to go back. */
  dmaOffLru: 1 << 23,
} as const;

/** The ten words of a page structure: 40 bytes a page. */
export interface PageArrays {
  /** `PG` bits. */
  readonly flags: Int32Array;
  /** The kernel's `_refcount`, signed; 0 is free. In a folio only the head's counts. */
  readonly refcount: Int32Array;
  /** How many PTEs map this very page (0 is none, where the kernel's `_mapcount` says -1). */
  readonly mapcount: Int32Array;
  /** 0: an order-0 page; negative: head of a folio of order `-compound`; positive: tail, head is `compound - 1`. */
  readonly compound: Int32Array;
  /**
   * Head: 0 none; `anonVma << 2 | 1` anonymous; `id << 2 | 3` KSM; `file << 2` page cache of a file.
   * First tail page: the folio's total map count (PMD mappings and all its pages' PTE mappings).
   */
  readonly mapping: Int32Array;
  /** Head: linear page index in the anon_vma or file. First tail: number of PMD (hugetlb: whole) mappings. */
  readonly index: Int32Array;
  /** Head: swap entry (`PG.swapcache`), block order (`PG.buddy`), or a table's split lock. First tail: pincount. */
  readonly private: Int32Array;
  /** Next and previous page on an LRU list (0 is the end). */
  readonly lruNext: Int32Array;
  readonly lruPrev: Int32Array;
  /** Content slot of this page (see `contents.ts`); 0: every byte is zero. */
  readonly slot: Int32Array;
}

export const PAGE_FIELDS = [
  'flags',
  'refcount',
  'mapcount',
  'compound',
  'mapping',
  'index',
  'private',
  'lruNext',
  'lruPrev',
  'slot',
] as const satisfies readonly (keyof PageArrays)[];

/** `page.mapping` of an anonymous page: the low two bits tell the kind. */
export const MAPPING_KIND = 3;
export const MAPPING_ANON = 1;
export const MAPPING_KSM = 3;

export const PAGE_SHIFT = 12;
export const PAGE_SIZE = 4096;
/** Pages of a PMD entry, and order of the folio that it maps whole. */
export const HPAGE_PMD_NR = 512;
export const HPAGE_PMD_ORDER = 9;
/** Order of 1 GiB, which one PUD entry maps. */
export const HPAGE_PUD_ORDER = 18;

export type PageFlag = (typeof PG)[keyof typeof PG];
export type { Pfn };
