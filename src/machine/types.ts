/**
 * Flavored numbers: a `Pfn` can't be passed where a `Vpn` is meant, yet arithmetic on either is plain
 * number arithmetic and costs nothing at run time.
 */
type Flavor<F extends string> = number & { readonly __flavor?: F };

/** Page frame number. 0 is no page. */
export type Pfn = Flavor<'Pfn'>;
/** A folio, named by the page frame number of its head page. 0 is none. */
export type Folio = Flavor<'Pfn'>;
/** Virtual page number: virtual address >> 12. Explored machines keep it below 2^31. */
export type Vpn = Flavor<'Vpn'>;
/** Address of a page table entry: index of its low word in `contents`. 0 is none. */
export type EntryAddr = Flavor<'EntryAddr'>;
/** CPU number, from 0. */
export type CpuId = Flavor<'CpuId'>;
/** Address space number, from 1. 0 is none. */
export type MmId = Flavor<'MmId'>;
/** Virtual memory area number, from 1. 0 is none. */
export type VmaId = Flavor<'VmaId'>;
/** Task (thread) number, from 1. 0 is none. */
export type TaskId = Flavor<'TaskId'>;
/** Open file description's inode number, from 1. 0 is none. */
export type FileId = Flavor<'FileId'>;
/** Root of a family of VMAs that may map the same anonymous pages, from 1. 0 is none. */
export type AnonVmaId = Flavor<'AnonVmaId'>;

/**
 * A path that other threads can interleave with. Each yielded number is an access word (see
 * `access.ts`): it announces what the thread does next, and is a point where any other thread may run.
 * The direct form of the same source has no yields and returns `R` at once.
 */
export type Steps<R> = Generator<number, R, void>;
