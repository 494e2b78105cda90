/** Allocations of kernel memory that fail because the test says so (lib/fault-inject.c, failslab): memory is short for a moment. */
import { at, R, WRITE } from '../machine/access.ts';
import type { Steps } from '../machine/types.ts';
import { type Kernel, MISC } from './kernel.ts';

/** The next `n` allocations of kernel memory fail. */
export function* failKmalloc(k: Kernel, n: number): Steps<void> {
  yield WRITE | at(R.kmem, 0);
  k.misc[MISC.failKmalloc] = n;
}

/** Whether this allocation works; each that does not is one less that has to fail. */
export function* kmallocWorks(k: Kernel): Steps<boolean> {
  yield WRITE | at(R.kmem, 0);
  if (k.misc[MISC.failKmalloc] === 0) return true;
  k.misc[MISC.failKmalloc] -= 1;
  return false;
}
