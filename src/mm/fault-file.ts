/**
 * First touch of a file's page (memory.c: do_fault, do_read_fault, do_cow_fault, do_shared_fault,
 * finish_fault). The page cache is asked by `filemapFault`; secret and shared anonymous memory are files too.
 * Rules: semantics.md A.23.1, A.31 (write fault on a shared file, Q1 to Q3). Huge file pages are not mapped
 * whole.
 */
import { GFP } from '../machine/buddy.ts';
import { copyUserPage } from '../machine/copy-page.ts';
import { entryHi, entryRead, entrySet } from '../machine/entries.ts';
import { entryHiOf, isNone } from '../machine/entry.ts';
import { folioUnlock } from '../machine/locks.ts';
import type { EntryAddr, Pfn, Steps, TaskId, VmaId, Vpn } from '../machine/types.ts';
import { deviceFileFault } from './device-dax.ts';
import { faultAround } from './fault-around.ts';
import {
  allocUserPage,
  hugeLeafStands,
  makePteLo,
  mayWriteBit,
  PTE_MKDIRTY,
  userGfp,
} from './fault-common.ts';
import { FAULT, VMF } from './fault-flags.ts';
import { isDaxKind, isDeviceFile } from './file-tables.ts';
import { filemapFault, filemapGetFolio } from './filemap.ts';
import { folioPut, headOf } from './folio.ts';
import { fsdaxCowSource, fsdaxFault } from './fsdax.ts';
import type { Kernel } from './kernel.ts';
import { folioAddLru } from './lru.ts';
import { pageMkwrite } from './page-mkwrite.ts';
import { entryCurrent, pteAlloc, pteLock, pteUnlock } from './pgtable.ts';
import { folioAddFileRmap, folioAddNewAnonRmap, linearIndex } from './rmap.ts';
import { folioMarkDirty } from './set-dirty.ts';
import { handleUserfault, USERFAULT } from './userfault-wait.ts';
import { anonVmaPrepare, VM, vmaWantsNotify } from './vma.ts';

/**
 * do_fault(): handles a fault on an empty entry of a mapping with a file. `flags` are `FAULT` bits; returns
 * `VMF` bits. Holds mmap_lock shared.
 */
export function* doFault(
  k: Kernel,
  task: TaskId,
  vma: VmaId,
  vpn: Vpn,
  faultFlags: number,
): Steps<number> {
  if (k.vma.file[vma] === 0) return VMF.sigbus;
  if ((k.vma.flags[vma] & (VM.uffdMissing | VM.uffdMinor)) !== 0) {
    const reason = yield* fileUserfault(k, vma, vpn);
    if (reason !== 0) return yield* handleUserfault(k, task, vma, vpn, faultFlags, reason);
  }
  const kind = k.file.kind[k.vma.file[vma]];
  if (isDeviceFile(kind)) return yield* deviceFileFault(k, vma, vpn);
  const cow = (faultFlags & FAULT.write) !== 0 && (k.vma.flags[vma] & VM.shared) === 0;
  if (isDaxKind(kind) && cow) return yield* daxCowFault(k, task, vma, vpn);
  if (isDaxKind(kind)) return yield* fsdaxFault(k, vma, vpn, (faultFlags & FAULT.write) !== 0);
  const flags = faultFlags | ((userGfp(k, task) & GFP.pinnable) !== 0 ? FAULT.pinnable : 0);
  if ((flags & FAULT.write) === 0) return yield* doReadFault(k, vma, vpn, flags);
  if ((k.vma.flags[vma] & VM.shared) === 0) return yield* doCowFault(k, task, vma, vpn, flags);
  return yield* doSharedFault(k, vma, vpn, flags);
}

/** shmem_get_folio_gfp(): the `USERFAULT` reason why user space has to answer this fault, 0: it has not. */
function* fileUserfault(k: Kernel, vma: VmaId, vpn: Vpn): Steps<number> {
  const file = k.vma.file[vma];
  const index = linearIndex(k, vma, vpn);
  if (index >= k.file.pages[file]) return 0;
  const folio = yield* filemapGetFolio(k, file, index);
  if (folio === 0) return (k.vma.flags[vma] & VM.uffdMissing) !== 0 ? USERFAULT.missing : 0;
  yield* folioPut(k, folio, 1);
  return (k.vma.flags[vma] & VM.uffdMinor) !== 0 ? USERFAULT.minor : 0;
}

/**
 * do_read_fault(): maps the page cache's page and cached ones around it; writable only where a shared mapping needs no
 * notification.
 */
function* doReadFault(k: Kernel, vma: VmaId, vpn: Vpn, flags: number): Steps<number> {
  const mapped = yield* faultAround(k, vma, vpn);
  if (mapped) return 0;
  const page = yield* filemapFault(k, vma, vpn, flags);
  if (page <= 0) return -page;
  const result = yield* finishFault(k, vma, vpn, page, 0);
  yield* folioUnlock(k, headOf(k, page));
  if (result !== 0) yield* folioPut(k, headOf(k, page), 1);
  return result & VMF.error;
}

/** do_cow_fault(): a write to a private mapping gets its own copy at once. */
function* doCowFault(k: Kernel, task: TaskId, vma: VmaId, vpn: Vpn, flags: number): Steps<number> {
  const prepared = yield* anonVmaPrepare(k, vma);
  if (!prepared) return VMF.oom;
  const fresh = yield* allocUserPage(k, task, 0);
  if (fresh === 0) return VMF.oom;
  const page = yield* filemapFault(k, vma, vpn, flags);
  if (page <= 0) {
    yield* folioPut(k, fresh, 1);
    return -page;
  }
  yield* copyUserPage(k, page, fresh);
  const result = yield* finishCow(k, vma, vpn, fresh);
  yield* folioUnlock(k, headOf(k, page));
  yield* folioPut(k, headOf(k, page), 1);
  if (result !== 0) yield* folioPut(k, fresh, 1);
  return result & VMF.error;
}

/** do_cow_fault() of a DAX file: the copy is made from the block itself. */
function* daxCowFault(k: Kernel, task: TaskId, vma: VmaId, vpn: Vpn): Steps<number> {
  const prepared = yield* anonVmaPrepare(k, vma);
  if (!prepared) return VMF.oom;
  const fresh = yield* allocUserPage(k, task, GFP.zero);
  if (fresh === 0) return VMF.oom;
  const source = yield* fsdaxCowSource(k, vma, vpn);
  let result: number = VMF.sigbus;
  if (source > 0) yield* copyUserPage(k, source, fresh);
  if (source >= 0) result = yield* finishCow(k, vma, vpn, fresh);
  if (result !== 0) yield* folioPut(k, fresh, 1);
  return result & VMF.error;
}

/**
 * do_shared_fault(): maps the page cache's page writable and dirties it. A file system on a medium is asked between the
 * two (page_mkwrite, Q2); the memory file systems have nothing to reserve.
 */
function* doSharedFault(k: Kernel, vma: VmaId, vpn: Vpn, flags: number): Steps<number> {
  const page = yield* filemapFault(k, vma, vpn, flags);
  if (page <= 0) return -page;
  const folio = headOf(k, page);
  if (vmaWantsNotify(k, vma)) {
    yield* folioUnlock(k, folio);
    const denied = yield* pageMkwrite(k, k.vma.file[vma], folio);
    if (denied !== 0) {
      yield* folioPut(k, folio, 1);
      return denied & VMF.error;
    }
  }
  const result = yield* finishFault(k, vma, vpn, page, mayWriteBit(k, vma) | PTE_MKDIRTY);
  if (result === 0) yield* folioMarkDirty(k, folio);
  yield* folioUnlock(k, folio);
  if (result !== 0) yield* folioPut(k, folio, 1);
  return result & VMF.error;
}

/**
 * finish_fault() for a page of the file: maps it with the caller's reference. VMF.nopage: somebody else was
 * first and the reference stays the caller's; VMF.oom.
 */
function* finishFault(k: Kernel, vma: VmaId, vpn: Vpn, page: Pfn, flags: number): Steps<number> {
  const e = yield* pteAlloc(k, k.vma.mm[vma], vpn);
  if (e === 0) return hugeLeafStands(k, k.vma.mm[vma], vpn) ? VMF.nopage : VMF.oom;
  const empty = yield* lockEmpty(k, vma, vpn, e);
  if (!empty) return VMF.nopage;
  k.mm.fileRss[k.vma.mm[vma]] += 1;
  yield* folioAddFileRmap(k, page, false);
  yield* entrySet(k, e, makePteLo(k, vma, page, flags), entryHiOf(page, 0));
  yield* pteUnlock(k, e);
  return 0;
}

/** finish_fault() for a private copy; answers as `finishFault`. */
function* finishCow(k: Kernel, vma: VmaId, vpn: Vpn, fresh: Pfn): Steps<number> {
  const e = yield* pteAlloc(k, k.vma.mm[vma], vpn);
  if (e === 0) return hugeLeafStands(k, k.vma.mm[vma], vpn) ? VMF.nopage : VMF.oom;
  const empty = yield* lockEmpty(k, vma, vpn, e);
  if (!empty) return VMF.nopage;
  k.mm.anonRss[k.vma.mm[vma]] += 1;
  yield* folioAddNewAnonRmap(k, fresh, vma, vpn, false);
  yield* folioAddLru(k, fresh);
  yield* entrySet(
    k,
    e,
    makePteLo(k, vma, fresh, mayWriteBit(k, vma) | PTE_MKDIRTY),
    entryHiOf(fresh, 0),
  );
  yield* pteUnlock(k, e);
  return 0;
}

/** Takes the table's lock if the entry still is empty; false (and unlocked) if it is not. */
function* lockEmpty(k: Kernel, vma: VmaId, vpn: Vpn, e: EntryAddr): Steps<boolean> {
  yield* pteLock(k, e);
  const lo = yield* entryRead(k, e);
  if (isNone(lo, entryHi(k, e)) && entryCurrent(k, k.vma.mm[vma], vpn, e)) return true;
  yield* pteUnlock(k, e);
  return false;
}
