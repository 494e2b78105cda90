/** The hugetlb pools: their lists and counts, and what is promised to mappings. */
import { PG } from '../machine/page.ts';
import { claim, type Tally } from './audit-tally.ts';
import { orderOf } from './folio.ts';
import { POOL_ORDER, poolOf, vmaHugeOrder } from './hugetlb.ts';
import { reservationMapRefs, unusedByFile, unusedByVma } from './hugetlb-resv.ts';
import type { Kernel } from './kernel.ts';

/** Marks the pools' free folios in the tally, after everybody has claimed what he refers to. */
export function auditHugetlb(k: Kernel, t: Tally): void {
  const all = [0, 0];
  for (let pfn = 1; pfn < k.pages; pfn++) {
    if ((k.page.flags[pfn] & PG.hugetlb) !== 0) all[poolOf(orderOf(k, pfn))] += 1;
  }
  const promised = [0, 0];
  for (let vma = 1; vma < k.vma.mm.length; vma++) {
    if (k.hugetlb.vmaResv[vma] !== 0) promised[poolOf(vmaHugeOrder(k, vma))] += unusedByVma(k, vma);
  }
  for (let file = 1; file < k.file.kind.length; file++) {
    if (k.hugetlb.fileResv[file] !== 0)
      promised[poolOf(k.file.order[file])] += unusedByFile(k, file);
  }
  for (let pool = 0; pool < POOL_ORDER.length; pool++) {
    const free = walkPool(k, t, pool);
    compare(t, pool, 'nrFree', k.hugetlb.nrFree[pool], free);
    compare(t, pool, 'nrTotal', k.hugetlb.nrTotal[pool], all[pool]);
    compare(t, pool, 'reserved', k.hugetlb.reserved[pool], promised[pool]);
    if (k.hugetlb.reserved[pool] > free)
      t.findings.push(
        `hugetlb pool ${pool} promises ${k.hugetlb.reserved[pool]} of ${free} free folios`,
      );
  }
  checkMaps(k, t);
}

function compare(t: Tally, pool: number, what: string, said: number, counted: number): void {
  if (said !== counted)
    t.findings.push(`hugetlb pool ${pool}: ${what} ${said}, counted ${counted}`);
}

function walkPool(k: Kernel, t: Tally, pool: number): number {
  let n = 0;
  for (let folio = k.hugetlb.freeFirst[pool]; folio !== 0; folio = k.page.lruNext[folio]) {
    n += 1;
    if (
      orderOf(k, folio) !== POOL_ORDER[pool] ||
      (k.page.flags[folio] & PG.hugetlb) === 0 ||
      t.free[folio] !== 0
    ) {
      t.findings.push(`hugetlb pool ${pool} has page ${folio}, which is no free huge page`);
      return n;
    }
    t.free[folio] = 1;
  }
  return n;
}

/** Reservation maps: pages of the kernel, shared by the halves of a split mapping. */
function checkMaps(k: Kernel, t: Tally): void {
  const users = new Int32Array(k.pages);
  for (let vma = 1; vma < k.vma.mm.length; vma++) users[k.hugetlb.vmaResv[vma]] += 1;
  for (let file = 1; file < k.file.kind.length; file++) users[k.hugetlb.fileResv[file]] += 1;
  for (let map = 1; map < k.pages; map++) {
    if (users[map] === 0) continue;
    claim(k, t, t.kernel, map, 'a reservation of hugetlb');
    const said = reservationMapRefs(k, map);
    if (said !== users[map])
      t.findings.push(`reservation map in page ${map}: ${said} references, ${users[map]} counted`);
  }
}
