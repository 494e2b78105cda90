/**
 * Mappings: the VMAs of an address space and the families that share anonymous pages (mm_types.h,
 * mmap.c, vma.c, rmap.c: find_vma, vm_area_alloc, vm_area_dup, anon_vma_prepare, anon_vma_fork,
 * unlink_anon_vmas, remove_vma). Splitting and merging are in vma-split.ts, addresses in unmapped-area.ts.
 *
 * A VMA list and its fields are changed under mmap_lock held exclusively. A family's list is changed under
 * its `R.anonLock`, a file's under its `R.inodeLock`; free VMA and family numbers are given out under
 * `R.anonLock` 0, which no family has.
 */
import { R } from '../machine/access.ts';
import { lock, unlock } from '../machine/locks.ts';
import type { AnonVmaId, FileId, MmId, Steps, VmaId, Vpn } from '../machine/types.ts';
import { fileEvict } from './file-refs.ts';
import { FILE, isDaxKind, isDiskKind } from './file-tables.ts';
import { hugetlbVmaClose } from './hugetlb-resv.ts';
import type { Kernel } from './kernel.ts';

/** Bits of `k.vma.flags`: the kernel's VM_*, same numbers. */
export const VM = {
  read: 0x1,
  write: 0x2,
  exec: 0x4,
  shared: 0x8,
  /** What mprotect may switch on. */
  mayRead: 0x10,
  mayWrite: 0x20,
  mayExec: 0x40,
  mayShare: 0x80,
  growsDown: 0x100,
  /** userfaultfd: missing pages are its to give. */
  uffdMissing: 0x200,
  /** Page frames without page structures. */
  pfnmap: 0x400,
  /** A shadow stack of the processor: written by call and return only. */
  shadowStack: 0x800,
  /** userfaultfd: writes are announced to it. */
  uffdWp: 0x1000,
  locked: 0x2000,
  /** Registers of a device. */
  io: 0x4000,
  uffdMinor: 0x8000,
  /** MADV_DONTFORK. */
  dontCopy: 0x2_0000,
  /** mremap must not make it larger. */
  dontExpand: 0x4_0000,
  lockOnFault: 0x8_0000,
  account: 0x10_0000,
  noReserve: 0x20_0000,
  hugetlb: 0x40_0000,
  /** MAP_SYNC, for DAX. */
  sync: 0x80_0000,
  /** MADV_WIPEONFORK. */
  wipeOnFork: 0x200_0000,
  dontDump: 0x400_0000,
  softDirty: 0x800_0000,
  /** Page frames with and without page structures. */
  mixedmap: 0x1000_0000,
  /** MADV_HUGEPAGE, MADV_NOHUGEPAGE. */
  hugepage: 0x2000_0000,
  noHugepage: 0x4000_0000,
  mergeable: 0x8000_0000 | 0,
} as const;

/** VM_SPECIAL: mappings that must be left as they are. */
export const VM_SPECIAL = VM.io | VM.dontExpand | VM.pfnmap | VM.mixedmap;

/** is_cow_mapping(): writes go to private copies. Takes `VM` bits. */
export function isCowMapping(flags: number): boolean {
  return (flags & (VM.shared | VM.mayWrite)) === VM.mayWrite;
}

/** vma_is_anonymous(): no file behind it, not even an anonymous shared one. */
export function vmaIsAnonymous(k: Kernel, vma: VmaId): boolean {
  return k.vma.file[vma] === 0 && (k.vma.flags[vma] & (VM.pfnmap | VM.hugetlb)) === 0;
}

/** vma_is_shmem(): memfd, tmpfs, and shared anonymous memory. */
export function vmaIsShmem(k: Kernel, vma: VmaId): boolean {
  return k.file.kind[k.vma.file[vma]] === FILE.shmem;
}

/** vma_wants_writenotify(): a store to a clean page of this mapping is a fault, so that the file system is asked (DAX or not). */
export function vmaWantsNotify(k: Kernel, vma: VmaId): boolean {
  const kind = k.file.kind[k.vma.file[vma]];
  return (k.vma.flags[vma] & VM.shared) !== 0 && (isDiskKind(kind) || isDaxKind(kind));
}

/** vma_is_secretmem(). */
export function vmaIsSecretmem(k: Kernel, vma: VmaId): boolean {
  return k.file.kind[k.vma.file[vma]] === FILE.secretmem;
}

/** vma_pages(). */
export function vmaPages(k: Kernel, vma: VmaId): number {
  return k.vma.end[vma] - k.vma.start[vma];
}

/** find_vma(): the first VMA that ends above `vpn`, or 0. */
export function findVma(k: Kernel, mm: MmId, vpn: Vpn): VmaId {
  let vma = k.mm.vmaFirst[mm];
  while (vma !== 0 && k.vma.end[vma] <= vpn) vma = k.vma.next[vma];
  return vma;
}

/** vma_lookup(): the VMA that holds `vpn`, or 0. */
export function vmaAt(k: Kernel, mm: MmId, vpn: Vpn): VmaId {
  const vma = findVma(k, mm, vpn);
  return vma !== 0 && k.vma.start[vma] <= vpn ? vma : 0;
}

/** The last VMA that ends at or below `vpn`, or 0. */
export function vmaBefore(k: Kernel, mm: MmId, vpn: Vpn): VmaId {
  let before = 0;
  for (let vma = k.mm.vmaFirst[mm]; vma !== 0 && k.vma.end[vma] <= vpn; vma = k.vma.next[vma])
    before = vma;
  return before;
}

/** vm_area_alloc(): an unused VMA number, already owned by `mm` but in no list; 0: none left. */
export function* allocVma(k: Kernel, mm: MmId): Steps<VmaId> {
  yield* lock(k, R.anonLock, 0);
  const vma = takeVma(k, mm);
  yield* unlock(k, R.anonLock, 0);
  return vma;
}

function takeVma(k: Kernel, mm: MmId): VmaId {
  for (let vma = 1; vma < k.vma.mm.length; vma++) {
    if (k.vma.mm[vma] !== 0) continue;
    k.vma.mm[vma] = mm;
    return vma;
  }
  return 0;
}

/** vm_area_free(): all words zero, so that equal machines are equal words. */
export function freeVma(k: Kernel, vma: VmaId): void {
  k.vma.start[vma] = 0;
  k.vma.end[vma] = 0;
  k.vma.flags[vma] = 0;
  k.vma.pgoff[vma] = 0;
  k.vma.file[vma] = 0;
  k.vma.anonVma[vma] = 0;
  k.vma.forked[vma] = 0;
  k.vma.next[vma] = 0;
  k.vma.anonNext[vma] = 0;
  k.vma.fileNext[vma] = 0;
  k.vma.mm[vma] = 0;
}

/** Puts a VMA into its mm's list by address; mmap_lock is held exclusively. */
export function linkVma(k: Kernel, vma: VmaId): void {
  const mm = k.vma.mm[vma];
  const before = vmaBefore(k, mm, k.vma.start[vma]);
  if (before === 0) {
    k.vma.next[vma] = k.mm.vmaFirst[mm];
    k.mm.vmaFirst[mm] = vma;
  } else {
    k.vma.next[vma] = k.vma.next[before];
    k.vma.next[before] = vma;
  }
}

/** Takes a VMA out of its mm's list, if it is there. */
export function unlinkVma(k: Kernel, vma: VmaId): void {
  const mm = k.vma.mm[vma];
  if (k.mm.vmaFirst[mm] === vma) {
    k.mm.vmaFirst[mm] = k.vma.next[vma];
  } else {
    let before = k.mm.vmaFirst[mm];
    while (before !== 0 && k.vma.next[before] !== vma) before = k.vma.next[before];
    if (before !== 0) k.vma.next[before] = k.vma.next[vma];
  }
  k.vma.next[vma] = 0;
}

/** Sets the file behind a new VMA: takes a reference and joins i_mmap. */
export function* vmaSetFile(k: Kernel, vma: VmaId, file: FileId): Steps<void> {
  if (file === 0) return;
  yield* lock(k, R.inodeLock, file);
  k.file.refs[file] += 1;
  k.vma.file[vma] = file;
  const before = lastOf(k.file.mapFirst[file], k.vma.fileNext);
  if (before === 0) k.file.mapFirst[file] = vma;
  else k.vma.fileNext[before] = vma;
  yield* unlock(k, R.inodeLock, file);
}

/**
 * The last member of a list of VMAs, after which a new one goes; 0: it is empty. A child comes behind its parent, as in the interval
 * trees: who walks them while fork copies an entry finds it in the parent, or has passed neither of them (A.15.10).
 */
function lastOf(first: VmaId, next: Int32Array): VmaId {
  let last = first;
  while (last !== 0 && next[last] !== 0) last = next[last] as VmaId;
  return last;
}

/** unlink_file_vma() and fput(): leaves i_mmap and drops the file. */
function* vmaDropFile(k: Kernel, vma: VmaId): Steps<void> {
  const file = k.vma.file[vma];
  if (file === 0) return;
  yield* lock(k, R.inodeLock, file);
  if (k.file.mapFirst[file] === vma) {
    k.file.mapFirst[file] = k.vma.fileNext[vma];
  } else {
    let before = k.file.mapFirst[file];
    while (before !== 0 && k.vma.fileNext[before] !== vma) before = k.vma.fileNext[before];
    if (before !== 0) k.vma.fileNext[before] = k.vma.fileNext[vma];
  }
  k.vma.fileNext[vma] = 0;
  k.vma.file[vma] = 0;
  k.file.refs[file] -= 1;
  const last = k.file.refs[file] === 0;
  yield* unlock(k, R.inodeLock, file);
  if (last) yield* fileEvict(k, file);
}

/** anon_vma_clone(): `vma` gets the anon_vma of `from`, if that has one. */
export function* cloneAnonVma(k: Kernel, vma: VmaId, from: VmaId): Steps<void> {
  yield* joinAnonVma(k, vma, k.vma.anonVma[from]);
  k.vma.forked[vma] = k.vma.forked[from];
}

/** Whether both have the same anon_vma (or none). */
export function sameAnonVma(k: Kernel, a: VmaId, b: VmaId): boolean {
  return k.vma.anonVma[a] === k.vma.anonVma[b] && k.vma.forked[a] === k.vma.forked[b];
}

/** `vma` becomes a member of a family (0: nothing). */
function* joinAnonVma(k: Kernel, vma: VmaId, family: AnonVmaId): Steps<void> {
  if (family === 0) return;
  yield* lock(k, R.anonLock, family);
  k.vma.anonVma[vma] = family;
  const before = lastOf(k.anonVma.first[family], k.vma.anonNext);
  if (before === 0) k.anonVma.first[family] = vma;
  else k.vma.anonNext[before] = vma;
  yield* unlock(k, R.anonLock, family);
}

/** unlink_anon_vmas(): the last member's leaving frees the family's number. */
export function* leaveAnonVma(k: Kernel, vma: VmaId): Steps<void> {
  const family = k.vma.anonVma[vma];
  if (family === 0) return;
  yield* lock(k, R.anonLock, family);
  if (k.anonVma.first[family] === vma) {
    k.anonVma.first[family] = k.vma.anonNext[vma];
  } else {
    let before = k.anonVma.first[family];
    while (before !== 0 && k.vma.anonNext[before] !== vma) before = k.vma.anonNext[before];
    if (before !== 0) k.vma.anonNext[before] = k.vma.anonNext[vma];
  }
  k.vma.anonNext[vma] = 0;
  k.vma.anonVma[vma] = 0;
  k.vma.forked[vma] = 0;
  yield* unlock(k, R.anonLock, family);
}

/**
 * anon_vma_prepare(): gives the VMA a family before it gets its first anonymous page: that of a neighbour
 * it could be merged with, or a new one. False: out of memory. The caller holds mmap_lock, possibly
 * shared; once set the family stays, so a first look without a step of its own can only save the lock.
 */
export function* anonVmaPrepare(k: Kernel, vma: VmaId): Steps<boolean> {
  if (k.vma.anonVma[vma] !== 0) return true;
  yield* lock(k, R.anonLock, 0);
  if (k.vma.anonVma[vma] === 0) {
    let family = neighbourFamily(k, vma);
    if (family === 0) family = freeFamily(k);
    yield* joinAnonVma(k, vma, family);
  }
  yield* unlock(k, R.anonLock, 0);
  return k.vma.anonVma[vma] !== 0;
}

/** A family without members; 0: none left. */
function freeFamily(k: Kernel): AnonVmaId {
  for (let id = 1; id < k.anonVma.first.length; id++) if (k.anonVma.first[id] === 0) return id;
  return 0;
}

/** find_mergeable_anon_vma(): the next VMA's family, else the one's before; none that came by fork. */
function neighbourFamily(k: Kernel, vma: VmaId): AnonVmaId {
  const next = k.vma.next[vma];
  if (next !== 0 && k.vma.forked[next] === 0 && familyFits(k, vma, next))
    return k.vma.anonVma[next];
  const before = vmaBefore(k, k.vma.mm[vma], k.vma.start[vma]);
  if (before === 0 || k.vma.forked[before] !== 0 || !familyFits(k, before, vma)) return 0;
  return k.vma.anonVma[before];
}

/** anon_vma_compatible(): adjacent, and equal in all that mprotect could not make equal. */
function familyFits(k: Kernel, low: VmaId, high: VmaId): boolean {
  const changeable = VM.read | VM.write | VM.exec | VM.softDirty;
  return (
    k.vma.end[low] === k.vma.start[high] &&
    k.vma.file[low] === k.vma.file[high] &&
    ((k.vma.flags[low] ^ k.vma.flags[high]) & ~changeable) === 0 &&
    k.vma.pgoff[high] === k.vma.pgoff[low] + vmaPages(k, low)
  );
}

/**
 * vm_area_dup() as fork has it (dup_mmap): a copy of `vma` at the end of `mm`'s list, which joins its family
 * (unless MADV_WIPEONFORK) and file; locks and userfaultfd are not inherited. 0: no VMA left. The
 * caller holds mmap_lock of both exclusively.
 */
export function* vmaDup(k: Kernel, mm: MmId, vma: VmaId): Steps<VmaId> {
  const dup = yield* allocVma(k, mm);
  if (dup === 0) return 0;
  const notInherited = VM.locked | VM.lockOnFault | VM.uffdMissing | VM.uffdWp | VM.uffdMinor;
  copyVmaFields(k, vma, dup);
  k.vma.flags[dup] &= ~notInherited;
  if ((k.vma.flags[dup] & VM.wipeOnFork) === 0) yield* forkAnonVma(k, dup, vma);
  yield* vmaSetFile(k, dup, k.vma.file[vma]);
  linkVma(k, dup);
  k.mm.totalVm[mm] += vmaPages(k, dup);
  return dup;
}

/** anon_vma_fork(): the copy belongs to the family, with an anon_vma of its own. */
function* forkAnonVma(k: Kernel, dup: VmaId, vma: VmaId): Steps<void> {
  if (k.vma.anonVma[vma] === 0) return;
  yield* joinAnonVma(k, dup, k.vma.anonVma[vma]);
  k.vma.forked[dup] = dup;
}

/** Range, flags and offset; family, file and lists are joined separately. */
export function copyVmaFields(k: Kernel, from: VmaId, to: VmaId): void {
  k.vma.start[to] = k.vma.start[from];
  k.vma.end[to] = k.vma.end[from];
  k.vma.flags[to] = k.vma.flags[from];
  k.vma.pgoff[to] = k.vma.pgoff[from];
}

/**
 * remove_vma(), with unlink_anon_vmas() and unlink_file_vma(): ends a VMA whose pages are unmapped. Takes
 * it out of every list, gives the file back and corrects the mm's counts. mmap_lock is held exclusively,
 * or nobody else can reach the mm.
 */
export function* removeVma(k: Kernel, vma: VmaId): Steps<void> {
  const mm = k.vma.mm[vma];
  if ((k.vma.flags[vma] & VM.hugetlb) !== 0) yield* hugetlbVmaClose(k, vma);
  k.mm.totalVm[mm] -= vmaPages(k, vma);
  if ((k.vma.flags[vma] & VM.locked) !== 0) k.mm.lockedVm[mm] -= vmaPages(k, vma);
  unlinkVma(k, vma);
  yield* leaveAnonVma(k, vma);
  yield* vmaDropFile(k, vma);
  freeVma(k, vma);
}
