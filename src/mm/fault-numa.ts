/**
 * NUMA hints (memory.c: do_numa_page; huge_memory.c: do_huge_pmd_numa_page): an entry made PROTNONE only to
 * see who uses the page gets its protection back. The model's pages are where they should be: nothing moves.
 * Rules: semantics.md A.6.3, A.14.2 (exclusive pages may be mapped read-only), S27 for who makes the hints.
 */
import { entrySet } from '../machine/entries.ts';
import { entryPfn, PTE } from '../machine/entry.ts';
import type { EntryAddr, Steps, VmaId } from '../machine/types.ts';
import { entrySame, mayWriteBit, pteProt } from './fault-common.ts';
import { headOf, isAnon, pageAnonExclusive } from './folio.ts';
import type { Kernel } from './kernel.ts';
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
  yield* pteUnlock(k, e);
  return 0;
}

/** The saved write bit (pte_savedwrite), or later can_change_pte_writable() of a private mapping. */
function writableAgain(k: Kernel, vma: VmaId, lo: number, hi: number): boolean {
  if (mayWriteBit(k, vma) === 0) return false;
  if ((lo & PTE.write) !== 0) return true;
  if (!k.rules.mprotect.writableUpgrade || (lo & (PTE.special | PTE.uffdWp)) !== 0) return false;
  const page = entryPfn(lo, hi);
  return isAnon(k, headOf(k, page)) && pageAnonExclusive(k, page);
}
