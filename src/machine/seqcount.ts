import { at, R, READ, WRITE } from './access.ts';
import type { Machine } from './machine.ts';
import type { MmId, Steps } from './types.ts';

/** raw_read_seqcount(): the count as it is; odd while a writer is inside. */
export function* seqReadBegin(k: Machine, mm: MmId): Steps<number> {
  yield READ | at(R.seq, mm);
  return k.regions[R.seq][mm];
}

/** read_seqcount_retry(): whether a writer has been inside since `seq` was read. */
export function* seqReadRetry(k: Machine, mm: MmId, seq: number): Steps<boolean> {
  yield READ | at(R.seq, mm);
  return k.regions[R.seq][mm] !== seq;
}

/** raw_write_seqcount_begin(): the count becomes odd. */
export function* seqWriteBegin(k: Machine, mm: MmId): Steps<void> {
  yield WRITE | at(R.seq, mm);
  const words = k.regions[R.seq];
  words[mm] = words[mm] + 1;
}

/** raw_write_seqcount_end(): the count becomes even. */
export function* seqWriteEnd(k: Machine, mm: MmId): Steps<void> {
  yield WRITE | at(R.seq, mm);
  const words = k.regions[R.seq];
  words[mm] = words[mm] + 1;
}
