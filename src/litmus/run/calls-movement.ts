/** What moves, merges and takes away memory, when the test says so. */
import { at, R, READ } from '../../machine/access.ts';
import { GFP } from '../../machine/buddy.ts';
import { EBUSY, EFAULT, EINVAL } from '../../machine/errno.ts';
import { refTryAdd } from '../../machine/grab-words.ts';
import { lockShared, unlockShared } from '../../machine/locks.ts';
import { leafPfn, noteWalk } from '../../machine/mmu.ts';
import type { MmId, Steps, Vpn } from '../../machine/types.ts';
import { cmaAlloc } from '../../mm/cma.ts';
import { compactMemory } from '../../mm/compaction.ts';
import { mmPut } from '../../mm/exit.ts';
import { failKmalloc } from '../../mm/fail-alloc.ts';
import { folioPut, headOf } from '../../mm/folio.ts';
import { ksmMerge } from '../../mm/ksm.ts';
import { lruDrain } from '../../mm/lru.ts';
import { offlineMovable } from '../../mm/memory-hotplug.ts';
import { isolateFolio, migrateFolio, putbackFolio } from '../../mm/migrate.ts';
import { numaHint } from '../../mm/numa-balancing.ts';
import { swapOff, swapReadahead } from '../../mm/swapoff.ts';
import { CALL } from './call-ids.ts';
import { holdMm } from './calls-process.ts';
import type { Lit } from './program.ts';
import { argCount, argInt, argVpn } from './values.ts';

export function* callMovement(k: Lit, thread: number, pc: number, id: number): Steps<number> {
  switch (id) {
    case CALL.swapoff:
      return yield* swapOff(k);
    case CALL.compact:
      return yield* compactMemory(k);
    case CALL.cma_alloc:
      return yield* cmaAlloc(k, argInt(k, pc, 0));
    case CALL.offline_memory:
      return yield* offlineMovable(k, k.lit.task[thread]);
    case CALL.fail_kmalloc:
      yield* failKmalloc(k, argInt(k, pc, 0));
      return 0;
    default:
      return yield* onProcess(k, thread, pc, id);
  }
}

/** Of the caller's own memory, or of the process of the thread named first. */
function* onProcess(k: Lit, thread: number, pc: number, id: number): Steps<number> {
  const own = id === CALL.ksm ? 2 : 1;
  const shift = argCount(k, pc) > own ? 1 : 0;
  const mm = yield* holdMm(k, thread, shift === 1 ? argInt(k, pc, 0) : thread);
  if (mm === 0) return -EINVAL;
  const result = yield* atAddress(k, mm, shift, pc, id);
  yield* mmPut(k, mm);
  return result;
}

function* atAddress(k: Lit, mm: MmId, shift: number, pc: number, id: number): Steps<number> {
  const vpn = argVpn(k, pc, shift);
  if (id === CALL.ksm) return yield* ksmMerge(k, mm, vpn, argVpn(k, pc, shift + 1));
  if (id === CALL.numa_balance) return yield* numaHint(k, mm, vpn);
  if (id === CALL.swap_in) return yield* swapReadahead(k, mm, vpn);
  return yield* placeInCma(k, mm, vpn);
}

/** The page at `vpn`, if nobody else refers to it, becomes one of CMA. */
function* placeInCma(k: Lit, mm: MmId, vpn: Vpn): Steps<number> {
  yield* lruDrain(k);
  yield* lockShared(k, R.mmapLock, mm);
  noteWalk(k, mm, vpn);
  yield READ | at(R.mmu, mm);
  const folio = headOf(k, leafPfn(k, mm, vpn));
  let isolated = false;
  if (folio !== 0 && (yield* refTryAdd(k, folio, 1))) {
    isolated = yield* isolateFolio(k, folio);
    yield* folioPut(k, folio, 1);
  }
  yield* unlockShared(k, R.mmapLock, mm);
  if (folio === 0) return -EFAULT;
  if (!isolated) return -EBUSY;
  const result = yield* migrateFolio(k, folio, GFP.cma, 0);
  if (result < 0) yield* putbackFolio(k, folio);
  return result;
}
