/**
 * fork()'s copy of the entries of one page table (memory.c: copy_pte_range, copy_present_ptes, copy_present_page,
 * copy_nonpresent_pte).
 * Rules: semantics.md A.15.4 to A.15.7, A.15.10, S13, S36; step K3 of A.31.
 */
import { copyUserPage } from '../machine/copy-page.ts';
import { entryHi, entryRead, entrySet, entryWrprotect } from '../machine/entries.ts';
import {
  entryHiOf,
  entryPfn,
  isMigrationEntry,
  isNone,
  isPresent,
  PTE,
  SWP,
  swpHi,
  swpOffset,
  swpType,
} from '../machine/entry.ts';
import { EAGAIN, ENOMEM } from '../machine/errno.ts';
import type { EntryAddr, Pfn, Steps, TaskId, VmaId, Vpn } from '../machine/types.ts';
import { isDevmap } from './dax-insert.ts';
import { allocUserPage, makePteLo, mayWriteBit, PTE_MKDIRTY } from './fault-common.ts';
import { folioGet, folioPut, headOf, isAnon } from './folio.ts';
import type { Kernel } from './kernel.ts';
import { folioAddLru } from './lru.ts';
import { pteAlloc, pteEntry, pteLock, pteUnlock } from './pgtable.ts';
import { folioNeedsCowForDma } from './pinned.ts';
import {
  anonExclusiveRead,
  folioAddFileRmap,
  folioAddNewAnonRmap,
  tryDupAnonRmap,
} from './rmap.ts';
import { swapEntryDup } from './swap-state.ts';
import { isCowMapping, VM } from './vma.ts';

/** What became of one entry. */
const ENTRY = {
  done: 0,
  /** Done, and the spare page is the child's now. */
  tookSpare: 1,
} as const;

/**
 * copy_pte_range(): copies the entries of [start, end), which lie below one table, from `vma` to the child's `copy`.
 * 0 or -ENOMEM. A page that must be copied now needs memory, which is not to be had under the tables' locks: they are
 * dropped, a spare page is allocated, and the copying goes on where it was.
 */
export function* copyPteRange(
  k: Kernel,
  task: TaskId,
  copy: VmaId,
  vma: VmaId,
  start: Vpn,
  end: Vpn,
): Steps<number> {
  const to = yield* pteAlloc(k, k.vma.mm[copy], start);
  if (to === 0) return -ENOMEM;
  const from = pteEntry(k, k.vma.mm[vma], start);
  if (from === 0) return 0;
  let spare: Pfn = 0;
  let result = 0;
  let vpn = start;
  while (vpn < end) {
    yield* pteLock(k, to);
    yield* pteLock(k, from);
    while (vpn < end) {
      const offset = 2 * (vpn - start);
      // Nobody fills an empty entry under its table's lock.
      if (!isNone(k.contents[from + offset], k.contents[from + offset + 1])) {
        result = yield* copyEntry(k, copy, vma, vpn, to + offset, from + offset, spare);
        if (result < 0) break;
        if (result === ENTRY.tookSpare) spare = 0;
      }
      vpn++;
    }
    yield* pteUnlock(k, from);
    yield* pteUnlock(k, to);
    if (vpn === end || result !== -EAGAIN) break;
    spare = yield* allocUserPage(k, task, 0);
    if (spare === 0) return -ENOMEM;
    // The entry may be gone by the next look: truncation takes even private copies.
    result = 0;
  }
  if (spare !== 0) yield* folioPut(k, spare, 1);
  return Math.min(result, 0);
}

/** One entry that is not empty: `ENTRY`, -EAGAIN when a spare page is needed, or -ENOMEM. */
function* copyEntry(
  k: Kernel,
  copy: VmaId,
  vma: VmaId,
  vpn: Vpn,
  to: EntryAddr,
  from: EntryAddr,
  spare: Pfn,
): Steps<number> {
  const lo = yield* entryRead(k, from);
  const hi = entryHi(k, from);
  if (!isPresent(lo)) return yield* copyNonpresent(k, copy, vma, to, from, lo, hi);
  if ((lo & PTE.special) !== 0 || isDevmap(hi)) {
    yield* sharePte(k, copy, vma, to, from, lo, hi);
    return ENTRY.done;
  }
  const page = entryPfn(lo, hi);
  const folio = headOf(k, page);
  // From 5.19 on fork's own reference is there when the pins are counted, before it is not.
  const getFirst = k.rules.fork.earlyCopy === 'exclusive';
  if (getFirst) yield* folioGet(k, folio, 1);
  const mustCopy = yield* needsEarlyCopy(k, vma, page);
  if (mustCopy) {
    if (getFirst) yield* folioPut(k, folio, 1);
    if (spare === 0) return -EAGAIN;
    yield* copyPresentPage(k, copy, vpn, to, page, spare, lo);
    return ENTRY.tookSpare;
  }
  if (!getFirst) yield* folioGet(k, folio, 1);
  const child = k.vma.mm[copy];
  if (isAnon(k, folio)) {
    yield* tryDupAnonRmap(k, page, false, false);
    k.mm.anonRss[child] += 1;
  } else {
    yield* folioAddFileRmap(k, page, false);
    k.mm.fileRss[child] += 1;
  }
  yield* sharePte(k, copy, vma, to, from, lo, hi);
  return ENTRY.done;
}

/**
 * Whether the parent may have the page under DMA, so that the child gets its copy now and the parent keeps its own
 * (A.15.5, S13). Exclusive pages only from 5.19 on; before, any page that looks pinned, in some versions even one of a
 * file (S36).
 */
function* needsEarlyCopy(k: Kernel, vma: VmaId, page: Pfn): Steps<boolean> {
  if (k.rules.fork.earlyCopy === 'none' || !isCowMapping(k.vma.flags[vma])) return false;
  const folio = headOf(k, page);
  if (!isAnon(k, folio) && !k.rules.fork.nonAnonCopyBug) return false;
  if (k.rules.fork.earlyCopy === 'exclusive') {
    const exclusive = yield* anonExclusiveRead(k, page);
    if (!exclusive) return false;
  }
  return yield* folioNeedsCowForDma(k, vma, folio);
}

/** copy_present_page(): the child's own copy, writable at once; the parent's entry is not touched. */
function* copyPresentPage(
  k: Kernel,
  copy: VmaId,
  vpn: Vpn,
  to: EntryAddr,
  page: Pfn,
  fresh: Pfn,
  lo: number,
): Steps<void> {
  yield* copyUserPage(k, page, fresh);
  yield* folioAddNewAnonRmap(k, fresh, copy, vpn, false);
  yield* folioAddLru(k, fresh);
  k.mm.anonRss[k.vma.mm[copy]] += 1;
  const keep = (k.vma.flags[copy] & VM.uffdWp) !== 0 ? lo & PTE.uffdWp : 0;
  const write = keep === 0 ? mayWriteBit(k, copy) : 0;
  yield* entrySet(
    k,
    to,
    makePteLo(k, copy, fresh, write | keep | PTE_MKDIRTY),
    entryHiOf(fresh, 0),
  );
}

/** __copy_present_ptes(): both sides read-only in a COW mapping; the child's entry is old, and clean if shared (A.15.6). */
function* sharePte(
  k: Kernel,
  copy: VmaId,
  vma: VmaId,
  to: EntryAddr,
  from: EntryAddr,
  lo: number,
  hi: number,
): Steps<void> {
  let drop = PTE.accessed as number;
  if (isCowMapping(k.vma.flags[vma]) && (lo & PTE.write) !== 0) {
    yield* entryWrprotect(k, from);
    drop |= PTE.write;
  }
  if ((k.vma.flags[vma] & VM.shared) !== 0) drop |= PTE.dirty;
  if ((k.vma.flags[copy] & VM.uffdWp) === 0) drop |= PTE.uffdWp;
  yield* entrySet(k, to, lo & ~drop, hi);
}

/** copy_nonpresent_pte(): exclusive ownership ends on both sides (A.15.10). 0 or -ENOMEM. */
function* copyNonpresent(
  k: Kernel,
  copy: VmaId,
  vma: VmaId,
  to: EntryAddr,
  from: EntryAddr,
  lo: number,
  hi: number,
): Steps<number> {
  const child = k.vma.mm[copy];
  const offset = swpOffset(lo, hi);
  const keptLo = (k.vma.flags[copy] & VM.uffdWp) !== 0 ? lo : lo & ~PTE.swpUffdWp;
  if (swpType(hi) === SWP.swap) {
    const result = yield* swapEntryDup(k, offset);
    if (result !== 0) return result;
    k.mm.swapEnts[child] += 1;
    if ((lo & PTE.swpExclusive) !== 0) yield* entrySet(k, from, lo & ~PTE.swpExclusive, hi);
    yield* entrySet(k, to, keptLo & ~PTE.swpExclusive, hi);
    return 0;
  }
  if (swpType(hi) === SWP.devicePrivate) {
    k.mm.anonRss[child] += 1;
    yield* folioGet(k, offset, 1);
    yield* tryDupAnonRmap(k, offset, false, false);
    if ((lo & PTE.swpExclusive) !== 0) yield* entrySet(k, from, lo & ~PTE.swpExclusive, hi);
    yield* entrySet(k, to, keptLo & ~PTE.swpExclusive, hi);
    return 0;
  }
  if (isMigrationEntry(lo, hi)) {
    if (isAnon(k, headOf(k, offset))) k.mm.anonRss[child] += 1;
    else k.mm.fileRss[child] += 1;
    let readHi = hi;
    if (isCowMapping(k.vma.flags[vma]) && swpType(hi) !== SWP.migrationRead) {
      readHi = swpHi(SWP.migrationRead, offset);
      yield* entrySet(k, from, lo, readHi);
    }
    yield* entrySet(k, to, keptLo, readHi);
    return 0;
  }
  // A marker is userfaultfd's and stays with it; a broken page is broken for the child too.
  if (swpType(hi) !== SWP.marker || (k.vma.flags[copy] & VM.uffdWp) !== 0)
    yield* entrySet(k, to, keptLo, hi);
  return 0;
}
