/** Random programs for fast-check. */
import fc from 'fast-check';
import { kernelNames } from '../../src/kernels/index.ts';
import { OPERATIONS, type OpName, WINDOW } from './operations.ts';
import type { Op, Program } from './program.ts';
import { PROCESSES, type Setup } from './world.ts';

/** How often an operation is chosen; 2 where nothing is said. */
const WEIGHTS: Partial<Record<OpName, number>> = {
  mmap: 4,
  load: 3,
  store: 8,
  grab: 10,
  release: 5,
  fork: 4,
  madvise: 6,
  exit: 1,
  seal: 1,
  drain: 1,
  collapse: 1,
  ksm: 3,
  compact: 1,
  clearRefs: 1,
  swapOff: 1,
  breakPage: 1,
};

const NAMES = Object.keys(OPERATIONS) as OpName[];

/** Numbers of an operation. Most act in process 0, which lives longest. */
const numbers = {
  p: fc.oneof(
    { weight: 2, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.nat(PROCESSES - 1) },
  ),
  q: fc.nat(PROCESSES - 1),
  at: fc.nat(WINDOW - 1),
  n: fc.integer({ min: 1, max: 8 }),
  to: fc.nat(WINDOW - 1),
  how: fc.nat(63),
};

const op: fc.Arbitrary<Op> = fc.record({
  op: fc.oneof(
    ...NAMES.map((name) => ({ weight: WEIGHTS[name] ?? 2, arbitrary: fc.constant(name) })),
  ),
  ...numbers,
});

/** The beginning of every program: memory all over the window, then some other mapping in it, and a page written. */
const start: fc.Arbitrary<Op[]> = fc.tuple(
  fc.record({
    ...numbers,
    op: fc.constant<OpName>('mmap'),
    p: fc.constant(0),
    at: fc.constant(0),
    n: fc.constant(WINDOW),
    to: fc.constant(0),
    how: fc.constant(0),
  }),
  fc.record({ ...numbers, op: fc.constant<OpName>('mmap'), p: fc.constant(0), to: fc.nat(7) }),
  fc.record({ ...numbers, op: fc.constant<OpName>('store'), p: fc.constant(0) }),
);

/** A machine of one of the layouts, of any kernel. */
export function setups(layouts: readonly Setup['layout'][]): fc.Arbitrary<Setup> {
  return fc.record({
    version: fc.constantFrom(...kernelNames),
    layout: fc.constantFrom(...layouts),
    lruBatch: fc.constantFrom(0, 0, 3),
    thpAlways: fc.boolean(),
  });
}

/** Programs of 10 to 25 operations. */
export function programs(layouts: readonly Setup['layout'][]): fc.Arbitrary<Program> {
  return fc
    .tuple(setups(layouts), start, fc.array(op, { minLength: 7, maxLength: 22 }))
    .map(([setup, first, rest]) => ({ setup, ops: [...first, ...rest] }));
}
