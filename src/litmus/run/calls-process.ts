/** fork, wait, exit and what one process does to another. */

import { accessRemoteRead, accessRemoteWrite } from '../../drivers/access-remote.ts';
import { releaseDevices } from '../../drivers/exit.ts';
import { ringUnregister } from '../../drivers/io-uring.ts';
import { processVmCopy } from '../../drivers/process-vm.ts';
import { fdCloseAll, fdDup } from '../../fs/fd.ts';
import { at, R, READ, WAIT, WRITE } from '../../machine/access.ts';
import { touchAlso } from '../../machine/also.ts';
import { ECHILD, EINVAL, ENOMEM, ESRCH } from '../../machine/errno.ts';
import type { MmId, Steps, TaskId } from '../../machine/types.ts';
import { copyWords } from '../../machine/words.ts';
import { exitMm, mmGet, mmPut } from '../../mm/exit.ts';
import { dupMm } from '../../mm/fork.ts';
import { newTask, PF } from '../../mm/kernel.ts';
import { sendSignal } from '../../mm/signals.ts';
import { CALL } from './call-ids.ts';
import { KILLED, type Lit, REAPED } from './program.ts';
import { argInt, argOff, argVpn } from './values.ts';

export function* callProcess(k: Lit, thread: number, pc: number, id: number): Steps<number> {
  if (id === CALL.exit) {
    k.lit.killed[thread] = KILLED.exited;
    yield* takeAway(k, thread);
    return 0;
  }
  const other = argInt(k, pc, 0);
  if (id === CALL.fork) return yield* callFork(k, thread, other);
  if (id === CALL.wait) return yield* callWait(k, other);
  if (id === CALL.kill) return yield* callKill(k, other, argInt(k, pc, 1));
  const mm = yield* holdMm(k, thread, other);
  if (mm === 0) return -ESRCH;
  const result = yield* accessOther(k, thread, mm, pc, id);
  yield* mmPut(k, mm);
  return result;
}

function* accessOther(k: Lit, thread: number, mm: MmId, pc: number, id: number): Steps<number> {
  if (id === CALL.ptrace_write) {
    return yield* accessRemoteWrite(
      k,
      k.lit.task[thread],
      mm,
      argVpn(k, pc, 1),
      argOff(k, pc, 1),
      argInt(k, pc, 2),
    );
  }
  if (id === CALL.ptrace_read) {
    return yield* accessRemoteRead(k, k.lit.task[thread], mm, argVpn(k, pc, 1), argOff(k, pc, 1));
  }
  return yield* moveBytes(k, thread, mm, pc, id === CALL.process_vm_writev);
}

/** Address space of the process that `thread` belongs to, 0: gone or not started. */
export function processMm(k: Lit, thread: number): MmId {
  touchAlso(k, READ | at(R.task, thread));
  const task = k.lit.task[thread];
  return task === 0 ? 0 : k.task.mm[task];
}

/**
 * As `processMm` of thread `other`, for thread `self`, with a user more (get_task_mm()), so that it stays until `mmPut`; 0: gone or
 * going, too.
 */
export function* holdMm(k: Lit, self: number, other: number): Steps<number> {
  if (other !== self) yield READ | at(R.task, other);
  const mm = processMm(k, other);
  return mm !== 0 && mmGet(k, mm) ? mm : 0;
}

/** fork(): the thread named becomes the only one of a new process. Its number, or -EAGAIN, -ENOMEM. */
function* callFork(k: Lit, thread: number, child: number): Steps<number> {
  yield WRITE | at(R.task, child);
  const task = newTask(k, 0, child);
  if (task === 0) return -ENOMEM;
  const mm = yield* dupMm(k, k.lit.task[thread], task);
  if (mm < 0) {
    k.task.flags[task] = 0;
    k.task.cpu[task] = 0;
    return mm;
  }
  fdDup(k, k.task.mm[k.lit.task[thread]], mm);
  yield WRITE | at(R.task, child);
  copyVariables(k, k.program.threads[thread]?.process ?? 0, k.program.threads[child]?.process ?? 0);
  k.lit.task[child] = task;
  k.lit.life[child] = 1;
  return child;
}

/** A process gets the variables of another as they are, all in one step. */
function copyVariables(k: Lit, from: number, to: number): void {
  const { globals, assigned } = k.program;
  for (const v of assigned) touchAlso(k, READ | at(R.kmem, from * globals + v));
  copyWords(k.lit.vars, from * globals * 2, to * globals * 2, globals * 2);
  copyWords(k.lit.assigned, from * globals, to * globals, globals);
}

/** kill(2). A child that has ended takes signals until somebody has waited for it. */
function* callKill(k: Lit, other: number, signal: number): Steps<number> {
  if (signal < 0 || signal > 64) return -EINVAL;
  yield READ | at(R.task, other);
  const task = k.lit.task[other];
  if (task === 0 || (k.lit.reaped[other] & REAPED.waited) !== 0) return -ESRCH;
  if (signal !== 0 && k.task.mm[task] !== 0)
    yield* sendSignal(k, task, signal === 9 ? PF.sigkill : PF.signal);
  return 0;
}

/** wait(): until the child's body has ended; then its process is taken away. -ECHILD: somebody has waited for it. */
function* callWait(k: Lit, child: number): Steps<number> {
  yield WAIT | at(R.task, k.program.threads.length + child);
  touchAlso(k, WRITE | at(R.task, child));
  if ((k.lit.reaped[child] & REAPED.waited) !== 0) return -ECHILD;
  k.lit.reaped[child] |= REAPED.waited;
  yield* takeAway(k, child);
  return child;
}

/** The end of a process: memory, descriptors and rings go. Nothing when it is gone already. */
function* takeAway(k: Lit, thread: number): Steps<void> {
  if ((k.lit.reaped[thread] & REAPED.gone) !== 0) return;
  k.lit.reaped[thread] |= REAPED.gone;
  const task = k.lit.task[thread];
  const mm = k.task.mm[task];
  if (lastTask(k, task, mm)) {
    yield* fdCloseAll(k, mm);
    yield* ringUnregister(k, mm);
    yield* releaseDevices(k, mm);
  }
  touchAlso(k, WRITE | at(R.task, thread));
  yield* exitMm(k, task);
}

/** Whether no other task has this address space: its descriptors and rings go with it, whoever still looks at its memory. */
function lastTask(k: Lit, task: TaskId, mm: MmId): boolean {
  for (let other = 1; other < k.task.mm.length; other++)
    if (other !== task && k.task.mm[other] === mm) return false;
  return true;
}

/** process_vm_readv and process_vm_writev. */
function* moveBytes(k: Lit, thread: number, mm: MmId, pc: number, write: boolean): Steps<number> {
  const task = k.lit.task[thread];
  const vpn = argVpn(k, pc, 1);
  const off = argOff(k, pc, 1);
  const rvpn = argVpn(k, pc, 2);
  const roff = argOff(k, pc, 2);
  return yield* processVmCopy(k, task, mm, write, vpn, off, rvpn, roff, argInt(k, pc, 3));
}
