/**
 * Splitting a huge page because one of its pages is wanted alone (try_to_split_thp_page(), try_to_merge_one_page()).
 * Rules: semantics.md A.20.2.
 */
import { EBUSY } from '../machine/errno.ts';
import { folioTrylock, folioUnlock } from '../machine/locks.ts';
import type { Pfn, Steps } from '../machine/types.ts';
import { headOf, isLarge } from './folio.ts';
import { splitHugePageFor } from './huge-split.ts';
import type { Kernel } from './kernel.ts';

/**
 * The caller has one reference on the folio of `page`, and its lock. 0: `page` is a folio of its own, and reference and lock are its;
 * -EBUSY: somebody else refers to the folio, and the lock is released, the reference kept.
 */
export function* splitToPage(k: Kernel, page: Pfn): Steps<number> {
  const head = headOf(k, page);
  if (!isLarge(k, head)) return 0;
  const error = yield* splitHugePageFor(k, head, page, true);
  if (error === 0) return 0;
  yield* folioUnlock(k, head);
  return -EBUSY;
}

/** As `splitToPage`, with the lock taken here: -EBUSY too when somebody else has it. */
export function* trySplitToPage(k: Kernel, page: Pfn): Steps<number> {
  const locked = yield* folioTrylock(k, headOf(k, page));
  if (!locked) return -EBUSY;
  return yield* splitToPage(k, page);
}
