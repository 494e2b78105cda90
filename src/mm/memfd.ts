/**
 * memfd_create(2) and its seals (mm/memfd.c). Sealing against writes has to find out whether somebody
 * still pins a page, and can only look at reference counts. Rules: semantics.md A.23.9.
 */
import { R } from '../machine/access.ts';
import { mapcountRead, refRead } from '../machine/atomic.ts';
import { EBUSY, EINVAL, EMFILE, EPERM } from '../machine/errno.ts';
import { lock, lockShared, unlock, unlockShared } from '../machine/locks.ts';
import type { FileId, Steps } from '../machine/types.ts';
import { inodeRwsem, newFile } from './file-refs.ts';
import { FILE } from './file-tables.ts';
import { cacheRefs } from './filemap.ts';
import { folioMapcount, headOf } from './folio.ts';
import type { Kernel } from './kernel.ts';
import { lruDrain } from './lru.ts';
import { cacheNext, cacheSlot } from './page-cache.ts';
import { VM } from './vma.ts';

/** MFD_* flags. */
export const MFD = { cloexec: 1, allowSealing: 2, hugetlb: 4, noexecSeal: 8, exec: 16 } as const;
/** Where log2 of the huge page's size in bytes stands in MFD_* and MAP_* flags. */
export const HUGE_SHIFT = 26;

/** F_SEAL_*. */
export const SEAL = { seal: 1, shrink: 2, grow: 4, write: 8, futureWrite: 16, exec: 32 } as const;

/** How often memfd_wait_for_pins() looks before it gives up: at once and after 10, 20, 40 and 80 ms. */
const SCANS = 5;

/**
 * Order of the huge page that flag bits ask for: the default size (2 MiB) when they name none; 0 when they name a size
 * that there is not.
 */
export function hugeOrderOf(flags: number): number {
  const log = (flags >>> HUGE_SHIFT) & 63;
  if (log === 0 || log === 21) return 9;
  return log === 30 ? 18 : 0;
}

/** memfd_create(): a new file of size 0. -EINVAL for flags that do not exist, -EMFILE without numbers. */
export function* sysMemfdCreate(k: Kernel, flags: number): Steps<FileId> {
  const hugetlb = (flags & MFD.hugetlb) !== 0;
  let known = MFD.cloexec | MFD.allowSealing | (hugetlb ? 63 << HUGE_SHIFT : 0);
  if (k.rules.call.memfdHugetlb) known |= MFD.hugetlb;
  if (k.rules.call.memfdExec) known |= MFD.noexecSeal | MFD.exec;
  if ((flags & ~known) !== 0) return -EINVAL;
  const both = MFD.noexecSeal | MFD.exec;
  if ((flags & both) === both) return -EINVAL;
  if (hugetlb && hugeOrderOf(flags) === 0) return -EINVAL;
  const file = yield* newFile(k, hugetlb ? FILE.hugetlbfs : FILE.shmem);
  if (file === 0) return -EMFILE;
  if (hugetlb) k.file.order[file] = hugeOrderOf(flags);
  // What can't be executed is sealed so for good, and takes other seals too.
  if ((flags & MFD.noexecSeal) !== 0) k.file.seals[file] = SEAL.exec;
  else k.file.seals[file] = (flags & MFD.allowSealing) !== 0 ? 0 : SEAL.seal;
  return file;
}

/** fcntl(F_GET_SEALS): -EINVAL for a file that has none. */
export function getSeals(k: Kernel, file: FileId): number {
  return k.file.kind[file] === FILE.shmem || k.file.kind[file] === FILE.hugetlbfs
    ? k.file.seals[file]
    : -EINVAL;
}

/**
 * fcntl(F_ADD_SEALS): -EPERM once sealed against seals, -EINVAL for unknown ones, -EBUSY for SEAL.write while a shared
 * writable mapping exists or a page has references that nothing explains: a pin, in all likelihood.
 */
export function* addSeals(k: Kernel, file: FileId, seals: number): Steps<number> {
  if (getSeals(k, file) < 0) return -EINVAL;
  let known = SEAL.seal | SEAL.shrink | SEAL.grow | SEAL.write;
  if (k.rules.call.sealFutureWrite) known |= SEAL.futureWrite;
  if (k.rules.call.memfdExec) known |= SEAL.exec;
  if ((seals & ~known) !== 0) return -EINVAL;
  yield* lock(k, R.inodeLock, inodeRwsem(k, file));
  const error = yield* sealLocked(k, file, seals | impliedSeals(k, file, seals));
  yield* unlock(k, R.inodeLock, inodeRwsem(k, file));
  return error;
}

/** Sealing the mode of a file that may be executed seals its content too (memfd_add_seals). */
function impliedSeals(k: Kernel, file: FileId, seals: number): number {
  if ((seals & SEAL.exec) === 0 || (k.file.seals[file] & SEAL.exec) !== 0) return 0;
  return SEAL.shrink | SEAL.grow | SEAL.write | SEAL.futureWrite;
}

function* sealLocked(k: Kernel, file: FileId, seals: number): Steps<number> {
  if ((k.file.seals[file] & SEAL.seal) !== 0) return -EPERM;
  if ((seals & SEAL.write) !== 0 && (k.file.seals[file] & SEAL.write) === 0) {
    yield* lockShared(k, R.inodeLock, file);
    const mapped = mappedWritable(k, file);
    yield* unlockShared(k, R.inodeLock, file);
    if (mapped) return -EBUSY;
    const pinned = yield* waitForPins(k, file);
    if (pinned) return -EBUSY;
  }
  k.file.seals[file] |= seals;
  return 0;
}

/** mapping_deny_writable() fails: some shared mapping may be written, now or after mprotect. */
function mappedWritable(k: Kernel, file: FileId): boolean {
  const writable = VM.shared | VM.mayWrite;
  for (let vma = k.file.mapFirst[file]; vma !== 0; vma = k.vma.fileNext[vma]) {
    if ((k.vma.flags[vma] & writable) === writable) return true;
  }
  return false;
}

/** memfd_wait_for_pins(): looks several times; true when a page still has extra references at the end. */
function* waitForPins(k: Kernel, file: FileId): Steps<boolean> {
  for (let scan = 0; scan < SCANS; scan++) {
    yield* lruDrain(k);
    const pinned = yield* anyExtraRefs(k, file);
    if (!pinned) return false;
  }
  return true;
}

/** Whether some folio of the file has other references than the cache's and its mappings'. */
function* anyExtraRefs(k: Kernel, file: FileId): Steps<boolean> {
  let index = 0;
  for (;;) {
    index = yield* cacheNext(k, file, index, 0x7fffffff);
    if (index < 0) return false;
    const slot = cacheSlot(k, file, index);
    index++;
    if (slot <= 0) continue;
    const folio = headOf(k, slot);
    if (folio !== slot) continue;
    const refs = yield* refRead(k, folio);
    yield* mapcountRead(k, folio);
    if (refs - folioMapcount(k, folio) !== cacheRefs(k, folio)) return true;
  }
}
