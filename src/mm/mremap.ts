/**
 * mremap(2) (mm/mremap.c: vma_to_resize, mremap_to, move_vma). Pinned pages move along and stay pinned (A.22.6, A.26).
 * Mappings of huge pages (hugetlb) can be made smaller, and moved where mremap.hugetlb says so.
 */
import { R } from '../machine/access.ts';
import { EFAULT, EINVAL, ENOMEM } from '../machine/errno.ts';
import { lock, unlock } from '../machine/locks.ts';
import type { MmId, Steps, TaskId, VmaId, Vpn } from '../machine/types.ts';
import { hugetlbVmaMove } from './hugetlb-resv.ts';
import type { Kernel } from './kernel.ts';
import { unmapRange } from './mmap.ts';
import { invalidateEnd, invalidateStart } from './mmu-notifier.ts';
import { moveHugetlbEntries } from './move-hugetlb.ts';
import { movePageTables } from './move-pages.ts';
import { populateRange } from './populate.ts';
import { MIN_VPN, rangeFree, TASK_PAGES, unmappedArea } from './unmapped-area.ts';
import {
  allocVma,
  cloneAnonVma,
  findVma,
  leaveAnonVma,
  linkVma,
  removeVma,
  VM,
  vmaAt,
  vmaIsAnonymous,
  vmaSetFile,
} from './vma.ts';
import { growVma, isolateRange, mergeVma, vmaAlign } from './vma-split.ts';

/** MREMAP_*. */
export const MREMAP = { mayMove: 1, fixed: 2, dontUnmap: 4 } as const;

/**
 * mremap(): the mapping of `oldNr` pages at `vpn` becomes one of `newNr` pages, elsewhere with MREMAP.mayMove, at
 * `newVpn` with MREMAP.fixed. Returns its first page or -errno as mremap(2).
 */
export function* sysMremap(
  k: Kernel,
  task: TaskId,
  vpn: Vpn,
  oldNr: number,
  newNr: number,
  flags: number,
  newVpn: Vpn,
): Steps<Vpn> {
  const dontUnmap = k.rules.call.mremapDontunmap ? MREMAP.dontUnmap : 0;
  if ((flags & ~(MREMAP.mayMove | MREMAP.fixed | dontUnmap)) !== 0) return -EINVAL;
  if ((flags & MREMAP.fixed) !== 0 && (flags & MREMAP.mayMove) === 0) return -EINVAL;
  if ((flags & MREMAP.dontUnmap) !== 0 && ((flags & MREMAP.mayMove) === 0 || oldNr !== newNr))
    return -EINVAL;
  if (newNr <= 0 || oldNr < 0 || vpn < 0) return -EINVAL;
  const mm = k.task.mm[task];
  yield* lock(k, R.mmapLock, mm);
  const start = yield* remap(k, mm, vpn, oldNr, newNr, flags, newVpn);
  const vma = start < 0 ? 0 : vmaAt(k, mm, start);
  const populate = vma !== 0 && newNr > oldNr && (k.vma.flags[vma] & VM.locked) !== 0;
  yield* unlock(k, R.mmapLock, mm);
  if (populate) yield* populateRange(k, task, start + oldNr, start + newNr, true);
  return start;
}

function* remap(
  k: Kernel,
  mm: MmId,
  vpn: Vpn,
  oldPages: number,
  newPages: number,
  flags: number,
  newVpn: Vpn,
): Steps<Vpn> {
  const fixed = (flags & MREMAP.fixed) !== 0;
  if (fixed && oldPages === newPages && k.rules.call.mremapSeveral)
    return yield* remapMove(k, mm, vpn, oldPages, flags, newVpn);
  const vma = vmaAt(k, mm, vpn);
  // Until it had to know whether huge pages move, mremap_to() was the first to look.
  if (vma === 0 && (k.rules.mremap.hugetlb || !fixed)) return -EFAULT;
  const whole = vmaAlign(k, vma);
  // Since they can be moved, huge pages go by whole ones, and never more of them.
  const unit = k.rules.mremap.hugetlb ? whole : 1;
  const oldNr = Math.ceil(oldPages / unit) * unit;
  const newNr = Math.ceil(newPages / unit) * unit;
  if (unit > 1 && (newVpn % unit !== 0 || newNr > oldNr)) return -EINVAL;
  if ((flags & (MREMAP.fixed | MREMAP.dontUnmap)) !== 0) {
    return yield* remapTo(k, mm, vma, vpn, oldNr, newNr, flags, newVpn);
  }
  if (vpn % whole !== 0) return -EINVAL;
  if (oldNr === newNr) return vpn;
  if (oldNr > newNr) {
    const error = yield* unmapRange(k, mm, vpn + newNr, vpn + oldNr);
    return error === 0 ? vpn : error;
  }
  const denied = resizeError(k, vma, vpn, oldNr, newNr, flags);
  if (denied !== 0) return denied;
  const more = newNr - oldNr;
  const end = k.vma.end[vma];
  if (oldNr === end - vpn && end + more <= TASK_PAGES && rangeFree(k, mm, end, end + more)) {
    yield* growVma(k, vma, end + more);
    yield* mergeVma(k, vma);
    return vpn;
  }
  if ((flags & MREMAP.mayMove) === 0) return -ENOMEM;
  const target = unmappedArea(k, mm, 0, newNr, 1, 0);
  if (target === 0) return -ENOMEM;
  return yield* moveVma(k, vma, vpn, oldNr, newNr, target, false);
}

/**
 * remap_move(): a pure move may span several mappings; each is moved as far as the first, holes between and behind them
 * are kept. What was moved before an error stays moved.
 */
function* remapMove(
  k: Kernel,
  mm: MmId,
  vpn: Vpn,
  nr: number,
  flags: number,
  newVpn: Vpn,
): Steps<Vpn> {
  const wrong = targetError(vpn, nr, newVpn, nr);
  if (wrong !== 0) return wrong;
  const end = vpn + nr;
  let at = vpn;
  let result = -EFAULT;
  while (at < end) {
    const vma = findVma(k, mm, at);
    if (vma === 0 || k.vma.start[vma] >= end) break;
    const first = at === vpn;
    if (first && k.vma.start[vma] > vpn) return -EFAULT;
    const from = Math.max(at, k.vma.start[vma]);
    const to = newVpn + (from - vpn);
    const unit = k.rules.mremap.hugetlb ? vmaAlign(k, vma) : 1;
    const pages = Math.ceil((Math.min(end, k.vma.end[vma]) - from) / unit) * unit;
    // Who is told of moves can only be told of one.
    if (uffdArmed(k, vma) && (!first || k.vma.end[vma] < end)) return -EFAULT;
    if (to % unit !== 0) return -EINVAL;
    const moved = yield* remapTo(k, mm, vma, from, pages, pages, flags, to);
    if (moved < 0) return moved;
    if (first) result = moved;
    at = from + pages;
  }
  return result;
}

/** __VM_UFFD_FLAGS. */
const UFFD_MODES = VM.uffdMissing | VM.uffdWp | VM.uffdMinor;

/** userfaultfd_armed(). */
function uffdArmed(k: Kernel, vma: VmaId): boolean {
  return (k.vma.flags[vma] & UFFD_MODES) !== 0;
}

/** Why nothing can be moved to [newVpn, newVpn + newNr). */
function targetError(vpn: Vpn, oldNr: number, newVpn: Vpn, newNr: number): number {
  if (newVpn < MIN_VPN || newVpn + newNr > TASK_PAGES) return -EINVAL;
  return newVpn < vpn + oldNr && vpn < newVpn + newNr ? -EINVAL : 0;
}

/**
 * mremap_to(): MREMAP_FIXED, MREMAP_DONTUNMAP. To 6.16 what is at the target, and what is too much of the source, goes
 * before the source is looked at, and is not there any more when that refuses; from 6.17, which moves several mappings,
 * the source is looked at first.
 */
function* remapTo(
  k: Kernel,
  mm: MmId,
  vma: VmaId,
  vpn: Vpn,
  oldNr: number,
  newNr: number,
  flags: number,
  newVpn: Vpn,
): Steps<Vpn> {
  const fixed = (flags & MREMAP.fixed) !== 0;
  const wrong = fixed ? targetError(vpn, oldNr, newVpn, newNr) : 0;
  if (wrong !== 0) return wrong;
  const looksFirst = k.rules.call.mremapSeveral;
  const nr = Math.min(oldNr, newNr);
  const denied = looksFirst ? resizeError(k, vma, vpn, nr, newNr, flags) : 0;
  if (denied !== 0) return denied;
  if (fixed) {
    const error = yield* unmapRange(k, mm, newVpn, newVpn + newNr);
    if (error !== 0) return error;
  }
  if (oldNr > newNr) {
    const error = yield* unmapRange(k, mm, vpn + newNr, vpn + oldNr);
    if (error !== 0) return error;
  }
  const late = looksFirst ? 0 : resizeError(k, vmaAt(k, mm, vpn), vpn, nr, newNr, flags);
  if (late !== 0) return late;
  if (vmaAlign(k, vmaAt(k, mm, vpn)) > 1) {
    // A mapping of its own, which takes what is reserved for it along.
    const error = yield* isolateRange(k, mm, vpn, vpn + Math.min(oldNr, newNr));
    if (error !== 0) return error;
  }
  const source = vmaAt(k, mm, vpn);
  const target = fixed ? newVpn : unmappedArea(k, mm, newVpn, newNr, vmaAlign(k, vma), 0);
  if (target === 0) return -ENOMEM;
  return yield* moveVma(
    k,
    source,
    vpn,
    Math.min(oldNr, newNr),
    newNr,
    target,
    (flags & MREMAP.dontUnmap) !== 0,
  );
}

/** vma_to_resize(): why this range cannot become `newNr` pages. */
function resizeError(
  k: Kernel,
  vma: VmaId,
  vpn: Vpn,
  oldNr: number,
  newNr: number,
  flags: number,
): number {
  if (vma === 0) return -EFAULT;
  const vm = k.vma.flags[vma];
  if (oldNr === 0 && (vm & (VM.shared | VM.mayShare)) === 0 && !k.rules.mremap.zeroPrivate)
    return -EINVAL;
  if ((flags & MREMAP.dontUnmap) !== 0) {
    if ((vm & (VM.dontExpand | VM.pfnmap)) !== 0) return -EINVAL;
    if (!vmaIsAnonymous(k, vma) && !k.rules.mremap.dontunmapFiles) return -EINVAL;
  }
  if ((vm & VM.hugetlb) !== 0 && (!k.rules.mremap.hugetlb || vpn % vmaAlign(k, vma) !== 0))
    return -EINVAL;
  if (oldNr > k.vma.end[vma] - vpn) return -EFAULT;
  if (newNr === oldNr) return 0;
  if ((vm & (VM.dontExpand | VM.pfnmap)) !== 0) return -EFAULT;
  return 0;
}

/** move_vma(): a new mapping at `target`, the pages moved there, the old range unmapped unless `keep`. */
function* moveVma(
  k: Kernel,
  vma: VmaId,
  vpn: Vpn,
  oldNr: number,
  newNr: number,
  target: Vpn,
  keep: boolean,
): Steps<Vpn> {
  const mm = k.vma.mm[vma];
  const copy = yield* copyVma(k, vma, vpn, newNr, target);
  if (copy === 0) return -ENOMEM;
  const told = yield* invalidateStart(k, mm, vpn, vpn + oldNr);
  const moved = yield* moveEntries(k, vma, copy, vpn, target, oldNr);
  yield* invalidateEnd(k, mm, told);
  if (moved < oldNr) {
    // Out of memory half way: back again. The old tables are all still there.
    yield* moveEntries(k, copy, vma, target, vpn, moved);
    yield* removeVma(k, copy);
    return -ENOMEM;
  }
  // The copy keeps what was reserved (clear_vma_resv_huge_pages).
  if ((k.vma.flags[vma] & VM.hugetlb) !== 0) hugetlbVmaMove(k, vma, copy);
  if (oldNr === 0) return target;
  if (!keep) {
    const error = yield* unmapRange(k, mm, vpn, vpn + oldNr);
    if (error !== 0) return error;
  } else {
    // Nothing of the old mapping's pages is left: it starts anew, unlocked, without a family.
    if ((k.vma.flags[vma] & VM.locked) !== 0)
      k.mm.lockedVm[mm] -= k.vma.end[vma] - k.vma.start[vma];
    k.vma.flags[vma] &= ~(VM.locked | VM.lockOnFault);
    if (k.vma.start[vma] === vpn && k.vma.end[vma] === vpn + oldNr) yield* leaveAnonVma(k, vma);
  }
  yield* mergeVma(k, copy);
  return target;
}

function* moveEntries(
  k: Kernel,
  source: VmaId,
  target: VmaId,
  from: Vpn,
  to: Vpn,
  nr: number,
): Steps<number> {
  if ((k.vma.flags[source] & VM.hugetlb) !== 0)
    return yield* moveHugetlbEntries(k, source, target, from, to, nr);
  return yield* movePageTables(k, source, target, from, to, nr);
}

/** copy_vma(): the mapping for [target, target + nr), continuing `vma` at `vpn`: same file, family, page indexes. */
function* copyVma(k: Kernel, vma: VmaId, vpn: Vpn, nr: number, target: Vpn): Steps<VmaId> {
  const mm = k.vma.mm[vma];
  const copy = yield* allocVma(k, mm);
  if (copy === 0) return 0;
  const untouched = vmaIsAnonymous(k, vma) && k.vma.anonVma[vma] === 0;
  k.vma.start[copy] = target;
  k.vma.end[copy] = target + nr;
  k.vma.flags[copy] = k.vma.flags[vma] & ~(k.rules.uffd.endsWithMove ? UFFD_MODES : 0);
  k.vma.pgoff[copy] = untouched ? target : k.vma.pgoff[vma] + (vpn - k.vma.start[vma]);
  yield* cloneAnonVma(k, copy, vma);
  yield* vmaSetFile(k, copy, k.vma.file[vma]);
  linkVma(k, copy);
  k.mm.totalVm[mm] += nr;
  if ((k.vma.flags[copy] & VM.locked) !== 0) k.mm.lockedVm[mm] += nr;
  return copy;
}
