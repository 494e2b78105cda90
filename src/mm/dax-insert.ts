/**
 * Entries that map device memory (memory.c: vmf_insert_mixed(), since 6.15 vmf_insert_page_mkwrite(); huge_memory.c:
 * vmf_insert_pfn_pmd(), vmf_insert_folio_pmd(), and the same for a PUD). Rules: semantics.md A.24.2, S220, S223.
 *
 * Until 6.14 such an entry carries the devmap bit and counts nothing: neither reference nor mapping. Since then it is an
 * ordinary mapping of a file's page.
 */
import { refAdd } from '../machine/atomic.ts';
import { flushTlbRange } from '../machine/cpu.ts';
import { entryClear, entryHi, entryRead, entrySet } from '../machine/entries.ts';
import { entryHiOf, entryLo, entryPfn, isNone, PTE, PTE_HI } from '../machine/entry.ts';
import { HPAGE_PUD_ORDER } from '../machine/page.ts';
import { BUG, bug } from '../machine/report.ts';
import type { EntryAddr, Pfn, Steps, VmaId, Vpn } from '../machine/types.ts';
import { isZoneDevice } from './dev-pagemap.ts';
import { PTE_MKDIRTY } from './fault-common.ts';
import { VMF } from './fault-flags.ts';
import { folioPut, headOf, orderOf } from './folio.ts';
import type { Kernel } from './kernel.ts';
import {
  entryAlloc,
  entryCurrent,
  entryPeek,
  isLeaf,
  LEVEL,
  PUD_PAGES,
  pteAlloc,
  pteLock,
  pteUnlock,
  pudEntry,
} from './pgtable.ts';
import { folioAddFileRmap, folioRemoveRmap } from './rmap.ts';
import { VM } from './vma.ts';

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
 * Maps the 2^`order` pages from `pfn` by one entry, of a PMD or a PUD. Where the design asks for it, an entry over several
 * compound pages is a BUG (S223): a walk that counts once would count on the wrong page.
 */
export function* insertDeviceLeaf(
  k: Kernel,
  vma: VmaId,
  base: Vpn,
  pfn: Pfn,
  write: boolean,
  order: number,
): Steps<number> {
  const mm = k.vma.mm[vma];
  if (k.rules.devmap.insertCheck && orderOf(k, headOf(k, pfn)) < order) {
    bug(k, BUG.badEntry, pfn);
    return VMF.sigbus;
  }
  const level = order === HPAGE_PUD_ORDER ? LEVEL.pud : LEVEL.pmd;
  const e = yield* entryAlloc(k, mm, base, level);
  if (e === 0) return VMF.oom;
  yield* pteLock(k, e);
  const lo = yield* entryRead(k, e);
  if (isNone(lo, entryHi(k, e))) {
    const counted = k.rules.devmap.mapRefs;
    if (counted) {
      yield* refAdd(k, pfn, 1);
      yield* folioAddFileRmap(k, pfn, true);
      k.mm.fileRss[mm] += 1 << order;
    }
    const flags =
      PTE.present | PTE.user | PTE.accessed | PTE.pse | (write ? PTE.write | PTE_MKDIRTY : 0);
    yield* entrySet(k, e, entryLo(pfn, flags), entryHiOf(pfn, counted ? 0 : PTE_HI.devmap));
  } else if (write && isLeaf(lo) && (lo & PTE.write) === 0) {
    yield* entrySet(k, e, lo | PTE.accessed | PTE.write | PTE_MKDIRTY, entryHi(k, e));
  }
  yield* pteUnlock(k, e);
  return 0;
}

/**
 * zap_huge_pmd(), zap_huge_pud() of device memory: the entry over the 2^`order` pages from `base`, whose lock is held, goes;
 * later faults bring it back.
 */
export function* clearDeviceLeaf(
  k: Kernel,
  vma: VmaId,
  e: EntryAddr,
  base: Vpn,
  order: number,
): Steps<void> {
  const mm = k.vma.mm[vma];
  const hi = entryHi(k, e);
  const lo = yield* entryClear(k, e);
  const folio = headOf(k, entryPfn(lo, hi));
  const counted = !isDevmap(hi);
  if (counted) {
    yield* folioRemoveRmap(k, folio, true);
    k.mm.fileRss[mm] -= 1 << order;
  }
  yield* flushTlbRange(k, mm, base, base + (1 << order));
  if (counted) yield* folioPut(k, folio, 1);
}

/** The entry of 1 GiB of device memory for `vpn`; 0: there is none. */
export function devicePud(k: Kernel, vma: VmaId, vpn: Vpn): EntryAddr {
  if (k.zoneDevice.order < HPAGE_PUD_ORDER || (k.vma.flags[vma] & VM.hugetlb) !== 0) return 0;
  const e = pudEntry(k, k.vma.mm[vma], vpn);
  return e !== 0 && isLeaf(entryPeek(k, e)) ? e : 0;
}

/** Takes away the entry of 1 GiB of device memory that maps `vpn`, if there is one: to split such an entry is to clear it. */
export function* clearDevicePud(k: Kernel, vma: VmaId, vpn: Vpn): Steps<void> {
  const e = devicePud(k, vma, vpn);
  if (e === 0) return;
  yield* pteLock(k, e);
  const lo = yield* entryRead(k, e);
  const base = vpn - (vpn % PUD_PAGES);
  // __split_huge_pud_locked(): VM_BUG_ON of a mapping that holds a part of it (S242).
  if (k.vma.start[vma] > base || k.vma.end[vma] < base + PUD_PAGES) bug(k, BUG.badEntry, base);
  else if (isLeaf(lo)) yield* clearDeviceLeaf(k, vma, e, base, HPAGE_PUD_ORDER);
  yield* pteUnlock(k, e);
}

/** Whether a leaf maps memory of a device. */
export function mapsDevice(k: Kernel, lo: number, hi: number): boolean {
  return isZoneDevice(k, entryPfn(lo, hi));
}
