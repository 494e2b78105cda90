/** What the kernel does on its own account, when the test says so. */

import { fileOfFd } from '../../fs/fd.ts';
import { at, R, WRITE } from '../../machine/access.ts';
import { GFP } from '../../machine/buddy.ts';
import { EBADF, EBUSY, EFAULT, EINVAL, ENODEV } from '../../machine/errno.ts';
import { refTryAdd } from '../../machine/grab-words.ts';
import { folioTrylock, folioUnlock, lockShared, unlockShared } from '../../machine/locks.ts';
import { leafPfn, noteWalk } from '../../machine/mmu.ts';
import type { MmId, Steps, Vpn } from '../../machine/types.ts';
import { mmPut } from '../../mm/exit.ts';
import { sysFtruncate } from '../../mm/file-size.ts';
import { folioPut, headOf, isHugetlb, isLarge } from '../../mm/folio.ts';
import { splitHugePage } from '../../mm/huge-split.ts';
import { setHugetlbPool } from '../../mm/hugetlb.ts';
import { collapseHugePage } from '../../mm/khugepaged.ts';
import { NOT_MODELLED } from '../../mm/khugepaged-file.ts';
import { lruDrain } from '../../mm/lru.ts';
import { isolateFolio, migrateFolio, putbackFolio } from '../../mm/migrate.ts';
import { flushFile } from '../../mm/sync.ts';
import { shrinkLruPages } from '../../mm/vmscan.ts';
import { CALL } from './call-ids.ts';
import { holdMm, processMm } from './calls-process.ts';
import { LIMIT, type Lit } from './program.ts';
import { argCount, argInt, argOff, argVpn, instructionAt } from './values.ts';

const HPAGE_ORDER = 9;
/** Pages that one call of shrink() looks at; more than a test has. */
const SHRINK_ALL = 1 << 16;

export function* callDaemon(k: Lit, thread: number, pc: number, id: number): Steps<number> {
  switch (id) {
    case CALL.shrink:
      return yield* shrinkLruPages(k, SHRINK_ALL);
    case CALL.set_nr_hugepages:
      if (argInt(k, pc, 0) < 0) return -EINVAL;
      yield WRITE | at(R.hugetlb, 0);
      return setHugetlbPool(k, HPAGE_ORDER, argInt(k, pc, 0));
    case CALL.writeback:
      return yield* callWriteback(k, daemonMm(k, thread), pc);
    case CALL.truncate:
      return yield* callTruncate(k, daemonMm(k, thread), pc);
    default:
      return yield* onAddress(k, thread, pc, id);
  }
}

/** Whose descriptors a daemon means: its own process's, or, in a kernel context, those of process 0. */
function daemonMm(k: Lit, thread: number): MmId {
  // The task behind the threads' is the one that ran the initial block.
  return processMm(k, thread) || processMm(k, k.program.threads.length);
}

function* callWriteback(k: Lit, mm: MmId, pc: number): Steps<number> {
  const file = fileOfFd(k, mm, argInt(k, pc, 0));
  return file === 0 ? -EBADF : yield* flushFile(k, file);
}

function* callTruncate(k: Lit, mm: MmId, pc: number): Steps<number> {
  const file = fileOfFd(k, mm, argInt(k, pc, 0));
  if (file === 0) return -EBADF;
  return yield* sysFtruncate(k, file, argVpn(k, pc, 1), argOff(k, pc, 1));
}

/** migrate, khugepaged, split_huge_page: of the caller's own memory, or of the process of the thread named first. */
function* onAddress(k: Lit, thread: number, pc: number, id: number): Steps<number> {
  const own = id === CALL.migrate ? 2 : 1;
  const shift = argCount(k, pc) > own ? 1 : 0;
  const mm = yield* holdMm(k, thread, shift === 1 ? argInt(k, pc, 0) : thread);
  if (mm === 0) return -EINVAL;
  const result = yield* atAddress(k, mm, shift, pc, id);
  yield* mmPut(k, mm);
  return result;
}

function* atAddress(k: Lit, mm: MmId, shift: number, pc: number, id: number): Steps<number> {
  const vpn = argVpn(k, pc, shift);
  if (id === CALL.khugepaged) {
    const result = yield* collapseHugePage(k, mm, vpn);
    if (result === NOT_MODELLED) k.lit.limits[LIMIT.memory] = instructionAt(k, pc).line;
    return result;
  }
  if (id === CALL.split_huge_page) return yield* callSplit(k, mm, vpn);
  const node = argInt(k, pc, shift + 1);
  if (node < 0 || node >= k.nodes) return -ENODEV;
  return yield* callMigrate(k, mm, vpn, node);
}

/** move_pages(2) for one page. */
function* callMigrate(k: Lit, mm: MmId, vpn: Vpn, node: number): Steps<number> {
  yield* lruDrain(k);
  yield* lockShared(k, R.mmapLock, mm);
  const folio = yield* referenced(k, mm, vpn);
  let isolated = false;
  if (folio !== 0) {
    isolated = yield* isolateFolio(k, folio);
    yield* folioPut(k, folio, 1);
  }
  yield* unlockShared(k, R.mmapLock, mm);
  if (folio === 0) return -EFAULT;
  if (!isolated) return -EBUSY;
  const result = yield* migrateFolio(k, folio, GFP.movable, node);
  if (result < 0) yield* putbackFolio(k, folio);
  return result;
}

/** The folio mapped at `vpn` with one more reference, 0: none. Under mmap_lock. */
function* referenced(k: Lit, mm: MmId, vpn: Vpn): Steps<number> {
  noteWalk(k, mm, vpn);
  const pfn = leafPfn(k, mm, vpn);
  if (pfn === 0 || pfn === k.zeroPfn) return 0;
  const folio = headOf(k, pfn);
  if (yield* refTryAdd(k, folio, 1)) return folio;
  return 0;
}

/** Writing to /sys/kernel/debug/split_huge_pages. */
function* callSplit(k: Lit, mm: MmId, vpn: Vpn): Steps<number> {
  yield* lockShared(k, R.mmapLock, mm);
  const folio = yield* referenced(k, mm, vpn);
  yield* unlockShared(k, R.mmapLock, mm);
  if (folio === 0) return -EFAULT;
  let result = -EINVAL;
  if (isLarge(k, folio) && !isHugetlb(k, folio)) {
    result = -EBUSY;
    if (yield* folioTrylock(k, folio)) {
      result = yield* splitHugePage(k, folio);
      yield* folioUnlock(k, folio);
    }
  }
  yield* folioPut(k, folio, 1);
  return result;
}
