/** New address spaces (mm_init() in fork.c). */
import type { MmId, Steps } from '../machine/types.ts';
import type { Kernel } from './kernel.ts';
import { pgdAlloc } from './pgtable.ts';

/** Makes an empty address space with one user. Returns 0 when numbers or memory are out. */
export function* mmAlloc(k: Kernel): Steps<MmId> {
  let mm = 1;
  while (mm < k.pgd.length && k.mm.users[mm] !== 0) mm++;
  if (mm === k.pgd.length) return 0;
  k.mm.users[mm] = 1;
  const ok = yield* pgdAlloc(k, mm);
  if (ok) return mm;
  k.mm.users[mm] = 0;
  return 0;
}
