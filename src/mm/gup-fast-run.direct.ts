/**
 * `gup-fast-run.ts` for plain memory and one thread: nothing changes between two looks at an entry
 * or a folio, so the second looks of A.13.4 (f, g) are left out, and the two additions of a pin are
 * one. Everything that takes a decision beyond "an ordinary small page" is left to the general
 * walk, which does the same in more steps.
 */
import { PTE, PTE_HI } from '../machine/entry.ts';
import { MAPPING_ANON, PG } from '../machine/page.ts';
import type { EntryAddr } from '../machine/types.ts';
import { FOLL } from './foll.ts';
import { countsAsPin } from './grab.ts';
import { neededMask, TEST } from './gup-fast-page.ts';
import type { Kernel } from './kernel.ts';
import { PIN_BIAS } from './pinned.ts';
import { vmstatAdd } from './vmstat.ts';
import { VMSTAT } from './vmstat-items.ts';

/**
 * As in the other forms; ordinary means: small, anonymous where that is asked, counted by GET or
 * PIN.
 */
export function takePlainRun(
  k: Kernel,
  first: EntryAddr,
  n: number,
  flags: number,
  tests: number,
  pages: number,
  nr: number,
): number {
  if ((tests & TEST.room) !== 0 || k.nodes !== 1 || (flags & FOLL.longterm) !== 0) return 0;
  if ((flags & (FOLL.get | FOLL.pin)) === 0) return 0;
  const { refcount, compound, mapping, flags: pageFlags } = k.page;
  const { contents, kmem, zeroPfn } = k;
  const pin = countsAsPin(k, flags);
  const each = pin ? PIN_BIAS : 1;
  // A read pin of a read-only entry may have to unshare.
  const writable = (flags & (FOLL.pin | FOLL.write)) === FOLL.pin ? PTE.write : 0;
  const mask = neededMask(flags) | writable;
  const need = mask & ~PTE.special;
  const anon = (tests & TEST.kind) !== 0 ? MAPPING_ANON : 0;
  const out = pages + nr;
  let i = 0;
  for (; i < n; i++) {
    const lo = contents[first + 2 * i];
    const hi = contents[first + 2 * i + 1];
    if ((lo & mask) !== need || (hi & PTE_HI.devmap) !== 0) break;
    const pfn = (lo >>> 12) | ((hi & 0xfff) << 20);
    if (compound[pfn] !== 0 || pfn === zeroPfn) break;
    const references = refcount[pfn];
    if (references <= 0 || (mapping[pfn] & anon) !== anon) break;
    if ((pageFlags[pfn] & (PG.referenced | PG.slab | PG.hugetlb)) !== PG.referenced) break;
    refcount[pfn] = references + each;
    kmem[out + i] = pfn;
  }
  if (pin && i > 0 && k.rules.pin.counters) vmstatAdd(k, 0, VMSTAT.nr_foll_pin_acquired, i);
  return i;
}

/** As in the other forms; with one thread a page that the walk took is still what it was then. */
export function checkPinnedPages(_k: Kernel, _pages: number, _nr: number, _flags: number): void {}
