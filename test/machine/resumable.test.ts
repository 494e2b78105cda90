import { afterEach, describe, expect, it } from 'vitest';
import {
  clearThread,
  log,
  logged,
  put,
  resume,
  routine,
  setLog,
  setStacks,
  spawn,
  stacks,
  suspend,
  threadPending,
  threadResult,
  threadRunning,
  threadTrace,
  threadWords,
  trimLog,
  undoTo,
  type Value,
  word,
} from '../../src/machine/resumable.ts';

/** Announces `a`, then `a + 1`, and returns their sum; written as the rewriter writes it. */
const twice = routine(
  4001,
  'twice',
  2,
  (_k: null, fp: number, pc: number, _v: Value | undefined, start: number): number | undefined => {
    const a = pc === 0 ? start : (stacks[fp + 1] as number);
    if (pc === 2) return a + a + 1;
    stacks[fp + 1] = word(a);
    stacks[fp] = ((stacks[fp] as number) & 255) | (4001 << 20) | ((pc + 1) << 8);
    return suspend(fp, 2, a + pc);
  },
);

/** Calls `twice` and doubles what it gives. */
const outer = routine(
  4002,
  'outer',
  1,
  (k: null, fp: number, pc: number, v: Value | undefined, a: number): number | undefined => {
    let value = v;
    if (pc === 0) {
      value = twice.step(k, fp + 1, 0, undefined, a);
      if (value === undefined) {
        stacks[fp] = ((stacks[fp] as number) & 255) | (4002 << 20) | (1 << 8);
        stacks[fp + 1] = (stacks[fp + 1] as number) | 1;
        return undefined;
      }
    }
    return (value as number) * 2;
  },
);

afterEach(() => setLog(null));

describe('threads', () => {
  it('run to each access in turn and keep their result', () => {
    const memory = new Int32Array(32);
    setStacks(memory, 16);
    expect(spawn(null, 1, outer, 7)).toBe(false);
    expect([threadRunning(0), threadRunning(1)]).toEqual([false, true]);
    expect(threadPending(1)).toBe(7);
    expect(threadTrace(1)).toEqual([
      { name: 'outer', point: 1 },
      { name: 'twice', point: 1 },
    ]);
    expect(threadWords(1)).toBe(5);
    expect(resume(null, 1)).toBe(false);
    expect(threadPending(1)).toBe(8);
    expect(resume(null, 1)).toBe(true);
    expect([threadRunning(1), threadResult(1), threadWords(1)]).toEqual([false, 30, 2]);
    expect([...memory].filter((w) => w !== 0)).toEqual([30]);
  });

  it('continue from a copy of their words in another place', () => {
    const memory = new Int32Array(48);
    setStacks(memory, 16);
    spawn(null, 0, outer, 3);
    memory.copyWithin(32, 0, threadWords(0));
    expect(resume(null, 2)).toBe(false);
    expect(resume(null, 2)).toBe(true);
    expect(threadResult(2)).toBe(14);
    expect(threadPending(0)).toBe(3);
    clearThread(0);
    expect(threadRunning(0)).toBe(false);
  });

  it('say so when a stack is too short', () => {
    setStacks(new Int32Array(8), 4);
    expect(() => spawn(null, 0, outer, 1)).toThrow(
      "stack overflow in twice: a thread's stack has 4 words",
    );
  });

  it('say so when a local is no int32', () => {
    setStacks(new Int32Array(16), 16);
    expect(() => spawn(null, 0, twice, 2 ** 31)).toThrow('is 2147483648, which is no int32');
    expect(() => spawn(null, 0, twice, 0.5)).toThrow('no int32');
    expect(() => word(Number.NaN)).toThrow('no int32');
    expect(word(-(2 ** 31))).toBe(-(2 ** 31));
  });

  it('say so when a stack has a function that nobody registered', () => {
    const memory = new Int32Array(16);
    setStacks(memory, 16);
    memory[0] = 2;
    memory[2] = 4000 << 20;
    expect(() => resume(null, 0)).toThrow('function 4000');
  });
});

describe('put', () => {
  it('logs addresses in the whole buffer, and only what changes', () => {
    const arena = new Int32Array(16);
    const upper = new Int32Array(arena.buffer, 32, 8);
    setLog(new Int32Array(2));
    put(upper, 1, 5);
    put(upper, 1, 5);
    put(arena, 3, -1);
    put(upper, 1, 6);
    expect([...log.subarray(0, logged)]).toEqual([9, 0, 3, 0, 9, 5]);
    undoTo(arena, 4);
    expect([arena[9], arena[3], logged]).toEqual([5, -1, 4]);
    undoTo(arena, 0);
    expect([...arena].some((w) => w !== 0)).toBe(false);
    put(upper, 2, 1);
    trimLog(0);
    expect([logged, upper[2]]).toEqual([0, 1]);
  });

  it('wraps as an Int32Array does, and refuses what lies outside', () => {
    const array = new Int32Array(4);
    put(array, 0, 2 ** 31);
    expect(array[0]).toBe(-(2 ** 31));
    expect(() => put(array, 4, 1)).toThrow('write to word 4 of an array of 4 words');
    expect(() => put(array, -1, 1)).toThrow('write to word -1');
  });
});
