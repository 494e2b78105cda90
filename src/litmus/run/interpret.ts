/** Runs compiled bodies: one instruction that others can notice at a time, with the pure ones before it. */
import { at, R, WAIT, WRITE } from '../../machine/access.ts';
import { pageByte, setPageByte } from '../../machine/contents.ts';
import type { Steps, Vpn } from '../../machine/types.ts';
import { FILE_BLOCKS } from '../../mm/file-tables.ts';
import { insideFile } from '../../mm/filemap.ts';
import { userAccess } from '../../mm/memory.ts';
import { linearIndex } from '../../mm/rmap.ts';
import { vmaAt, vmaWantsNotify } from '../../mm/vma.ts';
import { call, NOT_RETURNED } from './calls.ts';
import { KILLED, LIMIT, type Lit, OP } from './program.ts';
import {
  arg,
  argOff,
  argVpn,
  dropUsed,
  forget,
  instructionAt,
  loadBytes,
  setVar,
  storeBytes,
  storeResult,
} from './values.ts';

/** Pure instructions in a row after which a body is taken to run forever. */
const PURE_LIMIT = 1_000_000;
/** Other instructions in a row without a step, after which a loop is taken not to end. */
const IDLE_LIMIT = 10_000;
const PAGE_SIZE = 4096;

/** A thread of the test, from its start to the end of its body. */
export function* runThread(k: Lit, thread: number): Steps<void> {
  yield WAIT | at(R.task, thread);
  yield* runBody(k, thread, threadEntry(k, thread));
  yield WRITE | at(R.task, k.program.threads.length + thread);
  k.lit.life[k.program.threads.length + thread] = 1;
}

function threadEntry(k: Lit, thread: number): number {
  return k.program.threads[thread]?.entry ?? -1;
}

/** The initial block, as process 0 before any thread starts. */
export function* runInit(k: Lit): Steps<void> {
  yield* runBody(k, 0, k.program.init);
}

/** Runs from instruction `pc` until the body ends or its process dies. */
function* runBody(k: Lit, thread: number, start: number): Steps<void> {
  let pc = runPure(k, start);
  while (pc >= 0) {
    const next = yield* effect(k, thread, pc);
    pc = next < 0 || goesRound(k, pc) ? -1 : runPure(k, next);
  }
}

/** Calls that fail before their first step go on without one: whether a loop of them does not end, or there is a BUG, which ends everything. */
function goesRound(k: Lit, pc: number): boolean {
  if (k.report[0] !== 0) return true;
  k.lit.idle[0] += 1;
  if (k.lit.idle[0] < IDLE_LIMIT) return false;
  k.lit.limits[LIMIT.endless] = instructionAt(k, pc).line;
  return true;
}

/** Runs pure instructions from `pc`; the first one that is a step, or -1 at the end. */
function runPure(k: Lit, start: number): number {
  let pc = start;
  for (let n = 0; n < PURE_LIMIT; n++) {
    const instruction = instructionAt(k, pc);
    forget(k, pc);
    if (instruction.op === OP.end) return -1;
    if (instruction.op === OP.assign) {
      storeResult(k, pc, arg(k, pc, 0));
      dropUsed(k, pc);
      pc++;
    } else if (instruction.op === OP.jump) {
      pc = instruction.target;
    } else if (instruction.op === OP.jumpUnless) {
      const next = arg(k, pc, 0) === 0 ? instruction.target : pc + 1;
      dropUsed(k, pc);
      pc = next;
    } else {
      return pc;
    }
  }
  k.lit.limits[LIMIT.endless] = instructionAt(k, pc).line;
  return -1;
}

/** One instruction that is more than pure; the next one, or -1 when the thread does not go on. */
function* effect(k: Lit, thread: number, pc: number): Steps<number> {
  const op = instructionAt(k, pc).op;
  k.lit.at[thread] = pc;
  if (op === OP.call) {
    const raw = yield* call(k, thread, pc);
    if (raw === NOT_RETURNED) return -1;
    if (raw < 0 && k.lit.life[thread] === 0) refused(k, pc, raw);
    storeResult(k, pc, raw);
    dropUsed(k, pc);
    return pc + 1;
  }
  if (op === OP.shared) {
    yield WRITE | at(R.kmem, instructionAt(k, pc).target);
    storeResult(k, pc, arg(k, pc, 0));
    dropUsed(k, pc);
    return pc + 1;
  }
  if (argOff(k, pc, 0) + instructionAt(k, pc).size > PAGE_SIZE) {
    const done = yield* crossing(k, thread, pc, op === OP.store);
    dropUsed(k, pc);
    return done ? pc + 1 : -1;
  }
  const pfn = yield* userAccess(k, k.lit.task[thread], argVpn(k, pc, 0), op === OP.store);
  if (pfn < 0) {
    killed(k, thread, pc, argVpn(k, pc, 0));
    return -1;
  }
  if (op === OP.load) loadStep(k, pc, pfn);
  else storeStep(k, pc, pfn);
  dropUsed(k, pc);
  return pc + 1;
}

/** A call of the initial block failed (thread 0 has not started yet): what the test sets up is not there. */
function refused(k: Lit, pc: number, error: number): void {
  if (instructionAt(k, pc).dst >= 0 || k.lit.refused[1] !== 0) return;
  k.lit.refused[0] = pc;
  k.lit.refused[1] = error;
}

/** The access was a signal's cause. A store past the last block that a medium of the model has says nothing about Linux. */
function killed(k: Lit, thread: number, pc: number, vpn: Vpn): void {
  k.lit.killed[thread] = KILLED.sigsegv;
  const vma = vmaAt(k, k.task.mm[k.lit.task[thread]], vpn);
  if (vma === 0 || !vmaWantsNotify(k, vma) || linearIndex(k, vma, vpn) < FILE_BLOCKS) return;
  if (insideFile(k, k.vma.file[vma], linearIndex(k, vma, vpn)))
    k.lit.limits[LIMIT.disk] = instructionAt(k, pc).line;
}

/** An access across a page end, which no processor makes at once: byte by byte. False: killed on the way. */
function* crossing(k: Lit, thread: number, pc: number, write: boolean): Steps<boolean> {
  let low = 0;
  let high = 0;
  for (let i = 0; i < instructionAt(k, pc).size; i++) {
    const pfn = yield* userAccess(k, k.lit.task[thread], argVpn(k, pc, 0, i), write);
    if (pfn < 0) {
      killed(k, thread, pc, argVpn(k, pc, 0, i));
      return false;
    }
    const off = (argOff(k, pc, 0) + i) % PAGE_SIZE;
    if (write) setPageByte(k, pfn, off, byteOf(arg(k, pc, 1), i));
    else if (i < 4) low |= pageByte(k, pfn, off) << (8 * i);
    else high |= pageByte(k, pfn, off) << (8 * (i - 4));
  }
  if (!write) storeLoaded(k, pc, low, high);
  return true;
}

/** Byte `i` of a value, least significant first. */
function byteOf(value: number, i: number): number {
  return Math.floor(value / 2 ** (8 * i)) & 255;
}

function storeLoaded(k: Lit, pc: number, low: number, high: number): void {
  const { dst, size, signed } = instructionAt(k, pc);
  const value = high * 2 ** 32 + (low >>> 0);
  const limit = 2 ** (8 * size - 1);
  const positive = size === 8 || value < limit || !signed;
  if (dst >= 0) setVar(k, dst, positive ? value : value - 2 * limit);
}

/** Inside the step of the access, which lies in one page. */
function loadStep(k: Lit, pc: number, pfn: number): void {
  const instruction = instructionAt(k, pc);
  const value = loadBytes(k, pfn, argOff(k, pc, 0), instruction.size, instruction.signed);
  if (instruction.dst >= 0) setVar(k, instruction.dst, value);
}

function storeStep(k: Lit, pc: number, pfn: number): void {
  const instruction = instructionAt(k, pc);
  storeBytes(k, pfn, argOff(k, pc, 0), instruction.size, arg(k, pc, 1));
}
