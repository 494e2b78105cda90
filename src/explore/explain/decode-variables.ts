/** Differences of the test's variables, arrays of pages, pipes and counters. */
import { PIPE_BUF, PIPE_BUFFERS } from '../../fs/system.ts';
import { isPage } from '../../litmus/compile/layout.ts';
import { OP } from '../../litmus/run/program.ts';
import { getVar } from '../../litmus/run/values.ts';
import { VMSTAT } from '../../mm/vmstat-items.ts';
import { errnoText } from '../errno-text.ts';
import type { Context } from './context.ts';
import type { Difference } from './types.ts';
import type { Slot } from './variables.ts';
import type { Words } from './words.ts';

const TWO_32 = 2 ** 32;

/** A value of a variable as C would have it written. */
const valueText = (ctx: Context, slot: Slot, value: number): string => {
  if (isPage(slot.type)) return value === 0 ? 'NULL' : ctx.page(value);
  if (slot.type.kind === 'pointer' && value > 0 && value % 4096 === 0)
    return `0x${value.toString(16)}`;
  return errnoText(value);
};

/**
 * What a statement that is done gave to its variable, if it is what the variable held before: a reader wants to know all
 * the same. null: it is not done, or gives nothing.
 */
export const resultKept = (ctx: Context, words: Words, instruction: number): Difference | null => {
  const { k } = ctx;
  const { code } = k.program;
  const line = code[instruction]?.line;
  // A value that is still to be converted goes by way of a temporary.
  let v = code[instruction]?.dst ?? -1;
  for (
    let pc = instruction + 1;
    v >= 0 && code[pc]?.op === OP.assign && code[pc]?.line === line;
    pc++
  )
    v = code[pc]?.dst ?? -1;
  const slot = ctx.survey.variables.vars.get(v);
  if (slot === undefined || words.has('lit.vars', 2 * v) || words.has('lit.vars', 2 * v + 1))
    return null;
  const value = valueText(ctx, slot, getVar(k, v));
  return {
    kind: 'variable',
    object: slot.name,
    before: value,
    after: value,
    frame: null,
    shown: true,
  };
};

export const decodeVariables = (ctx: Context, words: Words, thread: number): Difference[] => {
  const { k } = ctx;
  const found: Difference[] = [];
  const own = k.program.threads[thread]?.process;
  for (const v of new Set(words.of('lit.vars').map((w) => w.index >> 1))) {
    const slot = ctx.survey.variables.vars.get(v);
    if (slot === undefined) continue;
    const lo = k.lit.vars[2 * v] ?? 0;
    const hi = k.lit.vars[2 * v + 1] ?? 0;
    const before =
      words.before('lit.vars', 2 * v + 1, hi) * TWO_32 +
      (words.before('lit.vars', 2 * v, lo) >>> 0);
    const mine = slot.process === own && (slot.thread < 0 || slot.thread === thread);
    const of = slot.thread < 0 ? ctx.process(slot.process) : ctx.thread(slot.thread);
    found.push({
      kind: 'variable',
      object: mine ? slot.name : `${slot.name} of ${of}`,
      before: valueText(ctx, slot, before),
      after: valueText(ctx, slot, hi * TWO_32 + (lo >>> 0)),
      frame: null,
      // A child's variables are the parent's: nothing to tell.
      shown: mine,
    });
  }
  for (const w of words.of('kmem')) {
    const slot = ctx.survey.variables.kmem.get(w.index - k.lit.kmem);
    if (slot === undefined) continue;
    const text = (value: number): string => (value === 0 ? 'NULL' : ctx.page(value));
    found.push({
      kind: 'variable',
      object: slot.name,
      before: text(w.before),
      after: text(w.after),
      frame: w.after,
      shown: true,
    });
  }
  for (const w of words.of('pipe.buffers')) {
    if (w.index % PIPE_BUF.words !== PIPE_BUF.pfn) continue;
    const pipe = Math.floor(w.index / (PIPE_BUFFERS * PIPE_BUF.words));
    const text = (value: number): string => (value === 0 ? 'nothing' : ctx.page(value));
    found.push({
      kind: 'io',
      object: `pipe ${pipe} holds`,
      before: text(w.before),
      after: text(w.after),
      frame: w.after,
      shown: true,
    });
  }
  for (const w of words.of('vmstat')) {
    const item = w.index % VMSTAT.items;
    const name =
      Object.entries(VMSTAT).find(([, value]) => value === item)?.[0] ?? `vmstat ${item}`;
    found.push({
      kind: 'counter',
      object: name,
      before: String(w.before),
      after: String(w.after),
      frame: null,
      shown: false,
    });
  }
  return found;
};
