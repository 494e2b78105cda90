/**
 * Migration entries (mm/rmap.c: try_to_migrate, try_to_migrate_one; mm/migrate.c: remove_migration_ptes,
 * migration_entry_wait). While they stand, accesses wait for the folio's lock. Rules: semantics.md
 * A.14.4, A.19.2, A.19.3, A.31 U1 to U3, V3.
 */
import { flagSet } from '../machine/atomic.ts';
import { pageIsZero } from '../machine/contents.ts';
import { flushTlbRange } from '../machine/cpu.ts';
import { entryClear, entryHi, entryRead, entrySet } from '../machine/entries.ts';
import {
  entryHiOf,
  entryLo,
  entryPfn,
  isMigrationEntry,
  isPresent,
  PTE,
  SWP,
  swpHi,
  swpLo,
  swpOffset,
  swpType,
} from '../machine/entry.ts';
import { folioWaitUnlocked } from '../machine/folio-wait.ts';
import { PG } from '../machine/page.ts';
import type { EntryAddr, Folio, Pfn, Steps, VmaId, Vpn } from '../machine/types.ts';
import { pteProt } from './fault-common.ts';
import {
  folioGet,
  folioMapcount,
  folioPut,
  headOf,
  isAnon,
  isHugetlb,
  isKsm,
  nrPages,
} from './folio.ts';
import type { Kernel } from './kernel.ts';
import { invalidateEnd, invalidateStart } from './mmu-notifier.ts';
import { pteLock, pteUnlock } from './pgtable.ts';
import {
  anonExclusiveRead,
  folioAddAnonRmap,
  folioAddFileRmap,
  folioRemoveRmap,
  rmapFirst,
  rmapNext,
  rmapVpn,
  tryShareAnonRmap,
} from './rmap.ts';
import { rmapEntries, rmapEntry, rmapLock, rmapUnlock, splitMappingPmd } from './rmap-walk.ts';
import { presentSoftBits, softBits } from './try-to-unmap.ts';
import { VM } from './vma.ts';

/**
 * try_to_migrate(): replaces every mapping of a locked folio by a migration entry. False: some mapping stays
 * (the page is pinned and exclusive); the caller puts the others back with `removeMigrationPtes`.
 * `rmapLocked`: the caller holds the anon_vma lock or i_mmap_rwsem already (TTU_RMAP_LOCKED).
 */
export function* tryToMigrate(k: Kernel, folio: Folio, rmapLocked: boolean): Steps<boolean> {
  if (isKsm(k, folio)) return false;
  let going = true;
  if (!rmapLocked) yield* rmapLock(k, folio);
  let vma = rmapFirst(k, folio);
  while (vma !== 0 && going && folioMapcount(k, folio) !== 0) {
    yield* splitMappingPmd(k, folio, vma);
    const n = rmapEntries(k, folio);
    for (let i = 0; i < n && going; i++) {
      const vpn = rmapVpn(k, folio, i, vma);
      if (vpn >= 0) going = yield* migratePage(k, folio, i, vma, vpn);
    }
    vma = rmapNext(k, folio, vma);
  }
  if (!rmapLocked) yield* rmapUnlock(k, folio);
  return folioMapcount(k, folio) === 0;
}

/** try_to_migrate_one() for one entry. False: it has to stay. */
function* migratePage(k: Kernel, folio: Folio, i: number, vma: VmaId, vpn: Vpn): Steps<boolean> {
  const mm = k.vma.mm[vma];
  const told = yield* invalidateStart(
    k,
    mm,
    vpn,
    vpn + (isHugetlb(k, folio) ? nrPages(k, folio) : 1),
  );
  const done = yield* migrateTold(k, folio, i, vma, vpn);
  yield* invalidateEnd(k, mm, told);
  return done;
}

function* migrateTold(k: Kernel, folio: Folio, i: number, vma: VmaId, vpn: Vpn): Steps<boolean> {
  const e = rmapEntry(k, folio, k.vma.mm[vma], vpn);
  if (e === 0) return true;
  yield* pteLock(k, e);
  const lo = yield* entryRead(k, e);
  let done = true;
  if (isPresent(lo) && entryPfn(lo, entryHi(k, e)) === folio + i) {
    done = yield* migrateEntry(k, folio + i, vma, vpn, e);
  }
  yield* pteUnlock(k, e);
  return done;
}

function* migrateEntry(k: Kernel, pfn: Pfn, vma: VmaId, vpn: Vpn, e: EntryAddr): Steps<boolean> {
  const folio = headOf(k, pfn);
  const hugetlb = isHugetlb(k, folio);
  const hi = entryHi(k, e);
  const lo = yield* entryClear(k, e);
  yield* flushTlbRange(k, k.vma.mm[vma], vpn, vpn + (hugetlb ? nrPages(k, folio) : 1));
  if ((lo & PTE.dirty) !== 0) yield* flagSet(k, folio, PG.dirty);
  let exclusive = false;
  if (k.rules.anon.exclusive && isAnon(k, folio)) exclusive = yield* anonExclusiveRead(k, pfn);
  if (exclusive) {
    const shared = yield* tryShareAnonRmap(k, pfn);
    if (!shared) {
      yield* entrySet(k, e, lo, hi);
      return false;
    }
  }
  yield* entrySet(k, e, swpLo(pfn, softBits(lo)), swpHi(migrationType(lo, exclusive), pfn));
  yield* folioRemoveRmap(k, pfn, hugetlb);
  yield* folioPut(k, folio, 1);
  return true;
}

/** make_{writable,readable_exclusive,readable}_migration_entry(). */
function migrationType(lo: number, exclusive: boolean): number {
  if ((lo & PTE.write) !== 0) return SWP.migrationWrite;
  return exclusive ? SWP.migrationReadExclusive : SWP.migrationRead;
}

/**
 * remove_migration_ptes(): migration entries of `src` become mappings of `dst`, which may be `src` itself. Both
 * folios are locked, and `dst` has the mapping and index that `src` had. `rmapLocked` as for `tryToMigrate`. `zeroes`:
 * the page of zeros may be mapped instead of one that has nothing else in it (RMP_USE_SHARED_ZEROPAGE).
 */
export function* removeMigrationPtes(
  k: Kernel,
  src: Folio,
  dst: Folio,
  rmapLocked: boolean,
  zeroes: boolean,
): Steps<void> {
  if (!rmapLocked) yield* rmapLock(k, dst);
  let vma = rmapFirst(k, dst);
  while (vma !== 0) {
    const n = rmapEntries(k, dst);
    for (let i = 0; i < n; i++) {
      const vpn = rmapVpn(k, dst, i, vma);
      if (vpn >= 0) yield* remapPage(k, src, dst, i, vma, vpn, zeroes);
    }
    vma = rmapNext(k, dst, vma);
  }
  if (!rmapLocked) yield* rmapUnlock(k, dst);
}

/** remove_migration_pte() for one entry. */
function* remapPage(
  k: Kernel,
  src: Folio,
  dst: Folio,
  i: number,
  vma: VmaId,
  vpn: Vpn,
  zeroes: boolean,
): Steps<void> {
  const e = rmapEntry(k, dst, k.vma.mm[vma], vpn);
  if (e === 0) return;
  yield* pteLock(k, e);
  const lo = yield* entryRead(k, e);
  const hi = entryHi(k, e);
  const ours = isMigrationEntry(lo, hi) && swpOffset(lo, hi) === src + i;
  if (ours && zeroes && mayBeZeroPage(k, dst + i, vma)) {
    const flags = (pteProt(k, vma) & ~PTE.write) | PTE.special | presentSoftBits(lo);
    k.mm.anonRss[k.vma.mm[vma]] -= 1;
    yield* entrySet(k, e, entryLo(k.zeroPfn, flags), entryHiOf(k.zeroPfn, 0));
  } else if (ours) {
    const hugetlb = isHugetlb(k, dst);
    yield* folioGet(k, dst, 1);
    if (isAnon(k, dst))
      yield* folioAddAnonRmap(k, dst + i, swpType(hi) !== SWP.migrationRead, hugetlb);
    else yield* folioAddFileRmap(k, dst + i, hugetlb);
    const write = swpType(hi) === SWP.migrationWrite ? PTE.write : 0;
    const size = hugetlb ? PTE.pse : 0;
    const flags = (pteProt(k, vma) & ~PTE.write) | write | size | presentSoftBits(lo);
    yield* entrySet(k, e, entryLo(dst + i, flags), entryHiOf(dst + i, 0));
  }
  yield* pteUnlock(k, e);
}

/** try_to_map_unused_to_zeropage(): nothing but zeros, and not locked into memory. */
function mayBeZeroPage(k: Kernel, pfn: Pfn, vma: VmaId): boolean {
  if ((k.vma.flags[vma] & VM.locked) !== 0 || (k.page.flags[pfn] & PG.mlocked) !== 0) return false;
  return pageIsZero(k, pfn);
}

/**
 * migration_entry_wait(): a fault on a migration entry waits until the folio is unlocked, then the access is tried
 * again. No reference is taken, so that the wait doesn't make the migration fail.
 */
export function* migrationEntryWait(k: Kernel, e: EntryAddr): Steps<void> {
  yield* pteLock(k, e);
  const lo = yield* entryRead(k, e);
  const hi = entryHi(k, e);
  const folio = isMigrationEntry(lo, hi) ? headOf(k, swpOffset(lo, hi)) : 0;
  yield* pteUnlock(k, e);
  if (folio !== 0) yield* folioWaitUnlocked(k, folio);
}
