/** Pipes (fs/pipe.c): a ring of buffers, each a part of one page that the pipe holds a reference on. */
import { at, R, READ, WAIT } from '../machine/access.ts';
import { allocPages, GFP } from '../machine/buddy.ts';
import { pageByte, setPageByte } from '../machine/contents.ts';
import { EAGAIN, EBUSY, EINVAL, ENOMEM, EPERM, EPIPE } from '../machine/errno.ts';
import { lock, unlock } from '../machine/locks.ts';
import type { Pfn, Steps, TaskId } from '../machine/types.ts';
import { bounceByte, bounceIn } from '../mm/bounce-buffer.ts';
import { folioPut, headOf } from '../mm/folio.ts';
import { PIPE_BUF, PIPE_BUFFERS, type System } from './system.ts';

/** A new pipe with one reader and one writer; 0: none left. */
export function* newPipe(k: System): Steps<number> {
  yield* lock(k, R.pipe, 0);
  let pipe = 1;
  while (pipe < k.pipe.used.length && k.pipe.readers[pipe] + k.pipe.writers[pipe] > 0) pipe++;
  if (pipe === k.pipe.used.length) {
    pipe = 0;
  } else {
    k.pipe.readers[pipe] = 1;
    k.pipe.writers[pipe] = 1;
    k.pipe.slots[pipe] = PIPE_BUFFERS;
    pipeReady(k, pipe);
  }
  yield* unlock(k, R.pipe, 0);
  return pipe;
}

/** Says anew who needn't wait: readers when there is data or nobody will send any, writers when there is room. */
function pipeReady(k: System, pipe: number): void {
  k.pipe.ready[2 * pipe] = k.pipe.used[pipe] > 0 || k.pipe.writers[pipe] === 0 ? 1 : 0;
  k.pipe.ready[2 * pipe + 1] =
    k.pipe.used[pipe] < k.pipe.slots[pipe] || k.pipe.readers[pipe] === 0 ? 1 : 0;
}

/** Word of buffer `i` (0: the oldest) of a pipe. */
function bufferAt(k: System, pipe: number, i: number): number {
  return (pipe * PIPE_BUFFERS + ((k.pipe.head[pipe] + i) % PIPE_BUFFERS)) * PIPE_BUF.words;
}

/**
 * Puts part of a page at the end of the pipe, which takes the caller's reference over; waits for room if `wait`. 0, or
 * -EPIPE when nobody reads any more, or -EAGAIN (the reference stays the caller's).
 */
export function* pipePush(
  k: System,
  pipe: number,
  pfn: Pfn,
  off: number,
  len: number,
  wait: boolean,
): Steps<number> {
  for (;;) {
    yield* lock(k, R.pipe, pipe);
    if (k.pipe.readers[pipe] === 0) {
      yield* unlock(k, R.pipe, pipe);
      return -EPIPE;
    }
    if (k.pipe.used[pipe] < k.pipe.slots[pipe]) break;
    yield* unlock(k, R.pipe, pipe);
    if (!wait) return -EAGAIN;
    yield WAIT | at(R.ring, 2 * pipe + 1);
  }
  const b = bufferAt(k, pipe, k.pipe.used[pipe]);
  k.pipe.buffers[b + PIPE_BUF.pfn] = pfn;
  k.pipe.buffers[b + PIPE_BUF.off] = off;
  k.pipe.buffers[b + PIPE_BUF.len] = len;
  k.pipe.used[pipe] += 1;
  pipeReady(k, pipe);
  yield* unlock(k, R.pipe, pipe);
  return 0;
}

/** Bytes of at most 4 gathered into one number, least significant first. */
const MAX_VALUE_BYTES = 4;

/**
 * read(2) of at most `count` (1 to 4) bytes as a number; waits for data. 0 at the end (no writer left).
 * Each page is read at the time of the read: what its owner wrote meanwhile is seen.
 */
export function* pipeReadValue(k: System, pipe: number, count: number): Steps<number> {
  let value = 0;
  let got = 0;
  yield* pipeLockFilled(k, pipe);
  while (got < count && got < MAX_VALUE_BYTES && k.pipe.used[pipe] > 0) {
    const b = bufferAt(k, pipe, 0);
    yield READ | at(R.content, k.pipe.buffers[b + PIPE_BUF.pfn]);
    while (got < count && k.pipe.buffers[b + PIPE_BUF.len] > 0) {
      value |= takeByte(k, b) << (8 * got);
      got++;
    }
    if (k.pipe.buffers[b + PIPE_BUF.len] === 0) yield* popBuffer(k, pipe, b);
  }
  yield* pipeUnlock(k, pipe);
  return value;
}

/** Locks the pipe when it holds data, or when nobody will send any. */
export function* pipeLockFilled(k: System, pipe: number): Steps<void> {
  for (;;) {
    yield WAIT | at(R.ring, 2 * pipe);
    yield* lock(k, R.pipe, pipe);
    if (k.pipe.used[pipe] > 0 || k.pipe.writers[pipe] === 0) return;
    yield* unlock(k, R.pipe, pipe);
  }
}

/** Unlocks it, and lets those go on for whom there is something to do now. */
export function* pipeUnlock(k: System, pipe: number): Steps<void> {
  pipeReady(k, pipe);
  yield* unlock(k, R.pipe, pipe);
}

/** The oldest byte of a locked pipe that holds some, which stays there. */
export function* pipePeek(k: System, pipe: number): Steps<number> {
  const b = bufferAt(k, pipe, 0);
  yield READ | at(R.content, k.pipe.buffers[b + PIPE_BUF.pfn]);
  return pageByte(k, k.pipe.buffers[b + PIPE_BUF.pfn], k.pipe.buffers[b + PIPE_BUF.off]);
}

/** Takes the oldest byte out of a locked pipe; with its last byte a buffer lets go of its page. */
export function* pipeDrop(k: System, pipe: number): Steps<void> {
  const b = bufferAt(k, pipe, 0);
  k.pipe.buffers[b + PIPE_BUF.off] += 1;
  k.pipe.buffers[b + PIPE_BUF.len] -= 1;
  if (k.pipe.buffers[b + PIPE_BUF.len] === 0) yield* popBuffer(k, pipe, b);
}

/**
 * Up to `count` bytes of the oldest buffer into the task's bounce buffer; how many. With `wait` it waits for the first;
 * 0 when there are none, or nobody will send any.
 */
export function* pipeTake(
  k: System,
  task: TaskId,
  pipe: number,
  count: number,
  wait: boolean,
): Steps<number> {
  for (;;) {
    if (wait) yield WAIT | at(R.ring, 2 * pipe);
    yield* lock(k, R.pipe, pipe);
    if (!wait || k.pipe.used[pipe] > 0 || k.pipe.writers[pipe] === 0) break;
    yield* unlock(k, R.pipe, pipe);
  }
  let n = 0;
  if (k.pipe.used[pipe] > 0) {
    const b = bufferAt(k, pipe, 0);
    n = Math.min(count, k.pipe.buffers[b + PIPE_BUF.len]);
    const off = k.pipe.buffers[b + PIPE_BUF.off];
    yield READ | at(R.content, k.pipe.buffers[b + PIPE_BUF.pfn]);
    bounceIn(k, task, k.pipe.buffers[b + PIPE_BUF.pfn], off, n);
    k.pipe.buffers[b + PIPE_BUF.off] += n;
    k.pipe.buffers[b + PIPE_BUF.len] -= n;
    if (k.pipe.buffers[b + PIPE_BUF.len] === 0) yield* popBuffer(k, pipe, b);
  }
  pipeReady(k, pipe);
  yield* unlock(k, R.pipe, pipe);
  return n;
}

function takeByte(k: System, b: number): number {
  const byte = pageByte(k, k.pipe.buffers[b + PIPE_BUF.pfn], k.pipe.buffers[b + PIPE_BUF.off]);
  k.pipe.buffers[b + PIPE_BUF.off] += 1;
  k.pipe.buffers[b + PIPE_BUF.len] -= 1;
  return byte;
}

/** The oldest buffer is empty: its page's reference is dropped (the pipe is locked). */
function* popBuffer(k: System, pipe: number, b: number): Steps<void> {
  const pfn = k.pipe.buffers[b + PIPE_BUF.pfn];
  k.pipe.buffers[b + PIPE_BUF.pfn] = 0;
  k.pipe.buffers[b + PIPE_BUF.off] = 0;
  k.pipe.used[pipe] -= 1;
  k.pipe.head[pipe] = k.pipe.used[pipe] === 0 ? 0 : (k.pipe.head[pipe] + 1) % PIPE_BUFFERS;
  yield* folioPut(k, headOf(k, pfn), 1);
}

/** write(2): `count` bytes (at most a page) of the task's bounce buffer go into a fresh page of the pipe. */
export function* pipeWrite(k: System, task: number, pipe: number, count: number): Steps<number> {
  const pfn = yield* allocPages(k, 0, GFP.zero, 0);
  if (pfn === 0) return -ENOMEM;
  for (let i = 0; i < count; i++) setPageByte(k, pfn, i, bounceByte(k, task, i));
  const error = yield* pipePush(k, pipe, pfn, 0, count, true);
  if (error === 0) return count;
  yield* folioPut(k, pfn, 1);
  return error;
}

/** An end was closed for good; with both gone the buffers' references are dropped. */
export function* pipeEndClosed(k: System, pipe: number, writer: boolean): Steps<void> {
  yield* lock(k, R.pipe, pipe);
  if (writer) k.pipe.writers[pipe] -= 1;
  else k.pipe.readers[pipe] -= 1;
  if (k.pipe.writers[pipe] + k.pipe.readers[pipe] === 0) {
    while (k.pipe.used[pipe] > 0) {
      const b = bufferAt(k, pipe, 0);
      k.pipe.buffers[b + PIPE_BUF.len] = 0;
      yield* popBuffer(k, pipe, b);
    }
    k.pipe.ready[2 * pipe] = 0;
    k.pipe.ready[2 * pipe + 1] = 0;
  } else {
    pipeReady(k, pipe);
  }
  yield* unlock(k, R.pipe, pipe);
}

/** What an ordinary user may ask for at most (pipe_max_size). */
const MAX_BYTES = 1 << 20;
const PAGE_SIZE = 4096;

/** Bytes that the pipe holds (F_GETPIPE_SZ). */
export function* pipeBytes(k: System, pipe: number): Steps<number> {
  yield READ | at(R.ring, 2 * pipe + 1);
  return k.pipe.slots[pipe] * PAGE_SIZE;
}

/** Buffers that F_SETPIPE_SZ makes of a size: a power of two of pages (round_pipe_size); 0: not a size. */
function slotsFor(bytes: number): number {
  if (bytes < 0) return 0;
  let slots = 1;
  while (slots * PAGE_SIZE < bytes) slots *= 2;
  return slots;
}

/**
 * F_SETPIPE_SZ (pipe_set_size): the new size, -EINVAL, -EPERM (above what an ordinary user may have), -EBUSY (more is
 * in it), or -ENOMEM: larger than pipes of this model.
 */
export function* pipeResize(k: System, pipe: number, bytes: number): Steps<number> {
  const slots = slotsFor(bytes);
  if (slots === 0) return -EINVAL;
  if (slots * PAGE_SIZE > MAX_BYTES) return -EPERM;
  if (slots > PIPE_BUFFERS) return -ENOMEM;
  yield* lock(k, R.pipe, pipe);
  const fits = k.pipe.used[pipe] <= slots;
  if (fits) {
    k.pipe.slots[pipe] = slots;
    pipeReady(k, pipe);
  }
  yield* unlock(k, R.pipe, pipe);
  return fits ? slots * PAGE_SIZE : -EBUSY;
}
