/**
 * The mm's sticky "was ever pinned" flag: mm_set_has_pinned_flag() of mm/gup.c (MMF_HAS_PINNED,
 * before 5.14 the atomic field mm->has_pinned). Rules: semantics.md A.2.5, A.11.2, S12.
 */
import { mmFlagSet, mmFlagsRead } from '../machine/grab-words.ts';
import type { MmId, Steps } from '../machine/types.ts';
import { type Kernel, MMF } from './kernel.ts';

/**
 * Marks `mm` as having made FOLL_PIN references; kernels before 5.9 keep no such flag. Once set it
 * stays, so a first look without a step of its own can only save the store.
 */
export function* mmSetHasPinned(k: Kernel, mm: MmId): Steps<void> {
  if (k.rules.pin.hasPinned === 'none') return;
  if ((k.mm.flags[mm] & MMF.hasPinned) === 0) yield* mmFlagSet(k, mm, MMF.hasPinned);
}

/** Whether some FOLL_PIN call was ever made on `mm`. */
export function* mmHasPinned(k: Kernel, mm: MmId): Steps<boolean> {
  const flags = yield* mmFlagsRead(k, mm);
  return (flags & MMF.hasPinned) !== 0;
}
