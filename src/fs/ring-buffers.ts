/**
 * Which pages of a registered buffer io_uring holds by a pin of their own (io_uring/rsrc.c: io_check_coalesce_buffer,
 * io_coalesce_buffer). Rule S239.
 */
import { headOf, nrPages } from '../mm/folio.ts';
import type { System } from './system.ts';

/** The page before, in the same folio, is the array's entry before. */
function goesOn(k: System, first: number, i: number): boolean {
  const pfn = k.kmem[first + i];
  const before = k.kmem[first + i - 1];
  return pfn === before + 1 && headOf(k, pfn) === headOf(k, before);
}

/**
 * Whether the `n` pages listed from `first` in kmem are kept as one piece a folio: each run of neighbours in a folio is then
 * held by one pin. From 6.12 several folios may follow each other, if all are of one size and only the first may begin, and
 * only the last may end, inside.
 */
export function coalesces(k: System, first: number, n: number): boolean {
  const how = k.rules.users.ioUringCoalesce;
  const size = nrPages(k, headOf(k, k.kmem[first]));
  if (how === 'no' || n <= 1 || size === 1) return false;
  for (let i = 1; i < n; i++) {
    if (goesOn(k, first, i)) continue;
    const ended = k.kmem[first + i - 1];
    const pfn = k.kmem[first + i];
    if (how === 'folio') return false;
    if (ended !== headOf(k, ended) + size - 1) return false;
    if (pfn !== headOf(k, pfn) || nrPages(k, pfn) !== size) return false;
  }
  return true;
}

/** Whether page `i` of those listed from `first` begins a piece: a run of neighbours in one folio. */
export function beginsPiece(k: System, first: number, i: number): boolean {
  return i === 0 || !goesOn(k, first, i);
}
