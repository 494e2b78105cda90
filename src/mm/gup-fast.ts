/**
 * The lockless walk (mm/gup.c: gup_fast(), gup_fast_pte_range(), gup_fast_pmd_leaf(),
 * gup_fast_folio_allowed()). Rules: semantics.md A.13, A.31 (F0 to F11), S6, S14 to S18, S33, S34.
 *
 * Interrupts off keep the page tables: whoever frees one waits for this CPU. A page is taken by
 * add-unless-zero and kept only if the entry still says the same afterwards. Each function returns
 * how many pages are stored in all; fewer than its range has means that the walk stops there and
 * the slow path decides.
 */

import { entryHi, entryRead, entryTorn } from '../machine/entries.ts';
import { entryPfn, PTE, PTE_HI } from '../machine/entry.ts';
import { irqOff, irqOn } from '../machine/irq.ts';
import { entrySpan, tableEntry, tableIndex } from '../machine/mmu.ts';
import { PG } from '../machine/page.ts';
import { BUG, bug } from '../machine/report.ts';
import { seqReadBegin, seqReadRetry } from '../machine/seqcount.ts';
import type { CpuId, EntryAddr, MmId, Pfn, Steps, Vpn } from '../machine/types.ts';
import { isDevmap } from './dax-insert.ts';
import { getDevPagemap, putDevPagemap } from './dev-pagemap.ts';
import { FOLL } from './foll.ts';
import { grabFolioFast, grabMode, gupPutFolio, tryGrabFolioFast } from './grab.ts';
import {
  entryStands,
  fastFolioAllowed,
  neededMask,
  pageTests,
  refusesDevmap,
  TEST,
} from './gup-fast-page.ts';
import { checkPinnedPages, takePlainRun } from './gup-fast-run.ts';
import { outputPages, outputRoom } from './gup-output.ts';
import { gupMustUnshare } from './gup-unshare.ts';
import type { Kernel } from './kernel.ts';
import { isLeaf, isTable, LEVEL } from './pgtable.ts';
import { folioMarkAccessed } from './set-dirty.ts';
import { unpinOutput } from './unpin.ts';

/**
 * gup_fast(), lockless_pages_from_mm(): takes pages of [start, end) of `mm` from `start` on, on
 * `cpu`, until one needs the slow path. Returns how many it stored at `pages`; 0 when a fork was
 * under way (A.13.1, A.13.7).
 */
export function* gupFast(
  k: Kernel,
  cpu: CpuId,
  mm: MmId,
  start: Vpn,
  end: Vpn,
  given: number,
  pages: number,
): Steps<number> {
  if (pages < 0) {
    // Pages are stored without asking; NULL is refused before it comes here from 6.3 on (A.2.2).
    bug(k, BUG.noPage, 0);
    return 0;
  }
  const guarded = (given & FOLL.pin) !== 0 && k.rules.fork.seq !== 'none';
  let seq = 0;
  if (guarded) {
    seq = yield* seqReadBegin(k, mm);
    if ((seq & 1) !== 0) return 0;
  }
  // 5.8: even a read needs a writable entry, unless there is no slow path to break copy-on-write
  // (S6).
  const force = k.rules.gup.forceCowBreak && (given & FOLL.fastOnly) === 0;
  const flags = force ? given | FOLL.write : given;
  const wasOff = k.irqOff[cpu] === 1;
  if (!wasOff) yield* irqOff(k, cpu);
  const nr = yield* walkTables(k, mm, start, end, flags, pages);
  if (!wasOff) yield* irqOn(k, cpu);
  if (guarded) {
    const forked = yield* seqReadRetry(k, mm, seq);
    if (forked) {
      yield* unpinOutput(k, pages, nr, flags);
      return 0;
    }
  }
  checkPinnedPages(k, pages, nr, flags);
  return nr;
}

/** gup_fast_pgd_range() down to the tables of PTEs: one turn a leaf or a table. */
function* walkTables(
  k: Kernel,
  mm: MmId,
  start: Vpn,
  end: Vpn,
  flags: number,
  pages: number,
): Steps<number> {
  let nr = 0;
  while (start + nr < end) {
    const vpn = start + nr;
    let level = k.levels - 1;
    let e = tableEntry(k, k.pgd[mm], tableIndex(vpn, level));
    let lo = yield* entryRead(k, e);
    let hi = entryHi(k, e);
    while (level > LEVEL.pmd && isTable(lo) && !entryTorn(k, e, lo)) {
      level--;
      e = lowerEntry(k, lo, hi, vpn, level);
      lo = yield* entryRead(k, e);
      hi = entryHi(k, e);
    }
    if (entryTorn(k, e, lo)) return nr;
    const span = entrySpan(level);
    const next = Math.min(end, (Math.floor(vpn / span) + 1) * span);
    let now = nr;
    if (isLeaf(lo)) now = yield* fastLeaf(k, e, lo, hi, vpn, next - vpn, span, flags, pages, nr);
    else if (isTable(lo))
      now = yield* fastPteRange(k, e, lo, hi, vpn, next - vpn, flags, pages, nr);
    if (now !== nr + next - vpn) return now;
    nr = now;
  }
  return nr;
}

/**
 * Entry for `vpn` in the table that (lo, hi) points to; that table must not have been freed (A.13,
 * ipi and rcu).
 */
function lowerEntry(k: Kernel, lo: number, hi: number, vpn: Vpn, level: number): EntryAddr {
  const table = entryPfn(lo, hi);
  if ((k.page.flags[table] & PG.table) === 0) bug(k, BUG.tableFreed, table);
  return tableEntry(k, table, tableIndex(vpn, level));
}

/**
 * gup_fast_pte_range(): up to `n` pages of one table of PTEs, whose PMD entry `pmd` was (pmdLo,
 * pmdHi). The steps of each page are those of A.13.4, in that order.
 */
export function* fastPteRange(
  k: Kernel,
  pmd: EntryAddr,
  pmdLo: number,
  pmdHi: number,
  vpn: Vpn,
  n: number,
  flags: number,
  pages: number,
  before: number,
): Steps<number> {
  const mask = neededMask(flags);
  const need = mask & ~PTE.special;
  const first = lowerEntry(k, pmdLo, pmdHi, vpn, LEVEL.pte);
  // What the general steps need is found out when the first page needs them.
  let mode = -1;
  let tests = 0;
  for (let i = 0; i < n; i++) {
    const at = first + 2 * i;
    i += yield* takePlainRun(k, pmd, pmdLo, pmdHi, at, n - i, flags, pages, before + i);
    if (i === n) break;
    if (mode === -1) {
      mode = grabMode(k, flags);
      tests = pageTests(k, flags);
    }
    const e = first + 2 * i;
    const lo = yield* entryRead(k, e);
    const hi = entryHi(k, e);
    if ((lo & mask) !== need) return before + i;
    if ((hi & PTE_HI.devmap) !== 0 && refusesDevmap(k, flags)) return before + i;
    const pfn = entryPfn(lo, hi);
    const devmap = isDevmap(hi);
    if (devmap) {
      const live = yield* getDevPagemap(k, pfn);
      if (!live) {
        // undo_dev_pagemap(): what this table gave goes back too.
        yield* unpinOutput(k, pages + before, i, flags);
        return before;
      }
    }
    const folio = yield* grabFolioFast(k, pfn, 1, mode);
    if (devmap) yield* putDevPagemap(k, pfn);
    if (folio === 0) return before + i;
    let keep = true;
    if ((tests & TEST.pmd) !== 0) keep = yield* entryStands(k, pmd, pmdLo, pmdHi);
    if (keep && (tests & TEST.pte) !== 0) keep = yield* entryStands(k, e, lo, hi);
    if (keep && (tests & TEST.kind) !== 0) keep = yield* fastFolioAllowed(k, folio, tests);
    if (keep && (lo & PTE.write) === 0) {
      const unshare = yield* gupMustUnshare(k, 0, flags, pfn);
      keep = !unshare;
    }
    if (!keep || ((tests & TEST.room) !== 0 && !outputRoom(k, pages, pfn, 1, flags))) {
      yield* gupPutFolio(k, folio, 1, flags);
      return before + i;
    }
    if ((k.page.flags[folio] & PG.referenced) === 0) yield* folioMarkAccessed(k, folio);
    if ((tests & TEST.room) === 0) k.kmem[pages + before + i] = pfn;
    else outputPages(k, pages, before + i, pfn, 1, flags);
  }
  return before + n;
}

/**
 * gup_fast_pmd_leaf(), gup_fast_pud_leaf(): `n` pages of a leaf of `span` pages, by one count
 * update on the folio (A.13.5).
 */
function* fastLeaf(
  k: Kernel,
  e: EntryAddr,
  lo: number,
  hi: number,
  vpn: Vpn,
  n: number,
  span: number,
  flags: number,
  pages: number,
  before: number,
): Steps<number> {
  const mask = neededMask(flags);
  if ((lo & mask) !== (mask & ~PTE.special)) return before;
  if ((hi & PTE_HI.devmap) !== 0 && refusesDevmap(k, flags)) return before;
  if (n > 1 && k.rules.design.leafGrab === 'page') {
    // One page after the other, as the walk of device pages did (S209).
    let one = before;
    while (one < before + n) {
      const now = yield* fastLeaf(k, e, lo, hi, vpn + (one - before), 1, span, flags, pages, one);
      if (now === one) return one;
      one = now;
    }
    return one;
  }
  const head = entryPfn(lo, hi);
  const pfn = head + (vpn & (span - 1));
  if (isDevmap(hi) && k.rules.devmap.walk === 'perPage')
    return yield* fastDevmapLeaf(k, e, lo, hi, pfn, n, flags, pages, before);
  const folio = yield* tryGrabFolioFast(k, pfn, n, flags);
  if (folio === 0) return before;
  const tests = pageTests(k, flags);
  let keep = true;
  if ((tests & TEST.pte) !== 0) keep = yield* entryStands(k, e, lo, hi);
  if (keep && (tests & TEST.kind) !== 0) keep = yield* fastFolioAllowed(k, folio, tests);
  if (keep && (lo & PTE.write) === 0) {
    const unshare = yield* gupMustUnshare(k, 0, flags, head);
    keep = !unshare;
  }
  if (!keep || !outputRoom(k, pages, pfn, n, flags)) {
    yield* gupPutFolio(k, folio, n, flags);
    return before;
  }
  yield* folioMarkAccessed(k, folio);
  outputPages(k, pages, before, pfn, n, flags);
  return before + n;
}

/**
 * gup_fast_devmap_leaf(), __gup_device_huge(): the pages of a large entry one by one, each under a reference on the device's
 * page map. All are given back when the device goes away, or when the entry has changed meanwhile.
 */
function* fastDevmapLeaf(
  k: Kernel,
  e: EntryAddr,
  lo: number,
  hi: number,
  pfn: Pfn,
  n: number,
  flags: number,
  pages: number,
  before: number,
): Steps<number> {
  const mode = grabMode(k, flags);
  const live = yield* getDevPagemap(k, pfn);
  if (!live) return before;
  let done = 0;
  while (done < n) {
    const folio = yield* grabFolioFast(k, pfn + done, 1, mode);
    if (folio === 0) break;
    yield* folioMarkAccessed(k, folio);
    outputPages(k, pages, before + done, pfn + done, 1, flags);
    done++;
  }
  yield* putDevPagemap(k, pfn);
  const stands = yield* entryStands(k, e, lo, hi);
  if (stands) return before + done;
  yield* unpinOutput(k, pages + before, done, flags);
  return before;
}
