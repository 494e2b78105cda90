/**
 * May this call touch this mapping at all? (mm/gup.c: check_vma_flags(), gup_vma_lookup(),
 * writable_file_mapping_allowed().) Rules: semantics.md A.4.2, A.5, S19, S31, S34.
 */
import { EFAULT, EINVAL, ENOMEM, EOPNOTSUPP } from '../machine/errno.ts';
import { WARN, warn } from '../machine/report.ts';
import type { FileId, MmId, VmaId, Vpn } from '../machine/types.ts';
import { FILE, isDaxKind, isDeviceFile } from './file-tables.ts';
import { FOLL } from './foll.ts';
import type { Kernel } from './kernel.ts';
import { layoutLeased } from './layout-lease.ts';
import { growStack } from './stack.ts';
import { findVma, isCowMapping, VM } from './vma.ts';

/** Below a stack by at most this many pages: an access that used to grow it (6.5+ warns). */
const STACK_NEAR = 16;

/**
 * gup_vma_lookup(), before 6.5 find_extend_vma(): the mapping that holds `vpn`, 0 when there is
 * none. Old kernels grow a stack down to the page; later ones only warn (S31). The caller holds
 * mmap_lock.
 */
export function gupVma(k: Kernel, mm: MmId, vpn: Vpn): VmaId {
  const vma = findVma(k, mm, vpn);
  if (vma === 0 || vpn >= k.vma.start[vma]) return vma;
  if ((k.vma.flags[vma] & VM.growsDown) === 0) return 0;
  if (!k.rules.gup.stackGrow) {
    if (k.vma.start[vma] - vpn <= STACK_NEAR) warn(k, WARN.stackGrow);
    return 0;
  }
  return growStack(k, vma, vpn) ? vma : 0;
}

/** What a call gets where nothing is mapped: MADV_POPULATE has its own error (A.4.2). */
export function noVmaError(flags: number): number {
  return (flags & FOLL.madvPopulate) !== 0 ? -ENOMEM : -EFAULT;
}

/** check_vma_flags(): 0, or the error, in the kernel's order of tests (A.5). */
export function checkVmaFlags(k: Kernel, vma: VmaId, flags: number): number {
  const vm = k.vma.flags[vma];
  const bad = (flags & FOLL.madvPopulate) !== 0 ? -EINVAL : -EFAULT;
  if ((vm & (VM.io | VM.pfnmap)) !== 0) return bad;
  if ((flags & FOLL.anon) !== 0 && k.vma.file[vma] !== 0) return bad;
  const longterm = (flags & FOLL.longterm) !== 0;
  if (longterm && k.rules.longterm.fsdax === 'before' && refusesLongterm(k, vma))
    return -EOPNOTSUPP;
  // 6.2 alone: later the arguments are refused before anybody comes here (A.2.2).
  if (longterm && (flags & FOLL.pciP2pdma) !== 0) return -EOPNOTSUPP;
  if (
    (flags & FOLL.splitPmd) !== 0 &&
    (vm & VM.hugetlb) !== 0 &&
    k.rules.gup.splitPmdHugetlb === 'refused'
  ) {
    return -EOPNOTSUPP;
  }
  if (fileKind(k, k.vma.file[vma]) === FILE.secretmem && k.rules.secretmem.gup !== 'none')
    return bad;
  return (flags & FOLL.write) !== 0
    ? checkWrite(k, vma, vm, flags, bad)
    : checkRead(vm, flags, bad);
}

function checkWrite(k: Kernel, vma: VmaId, vm: number, flags: number, bad: number): number {
  const longPin = FOLL.pin | FOLL.longterm;
  if (
    (flags & longPin) === longPin &&
    !k.rules.slow.writeFileLongterm &&
    vmaNeedsDirtyTracking(k, vma)
  ) {
    return bad;
  }
  if ((vm & VM.write) !== 0 && (vm & VM.shadowStack) === 0) return 0;
  if ((flags & FOLL.force) === 0) return bad;
  if ((vm & VM.hugetlb) !== 0 && !k.rules.hugetlb.forceWrite) return bad;
  return isCowMapping(vm) ? 0 : bad;
}

function checkRead(vm: number, flags: number, bad: number): number {
  if ((vm & VM.read) !== 0) return 0;
  if ((flags & FOLL.force) === 0) return bad;
  return (vm & VM.mayRead) !== 0 ? 0 : bad;
}

/**
 * vma_needs_dirty_tracking(): writes through this mapping must be announced to a file system
 * (A.5.6.1).
 */
export function vmaNeedsDirtyTracking(k: Kernel, vma: VmaId): boolean {
  const sharedWrite = VM.write | VM.shared;
  return (k.vma.flags[vma] & sharedWrite) === sharedWrite && fileTracksDirty(k, k.vma.file[vma]);
}

/** vma_is_fsdax(), a file on persistent memory, be it mapped privately, whose layout nobody has leased (A.5.3). */
export function refusesLongterm(k: Kernel, vma: VmaId): boolean {
  const file = k.vma.file[vma];
  return isDaxKind(fileKind(k, file)) && !layoutLeased(k, file);
}

/** Whether a file's pages are written back to it: all but memory, hugetlb and secret files. */
export function fileTracksDirty(k: Kernel, file: FileId): boolean {
  const kind = fileKind(k, file);
  return (
    !isDeviceFile(kind) &&
    kind !== FILE.none &&
    kind !== FILE.shmem &&
    kind !== FILE.secretmem &&
    kind !== FILE.hugetlbfs
  );
}

/** `FILE` kind of a file; `FILE.none` for no file. */
export function fileKind(k: Kernel, file: FileId): number {
  return file === 0 ? FILE.none : k.file.kind[file];
}
