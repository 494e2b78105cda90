/**
 * Moving one unmapped folio to another place (mm/migrate.c: folio_migrate_mapping, folio_migrate_copy,
 * folio_migrate_flags). Rules: semantics.md A.19.1, A.31 V1, V2.
 */
import { at, R, READ, WRITE } from '../machine/access.ts';
import { refAdd, refFreeze, refRead, refUnfreeze } from '../machine/atomic.ts';
import { copyPage } from '../machine/contents.ts';
import { EAGAIN } from '../machine/errno.ts';
import { GUARD } from '../machine/guards.ts';
import { lock, unlock } from '../machine/locks.ts';
import { PG } from '../machine/page.ts';
import type { Folio, Steps } from '../machine/types.ts';
import { enter, leave } from '../machine/workers.ts';
import { filemapReplaceFolio } from './filemap.ts';
import { fileOf, isAnon, isFile, isHugetlb, nrPages } from './folio.ts';
import type { Kernel } from './kernel.ts';
import { inSwapCache, swapSlotOf } from './swap-state.ts';

/** Flags that a folio takes along. */
const MOVED =
  PG.referenced |
  PG.uptodate |
  PG.dirty |
  PG.active |
  PG.swapbacked |
  PG.unevictable |
  PG.mlocked |
  PG.private;

/** References by caches (folio_expected_refs without the isolation's and the mappings'). */
function cacheRefs(k: Kernel, folio: Folio): number {
  const privateRef = (k.page.flags[folio] & PG.private) !== 0 ? 1 : 0;
  if (isFile(k, folio)) return (isHugetlb(k, folio) ? 1 : nrPages(k, folio)) + privateRef;
  return inSwapCache(k, folio) ? nrPages(k, folio) : 0;
}

/**
 * move_to_new_folio(): `dst` takes the place of `src`: cache entry, flags, content. Both are locked and no present
 * entry maps `src`. 0, or -EAGAIN when anybody but the caches and the isolation refers to it; then nothing
 * has changed.
 */
export function* moveFolio(k: Kernel, src: Folio, dst: Folio): Steps<number> {
  const cached = cacheRefs(k, src);
  const moved = cached === 0 ? yield* checkRefs(k, src) : yield* moveCached(k, src, dst, cached);
  if (!moved) return -EAGAIN;
  k.page.mapping[dst] = k.page.mapping[src];
  k.page.index[dst] = k.page.index[src];
  yield* copyFolio(k, src, dst);
  yield WRITE | at(R.flags, dst);
  k.page.flags[dst] |= k.page.flags[src] & MOVED;
  k.page.flags[src] &= ~PG.private;
  // An anonymous folio keeps saying so until it is freed: whoever zaps its migration entry asks what it counts as.
  if (isAnon(k, src)) return 0;
  yield WRITE | at(R.mapping, src);
  k.page.mapping[src] = 0;
  return 0;
}

/** V1 for an anonymous folio in no cache: only the isolation refers to it. */
function* checkRefs(k: Kernel, src: Folio): Steps<boolean> {
  const references = yield* refRead(k, src);
  return references === 1;
}

/** V1 and V2 in a cache: the count is frozen while the entry changes, so that no lookup finds the old folio. */
function* moveCached(k: Kernel, src: Folio, dst: Folio, cached: number): Steps<boolean> {
  const file = fileOf(k, src);
  if (file !== 0) yield* lock(k, R.pageCache, file);
  const frozen = yield* refFreeze(k, src, 1 + cached);
  if (frozen) {
    k.page.mapping[dst] = k.page.mapping[src];
    k.page.index[dst] = k.page.index[src];
    yield* refAdd(k, dst, cached);
    if (file !== 0) {
      filemapReplaceFolio(k, src, dst);
    } else {
      yield WRITE | at(R.swap, 0);
      moveSwapCache(k, src, dst);
    }
    yield* refUnfreeze(k, src, 1);
  }
  if (file !== 0) yield* unlock(k, R.pageCache, file);
  return frozen;
}

function moveSwapCache(k: Kernel, src: Folio, dst: Folio): void {
  enter(k, GUARD.swap);
  const slot = swapSlotOf(k, src);
  k.swap.cache[slot] = dst;
  k.page.private[dst] = slot;
  k.page.private[src] = 0;
  leave(k, GUARD.swap);
  k.page.flags[dst] |= PG.swapcache;
  k.page.flags[src] &= ~PG.swapcache;
}

/** folio_copy(): one step a page; pages of zeros have nothing to see. */
function* copyFolio(k: Kernel, src: Folio, dst: Folio): Steps<void> {
  const n = nrPages(k, src);
  for (let i = 0; i < n; i++) {
    if (k.page.slot[src + i] === 0 && k.page.slot[dst + i] === 0) continue;
    yield READ | at(R.content, src + i);
    copyPage(k, src + i, dst + i);
  }
}
