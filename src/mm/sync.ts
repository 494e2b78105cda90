/**
 * fsync(2), msync(2), sync_file_range(2) and the flusher, seen from memory (mm/msync.c, fs/sync.c, fs-writeback.c). None
 * of them knows of pins, or waits for a device that still writes to a page. Rules: semantics.md A.23.10.
 */
import { R } from '../machine/access.ts';
import { EBUSY, EINVAL, ENOMEM } from '../machine/errno.ts';
import { lockShared, unlockShared } from '../machine/locks.ts';
import type { FileId, Steps, TaskId, VmaId, Vpn } from '../machine/types.ts';
import { END_OF_FILE, fileGet, filePut } from './file-refs.ts';
import { FILE, isDiskKind } from './file-tables.ts';
import type { Kernel } from './kernel.ts';
import { findVma, VM } from './vma.ts';
import { waitRange, writebackRange } from './writeback.ts';

/** MS_*. */
const MS = { async: 1, invalidate: 2, sync: 4 } as const;
/** SYNC_FILE_RANGE_*. */
const SFR = { waitBefore: 1, write: 2, waitAfter: 4 } as const;

/** fsync(): 0, -ENOSPC, or -EINVAL for files that cannot be synced. */
export function* sysFsync(k: Kernel, file: FileId): Steps<number> {
  if (k.file.kind[file] === FILE.secretmem) return -EINVAL;
  return yield* writebackRange(k, file, 0, END_OF_FILE, true);
}

/** The flusher: writes what is dirty, and waits for nothing that is being written already. */
export function* flushFile(k: Kernel, file: FileId): Steps<number> {
  return yield* writebackRange(k, file, 0, END_OF_FILE, false);
}

/** sync_file_range() of pages [from, to): 0, -EINVAL, -ENOSPC. The file's size is nobody's business here. */
export function* sysSyncFileRange(
  k: Kernel,
  file: FileId,
  from: number,
  to: number,
  flags: number,
): Steps<number> {
  if ((flags & ~(SFR.waitBefore | SFR.write | SFR.waitAfter)) !== 0) return -EINVAL;
  if ((flags & SFR.waitBefore) !== 0) yield* waitRange(k, file, from, to);
  let error = 0;
  if ((flags & SFR.write) !== 0) error = yield* writebackRange(k, file, from, to, false);
  if ((flags & SFR.waitAfter) !== 0) yield* waitRange(k, file, from, to);
  return error;
}

/**
 * msync() of pages [start, start + nr): with MS_SYNC the parts of files that shared mappings show there are written.
 * -EINVAL for flags that exclude each other, -EBUSY for MS_INVALIDATE of locked memory, -ENOMEM when something in the
 * range is not mapped (the rest is done all the same).
 */
export function* sysMsync(
  k: Kernel,
  task: TaskId,
  start: Vpn,
  nr: number,
  flags: number,
): Steps<number> {
  if ((flags & ~(MS.async | MS.invalidate | MS.sync)) !== 0) return -EINVAL;
  if ((flags & MS.async) !== 0 && (flags & MS.sync) !== 0) return -EINVAL;
  const mm = k.task.mm[task];
  const end = start + nr;
  let at = start;
  let unmapped = 0;
  while (at < end) {
    yield* lockShared(k, R.mmapLock, mm);
    const vma = findVma(k, mm, at);
    if (vma === 0 || k.vma.start[vma] >= end) {
      yield* unlockShared(k, R.mmapLock, mm);
      return -ENOMEM;
    }
    if (k.vma.start[vma] > at) {
      unmapped = -ENOMEM;
      at = k.vma.start[vma];
    }
    const stop = Math.min(end, k.vma.end[vma]);
    const locked = (flags & MS.invalidate) !== 0 && (k.vma.flags[vma] & VM.locked) !== 0;
    const file = syncedFile(k, vma, flags);
    const first = k.vma.pgoff[vma] + (at - k.vma.start[vma]);
    if (file !== 0) yield* fileGet(k, file);
    yield* unlockShared(k, R.mmapLock, mm);
    if (locked) return -EBUSY;
    if (file !== 0) {
      const error = yield* syncMapped(k, file, first, first + (stop - at));
      if (error !== 0) return error;
    }
    at = stop;
  }
  return unmapped;
}

/** The file that msync() has to write for this mapping; 0: none. */
function syncedFile(k: Kernel, vma: VmaId, flags: number): FileId {
  if ((flags & MS.sync) === 0 || (k.vma.flags[vma] & VM.shared) === 0) return 0;
  return isDiskKind(k.file.kind[k.vma.file[vma]]) ? k.vma.file[vma] : 0;
}

/** vfs_fsync_range(), with the caller's reference on the file, which is dropped. */
function* syncMapped(k: Kernel, file: FileId, from: number, to: number): Steps<number> {
  const error = yield* writebackRange(k, file, from, to, true);
  yield* filePut(k, file);
  return error;
}
