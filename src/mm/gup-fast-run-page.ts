/**
 * Which pages the quick forms of the lockless walk (`gup-fast-run.direct.ts`, `.shared.ts`) take
 * without asking further: small exclusive anonymous ones that were used before. About them none of
 * the questions of A.13.4 has a second answer. Rules: semantics.md A.13.4, A.14.
 */
import { PTE } from '../machine/entry.ts';
import { PG } from '../machine/page.ts';
import type { EntryAddr } from '../machine/types.ts';
import { FOLL } from './foll.ts';
import { neededMask } from './gup-fast-page.ts';
import type { Kernel } from './kernel.ts';

/**
 * Flags that are looked at, and those that must stand. An exclusive page is anonymous (A.14.1), so
 * `fastFolioAllowed` says yes, and the debugging test of a pin too (A.6.7). One that is
 * `referenced` needs no mark, and is no tail page, whose uses its head remembers: so `compound`
 * need not be looked at, which would be one cache line more a page.
 */
export const RUN_FLAGS = {
  looked: PG.referenced | PG.anonExclusive | PG.head | PG.slab | PG.hugetlb,
  wanted: PG.referenced | PG.anonExclusive,
} as const;

/**
 * Whether a call with these flags asks nothing of a page that depends on where it lies: its node's
 * counter, its zone (FOLL_LONGTERM), room in the output.
 */
export function plainRunPossible(k: Kernel, flags: number): boolean {
  if ((flags & (FOLL.ranges | FOLL.longterm)) !== 0 || k.nodes !== 1) return false;
  return (flags & (FOLL.get | FOLL.pin)) !== 0;
}

/**
 * Bits of an entry that decide, as `neededMask`; a read pin of a read-only entry may have to
 * unshare, and is left to the general walk.
 */
export function plainRunMask(flags: number): number {
  const writable = (flags & (FOLL.pin | FOLL.write)) === FOLL.pin ? PTE.write : 0;
  return neededMask(flags) | writable;
}

/**
 * Lists the pages of up to `n` entries from `first` on at `out` in `kmem`, as far as they have all
 * bits of `mask` but the special one, and no attribute in their high word. Returns how many.
 *
 * Its own loop, like each that follows it in the two forms: what a loop holds must fit the
 * processor's registers, and one branch answers all that is asked about an entry.
 */
export function listEntries(
  contents: Int32Array,
  first: EntryAddr,
  n: number,
  mask: number,
  kmem: Int32Array,
  out: number,
): number {
  const need = mask & ~PTE.special;
  let e = first | 0;
  let at = out | 0;
  const to = (at + n) | 0;
  while (at < to) {
    const lo = contents[e];
    const hi = contents[(e + 1) | 0];
    if ((((lo & mask) ^ need) | (hi & ~0xfff)) !== 0) break;
    kmem[at] = (lo >>> 12) | (hi << 20);
    e = (e + 2) | 0;
    at = (at + 1) | 0;
  }
  return (at - out) | 0;
}
