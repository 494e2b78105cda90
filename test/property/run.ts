/** Running a program in one form or in several, and comparing what they did. */
import { freePageCount } from '../../src/machine/buddy.ts';
import { PG } from '../../src/machine/page.ts';
import { MISC } from '../../src/mm/kernel.ts';
import type { Form } from './forms.ts';
import { exitProcess, giveBack, runOp } from './operations.ts';
import { type Program, programText } from './program.ts';
import { Memory, PROCESSES, World } from './world.ts';

/** A form and the memory that its machines live in. */
export interface Runner {
  readonly form: Form;
  readonly memory: Memory;
}

export function runnerOf(form: Form): Runner {
  return { form, memory: new Memory() };
}

/** What a form did: each operation's result, then the end's. The words are in the runner's memory. */
export interface Outcome {
  readonly results: number[];
  readonly world: World;
}

/** What broke a law, with the program that did. */
export class Broken extends Error {
  constructor(program: Program, at: number, what: string) {
    super(`${what}\nat operation ${at} of\n${programText(program)}`);
  }
}

/** Runs `program`; with `audited` the machine is recounted after every operation. */
export function execute(runner: Runner, program: Program, audited: boolean): Outcome {
  const { form, memory } = runner;
  const world = new World(form, memory, program.setup);
  const results: number[] = [];
  const guard = (at: number, run: () => number) => {
    try {
      results.push(run());
    } catch (error) {
      throw new Broken(
        program,
        at,
        `${form.name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
    }
    const findings = audited ? world.audit() : [];
    if (findings.length > 0)
      throw new Broken(program, at, `${form.name}: the audit finds\n  ${findings.join('\n  ')}`);
  };
  for (const [i, o] of program.ops.entries()) guard(i, () => runOp(world, o));
  guard(program.ops.length, () => end(world));
  return { results, world };
}

/** Everything is given back and every process exits: no memory may be missing then. Returns how much is. */
function end(w: World): number {
  for (const hold of w.holds.splice(0)) giveBack(w, hold, hold.pages.length, 0);
  for (let p = 0; p < PROCESSES; p++) {
    w.schedule(p);
    if (w.mm(p) !== 0) exitProcess(w, p);
  }
  w.call('lruDrain');
  // A page that somebody held when its last swap entry went stays in the swap cache for reclaim to find.
  w.call('shrinkLruPages', w.k.pages);
  w.call('lruDrain');
  const zero = w.k.misc[MISC.hugeZero] === 0 ? 0 : 512;
  // Broken pages are never given out again.
  const broken = w.k.page.flags.filter((flags) => (flags & PG.hwpoison) !== 0).length;
  const missing = w.freeAtStart - freePageCount(w.k) - zero - broken;
  if (missing !== 0) throw new Error(`${missing} pages are missing at the end`);
  if (w.k.swap.map.some((n) => n !== 0) || w.k.swap.cache.some((n) => n !== 0))
    throw new Error('swap is in use at the end');
  if (w.k.hugetlb.reserved.some((n) => n !== 0))
    throw new Error('hugetlb pages are reserved at the end');
  return missing;
}

/** Runs `program` in every form: same results, same words at the end; audited in the forms of `audited`. */
export function compareForms(
  runners: readonly Runner[],
  program: Program,
  audited: readonly string[],
): void {
  const outcomes = runners.map((r) => execute(r, program, audited.includes(r.form.name)));
  const [first, ...others] = outcomes;
  const model = runners[0];
  if (first === undefined || model === undefined) return;
  for (const [i, other] of others.entries()) {
    const runner = runners[i + 1] as Runner;
    const differs = first.results.findIndex((result, n) => result !== other.results[n]);
    if (differs >= 0) {
      throw new Broken(
        program,
        differs,
        `${model.form.name} answers ${first.results[differs]}, ${runner.form.name} ${other.results[differs]}`,
      );
    }
    forgetLedger(first.world);
    forgetLedger(other.world);
    const word = firstDifference(model.memory, runner.memory);
    if (word >= 0) {
      throw new Broken(
        program,
        program.ops.length,
        `word ${word} (${arrayAt(first.world, word)}) is ${model.memory.words[word]} for ${model.form.name}, ${runner.memory.words[word]} for ${runner.form.name}`,
      );
    }
  }
}

/** Direct forms keep no ledger of pins. */
function forgetLedger(w: World): void {
  w.k.pins.fill(0);
}

function firstDifference(a: Memory, b: Memory): number {
  const [x, y] = [a, b].map((m) => Buffer.from(m.words.buffer, 0, m.used * 4)) as [Buffer, Buffer];
  if (a.used === b.used && x.equals(y)) return -1;
  return a.words.findIndex((word, i) => word !== b.words[i]);
}

/** Which array of the machine holds a word of its memory: `page.flags[17]`. */
function arrayAt(w: World, word: number): string {
  const found = (value: unknown, path: string): string => {
    if (value instanceof Int32Array) {
      const from = value.byteOffset / 4;
      return word >= from && word < from + value.length ? `${path}[${word - from}]` : '';
    }
    if (typeof value !== 'object' || value === null) return '';
    for (const [key, inner] of Object.entries(value)) {
      const hit = key === 'regions' ? '' : found(inner, path === '' ? key : `${path}.${key}`);
      if (hit !== '') return hit;
    }
    return '';
  };
  return found(w.k, '') || 'of no array';
}
