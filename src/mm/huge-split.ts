/**
 * Splitting huge pages (huge_memory.c: __split_huge_pmd, split_huge_page_to_list). Rules: semantics.md A.20.1,
 * A.20.2, A.14.6, S39; steps against GUP-fast: A.31 F4, F5 (S17).
 *
 * Splitting a PMD only changes how the folio is mapped and always works, pinned or not. Splitting the folio
 * needs everybody's references to be known, so a pin (or a FOLL_GET reference) makes it fail.
 */
import { at, R, WRITE } from '../machine/access.ts';
import { touchAlso } from '../machine/also.ts';
import { refAdd, refFreeze, refRead, refUnfreeze } from '../machine/atomic.ts';
import { flushTlbRange } from '../machine/cpu.ts';
import { entryHi, entryRead, entrySet } from '../machine/entries.ts';
import { entryHiOf, entryLo, entryPfn, PTE } from '../machine/entry.ts';
import { EAGAIN, EBUSY } from '../machine/errno.ts';
import { folioUnlock, lock, unlock } from '../machine/locks.ts';
import { tableEntry } from '../machine/mmu.ts';
import { HPAGE_PMD_NR, HPAGE_PMD_ORDER, PG } from '../machine/page.ts';
import type { EntryAddr, Folio, Pfn, Steps, VmaId, Vpn } from '../machine/types.ts';
import { clearDeviceLeaf, mapsDevice } from './dax-insert.ts';
import { anonVmaOf, fileOf, folioPut, headOf, isAnon, nrPages } from './folio.ts';
import { invalidPmd, isHugeZero, PMD_KEPT, pmdBase, withdrawTable } from './huge-entry.ts';
import type { Kernel } from './kernel.ts';
import { noteLists } from './lru.ts';
import { removeMigrationPtes, tryToMigrate } from './migration-entries.ts';
import { invalidateEnd, invalidateStart } from './mmu-notifier.ts';
import { isLeaf, pteLock, pteUnlock, TABLE_FLAGS } from './pgtable.ts';
import { folioMapcountRead } from './rmap.ts';
import { vmstatAdd } from './vmstat.ts';
import { VMSTAT } from './vmstat-items.ts';

/** Flags that the pages of a split folio take over from its head. */
const INHERITED =
  PG.locked |
  PG.referenced |
  PG.uptodate |
  PG.dirty |
  PG.lru |
  PG.active |
  PG.swapbacked |
  PG.unevictable |
  PG.mlocked;

/**
 * __split_huge_pmd(): maps the pages of the huge PMD `e` at `vpn` by PTEs instead, in the table that was kept for
 * this. Contents, pins and exclusivity stay what they are (A.20.1). Nothing happens when `e` is no huge page.
 * The caller holds mmap_lock or the folio's lock.
 */
export function* splitHugePmd(k: Kernel, vma: VmaId, e: EntryAddr, vpn: Vpn): Steps<void> {
  const mm = k.vma.mm[vma];
  const told = yield* invalidateStart(k, mm, pmdBase(vpn), pmdBase(vpn) + HPAGE_PMD_NR);
  yield* pteLock(k, e);
  const lo = yield* entryRead(k, e);
  if (isLeaf(lo)) vmstatAdd(k, entryPfn(lo, entryHi(k, e)), VMSTAT.thp_split_pmd, 1);
  if (isLeaf(lo) && mapsDevice(k, lo, entryHi(k, e)))
    yield* clearDeviceLeaf(k, vma, e, pmdBase(vpn), HPAGE_PMD_ORDER);
  else if (isLeaf(lo)) yield* splitLocked(k, vma, e, pmdBase(vpn), lo, entryHi(k, e));
  yield* pteUnlock(k, e);
  yield* invalidateEnd(k, mm, told);
}

function* splitLocked(
  k: Kernel,
  vma: VmaId,
  e: EntryAddr,
  base: Vpn,
  lo: number,
  hi: number,
): Steps<void> {
  const pfn = entryPfn(lo, hi);
  const mm = k.vma.mm[vma];
  // pmdp_invalidate(): from here on no processor sets accessed or dirty bits in the old entry.
  yield* entrySet(k, e, invalidPmd(lo), hi);
  yield* flushTlbRange(k, mm, base, base + HPAGE_PMD_NR);
  const old = yield* entryRead(k, e);
  const table = withdrawTable(k, e);
  if (isHugeZero(k, pfn)) {
    fillTable(k, table, k.zeroPfn, 0, (lo & 0xfff & ~PTE.pse) | PTE.special);
  } else {
    const protection =
      (lo & (PTE.present | PTE.protnone | PTE.write | PTE.user)) | (old & PMD_KEPT);
    fillTable(k, table, pfn, 1, protection);
    yield* mapByPtes(k, headOf(k, pfn), (old & PTE.dirty) !== 0);
  }
  // pmd_populate(): the pages appear at once.
  yield* entrySet(k, e, entryLo(table, TABLE_FLAGS), entryHiOf(table, 0));
}

/** The PTEs of a table that nobody can see yet: page `pfn + i * step` each. */
function fillTable(k: Kernel, table: Pfn, pfn: Pfn, step: number, flags: number): void {
  for (let i = 0; i < HPAGE_PMD_NR; i++) {
    const pte = tableEntry(k, table, i);
    const page = pfn + i * step;
    k.contents[pte + 1] = entryHiOf(page, 0);
    k.contents[pte] = entryLo(page, flags);
  }
}

/** References, exclusivity and map counts of a folio whose one PMD mapping becomes a PTE mapping of each page. */
function* mapByPtes(k: Kernel, folio: Folio, dirty: boolean): Steps<void> {
  yield* refAdd(k, folio, HPAGE_PMD_NR - 1);
  yield WRITE | at(R.flags, folio);
  const exclusive = k.page.flags[folio] & PG.anonExclusive;
  if (dirty) k.page.flags[folio] |= PG.dirty;
  // The head's flag stood for all (A.14.6); another process may share the folio by PTEs, then nothing is exclusive.
  for (let i = 1; i < HPAGE_PMD_NR; i++) {
    k.page.flags[folio + i] = (k.page.flags[folio + i] & ~PG.anonExclusive) | exclusive;
  }
  yield WRITE | at(R.mapcount, folio);
  k.page.index[folio + 1] -= 1;
  k.page.mapping[folio + 1] += HPAGE_PMD_NR - 1;
  for (let i = 0; i < HPAGE_PMD_NR; i++) k.page.mapcount[folio + i] += 1;
}

/**
 * split_huge_page(): makes small folios of a large one. Needs that nobody but the page tables, the page cache and
 * the caller refers to it. Returns 0; -EBUSY under writeback or without an owner; -EAGAIN (-EBUSY to 6.1, S39)
 * when somebody holds a reference: then everything is as before.
 *
 * The caller holds the folio's lock and one reference; afterwards it has those of the head, and the other
 * pages are unlocked and hold on to their mappings only.
 */
export function* splitHugePage(k: Kernel, folio: Folio): Steps<number> {
  return yield* splitHugePageFor(k, folio, folio, true);
}

/**
 * split_huge_page() of any of its pages: as `splitHugePage`, but lock and reference are those of `page` afterwards. Unless
 * `zeros`, pages that hold nothing but zeros are kept, too (S179).
 */
export function* splitHugePageFor(
  k: Kernel,
  folio: Folio,
  page: Pfn,
  zeros: boolean,
): Steps<number> {
  if ((k.page.flags[folio] & PG.writeback) !== 0 || k.page.mapping[folio] === 0) return -EBUSY;
  const anon = isAnon(k, folio);
  const region = anon ? R.anonLock : R.inodeLock;
  const owner = anon ? anonVmaOf(k, folio) : fileOf(k, folio);
  yield* lock(k, region, owner);
  const n = nrPages(k, folio);
  const error = yield* splitOwned(k, folio, n, anon, zeros);
  yield* unlock(k, region, owner);
  const outcome = error === 0 ? VMSTAT.thp_split_page : VMSTAT.thp_split_page_failed;
  if (n === HPAGE_PMD_NR) vmstatAdd(k, folio, outcome, 1);
  if (error !== 0) return error;
  for (let i = 0; i < n; i++) {
    if (folio + i === page) continue;
    yield* folioUnlock(k, folio + i);
    yield* folioPut(k, folio + i, 1);
  }
  return 0;
}

/** With the list of the folio's VMAs locked. */
function* splitOwned(
  k: Kernel,
  folio: Folio,
  n: number,
  anon: boolean,
  zeros: boolean,
): Steps<number> {
  const cacheRefs = anon ? 0 : 1;
  const references = yield* refRead(k, folio);
  const mapped = yield* folioMapcountRead(k, folio);
  // can_split_folio(): a look before anything is unmapped.
  if (mapped !== references - cacheRefs * n - 1) return -splitErrno(k);
  yield* tryToMigrate(k, folio, true);
  if (!anon) yield* lock(k, R.pageCache, fileOf(k, folio));
  const frozen = yield* refFreeze(k, folio, 1 + cacheRefs * n);
  if (frozen) yield* splitFrozen(k, folio, n, 1 + cacheRefs);
  if (!anon) yield* unlock(k, R.pageCache, fileOf(k, folio));
  if (!frozen) {
    yield* removeMigrationPtes(k, folio, folio, true, false);
    return -splitErrno(k);
  }
  const zeroes = zeros && anon && k.rules.thp.splitZero;
  for (let i = 0; i < n; i++) yield* removeMigrationPtes(k, folio + i, folio + i, true, zeroes);
  return 0;
}

function splitErrno(k: Kernel): number {
  return k.rules.thp.splitErrno === 'EBUSY' ? EBUSY : EAGAIN;
}

/**
 * __split_huge_page(): the tails become folios, last one first, then the head; each gets `references`. GUP-fast
 * may have looked up the head of a page before this and try its reference after it: since 5.14 it
 * looks again (S17).
 */
function* splitFrozen(k: Kernel, folio: Folio, n: number, references: number): Steps<void> {
  const head = k.page.flags[folio];
  const onList = (head & PG.isolated) !== 0 ? PG.lru : 0;
  const flags = (head & INHERITED) | onList;
  for (let i = n - 1; i > 0; i--) {
    const page = folio + i;
    yield WRITE | at(R.compound, page);
    touchAlso(k, WRITE | at(R.flags, page));
    noteLists(k);
    k.page.flags[page] = (k.page.flags[page] & (PG.hwpoison | PG.anonExclusive)) | flags;
    k.page.mapping[page] = k.page.mapping[folio];
    k.page.index[page] = k.page.index[folio] + i;
    k.page.private[page] = 0;
    k.page.compound[page] = 0;
    yield* refUnfreeze(k, page, references);
  }
  yield WRITE | at(R.compound, folio);
  touchAlso(k, WRITE | at(R.flags, folio));
  k.page.compound[folio] = 0;
  k.page.flags[folio] &= ~PG.head;
  yield* refUnfreeze(k, folio, references);
}
