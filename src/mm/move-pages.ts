/**
 * Moving the entries of a range to other addresses of the same process (mm/mremap.c: move_page_tables, move_ptes). The pages
 * stay, so whoever pins them keeps what he has (A.22.6).
 */
import { R } from '../machine/access.ts';
import { flushTlbRange } from '../machine/cpu.ts';
import { entryClear, entryHi, entryRead, entrySet } from '../machine/entries.ts';
import { isNone, isPresent, PTE } from '../machine/entry.ts';
import { lock, unlock } from '../machine/locks.ts';
import { HPAGE_PMD_NR } from '../machine/page.ts';
import type { EntryAddr, Steps, VmaId, Vpn } from '../machine/types.ts';
import { clearDevicePud } from './dax-insert.ts';
import { moveHugePmd } from './huge-memory.ts';
import { splitHugePmd } from './huge-split.ts';
import type { Kernel } from './kernel.ts';
import {
  isLeaf,
  isTable,
  pmdAlloc,
  pmdEntry,
  pteAlloc,
  pteEntry,
  pteLock,
  pteUnlock,
  tableOf,
} from './pgtable.ts';

/**
 * move_page_tables(): moves the entries of `nr` pages from `from` in `source` to `to` in `target`. Returns how many pages
 * it got through: fewer than `nr` when memory for tables ran out. The caller holds mmap_lock exclusively.
 */
export function* movePageTables(
  k: Kernel,
  source: VmaId,
  target: VmaId,
  from: Vpn,
  to: Vpn,
  nr: number,
): Steps<number> {
  let done = 0;
  while (done < nr) {
    const a = from + done;
    const b = to + done;
    // One table of each side at a time.
    const room = Math.min(
      HPAGE_PMD_NR - (a % HPAGE_PMD_NR),
      HPAGE_PMD_NR - (b % HPAGE_PMD_NR),
      nr - done,
    );
    const ok = yield* moveBelowPmd(k, source, target, a, b, room);
    if (!ok) return done;
    done += room;
  }
  return done;
}

/** Moves `nr` pages, all below one PMD entry on each side; false: out of memory. */
function* moveBelowPmd(
  k: Kernel,
  source: VmaId,
  target: VmaId,
  from: Vpn,
  to: Vpn,
  nr: number,
): Steps<boolean> {
  const mm = k.vma.mm[source];
  // A device's 1 GiB comes back where it is touched next.
  yield* clearDevicePud(k, source, from);
  const pmd = pmdEntry(k, mm, from);
  if (pmd === 0) return true;
  const lo = yield* entryRead(k, pmd);
  if (isNone(lo, entryHi(k, pmd))) return true;
  if (isLeaf(lo)) {
    if (nr === HPAGE_PMD_NR) {
      const newPmd = yield* pmdAlloc(k, mm, to);
      if (newPmd === 0) return false;
      const moved = yield* moveHuge(k, source, pmd, newPmd, from, to);
      if (moved) return true;
    }
    yield* splitHugePmd(k, source, pmd, from - (from % HPAGE_PMD_NR));
  }
  if (nr === HPAGE_PMD_NR && from % HPAGE_PMD_NR === 0 && k.rules.mremap.moveTables) {
    const moved = yield* moveTable(k, source, from, to);
    if (moved) return true;
  }
  const oldFirst = pteEntry(k, mm, from);
  if (oldFirst === 0) return true;
  const newFirst = yield* pteAlloc(k, mm, to);
  if (newFirst === 0) return false;
  yield* movePtes(k, source, target, oldFirst, newFirst, from, nr);
  return true;
}

/** move_normal_pmd(): a whole page table goes to where none is yet. False: it has to be moved entry by entry. */
function* moveTable(k: Kernel, source: VmaId, from: Vpn, to: Vpn): Steps<boolean> {
  const mm = k.vma.mm[source];
  const pmd = pmdEntry(k, mm, from);
  const newPmd = yield* pmdAlloc(k, mm, to);
  if (newPmd === 0) return false;
  const apart = tableOf(k, pmd) !== tableOf(k, newPmd);
  yield* takeRmapLocks(k, source);
  yield* pteLock(k, pmd);
  if (apart) yield* pteLock(k, newPmd);
  const target = yield* entryRead(k, newPmd);
  const moves = isNone(target, entryHi(k, newPmd)) && isTable(k.contents[pmd]);
  if (moves) {
    const hi = entryHi(k, pmd);
    const lo = yield* entryClear(k, pmd);
    yield* entrySet(k, newPmd, lo, hi);
    yield* flushTlbRange(k, mm, from, from + HPAGE_PMD_NR);
  }
  if (apart) yield* pteUnlock(k, newPmd);
  yield* pteUnlock(k, pmd);
  yield* dropRmapLocks(k, source);
  return moves;
}

function* moveHuge(
  k: Kernel,
  source: VmaId,
  pmd: EntryAddr,
  newPmd: EntryAddr,
  from: Vpn,
  to: Vpn,
): Steps<boolean> {
  yield* takeRmapLocks(k, source);
  const moved = yield* moveHugePmd(k, source, pmd, newPmd, from, to);
  yield* dropRmapLocks(k, source);
  return moved;
}

/**
 * move_ptes(): under both tables' locks; the flush comes before the locks go, lest a processor dirties a page through its
 * old address after somebody has cleaned it at the new one.
 */
function* movePtes(
  k: Kernel,
  source: VmaId,
  target: VmaId,
  oldFirst: EntryAddr,
  newFirst: EntryAddr,
  from: Vpn,
  nr: number,
): Steps<void> {
  const twoTables = tableOf(k, oldFirst) !== tableOf(k, newFirst);
  let flush = false;
  yield* takeRmapLocks(k, source);
  yield* pteLock(k, oldFirst);
  if (twoTables) yield* pteLock(k, newFirst);
  for (let i = 0; i < nr; i++) {
    const e = oldFirst + 2 * i;
    const hi = k.contents[e + 1];
    if (isNone(k.contents[e], hi)) continue;
    const lo = yield* entryClear(k, e);
    if (isPresent(lo)) flush = true;
    yield* entrySet(
      k,
      newFirst + 2 * i,
      isPresent(lo) ? lo | PTE.softDirty : lo | PTE.swpSoftDirty,
      hi,
    );
  }
  if (flush) yield* flushTlbRange(k, k.vma.mm[target], from, from + nr);
  if (twoTables) yield* pteUnlock(k, newFirst);
  yield* pteUnlock(k, oldFirst);
  yield* dropRmapLocks(k, source);
}

/** take_rmap_locks(): a reverse mapping walk must not miss a page between its two places. */
function* takeRmapLocks(k: Kernel, vma: VmaId): Steps<void> {
  if (k.vma.file[vma] !== 0) yield* lock(k, R.inodeLock, k.vma.file[vma]);
  if (k.vma.anonVma[vma] !== 0) yield* lock(k, R.anonLock, k.vma.anonVma[vma]);
}

function* dropRmapLocks(k: Kernel, vma: VmaId): Steps<void> {
  if (k.vma.anonVma[vma] !== 0) yield* unlock(k, R.anonLock, k.vma.anonVma[vma]);
  if (k.vma.file[vma] !== 0) yield* unlock(k, R.inodeLock, k.vma.file[vma]);
}
