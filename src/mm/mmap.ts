/**
 * mmap(2) and munmap(2) (mm/mmap.c: do_mmap, mmap_region, do_munmap). Rules: semantics.md A.26.
 */
import { R } from '../machine/access.ts';
import {
  EACCES,
  EBADF,
  EEXIST,
  EINVAL,
  ENOMEM,
  EOPNOTSUPP,
  EOVERFLOW,
  EPERM,
} from '../machine/errno.ts';
import { lock, unlock } from '../machine/locks.ts';
import type { FileId, MmId, Steps, TaskId, Vpn } from '../machine/types.ts';
import { filePut, newFile } from './file-refs.ts';
import { FILE, isDeviceFile } from './file-tables.ts';
import { hugetlbReservePages } from './hugetlb-resv.ts';
import type { Kernel } from './kernel.ts';
import { hugeOrderOf, SEAL } from './memfd.ts';
import { freePgtables } from './pgtable.ts';
import { populateRange } from './populate.ts';
import { shmemNewFile } from './shmem.ts';
import { MIN_VPN, rangeFree, TASK_PAGES, unmappedArea } from './unmapped-area.ts';
import { allocVma, findVma, linkVma, removeVma, VM, vmaSetFile } from './vma.ts';
import { isolateRange, mergeVma } from './vma-split.ts';
import { unmapVmas } from './zap.ts';

/** PROT_*. */
export const PROT = { none: 0, read: 1, write: 2, exec: 4 } as const;

/** MAP_*. Huge page sizes stand in bits 26 and up (`hugeOrderOf`). */
export const MAP = {
  shared: 0x1,
  private: 0x2,
  sharedValidate: 0x3,
  type: 0xf,
  fixed: 0x10,
  anonymous: 0x20,
  growsDown: 0x100,
  locked: 0x2000,
  noReserve: 0x4000,
  populate: 0x8000,
  nonblock: 0x1_0000,
  stack: 0x2_0000,
  hugetlb: 0x4_0000,
  sync: 0x8_0000,
  fixedNoreplace: 0x10_0000,
} as const;

/**
 * mmap(): maps `nr` pages at `vpn` (a wish, 0: anywhere; MAP.fixed: an order) with `PROT` and `MAP` bits, of `file` from
 * page `pgoff`, or of nothing with MAP.anonymous. Returns the first page number or -errno, as mmap(2). Takes
 * mmap_lock; populates afterwards where asked, failures of which are nobody's business.
 */
export function* sysMmap(
  k: Kernel,
  task: TaskId,
  vpn: Vpn,
  nr: number,
  prot: number,
  flags: number,
  file: FileId,
  pgoff: number,
): Steps<Vpn> {
  const anonymous = (flags & MAP.anonymous) !== 0;
  if (!anonymous && (file === 0 || k.file.kind[file] === FILE.none)) return -EBADF;
  const type = flags & MAP.type;
  if (type !== MAP.shared && type !== MAP.private && type !== MAP.sharedValidate) return -EINVAL;
  if (nr <= 0) return -EINVAL;
  let source = anonymous ? 0 : file;
  let pages = nr;
  if ((flags & MAP.hugetlb) !== 0) {
    if (hugeOrderOf(flags) === 0) return -EINVAL;
    if (!anonymous && k.file.kind[file] !== FILE.hugetlbfs) return -EINVAL;
    if (anonymous) {
      source = yield* hugetlbAnonFile(k, hugeOrderOf(flags), nr);
      if (source === 0) return -ENOMEM;
    }
  }
  const order = k.file.order[source];
  if (order !== 0) pages = Math.ceil(nr / (1 << order)) * (1 << order);
  if (anonymous && type !== MAP.private && source === 0) {
    source = yield* shmemNewFile(k, nr);
    if (source === 0) return -ENOMEM;
  }
  const mm = k.task.mm[task];
  yield* lock(k, R.mmapLock, mm);
  const start = yield* mapRegion(k, mm, vpn, pages, prot, flags, source, anonymous ? 0 : pgoff);
  yield* unlock(k, R.mmapLock, mm);
  // The mapping has its own reference now; a file made for it alone ends with it.
  if (anonymous && source !== 0) yield* filePut(k, source);
  if (start < 0) return start;
  const populate =
    (flags & (MAP.populate | MAP.nonblock)) === MAP.populate || (flags & MAP.locked) !== 0;
  if (populate && prot !== PROT.none) yield* populateRange(k, task, start, start + pages, true);
  return start;
}

/** hugetlb_file_setup(): the file behind an anonymous mapping of huge pages; 0: no number left. */
function* hugetlbAnonFile(k: Kernel, order: number, nr: number): Steps<FileId> {
  const file = yield* newFile(k, FILE.hugetlbfs);
  if (file === 0) return 0;
  k.file.order[file] = order;
  k.file.pages[file] = Math.ceil(nr / (1 << order)) * (1 << order);
  return file;
}

/** do_mmap() and mmap_region(), under mmap_lock. */
function* mapRegion(
  k: Kernel,
  mm: MmId,
  wish: Vpn,
  nr: number,
  prot: number,
  flags: number,
  file: FileId,
  pgoff: number,
): Steps<Vpn> {
  if (nr > TASK_PAGES) return -ENOMEM;
  if (pgoff < 0 || pgoff + nr > 0x7fffffff) return -EOVERFLOW;
  const align = 1 << k.file.order[file];
  const start = placeOf(k, mm, wish, nr, flags, align, pgoff, file);
  if (start < 0) return start;
  const vmFlags = mappingFlags(k, prot, flags, file);
  const denied = fileDenies(k, prot, flags, file, pgoff);
  if (denied !== 0) return denied;
  if ((flags & MAP.fixed) !== 0 && (flags & MAP.fixedNoreplace) === 0) {
    const error = yield* unmapRange(k, mm, start, start + nr);
    if (error !== 0) return error;
  }
  const vma = yield* allocVma(k, mm);
  if (vma === 0) return -ENOMEM;
  k.vma.start[vma] = start;
  k.vma.end[vma] = start + nr;
  k.vma.flags[vma] = vmFlags;
  k.vma.pgoff[vma] = file === 0 ? start : pgoff;
  yield* vmaSetFile(k, vma, file);
  linkVma(k, vma);
  k.mm.totalVm[mm] += nr;
  if ((vmFlags & VM.locked) !== 0) k.mm.lockedVm[mm] += nr;
  if ((vmFlags & VM.hugetlb) !== 0) {
    const error = yield* hugetlbReservePages(k, vma);
    if (error !== 0) {
      yield* removeVma(k, vma);
      return error;
    }
  }
  yield* mergeVma(k, vma);
  return start;
}

/** get_unmapped_area() and its errors. */
function placeOf(
  k: Kernel,
  mm: MmId,
  wish: Vpn,
  nr: number,
  flags: number,
  align: number,
  pgoff: number,
  file: FileId,
): Vpn {
  const noreplace = (flags & MAP.fixedNoreplace) !== 0 && k.rules.call.mapFixedNoreplace;
  if ((flags & MAP.fixed) === 0 && !noreplace) {
    const start = unmappedArea(k, mm, wish, nr, align, file === 0 ? 0 : pgoff);
    return start === 0 ? -ENOMEM : start;
  }
  if (wish + nr > TASK_PAGES) return -ENOMEM;
  if (wish < MIN_VPN) return -EPERM;
  if (wish % align !== 0) return -EINVAL;
  if (noreplace && !rangeFree(k, mm, wish, wish + nr)) return -EEXIST;
  return wish;
}

/** calc_vm_prot_bits(), calc_vm_flag_bits() and what the file adds. */
function mappingFlags(k: Kernel, prot: number, flags: number, file: FileId): number {
  let vm = (prot & 7) | VM.mayRead | VM.mayWrite | VM.mayExec | VM.softDirty;
  if ((flags & MAP.growsDown) !== 0) vm |= VM.growsDown;
  if ((flags & MAP.locked) !== 0) vm |= VM.locked;
  if ((flags & MAP.noReserve) !== 0) vm |= VM.noReserve;
  if ((flags & MAP.type) !== MAP.private) vm |= VM.shared | VM.mayShare;
  const kind = k.file.kind[file];
  if (kind === FILE.hugetlbfs) vm |= VM.hugetlb | VM.dontExpand;
  // accountable_mapping(): private memory that may be written counts against the limit of overcommitting.
  else if ((vm & (VM.noReserve | VM.shared | VM.write)) === VM.write) vm |= VM.account;
  if (kind === FILE.secretmem) vm |= VM.locked | VM.dontDump;
  // Sealed against writes: what is not writable now must not become so (memfd: seal_check_write).
  const sealed = (k.file.seals[file] & (SEAL.write | SEAL.futureWrite)) !== 0;
  if (sealed && (vm & VM.shared) !== 0) vm &= ~VM.mayWrite;
  return vm;
}

/** Why a file refuses to be mapped so: 0 or -errno. */
function fileDenies(k: Kernel, prot: number, flags: number, file: FileId, pgoff: number): number {
  if (file === 0) return 0;
  const shared = (flags & MAP.type) !== MAP.private;
  if ((flags & MAP.type) === MAP.sharedValidate && (flags & MAP.sync) !== 0) return -EOPNOTSUPP;
  if ((flags & MAP.growsDown) !== 0) return -EINVAL;
  const kind = k.file.kind[file];
  if ((kind === FILE.secretmem || isDeviceFile(kind)) && !shared) return -EINVAL;
  if (kind === FILE.secretmem && (prot & PROT.exec) !== 0) return -EACCES;
  if (kind === FILE.hugetlbfs && pgoff % (1 << k.file.order[file]) !== 0) return -EINVAL;
  const sealed = (k.file.seals[file] & (SEAL.write | SEAL.futureWrite)) !== 0;
  if (sealed && shared && (prot & PROT.write) !== 0) return -EPERM;
  return 0;
}

/**
 * munmap(): -EINVAL for an empty or impossible range or a part of a huge page, -ENOMEM when splitting a mapping needs
 * one more than there are; 0 also where nothing was mapped.
 */
export function* sysMunmap(k: Kernel, task: TaskId, vpn: Vpn, nr: number): Steps<number> {
  if (nr <= 0 || vpn < 0 || vpn + nr > TASK_PAGES) return -EINVAL;
  const mm = k.task.mm[task];
  yield* lock(k, R.mmapLock, mm);
  const error = yield* unmapRange(k, mm, vpn, vpn + nr);
  yield* unlock(k, R.mmapLock, mm);
  return error;
}

/** do_vmi_munmap(): unmaps [start, end) whatever lies there; mmap_lock is held exclusively. 0 or -errno. */
export function* unmapRange(k: Kernel, mm: MmId, start: Vpn, end: Vpn): Steps<number> {
  const first = findVma(k, mm, start);
  if (first === 0 || k.vma.start[first] >= end) return 0;
  const error = yield* isolateRange(k, mm, start, end);
  if (error !== 0) return error;
  yield* unmapVmas(k, findVma(k, mm, start), start, end);
  // First no reverse mapping leads here any more: whoever walks one holds its lock, and may be inside of a table.
  for (;;) {
    const vma = findVma(k, mm, start);
    if (vma === 0 || k.vma.start[vma] >= end) break;
    yield* removeVma(k, vma);
  }
  yield* freePgtables(k, mm, start, end);
  return 0;
}
