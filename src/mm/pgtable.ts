/**
 * Page tables as software sees them (pgtable.h, memory.c, mmu_gather.c): walking by level, allocating
 * tables, the split locks, freeing tables when their range is unmapped.
 */
import { at, R, READ } from '../machine/access.ts';
import { touchAlso } from '../machine/also.ts';
import { allocPages, freePages, GFP } from '../machine/buddy.ts';
import { contentSlot, PAGE_WORDS } from '../machine/contents.ts';
import { syncTableFree } from '../machine/cpu.ts';
import { entryClear, entryHi, entryRead, entrySet } from '../machine/entries.ts';
import { entryPfn, isNone, PTE } from '../machine/entry.ts';
import { lock, unlock } from '../machine/locks.ts';
import { entrySpan, tableEntry, tableIndex } from '../machine/mmu.ts';
import { HPAGE_PMD_ORDER, HPAGE_PUD_ORDER, PG } from '../machine/page.ts';
import type { EntryAddr, MmId, Pfn, Steps, Vpn } from '../machine/types.ts';
import type { Kernel } from './kernel.ts';

/** Levels of the tables, counted from the leaves. */
export const LEVEL = { pte: 0, pmd: 1, pud: 2, p4d: 3 } as const;

/** Pages under one entry of a level. */
export const PMD_PAGES = 1 << HPAGE_PMD_ORDER;
export const PUD_PAGES = 1 << HPAGE_PUD_ORDER;

/** Flags of an entry that points to a table. */
export const TABLE_FLAGS = PTE.present | PTE.write | PTE.user | PTE.accessed | PTE.dirty;

/**
 * The entry of `level` for `vpn`: 0 where a table above it is missing or a larger leaf stands in the way.
 * A plain read of memory, part of the step that is under way: callers either hold the lock that keeps the
 * tables, or read the entry with `entryRead` afterwards and check it.
 */
export function entryAt(k: Kernel, mm: MmId, vpn: Vpn, level: number): EntryAddr {
  let table = k.pgd[mm];
  for (let l = k.levels - 1; l > level; l--) {
    const e = tableEntry(k, table, tableIndex(vpn, l));
    if (e === 0) return 0;
    const lo = entryPeek(k, e);
    if ((lo & PTE.present) === 0 || (lo & PTE.pse) !== 0) return 0;
    table = entryPfn(lo, k.contents[e + 1]);
  }
  return tableEntry(k, table, tableIndex(vpn, level));
}

/** Low word of entry `e` without a step of its own; the step that is under way is noted to read it. */
export function entryPeek(k: Kernel, e: EntryAddr): number {
  touchAlso(k, READ | at(R.entry, e >>> 1));
  return k.contents[e];
}

/** The PUD entry for `vpn`, 0 when the tables above it are missing. */
export function pudEntry(k: Kernel, mm: MmId, vpn: Vpn): EntryAddr {
  return entryAt(k, mm, vpn, LEVEL.pud);
}

/** The PMD entry for `vpn`, 0 when the tables above it are missing (or a 1 GiB leaf is there). */
export function pmdEntry(k: Kernel, mm: MmId, vpn: Vpn): EntryAddr {
  return entryAt(k, mm, vpn, LEVEL.pmd);
}

/** The PTE for `vpn`, 0 when there is no PTE table (or a larger leaf is there). */
export function pteEntry(k: Kernel, mm: MmId, vpn: Vpn): EntryAddr {
  return entryAt(k, mm, vpn, LEVEL.pte);
}

/** pmd_trans_huge(), pud_leaf(): a present (or PROTNONE) leaf above the last level. */
export function isLeaf(lo: number): boolean {
  return (lo & PTE.pse) !== 0 && (lo & (PTE.present | PTE.protnone)) !== 0;
}

/** Points to a table of the next level. */
export function isTable(lo: number): boolean {
  return (lo & PTE.present) !== 0 && (lo & PTE.pse) === 0;
}

/** Page frame of the table that holds entry `e`; its `private` word is the table's lock. */
export function tableOf(k: Kernel, e: EntryAddr): Pfn {
  return k.slotOwner[Math.floor(e / PAGE_WORDS)];
}

/** Takes the lock of the table that holds `e` (the PTE or PMD split lock). */
export function* pteLock(k: Kernel, e: EntryAddr): Steps<void> {
  yield* lock(k, R.ptl, tableOf(k, e));
}

export function* pteUnlock(k: Kernel, e: EntryAddr): Steps<void> {
  yield* unlock(k, R.ptl, tableOf(k, e));
}

/** A fresh table page, all entries none; 0 when memory is out. */
export function* allocTable(k: Kernel, mm: MmId): Steps<Pfn> {
  const pfn = yield* allocPages(k, 0, GFP.zero, 0);
  if (pfn === 0) return 0;
  k.page.flags[pfn] |= PG.table;
  contentSlot(k, pfn);
  k.mm.tables[mm] += 1;
  return pfn;
}

/** Gives a table page back at once; for tables that no walker can have seen. */
export function* freeTable(k: Kernel, mm: MmId, table: Pfn): Steps<void> {
  k.mm.tables[mm] -= 1;
  k.page.flags[table] &= ~PG.table;
  k.page.refcount[table] = 0;
  yield* freePages(k, table, 0);
}

/** Entry of `level` for `vpn`, with the tables above made as needed; 0: out of memory, or a leaf above. */
export function* entryAlloc(k: Kernel, mm: MmId, vpn: Vpn, level: number): Steps<EntryAddr> {
  let table = k.pgd[mm];
  for (let l = k.levels - 1; l > level; l--) {
    const e = tableEntry(k, table, tableIndex(vpn, l));
    let lo = yield* entryRead(k, e);
    let hi = entryHi(k, e);
    if (isNone(lo, hi)) {
      const fresh = yield* allocTable(k, mm);
      if (fresh === 0) return 0;
      yield* pteLock(k, e);
      lo = k.contents[e];
      hi = entryHi(k, e);
      if (isNone(lo, hi)) {
        lo = (fresh << 12) | TABLE_FLAGS;
        hi = fresh >>> 20;
        yield* entrySet(k, e, lo, hi);
        yield* pteUnlock(k, e);
      } else {
        yield* pteUnlock(k, e);
        yield* freeTable(k, mm, fresh);
      }
    }
    if (!isTable(lo)) return 0;
    table = entryPfn(lo, hi);
  }
  return tableEntry(k, table, tableIndex(vpn, level));
}

/** pmd_alloc(). */
export function* pmdAlloc(k: Kernel, mm: MmId, vpn: Vpn): Steps<EntryAddr> {
  return yield* entryAlloc(k, mm, vpn, LEVEL.pmd);
}

/** pte_alloc_map(): 0 also when a huge leaf stands there. */
export function* pteAlloc(k: Kernel, mm: MmId, vpn: Vpn): Steps<EntryAddr> {
  return yield* entryAlloc(k, mm, vpn, LEVEL.pte);
}

/** Whether a table page has no entry at all. */
export function tableEmpty(k: Kernel, table: Pfn): boolean {
  const base = k.page.slot[table] * PAGE_WORDS;
  for (let w = base; w < base + PAGE_WORDS; w++) if (k.contents[w] !== 0) return false;
  return true;
}

/**
 * free_pgtables(): takes the tables that have become empty under [start, end) out of the tree and frees
 * them, once no lockless walker can be inside (A.13, A.31 M5). The caller holds mmap_lock exclusively
 * and has unmapped the range.
 */
export function* freePgtables(k: Kernel, mm: MmId, start: Vpn, end: Vpn): Steps<void> {
  for (let level = LEVEL.pmd as number; level < k.levels; level++) {
    const span = entrySpan(level);
    for (let vpn = Math.floor(start / span) * span; vpn < end; vpn += span) {
      yield* freeTableUnder(k, mm, vpn, level);
    }
  }
}

function* freeTableUnder(k: Kernel, mm: MmId, vpn: Vpn, level: number): Steps<void> {
  const e = entryAt(k, mm, vpn, level);
  if (e === 0 || !isTable(entryPeek(k, e))) return;
  const table = entryPfn(k.contents[e], k.contents[e + 1]);
  if (!tableEmpty(k, table)) return;
  yield* entryClear(k, e);
  yield* syncTableFree(k);
  yield* freeTable(k, mm, table);
}

/**
 * zap_empty_pte_table(): takes the page table at `vpn` out of the tree if it is empty. The caller holds mmap_lock shared only, so
 * others may have looked the table up and be about to lock it (RCU keeps its memory for them): the page stays set aside
 * until the address space ends, and who fills an empty entry asks `entryCurrent` first.
 */
export function* retireEmptyTable(k: Kernel, mm: MmId, vpn: Vpn): Steps<void> {
  const pmd = pmdEntry(k, mm, vpn);
  if (pmd === 0) return;
  yield* pteLock(k, pmd);
  const lo = yield* entryRead(k, pmd);
  if (isTable(lo)) {
    const table = entryPfn(lo, entryHi(k, pmd));
    yield* lock(k, R.ptl, table);
    if (tableEmpty(k, table)) {
      yield* entryClear(k, pmd);
      k.page.lruNext[table] = k.mm.retired[mm];
      k.mm.retired[mm] = table;
      k.mm.tables[mm] -= 1;
    }
    yield* unlock(k, R.ptl, table);
  }
  yield* pteUnlock(k, pmd);
}

/** Whether the locked PTE `e` still is the one for `vpn`: its table may have been retired before the lock was had. */
export function entryCurrent(k: Kernel, mm: MmId, vpn: Vpn, e: EntryAddr): boolean {
  return !k.rules.madvise.freeTables || pteEntry(k, mm, vpn) === e;
}

/** Frees the tables that were set aside: nobody can be inside any more. */
export function* freeRetired(k: Kernel, mm: MmId): Steps<void> {
  while (k.mm.retired[mm] !== 0) {
    const table = k.mm.retired[mm];
    k.mm.retired[mm] = k.page.lruNext[table];
    k.page.lruNext[table] = 0;
    // It is not counted any more.
    k.mm.tables[mm] += 1;
    yield* freeTable(k, mm, table);
  }
}

/** A new, empty top table for `mm`; false: out of memory. */
export function* pgdAlloc(k: Kernel, mm: MmId): Steps<boolean> {
  const table = yield* allocTable(k, mm);
  if (table === 0) return false;
  k.pgd[mm] = table;
  return true;
}

/** Frees the top table of an address space whose ranges are all gone. */
export function* pgdFree(k: Kernel, mm: MmId): Steps<void> {
  const table = k.pgd[mm];
  k.pgd[mm] = 0;
  yield* syncTableFree(k);
  yield* freeTable(k, mm, table);
}
