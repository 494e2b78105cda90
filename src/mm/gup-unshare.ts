/**
 * Must a page become this process's own before it is pinned for reading? (mm/internal.h:
 * gup_must_unshare(); 5.8's should_force_cow_break().) Rules: semantics.md A.8, S6, S7, S8.
 */
import { PG } from '../machine/page.ts';
import { BUG, bug } from '../machine/report.ts';
import type { Pfn, Steps, VmaId } from '../machine/types.ts';
import { headOf, isAnon, pageAnonExclusive } from './folio.ts';
import { FOLL } from './foll.ts';
import type { Kernel } from './kernel.ts';
import { anonExclusiveRead } from './rmap.ts';
import { isCowMapping } from './vma.ts';

/**
 * gup_must_unshare(): asked about an entry without write permission. `vma` 0 is the fast path,
 * which knows no mapping and leaves doubtful pages to the slow path. `pfn` is the exact page (the
 * head for a huge entry).
 */
export function* gupMustUnshare(k: Kernel, vma: VmaId, flags: number, pfn: Pfn): Steps<boolean> {
  if ((flags & (FOLL.write | FOLL.pin)) !== FOLL.pin || !k.rules.gup.unshareAnon) return false;
  if (!isAnon(k, headOf(k, pfn))) {
    if ((flags & FOLL.longterm) === 0 || !k.rules.gup.unshareNonAnonLongterm) return false;
    return vma === 0 || isCowMapping(k.vma.flags[vma]);
  }
  const exclusive = yield* anonExclusiveRead(k, pfn);
  return !exclusive;
}

/** should_force_cow_break() of 5.8: a read in a copy-on-write mapping acts as a write (S6). */
export function forceCowBreak(k: Kernel, vma: VmaId, flags: number): boolean {
  return (
    k.rules.gup.forceCowBreak &&
    (flags & (FOLL.get | FOLL.pin)) !== 0 &&
    isCowMapping(k.vma.flags[vma])
  );
}

/**
 * The DEBUG_VM test at pin time: a pinned anonymous page is exclusive, of a huge one the head or
 * this page (A.6.7, A.10.7).
 */
export function checkPinnedExclusive(k: Kernel, pfn: Pfn, flags: number): void {
  if ((flags & FOLL.pin) === 0 || k.rules.pin.debugExclusive === 'none') return;
  const folio = headOf(k, pfn);
  if (!isAnon(k, folio) || pageAnonExclusive(k, pfn)) return;
  if ((k.page.flags[folio] & PG.anonExclusive) === 0) bug(k, BUG.pinNotExclusive, pfn);
}
