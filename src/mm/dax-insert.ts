/**
 * Entries that map device memory (memory.c: vmf_insert_mixed(), since 6.15 vmf_insert_page_mkwrite(); huge_memory.c:
 * vmf_insert_pfn_pmd(), vmf_insert_folio_pmd()). Rules: semantics.md A.24.2, S220, S223.
 *
 * Until 6.14 such an entry carries the devmap bit and counts nothing: neither reference nor mapping. Since then it is an
 * ordinary mapping of a file's page.
 */
import { refAdd } from '../machine/atomic.ts';
import { flushTlbRange } from '../machine/cpu.ts';
import { entryClear, entryHi, entryRead, entrySet } from '../machine/entries.ts';
import { entryHiOf, entryLo, entryPfn, isNone, PTE, PTE_HI } from '../machine/entry.ts';
import { HPAGE_PMD_NR, HPAGE_PMD_ORDER } from '../machine/page.ts';
import { BUG, bug } from '../machine/report.ts';
import type { EntryAddr, Pfn, Steps, VmaId, Vpn } from '../machine/types.ts';
import { isZoneDevice } from './dev-pagemap.ts';
import { PTE_MKDIRTY } from './fault-common.ts';
import { VMF } from './fault-flags.ts';
import { folioPut, headOf, orderOf } from './folio.ts';
import type { Kernel } from './kernel.ts';
import { entryCurrent, pmdAlloc, pteAlloc, pteLock, pteUnlock } from './pgtable.ts';
import { folioAddFileRmap, folioRemoveRmap } from './rmap.ts';

/** pte_devmap(), pmd_devmap(): the entry maps device memory without counting it. Takes the high word. */
export function isDevmap(hi: number): boolean {
  return (hi & PTE_HI.devmap) !== 0;
}

/**
 * Maps `pfn` at `vpn`, writable when `write`; an entry for this page that is there already becomes writable. `counted`: an
 * ordinary mapping with a reference. Returns 0, VMF.nopage when something else is mapped, VMF.oom.
 */
export function* insertDevicePte(
  k: Kernel,
  vma: VmaId,
  vpn: Vpn,
  pfn: Pfn,
  write: boolean,
  counted: boolean,
): Steps<number> {
  const mm = k.vma.mm[vma];
  const e = yield* pteAlloc(k, mm, vpn);
  if (e === 0) return VMF.oom;
  yield* pteLock(k, e);
  const lo = yield* entryRead(k, e);
  const hi = entryHi(k, e);
  let result = 0;
  const dirty = write ? PTE.write | PTE_MKDIRTY : 0;
  if (!isNone(lo, hi)) {
    if (entryPfn(lo, hi) !== pfn) result = VMF.nopage;
    else if (dirty !== 0) yield* entrySet(k, e, lo | dirty | PTE.accessed, hi);
  } else if (entryCurrent(k, mm, vpn, e)) {
    if (counted) {
      yield* refAdd(k, pfn, 1);
      yield* folioAddFileRmap(k, pfn, false);
      k.mm.fileRss[mm] += 1;
    }
    const flags = PTE.present | PTE.user | PTE.accessed | dirty;
    yield* entrySet(k, e, entryLo(pfn, flags), entryHiOf(pfn, counted ? 0 : PTE_HI.devmap));
  }
  yield* pteUnlock(k, e);
  return result;
}

/** The page of zeros for a hole of a file (dax_load_hole). 0, VMF.nopage, VMF.oom. */
export function* insertZeroPte(k: Kernel, vma: VmaId, vpn: Vpn): Steps<number> {
  const e = yield* pteAlloc(k, k.vma.mm[vma], vpn);
  if (e === 0) return VMF.oom;
  yield* pteLock(k, e);
  const lo = yield* entryRead(k, e);
  const none = isNone(lo, entryHi(k, e)) && entryCurrent(k, k.vma.mm[vma], vpn, e);
  const flags = PTE.present | PTE.user | PTE.accessed | PTE.special;
  if (none) yield* entrySet(k, e, entryLo(k.zeroPfn, flags), entryHiOf(k.zeroPfn, 0));
  yield* pteUnlock(k, e);
  return none ? 0 : VMF.nopage;
}

/**
 * Maps 512 pages from `pfn` by one entry. Where the design asks for it, an entry over several compound pages is a BUG
 * (S223): a walk that counts once would count on the wrong page.
 */
export function* insertDevicePmd(
  k: Kernel,
  vma: VmaId,
  base: Vpn,
  pfn: Pfn,
  write: boolean,
): Steps<number> {
  const mm = k.vma.mm[vma];
  if (k.rules.devmap.insertCheck && orderOf(k, headOf(k, pfn)) < HPAGE_PMD_ORDER) {
    bug(k, BUG.badEntry, pfn);
    return VMF.sigbus;
  }
  const e = yield* pmdAlloc(k, mm, base);
  if (e === 0) return VMF.oom;
  yield* pteLock(k, e);
  const lo = yield* entryRead(k, e);
  if (isNone(lo, entryHi(k, e))) {
    const counted = k.rules.devmap.mapRefs;
    if (counted) {
      yield* refAdd(k, pfn, 1);
      yield* folioAddFileRmap(k, pfn, true);
      k.mm.fileRss[mm] += HPAGE_PMD_NR;
    }
    const flags =
      PTE.present | PTE.user | PTE.accessed | PTE.pse | (write ? PTE.write | PTE_MKDIRTY : 0);
    yield* entrySet(k, e, entryLo(pfn, flags), entryHiOf(pfn, counted ? 0 : PTE_HI.devmap));
  }
  yield* pteUnlock(k, e);
  return 0;
}

/** zap_huge_pmd() of device memory: the entry, whose lock is held, goes; later faults bring it back. */
export function* clearDevicePmd(k: Kernel, vma: VmaId, e: EntryAddr, base: Vpn): Steps<void> {
  const mm = k.vma.mm[vma];
  const hi = entryHi(k, e);
  const lo = yield* entryClear(k, e);
  const folio = headOf(k, entryPfn(lo, hi));
  const counted = !isDevmap(hi);
  if (counted) {
    yield* folioRemoveRmap(k, folio, true);
    k.mm.fileRss[mm] -= HPAGE_PMD_NR;
  }
  yield* flushTlbRange(k, mm, base, base + HPAGE_PMD_NR);
  if (counted) yield* folioPut(k, folio, 1);
}

/** Whether a leaf maps memory of a device. */
export function mapsDevice(k: Kernel, lo: number, hi: number): boolean {
  return isZoneDevice(k, entryPfn(lo, hi));
}
