/** Sends a call of a body to the group that knows it. */
import type { Steps } from '../../machine/types.ts';
import { CALL } from './call-ids.ts';
import { callAsync } from './calls-async.ts';
import { callDaemon } from './calls-daemon.ts';
import { callDevice } from './calls-device.ts';
import { callDevices } from './calls-devices.ts';
import { callFiles } from './calls-files.ts';
import { callGup } from './calls-gup.ts';
import { callMemory } from './calls-memory.ts';
import { callMovement } from './calls-movement.ts';
import { callOrder } from './calls-order.ts';
import { callPage } from './calls-page.ts';
import { callProcess } from './calls-process.ts';
import { callRelease } from './calls-release.ts';
import { callUserfault } from './calls-userfault.ts';
import type { Lit } from './program.ts';
import { instructionAt } from './values.ts';

/** What a call answers after which the thread does not go on (exit). No call returns it otherwise. */
export const NOT_RETURNED = -0x7fffffff;

/** Makes the call of instruction `pc` in the name of `thread`; its raw answer. */
export function* call(k: Lit, thread: number, pc: number): Steps<number> {
  const id = instructionAt(k, pc).call;
  const task = k.lit.task[thread];
  if (id === CALL.exit) {
    yield* callProcess(k, thread, pc, id);
    return NOT_RETURNED;
  }
  if (id >= CALL.dax_teardown) return yield* callDevices(k, thread, pc, id);
  if (id >= CALL.setrlimit) return yield* callDevice(k, task, pc, id);
  if (id >= CALL.clear_refs) return yield* callUserfault(k, task, pc, id);
  if (id >= CALL.swapoff) return yield* callMovement(k, thread, pc, id);
  if (id < CALL.fork) return yield* callMemory(k, task, pc, id);
  if (id < CALL.open) return yield* callProcess(k, thread, pc, id);
  if (id < CALL.io_uring_register_buffers) return yield* callFiles(k, task, pc, id);
  if (id < CALL.post) return yield* callAsync(k, task, pc, id);
  if (id < CALL.get_user_pages) return yield* callOrder(k, pc, id);
  if (id < CALL.put_page) return yield* callGup(k, thread, task, pc, id);
  if (id < CALL.get_page) return yield* callRelease(k, pc, id);
  if (id < CALL.shrink) return yield* callPage(k, task, pc, id);
  return yield* callDaemon(k, thread, pc, id);
}
