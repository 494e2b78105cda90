/**
 * "May this page be under DMA?" (mm.h: folio_maybe_dma_pinned(), folio_needs_cow_for_dma()).
 * Rules: semantics.md A.11, A.9.4, S10, S12, B.2.
 */
import { pincountRead, refRead } from '../machine/atomic.ts';
import type { Folio, Steps, VmaId } from '../machine/types.ts';
import { dmaPinned, tracksGup } from './dma-pinned.ts';
import { orderOf } from './folio.ts';
import { mmHasPinned } from './has-pinned.ts';
import type { Kernel } from './kernel.ts';

/** GUP_PIN_COUNTING_BIAS: how many references one FOLL_PIN pin of a small folio is. */
export const PIN_BIAS = 1024;

/** folio_has_pincount(): the folio counts its pins apart from its references (A.9.4). */
export function hasPincount(k: Kernel, folio: Folio): boolean {
  return orderOf(k, folio) >= k.rules.pin.largePincountMinOrder;
}

/**
 * folio_maybe_dma_pinned(), page_maybe_dma_pinned() before folios: exact for folios with a pin
 * count; others answer yes from 1024 references on, whoever holds them, and yes for a count that
 * overflowed (A.11.1); the proposal of 2019, page_dma_pinned(), compares the signed count and says
 * no then (B.2). Never no while a FOLL_PIN pin exists; references by FOLL_GET are not seen
 * (A.11.3).
 */
export function* folioMaybeDmaPinned(k: Kernel, folio: Folio): Steps<boolean> {
  if (tracksGup(k)) return yield* dmaPinned(k, folio);
  if (k.rules.pin.impl !== 'bias') return false;
  if (hasPincount(k, folio)) {
    const pins = yield* pincountRead(k, folio);
    return pins > 0;
  }
  const references = yield* refRead(k, folio);
  return k.rules.pin.pinnedCheck === 'signed'
    ? references >= PIN_BIAS
    : references >>> 0 >= PIN_BIAS;
}

/**
 * folio_needs_cow_for_dma(): fork must copy the folio now, for its owner may have it under DMA
 * (A.11.2).
 */
export function* folioNeedsCowForDma(k: Kernel, vma: VmaId, folio: Folio): Steps<boolean> {
  const everPinned = yield* mmHasPinned(k, k.vma.mm[vma]);
  if (!everPinned) return false;
  return yield* folioMaybeDmaPinned(k, folio);
}
