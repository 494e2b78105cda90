/**
 * NUMA hints (memory.c: do_numa_page; huge_memory.c: do_huge_pmd_numa_page): an entry made PROTNONE only to
 * see who uses the page gets its protection back, and the page is moved to the node that wants it, if it can be (migrate_misplaced_folio).
 * The model's processors are all of node 0. From 5.13 the kernel moves first and gives the protection back only where that failed; who
 * looks at the end cannot tell. Huge pages stay where they are.
 * Rules: semantics.md A.6.3, A.14.2 (exclusive pages may be mapped read-only), A.19.6; S27 for who makes the hints.
 */
import { GFP, pageNode } from '../machine/buddy.ts';
import { entrySet } from '../machine/entries.ts';
import { entryPfn, PTE } from '../machine/entry.ts';
import type { EntryAddr, Folio, Steps, VmaId } from '../machine/types.ts';
import { entrySame, mayWriteBit, pteProt } from './fault-common.ts';
import { headOf, isAnon, isLarge, pageAnonExclusive } from './folio.ts';
import type { Kernel } from './kernel.ts';
import { isolateFolio, migrateFolio, putbackFolio } from './migrate.ts';
import { pteLock, pteUnlock } from './pgtable.ts';

/** What pte_modify() keeps besides the page frame. */
const KEPT = ~0xfff | PTE.dirty | PTE.softDirty | PTE.uffdWp | PTE.special | PTE.pse;

/** Handles a fault on the PROTNONE entry `e` (a PTE or a huge PMD) that was read as `lo`, `hi`. Returns `VMF` bits. */
export function* doNumaPage(
  k: Kernel,
  vma: VmaId,
  e: EntryAddr,
  lo: number,
  hi: number,
): Steps<number> {
  yield* pteLock(k, e);
  const same = yield* entrySame(k, e, lo, hi);
  if (same) {
    const write = writableAgain(k, vma, lo, hi) ? PTE.write : 0;
    yield* entrySet(k, e, (lo & KEPT) | pteProt(k, vma) | PTE.accessed | write, hi);
  }
  let folio = 0;
  if (same) folio = yield* misplaced(k, lo, hi);
  yield* pteUnlock(k, e);
  if (folio === 0) return 0;
  const moved = yield* migrateFolio(k, folio, GFP.movable | GFP.thisNode, CPU_NODE);
  if (moved !== 0) yield* putbackFolio(k, folio);
  return 0;
}

/** Node of every processor. */
const CPU_NODE = 0;

/** numamigrate_isolate_folio(): the small folio of the entry, isolated, if another node should have it; else 0. The table is locked. */
function* misplaced(k: Kernel, lo: number, hi: number): Steps<Folio> {
  const pfn = entryPfn(lo, hi);
  if ((lo & (PTE.pse | PTE.special)) !== 0 || pageNode(k, pfn) === CPU_NODE) return 0;
  if (isLarge(k, headOf(k, pfn))) return 0;
  const isolated = yield* isolateFolio(k, pfn);
  return isolated ? pfn : 0;
}

/** The saved write bit (pte_savedwrite), or later can_change_pte_writable() of a private mapping. */
function writableAgain(k: Kernel, vma: VmaId, lo: number, hi: number): boolean {
  if (mayWriteBit(k, vma) === 0) return false;
  if ((lo & PTE.write) !== 0) return true;
  if (!k.rules.mprotect.writableUpgrade || (lo & (PTE.special | PTE.uffdWp)) !== 0) return false;
  const page = entryPfn(lo, hi);
  return isAnon(k, headOf(k, page)) && pageAnonExclusive(k, page);
}
