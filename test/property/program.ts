/** Programs as plain data: a machine, and operations with a few small numbers each; printed as what can be run again. */
import { OPERATIONS, type OpName } from './operations.ts';
import type { Setup } from './world.ts';

/** One operation. Which of the numbers matter depends on its name (`OPERATIONS`). */
export interface Op {
  readonly op: OpName;
  /** The process that acts, and another one. */
  readonly p: number;
  readonly q: number;
  /** Page of the window in which all mappings lie, and a number of pages. */
  readonly at: number;
  readonly n: number;
  /** Another page of the window. */
  readonly to: number;
  /** Which protection, flags, advice, ... */
  readonly how: number;
}

export interface Program {
  readonly setup: Setup;
  readonly ops: readonly Op[];
}

/** As TypeScript for `compareForms` (replay.ts runs it), an operation a line, with only the numbers that matter. */
export function programText(program: Program): string {
  const lines = program.ops.map((o, i) => {
    const fields = OPERATIONS[o.op].fields.map((f) => `${f}: ${o[f]}`);
    return `  op('${o.op}', { ${fields.join(', ')} }), // ${i}`;
  });
  return `({ setup: ${JSON.stringify(program.setup)}, ops: [\n${lines.join('\n')}\n] })`;
}

/** An operation of which only the numbers that matter are given. */
export function op(name: OpName, numbers: Partial<Op>): Op {
  return { p: 0, q: 0, at: 0, n: 1, to: 0, how: 0, ...numbers, op: name };
}
