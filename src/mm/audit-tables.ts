/** Page tables: what every entry refers to, the tables themselves, and the counts of each address space. */

import { PAGE_WORDS } from '../machine/contents.ts';
import {
  entryPfn,
  isMigrationEntry,
  isPresent,
  PTE,
  PTRS_PER_TABLE,
  SWP,
  swpOffset,
  swpType,
} from '../machine/entry.ts';
import { HPAGE_PMD_NR, PG } from '../machine/page.ts';
import type { MmId, Pfn, VmaId, Vpn } from '../machine/types.ts';
import { claim, type Tally } from './audit-tally.ts';
import { isDevmap } from './dax-insert.ts';
import { isZoneDevice } from './dev-pagemap.ts';
import {
  anonVmaOf,
  fileOf,
  headOf,
  isAnon,
  isFile,
  isHugetlb,
  isKsm,
  orderOf,
  pageAnonExclusive,
} from './folio.ts';
import { isHugeZero } from './huge-entry.ts';
import type { Kernel } from './kernel.ts';
import { isLeaf, isTable, LEVEL, tableEmpty } from './pgtable.ts';
import { linearIndex } from './rmap.ts';
import { VM, vmaAt, vmaWantsNotify } from './vma.ts';

/** What one address space adds up to: its number, then pages. */
const SUM = { mm: 0, tables: 1, anon: 2, file: 3, swap: 4, words: 5 } as const;

/** Counts what the page tables of every address space refer to, and compares the address spaces' own counts. */
export function auditTables(k: Kernel, t: Tally): void {
  for (let mm = 1; mm < k.pgd.length; mm++) {
    if (k.mm.users[mm] === 0) {
      if (k.pgd[mm] !== 0) t.findings.push(`mm ${mm} has no users, yet a page table`);
      continue;
    }
    const sum = new Int32Array(SUM.words);
    sum[SUM.mm] = mm;
    walkTable(k, t, sum, k.pgd[mm], k.levels - 1, 0);
    checkRetired(k, t, mm);
    compare(t, mm, 'tables', k.mm.tables[mm], sum[SUM.tables]);
    compare(t, mm, 'anonRss', k.mm.anonRss[mm], sum[SUM.anon]);
    compare(t, mm, 'fileRss', k.mm.fileRss[mm], sum[SUM.file]);
    compare(t, mm, 'swapEnts', k.mm.swapEnts[mm], sum[SUM.swap]);
    checkUsers(k, t, mm);
  }
}

/** Tables that madvise took out of the tree are empty, and nobody else's. */
function checkRetired(k: Kernel, t: Tally, mm: MmId): void {
  for (let table = k.mm.retired[mm]; table !== 0; table = k.page.lruNext[table]) {
    claim(k, t, t.kernel, table, `a retired page table of mm ${mm}`);
    if (!tableEmpty(k, table))
      t.findings.push(`mm ${mm}: retired page table ${table} is not empty`);
  }
}

function compare(t: Tally, mm: MmId, what: string, said: number, counted: number): void {
  if (said !== counted) t.findings.push(`mm ${mm}: ${what} ${said}, counted ${counted}`);
}

function checkUsers(k: Kernel, t: Tally, mm: MmId): void {
  let tasks = 0;
  for (let task = 1; task < k.task.mm.length; task++) if (k.task.mm[task] === mm) tasks++;
  compare(t, mm, 'users', k.mm.users[mm], tasks);
}

/** Page number `vpn` of `mm`, for messages. */
function place(mm: MmId, vpn: Vpn): string {
  return `mm ${mm}: page 0x${vpn.toString(16)}`;
}

function walkTable(
  k: Kernel,
  t: Tally,
  sum: Int32Array,
  table: Pfn,
  level: number,
  base: Vpn,
): void {
  claimTable(k, t, sum, table);
  const first = k.page.slot[table] * PAGE_WORDS;
  if (first === 0) return;
  const span = 2 ** (9 * level);
  let huge = 0;
  for (let i = 0; i < PTRS_PER_TABLE; i++) {
    const lo = k.contents[first + 2 * i];
    const hi = k.contents[first + 2 * i + 1];
    if (lo === 0 && hi === 0) continue;
    const vpn = base + i * span;
    if (level > 0 && isTable(lo)) walkTable(k, t, sum, entryPfn(lo, hi), level - 1, vpn);
    else if (isPresent(lo)) huge += presentLeaf(k, t, sum, vpn, level, lo, hi);
    else absentLeaf(k, t, sum, vpn, lo, hi);
  }
  if (level === LEVEL.pmd) checkDeposits(k, t, sum, table, huge);
}

function claimTable(k: Kernel, t: Tally, sum: Int32Array, table: Pfn): void {
  claim(k, t, t.kernel, table, `a page table of mm ${sum[SUM.mm]}`);
  if ((k.page.flags[table] & PG.table) === 0)
    t.findings.push(`page ${table} is used as a page table by mm ${sum[SUM.mm]} without PG.table`);
  sum[SUM.tables] += 1;
}

/** Tables kept for the splitting of huge pages: one, empty, for each transparent huge entry of the table. */
function checkDeposits(k: Kernel, t: Tally, sum: Int32Array, table: Pfn, huge: number): void {
  let kept = 0;
  for (let d = k.page.lruNext[table]; d !== 0 && kept <= huge; d = k.page.lruNext[d]) {
    claimTable(k, t, sum, d);
    if (k.page.slot[d] !== 0 && !tableEmpty(k, d))
      t.findings.push(`page table ${d}, kept for a split, is not empty`);
    kept += 1;
  }
  if (kept !== huge)
    t.findings.push(
      `mm ${sum[SUM.mm]}: page table ${table} keeps ${kept} tables for ${huge} huge entries`,
    );
}

/** A present entry. 1: it is a transparent huge page. */
function presentLeaf(
  k: Kernel,
  t: Tally,
  sum: Int32Array,
  vpn: Vpn,
  level: number,
  lo: number,
  hi: number,
): number {
  const mm = sum[SUM.mm];
  const pfn = entryPfn(lo, hi);
  const vma = vmaAt(k, mm, vpn);
  if (vma === 0) t.findings.push(`${place(mm, vpn)} maps page ${pfn}, but no VMA is there`);
  if (level > 0 && !isLeaf(lo))
    t.findings.push(
      `${place(mm, vpn)}: entry ${lo.toString(16)} of level ${level} is neither table nor leaf`,
    );
  if (isHugeZero(k, pfn) || pfn === k.zeroPfn) {
    if ((lo & PTE.write) !== 0)
      t.findings.push(`${place(mm, vpn)} maps the page of zeros writable`);
    return level === LEVEL.pmd ? 1 : 0;
  }
  if (isDevmap(hi)) return 0;
  claim(k, t, t.mappings, pfn, `${place(mm, vpn)}`);
  if (pfn <= 0 || pfn >= k.pages) return 0;
  const folio = headOf(k, pfn);
  const hugetlb = isHugetlb(k, folio);
  if (vma !== 0 && hugetlb !== ((k.vma.flags[vma] & VM.hugetlb) !== 0)) {
    t.findings.push(`${place(mm, vpn)} maps page ${pfn}, of hugetlb or not, against its VMA`);
  }
  if (level === 0) {
    t.pteMaps[pfn] += 1;
    if (isAnon(k, folio)) sum[SUM.anon] += 1;
    else sum[SUM.file] += 1;
  } else {
    t.entireMaps[folio] += 1;
    if (pfn !== folio || orderOf(k, folio) !== 9 * level) {
      t.findings.push(
        `${place(mm, vpn)}: entry of level ${level} maps page ${pfn} of a folio of order ${orderOf(k, folio)} at ${folio}`,
      );
    }
    if (isZoneDevice(k, pfn)) sum[SUM.file] += 1 << (9 * level);
    else if (!hugetlb) sum[SUM.anon] += HPAGE_PMD_NR;
  }
  if (vma !== 0) checkOwner(k, t, vma, vpn, pfn, lo);
  return level === LEVEL.pmd && !hugetlb && !isZoneDevice(k, pfn) ? 1 : 0;
}

/** Reverse mapping must find the entry, (A.14.2) a writable private page is exclusive, (A.23.2) a clean shared one not writable. */
function checkOwner(k: Kernel, t: Tally, vma: VmaId, vpn: Vpn, pfn: Pfn, lo: number): void {
  const folio = headOf(k, pfn);
  const mm = k.vma.mm[vma];
  if (isKsm(k, folio)) return;
  const anon = isAnon(k, folio);
  const owned = anon
    ? anonVmaOf(k, folio) === k.vma.anonVma[vma]
    : fileOf(k, folio) === k.vma.file[vma];
  if (!owned)
    t.findings.push(
      `${place(mm, vpn)} maps page ${pfn}, whose mapping word is ${k.page.mapping[folio]}: not of VMA ${vma}`,
    );
  const index = k.page.index[folio] + (pfn - folio);
  if ((anon || isFile(k, folio)) && index !== linearIndex(k, vma, vpn)) {
    t.findings.push(
      `${place(mm, vpn)} maps page ${pfn} of index ${index}, the VMA says ${linearIndex(k, vma, vpn)}`,
    );
  }
  if ((lo & PTE.write) === 0) return;
  if (!anon && (k.vma.flags[vma] & VM.shared) === 0)
    t.findings.push(`${place(mm, vpn)} maps page ${pfn} of a file writable in a private mapping`);
  const cached = !anon && !isZoneDevice(k, folio);
  if (cached && vmaWantsNotify(k, vma) && (k.page.flags[folio] & PG.dirty) === 0)
    t.findings.push(
      `${place(mm, vpn)} maps page ${pfn} writable, which its file system takes for clean`,
    );
  if (anon && k.rules.anon.exclusive && !pageAnonExclusive(k, pfn)) {
    t.findings.push(`${place(mm, vpn)} maps page ${pfn} writable, which is not exclusive`);
  }
}

function absentLeaf(k: Kernel, t: Tally, sum: Int32Array, vpn: Vpn, lo: number, hi: number): void {
  const mm = sum[SUM.mm];
  const offset = swpOffset(lo, hi);
  if (vmaAt(k, mm, vpn) === 0)
    t.findings.push(`${place(mm, vpn)} has a swap entry, but no VMA is there`);
  if (isMigrationEntry(lo, hi)) {
    if (isAnon(k, headOf(k, offset))) sum[SUM.anon] += 1;
    else sum[SUM.file] += 1;
    t.findings.push(
      `${place(mm, vpn)} has a migration entry for page ${offset}, which nobody moves`,
    );
    return;
  }
  if (swpType(hi) === SWP.devicePrivate) {
    claim(k, t, t.mappings, offset, place(mm, vpn));
    t.pteMaps[offset] += 1;
    sum[SUM.anon] += 1;
    return;
  }
  if (swpType(hi) !== SWP.swap) return;
  sum[SUM.swap] += 1;
  if (offset <= 0 || offset >= t.swapRefs.length) {
    t.findings.push(`${place(mm, vpn)} names swap slot ${offset}, which there is not`);
    return;
  }
  t.swapRefs[offset] += 1;
  if ((lo & PTE.swpExclusive) !== 0) t.swapExclusive[offset] += 1;
}
