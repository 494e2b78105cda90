import type { Alloc } from '../machine/arena.ts';

/** Locks that serialise faults on the same huge page of a file or mapping (hugetlb_fault_mutex_table). */
export const FAULT_MUTEXES = 16;

/**
 * The two hugetlb pools (index 0 for 2 MiB, 1 for 1 GiB) and what mappings have reserved in them.
 * Owner: hugetlb.ts and hugetlb-resv.ts.
 */
export interface HugetlbTables {
  /** Free folios of each pool, by page frame, linked through page.lruNext. */
  readonly freeFirst: Int32Array;
  readonly nrFree: Int32Array;
  readonly nrTotal: Int32Array;
  /** Free folios that are promised to mappings and not yet faulted in (resv_huge_pages). */
  readonly reserved: Int32Array;
  /** By VMA: page that holds the reservation map of the private mapping that owns one (HPAGE_RESV_OWNER); 0: none. */
  readonly vmaResv: Int32Array;
  /** By VMA: 1 when its pages were taken away for the owner's sake (HPAGE_RESV_UNMAPPED, A.17.3). */
  readonly unmapped: Int32Array;
  /** By file: page that holds the reservation map of a hugetlbfs file; 0: none yet. */
  readonly fileResv: Int32Array;
  /** Word 0 stands for hugetlb_lock, 1.. are the fault mutexes: 0 free, -1 held. */
  readonly locks: Int32Array;
}

/** The empty tables. */
export function hugetlbTables(alloc: Alloc, vmas: number, files: number): HugetlbTables {
  return {
    freeFirst: alloc(2),
    nrFree: alloc(2),
    nrTotal: alloc(2),
    reserved: alloc(2),
    vmaResv: alloc(vmas),
    unmapped: alloc(vmas),
    fileResv: alloc(files),
    locks: alloc(1 + FAULT_MUTEXES),
  };
}
