/** What devices hold of user memory: one row for each registration (an MR, a DMA mapping, a UMEM, a buffer). */
import type { Alloc } from '../machine/arena.ts';

/** Registrations at most, in all processes. Row 0 is none. */
export const REGIONS = 8;
/** Pages of one registration at most: a huge page. */
export const REGION_PAGES = 512;

/** Who made a registration (`kind`). */
export const REGION = {
  free: 0,
  rdma: 1,
  vfio: 2,
  iommufd: 3,
  xdp: 4,
  v4l2: 5,
  mmIommu: 6,
  /** A transfer of the goldfish pipe, for as long as it lasts. */
  goldfish: 7,
} as const;

/** How a registration holds its pages (`hold`). */
export const HOLD = { get: 0, pin: 1 } as const;

export interface DeviceTables {
  /** `REGION`. */
  readonly kind: Int32Array;
  readonly mm: Int32Array;
  /** Offset of its first byte in its first page, and bytes. */
  readonly off: Int32Array;
  readonly len: Int32Array;
  /** Pages held. */
  readonly pages: Int32Array;
  /** `HOLD`. */
  readonly hold: Int32Array;
  /** 1: the device may write. */
  readonly writable: Int32Array;
  /** First page in the device's address space (VFIO, iommufd, TCE). */
  readonly iova: Int32Array;
  /** Pages accounted. */
  readonly counted: Int32Array;
  /** [0]: user->locked_vm; all processes of a test are one user's. */
  readonly userLocked: Int32Array;
  /** Where in `kmem` the pages of row 1 begin. */
  readonly kmem: number;
}

/** The tables without a registration; `kernelWords` gives kernel memory for their pages. */
export function deviceTables(alloc: Alloc, kernelWords: (words: number) => number): DeviceTables {
  const row = (): Int32Array => alloc(REGIONS + 1);
  return {
    kind: row(),
    mm: row(),
    off: row(),
    len: row(),
    pages: row(),
    hold: row(),
    writable: row(),
    iova: row(),
    counted: row(),
    userLocked: alloc(1),
    kmem: kernelWords(REGIONS * REGION_PAGES),
  };
}
