/** Free memory: blocks, counts and structures of free pages; whose content a slot holds. */
import { bitmapNext } from '../machine/bitmap.ts';
import { AREA_FIELDS, MAX_ORDER } from '../machine/machine.ts';
import { PG } from '../machine/page.ts';
import type { Tally } from './audit-tally.ts';
import type { Kernel } from './kernel.ts';

/** Marks the free pages in the tally and checks that they are free in every other respect. */
export function auditBuddy(k: Kernel, t: Tally): void {
  for (let order = 0; order <= MAX_ORDER; order++) {
    const map = k.freeBlocks[order];
    const blocks = k.pages >>> order;
    let block = bitmapNext(map, 0, blocks);
    while (block >= 0) {
      markBlock(k, t, block * 2 ** order, order);
      block = bitmapNext(map, block + 1, blocks);
    }
  }
  for (let i = 0; i < k.areas; i++) checkArea(k, t, i * AREA_FIELDS.words);
  for (let pfn = 0; pfn < k.pages; pfn++) {
    const isHead = (k.page.flags[pfn] & PG.buddy) !== 0;
    if (isHead && t.free[pfn] === 0)
      t.findings.push(`page ${pfn} has PG.buddy, yet is in no free block`);
    const slot = k.page.slot[pfn];
    if (slot !== 0 && k.slotOwner[slot] !== pfn) {
      t.findings.push(
        `page ${pfn} has content slot ${slot}, which belongs to page ${k.slotOwner[slot]}`,
      );
    }
  }
}

function markBlock(k: Kernel, t: Tally, first: number, order: number): void {
  if ((k.page.flags[first] & PG.buddy) === 0 || k.page.private[first] !== order) {
    t.findings.push(
      `free block of order ${order} at page ${first}: its first page does not say so`,
    );
  }
  for (let pfn = first; pfn < first + 2 ** order; pfn++) {
    if (t.free[pfn] !== 0) t.findings.push(`page ${pfn} is in two free blocks`);
    t.free[pfn] = 1;
    checkFreePage(k, t, pfn);
  }
}

/** A free page's structure is all zero, but for what the allocator keeps in the first of a block. */
function checkFreePage(k: Kernel, t: Tally, pfn: number): void {
  const page = k.page;
  const words =
    (page.flags[pfn] & ~PG.buddy) |
    page.refcount[pfn] |
    page.mapcount[pfn] |
    page.compound[pfn] |
    page.mapping[pfn] |
    page.index[pfn] |
    page.lruNext[pfn] |
    page.lruPrev[pfn] |
    page.slot[pfn];
  if (words !== 0) {
    t.findings.push(
      `page ${pfn} is free with _refcount ${page.refcount[pfn]}, flags ${page.flags[pfn].toString(16)}, mapping ${page.mapping[pfn]}, slot ${page.slot[pfn]}`,
    );
  }
}

function checkArea(k: Kernel, t: Tally, a: number): void {
  let free = 0;
  for (let pfn = k.area[a + AREA_FIELDS.start]; pfn < k.area[a + AREA_FIELDS.end]; pfn++)
    free += t.free[pfn];
  const said = k.area[a + AREA_FIELDS.free];
  if (said !== free) {
    t.findings.push(
      `area at page ${k.area[a + AREA_FIELDS.start]}: ${said} pages are said to be free, ${free} are`,
    );
  }
}
