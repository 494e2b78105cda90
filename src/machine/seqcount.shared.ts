/** `seqcount.ts` for memory that several worker threads share. */
import { R } from './access.ts';
import type { Machine } from './machine.ts';
import type { MmId } from './types.ts';

/** As in the other forms. */
export function seqReadBegin(k: Machine, mm: MmId): number {
  return Atomics.load(k.regions[R.seq], mm);
}

/** As in the other forms. */
export function seqReadRetry(k: Machine, mm: MmId, seq: number): boolean {
  return Atomics.load(k.regions[R.seq], mm) !== seq;
}

/** As in the other forms. */
export function seqWriteBegin(k: Machine, mm: MmId): void {
  Atomics.add(k.regions[R.seq], mm, 1);
}

/** As in the other forms. */
export function seqWriteEnd(k: Machine, mm: MmId): void {
  Atomics.add(k.regions[R.seq], mm, 1);
}
