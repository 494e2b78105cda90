/** New address spaces (mm_init() in fork.c). */
import { GUARD } from '../machine/guards.ts';
import type { MmId, Steps } from '../machine/types.ts';
import { enter, leave } from '../machine/workers.ts';
import type { Kernel } from './kernel.ts';
import { pgdAlloc } from './pgtable.ts';

/** Makes an empty address space with one user. Returns 0 when numbers or memory are out. */
export function* mmAlloc(k: Kernel): Steps<MmId> {
  const mm = freeMm(k);
  if (mm === 0) return 0;
  const ok = yield* pgdAlloc(k, mm);
  if (ok) return mm;
  k.mm.users[mm] = 0;
  return 0;
}

/** An unused number with one user from now on; 0: none left. */
function freeMm(k: Kernel): MmId {
  enter(k, GUARD.ids);
  let mm = 1;
  while (mm < k.pgd.length && k.mm.users[mm] !== 0) mm++;
  if (mm === k.pgd.length) mm = 0;
  else k.mm.users[mm] = 1;
  leave(k, GUARD.ids);
  return mm;
}
