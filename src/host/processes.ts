/** Which thread runs in which process, and which threads no fork starts. */
import type { ThreadRef } from '../litmus/ast.ts';
import { threadName } from '../litmus/ast.ts';
import type { CheckedTest } from '../litmus/checked.ts';

export interface Processes {
  readonly count: number;
  /** Process of each thread by its index in the file. Kernel contexts run as threads of process 0. */
  readonly of: readonly number[];
  /** Indices of the threads that start after the initial block. */
  readonly first: readonly number[];
  /** Index of a thread in the file; -1: there is none of that name. */
  index(name: string): number;
  /** Process that a condition means by `1:`; the initial block's when no thread is named. */
  named(thread: ThreadRef | null): number;
}

/** The processes of a test: process 0, and one for each thread that is forked. */
export const processesOf = (checked: CheckedTest): Processes => {
  let count = 1;
  const of = checked.threads.map((t) => (t.forkedBy === null ? 0 : count++));
  const index = (name: string): number => checked.threads.findIndex((t) => t.name === name);
  return {
    count,
    of,
    first: checked.threads.flatMap((t, i) => (t.forkedBy === null ? [i] : [])),
    index,
    named: (thread) => (thread === null ? 0 : (of[index(threadName(thread))] ?? 0)),
  };
};

/** More than one thread, or a device beside one: then runs differ by timing. */
export const races = (checked: CheckedTest): boolean =>
  checked.threads.length > 1 || checked.callNames.includes('io_submit');
