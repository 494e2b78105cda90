/**
 * Huge PMD entries of anonymous memory: how they are made, and the page table that is kept with each so
 * that splitting it can't fail (huge_memory.c: maybe_pmd_mkwrite, pgtable_trans_huge_deposit/withdraw,
 * get_huge_zero_page). Rules: semantics.md A.14.6, A.20.1.
 */
import { allocPages, freePages, GFP } from '../machine/buddy.ts';
import { entryLo, PTE } from '../machine/entry.ts';
import { GUARD } from '../machine/guards.ts';
import { HPAGE_PMD_NR, HPAGE_PMD_ORDER, PG } from '../machine/page.ts';
import type { EntryAddr, Folio, Pfn, Steps, TaskId, VmaId, Vpn } from '../machine/types.ts';
import { enter, leave } from '../machine/workers.ts';
import { mayWriteBit, PTE_MKDIRTY, pteProt, userGfp } from './fault-common.ts';
import { headOf } from './folio.ts';
import { type Kernel, MISC } from './kernel.ts';
import { tableOf } from './pgtable.ts';

/** First page number of the 2 MiB range that holds `vpn`. */
export function pmdBase(vpn: Vpn): Vpn {
  return vpn - (vpn & (HPAGE_PMD_NR - 1));
}

/** Flags in the low word that an entry keeps when its protection changes or it is split (_PAGE_CHG_MASK). */
export const PMD_KEPT = PTE.accessed | PTE.dirty | PTE.softDirty | PTE.uffdWp | PTE.special;

/**
 * pmd_mkinvalid(): the processor finds no translation, yet software sees a huge page whose lock must be
 * waited for. Written as PROTNONE, which means just that.
 */
export function invalidPmd(lo: number): number {
  return (lo & ~PTE.present) | PTE.protnone;
}

/** is_huge_zero_folio(): a page of the one huge page of zeros. */
export function isHugeZero(k: Kernel, pfn: Pfn): boolean {
  const zero = k.misc[MISC.hugeZero];
  return zero !== 0 && headOf(k, pfn) === zero;
}

/** Low word of the entry for a fresh folio: young, dirty, writable if the mapping allows it. */
export function freshPmdLo(k: Kernel, vma: VmaId, folio: Folio): number {
  return entryLo(
    folio,
    pteProt(k, vma) | PTE.pse | PTE.accessed | PTE_MKDIRTY | mayWriteBit(k, vma),
  );
}

/** Low word of the entry for the huge page of zeros: never writable; special where S249 says so. */
export function zeroPmdLo(k: Kernel, vma: VmaId, zero: Folio): number {
  const special = k.rules.thp.zeroSpecial ? PTE.special : 0;
  return entryLo(zero, (pteProt(k, vma) & ~PTE.write) | PTE.pse | special);
}

/** vma_alloc_folio() of 2 MiB, reference count 1; `gfp` adds GFP bits. 0: no such block is free. `task` 0: no task's policy. */
export function* allocThp(k: Kernel, task: TaskId, gfp: number): Steps<Folio> {
  const policy = task === 0 ? GFP.movable : userGfp(k, task);
  const folio = yield* allocPages(k, HPAGE_PMD_ORDER, policy | GFP.comp | gfp, 0);
  if (folio !== 0) k.page.flags[folio] |= PG.uptodate;
  return folio;
}

/** mm_get_huge_zero_folio(): made at its first use, kept for good. 0: out of memory. */
export function* getHugeZero(k: Kernel): Steps<Folio> {
  if (k.misc[MISC.hugeZero] !== 0) return k.misc[MISC.hugeZero];
  const fresh = yield* allocPages(k, HPAGE_PMD_ORDER, GFP.comp | GFP.zero, 0);
  if (fresh === 0) return 0;
  k.page.flags[fresh] |= PG.uptodate | PG.reserved;
  if (setHugeZero(k, fresh)) return fresh;
  k.page.refcount[fresh] = 0;
  yield* freePages(k, fresh, HPAGE_PMD_ORDER);
  return k.misc[MISC.hugeZero];
}

/** False: somebody else was faster. */
function setHugeZero(k: Kernel, fresh: Folio): boolean {
  enter(k, GUARD.ids);
  const first = k.misc[MISC.hugeZero] === 0;
  if (first) k.misc[MISC.hugeZero] = fresh;
  leave(k, GUARD.ids);
  return first;
}

/**
 * pgtable_trans_huge_deposit(): keeps `table` with the PMD entry `e`: on a list at the page that holds the
 * entry. The caller holds that page's lock.
 */
export function depositTable(k: Kernel, e: EntryAddr, table: Pfn): void {
  const pmd = tableOf(k, e);
  k.page.lruNext[table] = k.page.lruNext[pmd];
  k.page.lruNext[pmd] = table;
}

/** pgtable_trans_huge_withdraw(): takes one back; all its entries are none. */
export function withdrawTable(k: Kernel, e: EntryAddr): Pfn {
  const pmd = tableOf(k, e);
  const table = k.page.lruNext[pmd];
  k.page.lruNext[pmd] = k.page.lruNext[table];
  k.page.lruNext[table] = 0;
  return table;
}
