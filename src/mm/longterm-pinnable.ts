/**
 * Where a page may stay while it is pinned for long (mm.h: folio_is_longterm_pinnable()): neither
 * in a CMA area nor in memory that may be unplugged. Rules: semantics.md A.12.1, S21, S22.
 */
import { pageIsCma, pageIsIsolated, pageIsMovableZone } from '../machine/buddy.ts';
import type { Folio } from '../machine/types.ts';
import { deviceKind } from './dev-pagemap.ts';
import { DEVICE } from './device-tables.ts';
import type { Kernel } from './kernel.ts';

/**
 * folio_is_longterm_pinnable() as the slow path of this kernel asks it: before 5.1 every page,
 * before 5.13 all but CMA.
 */
export function folioIsLongtermPinnable(k: Kernel, folio: Folio): boolean {
  if (k.rules.longterm.cma === 'none' || folio === k.zeroPfn) return true;
  if (looksLikeCma(k, folio)) return false;
  return !k.rules.longterm.movable || !pageIsMovableZone(k, folio);
}

/**
 * What get_pageblock_migratetype() says: a block that somebody has isolated is not MIGRATE_CMA meanwhile. Since 5.19 an
 * isolated block, of whatever memory, is no place for a longterm pin either (S160).
 */
function looksLikeCma(k: Kernel, folio: Folio): boolean {
  if (pageIsIsolated(k, folio)) return k.rules.longterm.isolated;
  return pageIsCma(k, folio);
}

/**
 * The same question in the fast path, which since 5.7 leaves a page that must move to the slow path
 * (A.12.6).
 */
export function fastMayPinLongterm(k: Kernel, folio: Folio): boolean {
  if (k.rules.fast.longtermCheck === 'none' || folio === k.zeroPfn) return true;
  if (looksLikeCma(k, folio)) return false;
  if (k.rules.longterm.fsdaxFolio && deviceKind(k, folio) === DEVICE.fsdax) return false;
  return k.rules.fast.longtermCheck === 'cma' || !pageIsMovableZone(k, folio);
}
