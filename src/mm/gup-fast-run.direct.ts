/**
 * `gup-fast-run.ts` for plain memory and one thread: nothing changes between two looks at an entry
 * or a folio, so the second looks of A.13.4 (f, g) are left out, and the two additions of a pin are
 * one. Everything that takes a decision beyond "an ordinary small page" is left to the general
 * walk, which does the same in more steps.
 */
import type { PageArrays } from '../machine/page.ts';
import type { EntryAddr } from '../machine/types.ts';
import { countsAsPin } from './grab.ts';
import { listEntries, plainRunMask, plainRunPossible, RUN_FLAGS } from './gup-fast-run-page.ts';
import type { Kernel } from './kernel.ts';
import { PIN_BIAS } from './pinned.ts';
import { vmstatAdd } from './vmstat.ts';
import { VMSTAT } from './vmstat-items.ts';

// Constants of this file: the loop holds no object for them.
const LOOKED = RUN_FLAGS.looked;
const WANTED = RUN_FLAGS.wanted;

/** As in the other forms; ordinary means what gup-fast-run-page.ts says. */
export function takePlainRun(
  k: Kernel,
  _pmd: EntryAddr,
  _pmdLo: number,
  _pmdHi: number,
  first: EntryAddr,
  n: number,
  flags: number,
  pages: number,
  nr: number,
): number {
  if (!plainRunPossible(k, flags)) return 0;
  const pin = countsAsPin(k, flags);
  const out = pages + nr;
  const there = listEntries(k.contents, first, n, plainRunMask(flags), k.kmem, out);
  const taken = takeListed(k.page, k.kmem, out, there, pin ? PIN_BIAS : 1);
  if (pin && taken > 0 && k.rules.pin.counters) vmstatAdd(k, 0, VMSTAT.nr_foll_pin_acquired, taken);
  return taken;
}

/** Adds `each` references to the `n` pages listed at `out`, as far as they are ordinary. */
function takeListed(
  page: PageArrays,
  kmem: Int32Array,
  out: number,
  n: number,
  each: number,
): number {
  const { refcount, flags } = page;
  let at = out | 0;
  const to = (at + n) | 0;
  while (at < to) {
    const pfn = kmem[at];
    if ((flags[pfn] & LOOKED) !== WANTED) break;
    const references = refcount[pfn];
    if (references <= 0) break;
    refcount[pfn] = references + each;
    at = (at + 1) | 0;
  }
  return (at - out) | 0;
}

/** As in the other forms; with one thread a page that the walk took is still what it was then. */
export function checkPinnedPages(_k: Kernel, _pages: number, _nr: number, _flags: number): void {}
