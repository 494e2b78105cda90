/**
 * Runtime of the resumable form (`gen/resumable`, made by tools/rewrite): each Steps function is a state
 * machine over a frame of 32-bit words, so that what a thread is about to do is plain data that can be
 * copied, compared, hashed and put back.
 *
 * Each thread has `perThread` words of `stacks`, from `thread * perThread`:
 *
 *   word 0   offset of the top frame from the thread's first word; 0: not running
 *   word 1   running: the access word that it announced (see `access.ts`); finished: its result
 *   word 2.. frames, outermost first, without gaps; every word behind the top frame is 0
 *
 * A frame is one header word, and one word for each local that is needed later:
 *
 *   header   bits 20..31 function, 8..19 program point, 0..7 distance down to the caller's frame (0: none)
 *
 * A frame names no address, so a stack may be copied to another thread's place. Locals that are not needed any
 * more are 0: equal threads are equal words. Frames are not logged: who takes steps back copies them.
 */

/** What a Steps function returns: nothing counts as 0. */
export type Value = number | boolean;

/**
 * A generated function: starts it (`pc` 0, with its parameters) or continues the frame at `fp` from program
 * point `pc` with the result of what it had called. Returns undefined when it has announced its next access.
 */
type Step<K, A extends Value[]> = (
  k: K,
  fp: number,
  pc: number,
  value: Value | undefined,
  ...args: A
) => Value | undefined;

/** A Steps function, as `spawn` takes it. */
export interface Routine<K, A extends Value[]> {
  readonly id: number;
  readonly name: string;
  /** Words of its frame. */
  readonly words: number;
  readonly step: Step<K, A>;
}

type AnyStep = (k: unknown, fp: number, pc: number, value: Value | undefined) => Value | undefined;

const FIRST_FRAME = 2;

/** The stacks of all threads; generated code reads and writes frames in it. */
export let stacks: Int32Array = new Int32Array(0);
let perThread = 0;

/** By function number, which has 12 bits; filled at once, as arrays with holes are slower. */
const steps: AnyStep[] = Array.from({ length: 4096 }, () => unknownRoutine);
const words = new Int32Array(4096);
const names: string[] = [];

/** Set by the innermost function when it suspends. */
let topFrame = 0;
let announced = 0;
/** First word that the running thread's frames may not use. */
let limit = 0;

/** Puts the stacks of `memory.length / wordsPerThread` threads into `memory`, which is all 0 where no thread runs. */
export function setStacks(memory: Int32Array, wordsPerThread: number): void {
  stacks = memory;
  perThread = wordsPerThread;
}

function unknownRoutine(_k: unknown, fp: number): never {
  throw new RangeError(`this stack has function ${stacks[fp] >>> 20}, which no loaded module has`);
}

/** Registers a generated function. Numbers are given by the rewriter; they depend on the sources alone. */
export function routine<K, A extends Value[]>(
  id: number,
  name: string,
  frameWords: number,
  step: Step<K, A>,
): Routine<K, A> {
  steps[id] = step as unknown as AnyStep;
  words[id] = frameWords;
  names[id] = name;
  return { id, name, words: frameWords, step };
}

/**
 * Starts `thread` in `start` and runs it to its first yield. Returns true when it has finished already. What it
 * ran before must have finished, or been cleared with `clearThread`.
 */
export function spawn<K, A extends Value[]>(
  k: K,
  thread: number,
  start: Routine<K, A>,
  ...args: A
): boolean {
  const base = thread * perThread;
  limit = base + perThread;
  const value = start.step(k, base + FIRST_FRAME, 0, undefined, ...args);
  return settle(base, value);
}

/** Runs `thread` from its yield to the next one. Returns true when it has finished; `threadResult` has its result. */
export function resume(k: unknown, thread: number): boolean {
  const memory = stacks;
  const base = thread * perThread;
  limit = base + perThread;
  let fp = base + memory[base];
  let value: Value | undefined;
  for (;;) {
    const head = memory[fp];
    const id = head >>> 20;
    value = steps[id](k, fp, (head >>> 8) & 0xfff, value);
    if (value === undefined) return settle(base, value);
    for (let i = fp + words[id] - 1; i >= fp; i--) memory[i] = 0;
    const down = head & 255;
    if (down === 0) return settle(base, value);
    fp -= down;
  }
}

function settle(base: number, value: Value | undefined): boolean {
  if (value === undefined) {
    stacks[base] = topFrame - base;
    stacks[base + 1] = announced;
    return false;
  }
  stacks[base] = 0;
  stacks[base + 1] = typeof value === 'number' ? value : value ? 1 : 0;
  return true;
}

/** Called by a generated function whose frame of `frameWords` words is written and on top. */
export function suspend(fp: number, frameWords: number, access: number): undefined {
  if (fp + frameWords > limit) overflow(fp);
  topFrame = fp;
  announced = access;
  return undefined;
}

/** A local on its way into the frame: one that is no int32 would come back as another number. */
export function word(value: number): number {
  const int = value | 0;
  if (int !== value) noWord(value);
  return int;
}

function noWord(value: number): never {
  throw new RangeError(
    `a local that lives across a yield is ${value}, which is no int32: frames hold 32-bit words`,
  );
}

function overflow(fp: number): never {
  throw new RangeError(
    `stack overflow in ${names[stacks[fp] >>> 20]}: a thread's stack has ${perThread} words; give setStacks more`,
  );
}

/** Whether the thread has been spawned and not finished. */
export function threadRunning(thread: number): boolean {
  return stacks[thread * perThread] !== 0;
}

/** The access that a running thread announced: what its next `resume` begins with. */
export function threadPending(thread: number): number {
  return stacks[thread * perThread + 1];
}

/** What a finished thread returned: a number, or a boolean as 0 or 1. */
export function threadResult(thread: number): number {
  return stacks[thread * perThread + 1];
}

/** How many of the thread's words, from its first, are in use: all there is to save of its control state. */
export function threadWords(thread: number): number {
  const base = thread * perThread;
  const top = stacks[base];
  return top === 0 ? FIRST_FRAME : top + words[stacks[base + top] >>> 20];
}

/** Forgets what the thread runs or returned. */
export function clearThread(thread: number): void {
  stacks.fill(0, thread * perThread, (thread + 1) * perThread);
}

/** Where the thread is: function names and program points, outermost first. For people. */
export function threadTrace(thread: number): { readonly name: string; readonly point: number }[] {
  const base = thread * perThread;
  const trace: { name: string; point: number }[] = [];
  if (stacks[base] === 0) return trace;
  let fp = base + stacks[base];
  for (;;) {
    const head = stacks[fp];
    trace.unshift({ name: names[head >>> 20] ?? '?', point: (head >>> 8) & 0xfff });
    if ((head & 255) === 0) return trace;
    fp -= head & 255;
  }
}

/**
 * The undo log: for each word that changed, in order, its address (in words from the start of the buffer that all
 * arrays of the machine are views of) and what it held before. `logged` words of `log` are in use.
 */
export let log: Int32Array = new Int32Array(0);
export let logged = 0;
let logging = false;

/** Logs writes from now on, into `buffer` first (a longer one is made when it is full), of which `used` words are in use; null: stops. */
export function setLog(buffer: Int32Array | null, used = 0): void {
  logging = buffer !== null;
  log = buffer ?? new Int32Array(0);
  logged = used;
}

/** Takes back every write since `logged` was `mark`; `arena` views the whole buffer. */
export function undoTo(arena: Int32Array, mark: number): void {
  for (let n = logged - 2; n >= mark; n -= 2) arena[log[n]] = log[n + 1];
  logged = mark;
}

/** Forgets logged writes from `mark` on; they stay done. */
export function trimLog(mark: number): void {
  logged = mark;
}

/** The one way in which the resumable form writes state. A write that changes nothing is none. */
export function put(array: Int32Array, i: number, value: number): void {
  const word = value | 0;
  const old = array[i] as number | undefined;
  if (old === word) return;
  if (old === undefined)
    throw new RangeError(`write to word ${i} of an array of ${array.length} words`);
  if (logging) {
    if (logged === log.length) growLog();
    log[logged] = (array.byteOffset >> 2) + i;
    log[logged + 1] = old;
    logged += 2;
  }
  array[i] = word;
}

function growLog(): void {
  const longer = new Int32Array(Math.max(1024, log.length * 2));
  longer.set(log);
  log = longer;
}
