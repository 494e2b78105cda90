/**
 * First touch of anonymous memory (memory.c: do_anonymous_page): a read maps the page of zeros, a
 * write maps a fresh page that belongs to this process alone (A.14.1). Huge pages are tried before,
 * by `handleMmFault`.
 */
import { GFP } from '../machine/buddy.ts';
import { entryHi, entryRead, entrySet } from '../machine/entries.ts';
import { entryHiOf, entryLo, isNone, PTE } from '../machine/entry.ts';
import type { EntryAddr, Steps, TaskId, VmaId, Vpn } from '../machine/types.ts';
import {
  allocUserPage,
  hugeLeafStands,
  makePteLo,
  mayWriteBit,
  PTE_MKDIRTY,
  pteProt,
} from './fault-common.ts';
import { FAULT, VMF } from './fault-flags.ts';
import { folioPut } from './folio.ts';
import type { Kernel } from './kernel.ts';
import { folioAddLru } from './lru.ts';
import { entryCurrent, pteAlloc, pteLock, pteUnlock } from './pgtable.ts';
import { folioAddNewAnonRmap } from './rmap.ts';
import { handleUserfault, USERFAULT } from './userfault-wait.ts';
import { anonVmaPrepare, VM } from './vma.ts';

/**
 * do_anonymous_page(): handles a fault on an empty entry of an anonymous mapping. `flags` are `FAULT`
 * bits; returns `VMF` bits. Holds mmap_lock shared.
 */
export function* doAnonymousPage(
  k: Kernel,
  task: TaskId,
  vma: VmaId,
  vpn: Vpn,
  flags: number,
): Steps<number> {
  const mm = k.vma.mm[vma];
  const e = yield* pteAlloc(k, mm, vpn);
  // A huge page appeared meanwhile: the access is tried again, and then meets it.
  if (e === 0) return hugeLeafStands(k, mm, vpn) ? 0 : VMF.oom;
  if ((k.vma.flags[vma] & VM.uffdMissing) !== 0) {
    yield* pteLock(k, e);
    const lo = yield* entryRead(k, e);
    const empty = isNone(lo, entryHi(k, e));
    yield* pteUnlock(k, e);
    if (!empty) return 0;
    return yield* handleUserfault(k, task, vma, vpn, flags, USERFAULT.missing);
  }
  if ((flags & FAULT.write) === 0) {
    yield* mapZeroPage(k, vma, vpn, e);
    return 0;
  }
  return yield* mapFreshPage(k, task, vma, vpn, e);
}

/** A read maps the page of zeros: special, without a reference, never writable. */
function* mapZeroPage(k: Kernel, vma: VmaId, vpn: Vpn, e: EntryAddr): Steps<void> {
  yield* pteLock(k, e);
  const lo = yield* entryRead(k, e);
  if (isNone(lo, entryHi(k, e)) && entryCurrent(k, k.vma.mm[vma], vpn, e)) {
    const flags = (pteProt(k, vma) & ~PTE.write) | PTE.special;
    yield* entrySet(k, e, entryLo(k.zeroPfn, flags), entryHiOf(k.zeroPfn, 0));
  }
  yield* pteUnlock(k, e);
}

function* mapFreshPage(k: Kernel, task: TaskId, vma: VmaId, vpn: Vpn, e: EntryAddr): Steps<number> {
  const prepared = yield* anonVmaPrepare(k, vma);
  if (!prepared) return VMF.oom;
  const page = yield* allocUserPage(k, task, GFP.zero);
  if (page === 0) return VMF.oom;
  yield* pteLock(k, e);
  const lo = yield* entryRead(k, e);
  if (!isNone(lo, entryHi(k, e)) || !entryCurrent(k, k.vma.mm[vma], vpn, e)) {
    yield* pteUnlock(k, e);
    yield* folioPut(k, page, 1);
    return 0;
  }
  k.mm.anonRss[k.vma.mm[vma]] += 1;
  yield* folioAddNewAnonRmap(k, page, vma, vpn, false);
  yield* folioAddLru(k, page);
  // A write that only FOLL_FORCE allows leaves the entry clean and read-only.
  const write = mayWriteBit(k, vma);
  yield* entrySet(
    k,
    e,
    makePteLo(k, vma, page, write === 0 ? 0 : write | PTE_MKDIRTY),
    entryHiOf(page, 0),
  );
  yield* pteUnlock(k, e);
  return 0;
}
