/**
 * Copies of huge pages (mm/memory.c: copy_user_large_folio). Not atomic with DMA: each 4 KiB page is
 * copied at its own time (A.16.5).
 */
import { at, R, READ } from '../machine/access.ts';
import { copyPage } from '../machine/contents.ts';
import type { Pfn, Steps } from '../machine/types.ts';
import { folioMapcount, headOf } from './folio.ts';
import type { Kernel } from './kernel.ts';

/** Copies `n` pages from `from` to `to`; the target isn't reachable for anybody else yet. */
export function* copyHugePages(k: Kernel, from: Pfn, to: Pfn, n: number): Steps<void> {
  // A page of zeros is worth a step of its own only while somebody may be writing to it by DMA: who
  // holds references beyond the mappings and the caller's own.
  const folio = headOf(k, from);
  const watched = k.page.refcount[folio] > folioMapcount(k, folio) + 1;
  for (let i = 0; i < n; i++) {
    if (watched || k.page.slot[from + i] !== 0) yield READ | at(R.content, from + i);
    copyPage(k, from + i, to + i);
  }
}
