/** Memory of devices, and drivers that a test writes itself with interval notifiers. */
import {
  ODP_HANDLE,
  odpDeregister,
  odpFaultPage,
  odpRead,
  odpRegister,
  odpWrite,
} from '../../drivers/odp.ts';
import { fileOfFd } from '../../fs/fd.ts';
import { R, WRITE } from '../../machine/access.ts';
import { EBADF, EINVAL } from '../../machine/errno.ts';
import { lock, unlock } from '../../machine/locks.ts';
import type { Steps, TaskId } from '../../machine/types.ts';
import { daxTeardown } from '../../mm/device-dax.ts';
import { kmemAt, notifierLock } from '../../mm/device-tables.ts';
import { mmPut } from '../../mm/exit.ts';
import { FOLL } from '../../mm/foll.ts';
import { hmmRangeFault } from '../../mm/hmm.ts';
import { migrateToDevice } from '../../mm/migrate-device.ts';
import {
  intervalReadBegin,
  intervalReadRetry,
  intervalThere,
  setDeviceEntry,
} from '../../mm/mmu-notifier.ts';
import { CALL } from './call-ids.ts';
import { holdMm, processMm } from './calls-process.ts';
import type { Lit } from './program.ts';
import { argCount, argInt, argOff, argVpn } from './values.ts';

export function* callDevices(k: Lit, thread: number, pc: number, id: number): Steps<number> {
  const task = k.lit.task[thread];
  switch (id) {
    case CALL.dax_teardown:
      return yield* callTeardown(k, thread, pc);
    case CALL.migrate_to_device:
      return yield* callMigrate(k, thread, pc);
    default:
      return yield* onNotifier(k, task, pc, id);
  }
}

/** Whose memory or descriptors: of the caller's process; a kernel context means process 0. */
function mmOf(k: Lit, thread: number): number {
  return processMm(k, thread) || processMm(k, k.program.threads.length);
}

function* callTeardown(k: Lit, thread: number, pc: number): Steps<number> {
  const file = fileOfFd(k, mmOf(k, thread), argInt(k, pc, 0));
  return file === 0 ? -EBADF : yield* daxTeardown(k, file);
}

function* callMigrate(k: Lit, thread: number, pc: number): Steps<number> {
  const shift = argCount(k, pc) > 1 ? 1 : 0;
  const mm = yield* holdMm(k, thread, shift === 1 ? argInt(k, pc, 0) : thread);
  if (mm === 0) return -EINVAL;
  const result = yield* migrateToDevice(k, mm, argVpn(k, pc, shift));
  yield* mmPut(k, mm);
  return result;
}

/** A driver of the test's own. A notifier that is not there is refused, by each call. */
function* onNotifier(k: Lit, task: TaskId, pc: number, id: number): Steps<number> {
  const mm = k.task.mm[task];
  const first = argInt(k, pc, 0);
  switch (id) {
    case CALL.mmu_interval_notifier_insert: {
      const start = argVpn(k, pc, 0);
      const n = yield* odpRegister(k, task, start, argOff(k, pc, 0), argInt(k, pc, 1), true);
      return n;
    }
    case CALL.hmm_range_fault: {
      if (mm === 0) return 0;
      const write = (argInt(k, pc, 1) & FOLL.write) !== 0;
      const found = yield* hmmRangeFault(k, task, mm, argVpn(k, pc, 0), write);
      return found < 0 ? 0 : found >> 1;
    }
    default: {
      const n = first - ODP_HANDLE;
      const there = yield* intervalThere(k, n);
      if (!there) return -EINVAL;
      return yield* onInterval(k, task, pc, id, n);
    }
  }
}

function* onInterval(k: Lit, task: TaskId, pc: number, id: number, n: number): Steps<number> {
  switch (id) {
    case CALL.mmu_interval_notifier_remove:
      return yield* odpDeregister(k, n);
    case CALL.mmu_interval_read_begin:
      return yield* intervalReadBegin(k, n);
    case CALL.mmu_interval_read_retry:
      if (yield* intervalReadRetry(k, n, argInt(k, pc, 1))) return 1;
      return 0;
    case CALL.driver_lock:
      yield* lock(k, R.kmem, notifierLock(n));
      return 0;
    case CALL.driver_unlock:
      yield* unlock(k, R.kmem, notifierLock(n));
      return 0;
    case CALL.device_fault:
      return yield* odpFaultPage(k, task, n, argInt(k, pc, 1));
    case CALL.device_map:
      return yield* mapEntry(k, pc, n);
    case CALL.device_read:
      return yield* odpRead(k, task, n, argInt(k, pc, 1));
    default:
      return yield* odpWrite(k, task, n, argInt(k, pc, 1), argInt(k, pc, 2));
  }
}

/** device_map: what a driver does with a page, right or wrong. */
function* mapEntry(k: Lit, pc: number, n: number): Steps<number> {
  const i = argInt(k, pc, 1);
  const pfn = argInt(k, pc, 2);
  if (i < 0 || i >= k.notifier.end[n] - k.notifier.start[n] || pfn <= 0 || pfn >= k.pages)
    return -EINVAL;
  yield WRITE | kmemAt(notifierLock(n));
  setDeviceEntry(k, n, i, pfn, true);
  return 0;
}
