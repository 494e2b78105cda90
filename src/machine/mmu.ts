import { at, R, READ, WRITE } from './access.ts';
import { touchAlso } from './also.ts';
import { choose } from './choose.ts';
import { PAGE_WORDS } from './contents.ts';
import { dropTranslation } from './cpu.ts';
import { entryMark, entryTorn } from './entries.ts';
import { entryHiOf, entryLo, entryPfn, PTE, PTE_AD } from './entry.ts';
import { type Machine, TLB } from './machine.ts';
import type { CpuId, EntryAddr, MmId, Pfn, Steps, Vpn } from './types.ts';
import { enterTlb, leaveTlb } from './workers.ts';

/** Index of the entry for `vpn` in a table of level 0 (PTE) to 4 (PGD of five levels). */
export function tableIndex(vpn: Vpn, level: number): number {
  // Above 31 bits of page number only division is exact; the lower levels are the hot ones.
  if (level <= 2) return (vpn >>> (9 * level)) & 511;
  return Math.floor(vpn / entrySpan(level)) & 511;
}

/** Pages under one entry of `level`; exact above 31 bits too. */
export function entrySpan(level: number): number {
  // Not 2 ** (9 * level), which is a library call each time.
  if (level <= 2) return 1 << (9 * level);
  return level === 3 ? 2 ** 27 : 2 ** 36;
}

/** Entry number `index` of the table in page `table`; a table of zeros has no slot, and no entries. */
export function tableEntry(k: Machine, table: Pfn, index: number): EntryAddr {
  const slot = k.page.slot[table];
  return slot === 0 ? 0 : slot * PAGE_WORDS + 2 * index;
}

/**
 * The entry that translates `vpn` (a PTE, or a PMD or PUD entry that is a leaf), 0 when the tables above are missing.
 * `leafLevel` tells its level from the address: see `entryLevel`.
 */
export function walkLeaf(k: Machine, mm: MmId, vpn: Vpn): EntryAddr {
  let table = k.pgd[mm];
  for (let level = k.levels - 1; level > 0; level--) {
    const e = tableEntry(k, table, tableIndex(vpn, level));
    if (e === 0) return 0;
    const lo = k.contents[e];
    if ((lo & (PTE.present | PTE.protnone)) === 0) return 0;
    if ((lo & PTE.pse) !== 0) return e;
    table = entryPfn(lo, k.contents[e + 1]);
  }
  return tableEntry(k, table, tableIndex(vpn, 0));
}

/** Page frame that a leaf entry gives for `vpn`: a large leaf maps the frames that follow its own. */
export function leafPfn(k: Machine, mm: MmId, vpn: Vpn): Pfn {
  let table = k.pgd[mm];
  for (let level = k.levels - 1; level >= 0; level--) {
    const e = tableEntry(k, table, tableIndex(vpn, level));
    if (e === 0) return 0;
    const lo = k.contents[e];
    if ((lo & (PTE.present | PTE.protnone)) === 0) return 0;
    const pfn = entryPfn(lo, k.contents[e + 1]);
    if (level === 0) return pfn;
    if ((lo & PTE.pse) !== 0) return pfn + (vpn & (entrySpan(level) - 1));
    table = pfn;
  }
  return 0;
}

/**
 * One access of a CPU to a user address: through its TLB, else by a walk of the tables that sets the
 * accessed (and dirty) bit and fills the TLB. Returns the page frame, or -1 for a page fault. What the
 * caller does to the page's content before its next step is part of this one.
 *
 * A translation that the tables no longer say is stale: until its flush the CPU may use it, or may have
 * dropped it (A.31, fork K3 to K6).
 */
export function* mmuAccess(
  k: Machine,
  cpu: CpuId,
  mm: MmId,
  vpn: Vpn,
  write: boolean,
): Steps<number> {
  yield (write ? WRITE : READ) | at(R.mmu, mm);
  const t = tlbSlot(k, cpu, vpn);
  touchAlso(k, WRITE | at(R.tlb, cpu));
  noteWalk(k, mm, vpn);
  enterTlb(k, cpu);
  let use = tlbHit(k, t, mm, vpn, write);
  if (use && tlbStale(k, t, mm, vpn)) {
    const drop = yield* choose(k, 2);
    use = drop === 0;
  }
  const pfn = use ? tlbPage(k, t, write) : hardwareWalk(k, t, mm, vpn, write);
  leaveTlb(k, cpu);
  return pfn;
}

/** Notes that this step reads the entries that translate `vpn`, from the top down to the leaf or the hole. */
export function noteWalk(k: Machine, mm: MmId, vpn: Vpn): void {
  let table = k.pgd[mm];
  for (let level = k.levels - 1; level >= 0; level--) {
    const e = tableEntry(k, table, tableIndex(vpn, level));
    if (e === 0) return;
    touchAlso(k, READ | at(R.entry, e >>> 1));
    const lo = k.contents[e];
    if ((lo & (PTE.present | PTE.protnone)) === 0 || (lo & PTE.pse) !== 0) return;
    table = entryPfn(lo, k.contents[e + 1]);
  }
}

/** The page that a TLB entry names, and that the caller is about to read or write. */
function tlbPage(k: Machine, t: number, write: boolean): Pfn {
  const pfn = entryPfn(k.tlb[t + TLB.lo], k.tlb[t + TLB.hi]);
  touchAlso(k, (write ? WRITE : READ) | at(R.content, pfn));
  return pfn;
}

function tlbSlot(k: Machine, cpu: CpuId, vpn: Vpn): number {
  return (cpu * k.tlbEntries + (vpn & (k.tlbEntries - 1))) * TLB.words;
}

function tlbHit(k: Machine, t: number, mm: MmId, vpn: Vpn, write: boolean): boolean {
  if (k.tlb[t + TLB.mm] !== mm || k.tlb[t + TLB.vpn] !== vpn) return false;
  const need = PTE.write | PTE.dirty;
  return !write || (k.tlb[t + TLB.lo] & need) === need;
}

/** Whether the tables would translate differently now (accessed and dirty bits aside). */
function tlbStale(k: Machine, t: number, mm: MmId, vpn: Vpn): boolean {
  const e = walkLeaf(k, mm, vpn);
  if (e === 0) return true;
  const pfn = leafPfn(k, mm, vpn);
  const now = entryLo(pfn, k.contents[e] & 0xfff & ~PTE.pse);
  return ((now ^ k.tlb[t + TLB.lo]) & ~PTE_AD & ~PTE.softDirty) !== 0;
}

function hardwareWalk(k: Machine, t: number, mm: MmId, vpn: Vpn, write: boolean): number {
  if (k.tlb[t + TLB.mm] === mm && k.tlb[t + TLB.vpn] === vpn) dropTranslation(k, t);
  let table = k.pgd[mm];
  let level = k.levels - 1;
  let e = tableEntry(k, table, tableIndex(vpn, level));
  while (level > 0) {
    if (e === 0) return -1;
    const lo = k.contents[e];
    const hi = k.contents[e + 1];
    if (entryTorn(k, e, lo)) continue;
    if ((lo & (PTE.present | PTE.protnone)) === 0) return -1;
    if ((lo & PTE.pse) !== 0) break;
    table = entryPfn(lo, hi);
    level--;
    e = tableEntry(k, table, tableIndex(vpn, level));
  }
  if (e === 0) return -1;
  const lo = k.contents[e];
  const hi = k.contents[e + 1];
  touchAlso(k, WRITE | at(R.entry, e >>> 1));
  if ((lo & PTE.present) === 0 || (write && (lo & PTE.write) === 0)) return -1;
  const marked = lo | PTE.accessed | (write ? PTE.dirty : 0);
  // Somebody else was faster: as if the walk came to nothing, and the access is tried again.
  if (!entryMark(k, e, lo, marked)) return -1;
  const pfn = entryPfn(lo, hi) + (vpn & (entrySpan(level) - 1));
  k.tlb[t + TLB.mm] = mm;
  k.tlb[t + TLB.vpn] = vpn;
  k.tlb[t + TLB.lo] = entryLo(pfn, marked & 0xfff & ~PTE.pse);
  k.tlb[t + TLB.hi] = entryHiOf(pfn, 0);
  touchAlso(k, (write ? WRITE : READ) | at(R.content, pfn));
  return pfn;
}
