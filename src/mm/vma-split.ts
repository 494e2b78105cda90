/**
 * Splitting, merging and growing mappings (mm/vma.c: split_vma, vma_merge, vma_adjust, expand_stack). All under
 * mmap_lock held exclusively; ranges change under the family's and the file's locks, which reverse
 * mapping walks hold.
 */
import { R } from '../machine/access.ts';
import { EINVAL, ENOMEM } from '../machine/errno.ts';
import { lock, unlock } from '../machine/locks.ts';
import { HPAGE_PMD_NR } from '../machine/page.ts';
import type { MmId, Steps, VmaId, Vpn } from '../machine/types.ts';
import { FILE } from './file-tables.ts';
import { splitHugePmd } from './huge-split.ts';
import { hugetlbVmaSplit } from './hugetlb-resv.ts';
import type { Kernel } from './kernel.ts';
import { entryPeek, isLeaf, pmdEntry } from './pgtable.ts';
import {
  allocVma,
  cloneAnonVma,
  copyVmaFields,
  linkVma,
  removeVma,
  sameAnonVma,
  VM,
  VM_SPECIAL,
  vmaAt,
  vmaBefore,
  vmaPages,
  vmaSetFile,
} from './vma.ts';

/** Pages of one huge page of a hugetlb mapping; 1 for other mappings. */
export function vmaAlign(k: Kernel, vma: VmaId): number {
  return (k.vma.flags[vma] & VM.hugetlb) !== 0 ? 1 << k.file.order[k.vma.file[vma]] : 1;
}

/** The `may_split` of a mapping's file: it can be cut at multiples of so many pages (S242). */
function splitAlign(k: Kernel, vma: VmaId): number {
  const file = k.vma.file[vma];
  const device = k.file.kind[file] === FILE.devdax && k.rules.devmap.split;
  return device ? 1 << k.file.order[file] : vmaAlign(k, vma);
}

function* lockRmap(k: Kernel, vma: VmaId): Steps<void> {
  if (k.vma.file[vma] !== 0) yield* lock(k, R.inodeLock, k.vma.file[vma]);
  if (k.vma.anonVma[vma] !== 0) yield* lock(k, R.anonLock, k.vma.anonVma[vma]);
}

function* unlockRmap(k: Kernel, vma: VmaId): Steps<void> {
  if (k.vma.anonVma[vma] !== 0) yield* unlock(k, R.anonLock, k.vma.anonVma[vma]);
  if (k.vma.file[vma] !== 0) yield* unlock(k, R.inodeLock, k.vma.file[vma]);
}

/** vma_adjust_trans_huge(): a huge page that a boundary cuts is mapped by small entries from now on. */
function* splitHugeAt(k: Kernel, vma: VmaId, vpn: Vpn): Steps<void> {
  if (vpn % HPAGE_PMD_NR === 0 || (k.vma.flags[vma] & VM.hugetlb) !== 0) return;
  const e = pmdEntry(k, k.vma.mm[vma], vpn);
  if (e === 0 || !isLeaf(entryPeek(k, e))) return;
  yield* splitHugePmd(k, vma, e, vpn - (vpn % HPAGE_PMD_NR));
}

/**
 * split_vma(): cuts a VMA at `vpn`, which lies inside of it; it keeps the lower part. 0, -ENOMEM (no VMA left), or
 * -EINVAL in the middle of a hugetlb page, or of what one entry of a device maps.
 */
export function* splitVma(k: Kernel, vma: VmaId, vpn: Vpn): Steps<number> {
  if (vpn % splitAlign(k, vma) !== 0) return -EINVAL;
  const upper = yield* allocVma(k, k.vma.mm[vma]);
  if (upper === 0) return -ENOMEM;
  yield* splitHugeAt(k, vma, vpn);
  copyVmaFields(k, vma, upper);
  k.vma.start[upper] = vpn;
  k.vma.pgoff[upper] = k.vma.pgoff[vma] + (vpn - k.vma.start[vma]);
  yield* cloneAnonVma(k, upper, vma);
  yield* vmaSetFile(k, upper, k.vma.file[vma]);
  if ((k.vma.flags[vma] & VM.hugetlb) !== 0) hugetlbVmaSplit(k, vma, upper);
  yield* lockRmap(k, vma);
  k.vma.end[vma] = vpn;
  yield* unlockRmap(k, vma);
  linkVma(k, upper);
  return 0;
}

/**
 * Makes [start, end) consist of whole VMAs: splits the ones that reach out of it. 0 or the error of `splitVma`.
 */
export function* isolateRange(k: Kernel, mm: MmId, start: Vpn, end: Vpn): Steps<number> {
  const first = vmaAt(k, mm, start);
  if (first !== 0 && k.vma.start[first] < start) {
    const error = yield* splitVma(k, first, start);
    if (error !== 0) return error;
  }
  const last = vmaAt(k, mm, end);
  if (last !== 0 && k.vma.start[last] < end) {
    const error = yield* splitVma(k, last, end);
    if (error !== 0) return error;
  }
  return 0;
}

/**
 * vma_merge(): joins `vma` with the mappings before and behind it where nothing tells them apart. Returns the VMA
 * that now covers what `vma` did.
 */
export function* mergeVma(k: Kernel, vma: VmaId): Steps<VmaId> {
  const before = vmaBefore(k, k.vma.mm[vma], k.vma.start[vma]);
  const next = k.vma.next[vma];
  const left = before !== 0 && adjoins(k, before, vma) && familiesFit(k, before, vma);
  const right = next !== 0 && adjoins(k, vma, next) && familiesFit(k, next, vma);
  const both = left && right && (oneIsUntouched(k, before, next) || sameAnonVma(k, before, next));
  if (left) yield* absorb(k, before, vma);
  const merged = left ? before : vma;
  if (both || (right && !left)) yield* absorb(k, merged, next);
  return merged;
}

/** is_mergeable_vma(), and the offsets: all but the anon_vmas lets `low` and `high` be one mapping. */
function adjoins(k: Kernel, low: VmaId, high: VmaId): boolean {
  return (
    k.vma.end[low] === k.vma.start[high] &&
    k.vma.file[low] === k.vma.file[high] &&
    ((k.vma.flags[low] ^ k.vma.flags[high]) & ~VM.softDirty) === 0 &&
    (k.vma.flags[low] & VM_SPECIAL) === 0 &&
    k.vma.pgoff[high] === k.vma.pgoff[low] + vmaPages(k, low)
  );
}

/**
 * is_mergeable_anon_vma(): `vma` may become a part of its neighbour. An anon_vma that fork made stays with what it has, so
 * that families do not grow together.
 */
function familiesFit(k: Kernel, neighbour: VmaId, vma: VmaId): boolean {
  if (k.vma.anonVma[neighbour] === 0 && k.vma.anonVma[vma] !== 0)
    return k.rules.vma.mergeIntoUntouched && k.vma.forked[vma] === 0;
  if (k.vma.anonVma[vma] === 0) return k.vma.forked[neighbour] === 0;
  return sameAnonVma(k, neighbour, vma);
}

/** One of two mappings has no anon_vma: nothing was written there. */
function oneIsUntouched(k: Kernel, a: VmaId, b: VmaId): boolean {
  return k.vma.anonVma[a] === 0 || k.vma.anonVma[b] === 0;
}

/** `low` takes over the range of its neighbour `high`, which ends. */
function* absorb(k: Kernel, low: VmaId, high: VmaId): Steps<void> {
  const end = k.vma.end[high];
  const pages = vmaPages(k, high);
  const mm = k.vma.mm[low];
  if (k.vma.anonVma[low] === 0) yield* cloneAnonVma(k, low, high);
  yield* lockRmap(k, low);
  k.vma.end[low] = end;
  k.vma.flags[low] |= k.vma.flags[high] & VM.softDirty;
  yield* unlockRmap(k, low);
  yield* removeVma(k, high);
  // The pages are still mapped, by `low`.
  k.mm.totalVm[mm] += pages;
  if ((k.vma.flags[low] & VM.locked) !== 0) k.mm.lockedVm[mm] += pages;
}

/** vma_expand() at the end: the mapping grows to `end`; the caller has made sure that nothing is there. */
export function* growVma(k: Kernel, vma: VmaId, end: Vpn): Steps<void> {
  const more = end - k.vma.end[vma];
  const mm = k.vma.mm[vma];
  yield* lockRmap(k, vma);
  k.vma.end[vma] = end;
  yield* unlockRmap(k, vma);
  k.mm.totalVm[mm] += more;
  if ((k.vma.flags[vma] & VM.locked) !== 0) k.mm.lockedVm[mm] += more;
}
