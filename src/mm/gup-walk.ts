/**
 * The slow walk: finds the page at an address under the page table lock, decides whether the caller
 * may have it, takes references and stores it (mm/gup.c: follow_page_mask(), follow_page_pte(),
 * follow_huge_pmd(), the tail of __get_user_pages()). Rules: semantics.md A.4.6, A.6, A.8, S9, S40.
 *
 * Tables above the leaf are looked at without steps: mmap_lock keeps them, and what is found is
 * read again under the lock of the table that holds the leaf.
 */
import { at, R, READ } from '../machine/access.ts';
import { touchAlso } from '../machine/also.ts';
import { entryHi, entryRead, entrySet } from '../machine/entries.ts';
import { entryPfn, isNone, isPresent, isProtnone, PTE } from '../machine/entry.ts';
import { EEXIST, EFAULT, ENOMEM } from '../machine/errno.ts';
import { BUG, bug } from '../machine/report.ts';
import type { EntryAddr, Pfn, Steps, VmaId, Vpn } from '../machine/types.ts';
import { isDevmap } from './dax-insert.ts';
import { getDevPagemap, isZoneDevice, putDevPagemap } from './dev-pagemap.ts';
import { vmaAccessible } from './fault-common.ts';
import { headOf, isAnon, isHugetlb, isZeroPfn, pageAnonExclusive } from './folio.ts';
import { FOLL } from './foll.ts';
import { storePages, takePage, takeRest, touchFolio } from './gup-take.ts';
import { splitHugePmd } from './huge-split.ts';
import { vmaHugeOrder } from './hugetlb.ts';
import { hugeIndex } from './hugetlb-resv.ts';
import { type Kernel, MISC } from './kernel.ts';
import { cacheSlot } from './page-cache.ts';
import {
  entryPeek,
  isLeaf,
  isTable,
  PMD_PAGES,
  PUD_PAGES,
  pmdEntry,
  pteAlloc,
  pteEntry,
  pteLock,
  pteUnlock,
  pudEntry,
} from './pgtable.ts';
import { VM } from './vma.ts';

/** `followPages`: no page that the caller may have; call the fault handler. */
export const NO_PAGE = 0;

/**
 * follow_page_mask() and what __get_user_pages() does with its page: takes up to `want` pages from
 * `vpn`, all from one entry, and stores them at `pages` behind the `nr` already there. Returns how
 * many; `NO_PAGE`; -EMLINK when the page must be unshared first; -EEXIST for an entry without a
 * page structure; `NO_ROOM`; another -errno.
 */
export function* followPages(
  k: Kernel,
  vma: VmaId,
  vpn: Vpn,
  flags: number,
  want: number,
  pages: number,
  nr: number,
): Steps<number> {
  const mm = k.vma.mm[vma];
  const pud = pudEntry(k, mm, vpn);
  if (pud === 0) return noPageTable(k, vma, vpn, flags);
  if (isLeaf(entryPeek(k, pud)))
    return yield* followLeaf(k, vma, vpn, pud, PUD_PAGES, flags, want, pages, nr);
  const pmd = pmdEntry(k, mm, vpn);
  if (pmd === 0) return noPageTable(k, vma, vpn, flags);
  if (isLeaf(entryPeek(k, pmd)))
    return yield* followLeaf(k, vma, vpn, pmd, PMD_PAGES, flags, want, pages, nr);
  if (!isTable(entryPeek(k, pmd))) return noPageTable(k, vma, vpn, flags);
  return yield* followPte(k, vma, vpn, flags, pages, nr);
}

/**
 * no_page_table(): a hole; in a core dump one that a fault would only fill with zeros is an error (A.6.1). Of hugetlb
 * that is what the page cache has not (hugetlbfs_pagecache_present).
 */
function noPageTable(k: Kernel, vma: VmaId, vpn: Vpn, flags: number): number {
  if ((flags & FOLL.dump) === 0) return NO_PAGE;
  const file = k.vma.file[vma];
  if (file === 0) return -EFAULT;
  if ((k.vma.flags[vma] & VM.hugetlb) === 0) return NO_PAGE;
  touchAlso(k, READ | at(R.pageCache, file));
  const first = hugeIndex(k, vma, vpn) << vmaHugeOrder(k, vma);
  return cacheSlot(k, file, first) === 0 ? -EFAULT : NO_PAGE;
}

/** gup_can_follow_protnone(): whether a PROTNONE entry may be used as it is (A.6.3, S40). */
function mayFollowProtnone(k: Kernel, vma: VmaId, flags: number): boolean {
  const honour = k.rules.gup.numaDefault
    ? (flags & FOLL.force) === 0
    : (flags & FOLL.honorNumaFault) !== 0;
  return !honour || !vmaAccessible(k, vma);
}

/**
 * can_follow_write_pte(), _pmd(): a write needs a writable entry, or FORCE after copy-on-write was
 * broken: told by FOLL_COW and the dirty bit (4.9 to 5.19), by exclusivity since 6.0 (A.6.4, S9).
 * `pfn` 0: no page.
 */
function mayFollowWrite(
  k: Kernel,
  vma: VmaId,
  pfn: Pfn,
  lo: number,
  flags: number,
  huge: boolean,
): boolean {
  if ((lo & PTE.write) !== 0) return true;
  if (k.rules.gup.followForce === 'dropWrite' || (huge && !k.rules.gup.followForceThp))
    return false;
  if (k.rules.gup.followForce === 'cowDirty') {
    // 5.8 breaks copy-on-write without FORCE too, and asks for FOLL_COW alone (S6).
    const forced = k.rules.gup.forceCowBreak || (flags & FOLL.force) !== 0;
    return forced && (flags & FOLL.cow) !== 0 && (lo & PTE.dirty) !== 0;
  }
  const vm = k.vma.flags[vma];
  if ((flags & FOLL.force) === 0 || (vm & (VM.shared | VM.mayShare | VM.write)) !== 0) return false;
  if ((vm & VM.mayWrite) === 0 || pfn === 0) return false;
  if (!isAnon(k, headOf(k, pfn)) || !pageAnonExclusive(k, pfn)) return false;
  const tracked = (vm & VM.softDirty) === 0 && (lo & PTE.softDirty) === 0;
  return !tracked && (lo & PTE.uffdWp) === 0;
}

/** follow_page_pte(). */
function* followPte(
  k: Kernel,
  vma: VmaId,
  vpn: Vpn,
  flags: number,
  pages: number,
  nr: number,
): Steps<number> {
  const e = pteEntry(k, k.vma.mm[vma], vpn);
  if (e === 0) return noPageTable(k, vma, vpn, flags);
  yield* pteLock(k, e);
  const taken = yield* takePte(k, vma, vpn, e, flags);
  yield* pteUnlock(k, e);
  if (taken <= 0) return taken;
  return yield* storePages(k, taken, 1, flags, pages, nr);
}

/** The part of follow_page_pte() under the lock, in the order of A.6. Answers as `takePage`. */
function* takePte(k: Kernel, vma: VmaId, vpn: Vpn, e: EntryAddr, flags: number): Steps<number> {
  const lo = yield* entryRead(k, e);
  const hi = entryHi(k, e);
  // The table was taken away before it could be locked.
  if (pteEntry(k, k.vma.mm[vma], vpn) !== e) return noPageTable(k, vma, vpn, flags);
  if (isNone(lo, hi)) return noPageTable(k, vma, vpn, flags);
  if (!isPresent(lo)) return NO_PAGE;
  if (isProtnone(lo) && !mayFollowProtnone(k, vma, flags)) return NO_PAGE;
  const pfn = entryPfn(lo, hi);
  const special = (lo & PTE.special) !== 0;
  if (isDevmap(hi)) return yield* takeDevmap(k, vma, pfn, lo, flags);
  if ((flags & FOLL.write) !== 0 && !mayFollowWrite(k, vma, special ? 0 : pfn, lo, flags, false))
    return NO_PAGE;
  if (special || isZeroPfn(k, pfn)) {
    if ((flags & FOLL.dump) !== 0) return -EFAULT;
    if (!isZeroPfn(k, pfn)) return -EEXIST;
  }
  const taken = yield* takePage(k, vma, pfn, pfn, lo, flags);
  if (taken > 0 && (flags & FOLL.touch) !== 0) yield* touchFolio(k, headOf(k, pfn), lo, flags);
  return taken;
}

/**
 * The page of a devmap entry, under its device's page map (A.6.5): with FOLL_GET or FOLL_PIN only, and until 4.4 not at
 * all. `NO_PAGE`: the device is being taken away.
 */
function* takeDevmap(k: Kernel, vma: VmaId, pfn: Pfn, lo: number, flags: number): Steps<number> {
  if ((flags & FOLL.write) !== 0 && !mayFollowWrite(k, vma, pfn, lo, flags, false)) return NO_PAGE;
  if ((flags & (FOLL.get | FOLL.pin)) === 0) return -EEXIST;
  if (k.rules.devmap.gup === 'none') return -EFAULT;
  const live = yield* getDevPagemap(k, pfn);
  if (!live) return NO_PAGE;
  const taken = yield* takePage(k, vma, pfn, pfn, lo, flags);
  if (taken > 0 && (flags & FOLL.touch) !== 0) yield* touchFolio(k, headOf(k, taken), lo, flags);
  yield* putDevPagemap(k, pfn);
  return taken;
}

/** follow_pmd_mask(), follow_pud_mask() for a leaf of `span` pages, hugetlb's included. */
function* followLeaf(
  k: Kernel,
  vma: VmaId,
  vpn: Vpn,
  e: EntryAddr,
  span: number,
  flags: number,
  want: number,
  pages: number,
  nr: number,
): Steps<number> {
  if ((flags & FOLL.splitPmd) !== 0 && (k.vma.flags[vma] & VM.hugetlb) === 0) {
    yield* splitHugePmd(k, vma, e, vpn);
    const table = yield* pteAlloc(k, k.vma.mm[vma], vpn);
    if (table === 0) return -ENOMEM;
    return yield* followPte(k, vma, vpn, flags, pages, nr);
  }
  yield* pteLock(k, e);
  const taken = yield* takeLeaf(k, vma, vpn, e, span, flags);
  const split = isTable(k.contents[e]);
  yield* pteUnlock(k, e);
  // Split before it was locked: its pages are mapped one by one now.
  if (taken === NO_PAGE && split) return yield* followPte(k, vma, vpn, flags, pages, nr);
  if (taken <= 0) return taken;
  // follow_devmap_pmd() hands out one page at a time.
  if (k.rules.devmap.walk === 'perPage' && isZoneDevice(k, taken))
    return yield* storePages(k, taken, 1, flags, pages, nr);
  return yield* takeRest(k, taken, Math.min(want, span - (vpn & (span - 1))), flags, pages, nr);
}

/**
 * follow_huge_pmd(): the tests on a huge entry; its head page's flags stand for all (A.6, last
 * paragraph).
 */
function* takeLeaf(
  k: Kernel,
  vma: VmaId,
  vpn: Vpn,
  e: EntryAddr,
  span: number,
  flags: number,
): Steps<number> {
  const lo = yield* entryRead(k, e);
  const head = entryPfn(lo, entryHi(k, e));
  if (isTable(lo)) return NO_PAGE;
  if (!isLeaf(lo)) return noPageTable(k, vma, vpn, flags);
  if (isProtnone(lo) && !mayFollowProtnone(k, vma, flags)) return NO_PAGE;
  const devicePud = span === PUD_PAGES && isDevmap(entryHi(k, e));
  if (devicePud && (flags & FOLL.write) !== 0 && !k.rules.devmap.writePud)
    bug(k, BUG.badEntry, head);
  if ((flags & FOLL.write) !== 0 && !mayFollowWrite(k, vma, head, lo, flags, true)) return NO_PAGE;
  const sub = vpn & (span - 1);
  if (isDevmap(entryHi(k, e))) {
    // A device that goes away is an error at once, and only the entry would be marked (follow_devmap_pmd, touch_pmd).
    const taken = yield* takeDevmap(k, vma, head + sub, lo, flags & ~FOLL.touch);
    return taken === NO_PAGE ? -EFAULT : taken;
  }
  if ((flags & FOLL.dump) !== 0 && head === k.misc[MISC.hugeZero]) return -EFAULT;
  const taken = yield* takePage(k, vma, head + (vpn & (span - 1)), head, lo, flags);
  if (taken > 0 && (flags & FOLL.touch) !== 0 && !isHugetlb(k, headOf(k, taken))) {
    yield* touchLeaf(k, e, flags);
  }
  return taken;
}

/**
 * touch_pmd(): the entry itself is marked used; and dirty by a write, before 4.15 by every call.
 */
function* touchLeaf(k: Kernel, e: EntryAddr, flags: number): Steps<void> {
  const dirty = (flags & FOLL.write) !== 0 || k.rules.thp.touchDirty === 'always';
  const lo = yield* entryRead(k, e);
  yield* entrySet(k, e, lo | PTE.accessed | (dirty ? PTE.dirty : 0), entryHi(k, e));
}
