/**
 * Cleaning a page of a file for writeback (mm/rmap.c: folio_mkclean; page-writeback.c: folio_clear_dirty_for_io): every
 * shared mapping loses its right to write, so that the next store is a fault that the file system sees. Devices have
 * no page table: they write on, and nothing here asks whether the page is pinned. Rules: semantics.md A.23.2, A.31 W1
 * to W3.
 */
import { flagTestAndClear } from '../machine/atomic.ts';
import { entryClear, entryHi, entryRead, entrySet } from '../machine/entries.ts';
import { entryPfn, isPresent, PTE } from '../machine/entry.ts';
import { PG } from '../machine/page.ts';
import type { Folio, Steps, VmaId, Vpn } from '../machine/types.ts';
import { flushTlbPage } from './fault-common.ts';
import { folioMapcount } from './folio.ts';
import type { Kernel } from './kernel.ts';
import { invalidateEnd, invalidateStart } from './mmu-notifier.ts';
import { pteEntry, pteLock, pteUnlock } from './pgtable.ts';
import { rmapFirst, rmapNext, rmapVpn } from './rmap.ts';
import { rmapLock, rmapUnlock } from './rmap-walk.ts';
import { folioMarkDirty } from './set-dirty.ts';
import { VM } from './vma.ts';

/**
 * folio_mkclean(): makes the entries of all shared mappings of a locked small folio clean and read-only, and flushes.
 * True when one of them was writable or dirty.
 */
export function* folioMkclean(k: Kernel, folio: Folio): Steps<boolean> {
  if (folioMapcount(k, folio) === 0) return false;
  let cleaned = false;
  yield* rmapLock(k, folio);
  for (let vma = rmapFirst(k, folio); vma !== 0; vma = rmapNext(k, folio, vma)) {
    const vpn = rmapVpn(k, folio, 0, vma);
    if (vpn < 0 || (k.vma.flags[vma] & VM.shared) === 0) continue;
    const one = yield* mkcleanOne(k, folio, vma, vpn);
    if (one) cleaned = true;
  }
  yield* rmapUnlock(k, folio);
  return cleaned;
}

/** page_mkclean_one(). */
function* mkcleanOne(k: Kernel, folio: Folio, vma: VmaId, vpn: Vpn): Steps<boolean> {
  const mm = k.vma.mm[vma];
  const told = yield* invalidateStart(k, mm, vpn, vpn + 1);
  const cleans = yield* mkcleanTold(k, folio, vma, vpn);
  yield* invalidateEnd(k, mm, told);
  return cleans;
}

function* mkcleanTold(k: Kernel, folio: Folio, vma: VmaId, vpn: Vpn): Steps<boolean> {
  const e = pteEntry(k, k.vma.mm[vma], vpn);
  if (e === 0) return false;
  yield* pteLock(k, e);
  const seen = yield* entryRead(k, e);
  const hi = entryHi(k, e);
  const mapped = isPresent(seen) && entryPfn(seen, hi) === folio;
  const cleans = mapped && (seen & (PTE.dirty | PTE.write)) !== 0;
  if (cleans) {
    const lo = yield* entryClear(k, e);
    yield* flushTlbPage(k, k.vma.mm[vma], vpn);
    yield* entrySet(k, e, lo & ~(PTE.dirty | PTE.write), hi);
  }
  yield* pteUnlock(k, e);
  return cleans;
}

/** folio_clear_dirty_for_io(): true when there is something to write. The folio is locked. */
export function* clearDirtyForIo(k: Kernel, folio: Folio): Steps<boolean> {
  const cleaned = yield* folioMkclean(k, folio);
  if (cleaned) yield* folioMarkDirty(k, folio);
  return yield* flagTestAndClear(k, folio, PG.dirty);
}
