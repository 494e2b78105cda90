/**
 * `gup-fast-run.ts` for memory that several worker threads share: as in the direct form, but each
 * reference is taken by compare-and-exchange, and entries and folios are looked at again afterwards
 * (A.13.4f, g), all of a table together. A page that has changed is given back with those behind it.
 * The looks are plain reads: the atomic operations between them keep their order.
 */
import { PTE } from '../machine/entry.ts';
import { PG } from '../machine/page.ts';
import { takeRun } from '../machine/shared-runs.ts';
import type { EntryAddr } from '../machine/types.ts';
import { FOLL } from './foll.ts';
import { countsAsPin, gupPutFolio } from './grab.ts';
import { listEntries, plainRunMask, plainRunPossible, RUN_FLAGS } from './gup-fast-run-page.ts';
import { outputRuns, runPage } from './gup-output.ts';
import { checkPinnedExclusive } from './gup-unshare.ts';
import type { Kernel } from './kernel.ts';
import { PIN_BIAS } from './pinned.ts';
import { vmstatAdd } from './vmstat.ts';
import { VMSTAT } from './vmstat-items.ts';

// Constants of this file: the loops hold no object for them.
const LOOKED = RUN_FLAGS.looked;
const WANTED = RUN_FLAGS.wanted;

/** As in the other forms; ordinary means what gup-fast-run-page.ts says. */
export function takePlainRun(
  k: Kernel,
  pmd: EntryAddr,
  pmdLo: number,
  pmdHi: number,
  first: EntryAddr,
  n: number,
  flags: number,
  pages: number,
  nr: number,
): number {
  const { recheckPte, recheckPmd, recheckFolio } = k.rules.fast;
  // Kernels that don't look again are the general walk's affair, as it is what they miss.
  if (!recheckPte || !recheckPmd || recheckFolio === 'none') return 0;
  if (!plainRunPossible(k, flags)) return 0;
  const pin = countsAsPin(k, flags);
  const out = pages + nr;
  const { contents, kmem } = k;
  const there = listEntries(contents, first, n, plainRunMask(flags), kmem, out);
  const { flags: pageFlags, refcount } = k.page;
  const each = pin ? PIN_BIAS : 1;
  const taken = takeRun(kmem, out, there, pageFlags, refcount, LOOKED, WANTED, each);
  // Every grab counts, those that are given up at once too (A.27.3).
  if (pin && taken > 0 && k.rules.pin.counters) vmstatAdd(k, 0, VMSTAT.nr_foll_pin_acquired, taken);
  const pmdStands = contents[pmd] === pmdLo && contents[pmd + 1] === pmdHi;
  const kept = pmdStands ? stillListed(contents, first, taken, kmem, out, pageFlags, flags) : 0;
  for (let i = kept; i < taken; i++) gupPutFolio(k, kmem[out + i], 1, flags);
  return kept;
}

/** How many of the `n` pages listed at `out` still are what their entries and flags say. */
function stillListed(
  contents: Int32Array,
  first: EntryAddr,
  n: number,
  kmem: Int32Array,
  out: number,
  pageFlags: Int32Array,
  flags: number,
): number {
  const mask = plainRunMask(flags);
  const need = mask & ~PTE.special;
  let e = first | 0;
  let at = out | 0;
  const to = (at + n) | 0;
  while (at < to) {
    const pfn = kmem[at];
    const lo = contents[e];
    const hi = contents[(e + 1) | 0];
    const moved = ((lo >>> 12) | (hi << 20)) ^ pfn;
    const changed = ((lo & mask) ^ need) | (hi & ~0xfff);
    if ((moved | changed | ((pageFlags[pfn] & LOOKED) ^ WANTED)) !== 0) break;
    e = (e + 2) | 0;
    at = (at + 1) | 0;
  }
  return (at - out) | 0;
}

/** As in the other forms. */
export function checkPinnedPages(k: Kernel, pages: number, nr: number, flags: number): void {
  if ((flags & FOLL.pin) === 0 || k.rules.pin.debugExclusive === 'none') return;
  const runs = outputRuns(k, pages, nr, flags);
  const pageFlags = k.page.flags;
  for (let i = 0; i < runs; i++) {
    const pfn = runPage(k, pages, i, flags);
    if ((pageFlags[pfn] & PG.anonExclusive) === 0) checkPinnedExclusive(k, pfn, flags);
  }
}
