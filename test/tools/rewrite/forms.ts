/** Makes the forms of some source text in a folder of its own, loads them, and runs them in step. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Runtime from '../../../src/machine/resumable.ts';
import { syncFolder } from '../../../tools/rewrite/files.ts';
import { FORMS, type Form, type Layout } from '../../../tools/rewrite/modules.ts';
import { type Rewritten, rewrite } from '../../../tools/rewrite/rewrite.ts';

const RUNTIME = resolve(import.meta.dirname, '../../../src/machine/resumable.ts');

/** A machine for fixtures: arrays on one buffer, a table of arrays, and fields that never change. */
interface Toy {
  readonly arena: Int32Array;
  readonly page: { readonly flags: Int32Array; readonly count: Int32Array };
  readonly words: Int32Array;
  readonly regions: Int32Array[];
  readonly rules: { readonly mode: string; readonly strict: boolean; readonly limit: number };
}

function toy(): Toy {
  const arena = new Int32Array(64);
  const view = (i: number) => new Int32Array(arena.buffer, i * 64, 16);
  const [flags, count, words, spare] = [view(0), view(1), view(2), view(3)];
  for (let i = 0; i < 16; i++) {
    flags[i] = i * 3;
    count[i] = 1;
    words[i] = i ^ 5;
  }
  return {
    arena,
    page: { flags, count },
    words,
    regions: [flags, count, words, spare],
    rules: { mode: 'exclusive', strict: true, limit: 3 },
  };
}

export type Arg = number | boolean;
type Stepped = (k: Toy, ...args: Arg[]) => Generator<number, Arg | undefined, void>;
type Direct = (k: Toy, ...args: Arg[]) => Arg | undefined;
type Exports<T> = Record<string, T>;

export interface Loaded {
  readonly stepped: Exports<Stepped>;
  readonly direct: Exports<Direct>;
  readonly resumable: Exports<Runtime.Routine<Toy, Arg[]>>;
  readonly runtime: typeof Runtime;
  /** Removes the files. */
  remove(): void;
}

const loadedRuntime: Promise<typeof Runtime> = load(RUNTIME);

function load<T>(path: string): Promise<T> {
  return import(/* @vite-ignore */ pathToFileURL(path).href) as Promise<T>;
}

/** Puts `files` (text by path) into a new folder as its rewritten set. */
function layoutOf(files: Readonly<Record<string, string>>): Layout {
  const folder = mkdtempSync(join(tmpdir(), 'pinfold-rewrite-'));
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, 'src', name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  const folders = [...new Set(Object.keys(files).map((name) => dirname(name)))].filter(
    (f) => !f.startsWith('outside'),
  );
  return {
    root: join(folder, 'src'),
    folders,
    out: join(folder, 'gen'),
    runtime: RUNTIME,
    tables: ['regions'],
    shown: 'src/',
  };
}

export function rewriteText(
  files: Readonly<Record<string, string>>,
  forms: readonly Form[] = FORMS,
): Rewritten {
  const layout = layoutOf(files);
  const made = rewrite(layout, forms);
  rmSync(dirname(layout.root), { recursive: true });
  return made;
}

/** Rewrites `files` and imports module `main` of them in every form. */
export async function loadForms(
  files: Readonly<Record<string, string>>,
  main: string,
): Promise<Loaded> {
  const layout = layoutOf(files);
  const { files: made, refusals } = rewrite(layout, FORMS);
  if (refusals[0] !== undefined) throw refusals[0];
  for (const [form, texts] of made) syncFolder(join(layout.out, form), texts);
  return {
    stepped: await load(join(layout.root, main)),
    direct: await load(join(layout.out, 'direct', main)),
    resumable: await load(join(layout.out, 'resumable', main)),
    runtime: await loadedRuntime,
    remove: () => rmSync(dirname(layout.root), { recursive: true }),
  };
}

export interface Outcome {
  readonly result: number;
  readonly accesses: readonly number[];
  readonly state: readonly number[];
}

/** Steps after which a run is given up. */
const MOST_STEPS = 4_000;

/** Throws RangeError for a run of more steps than are worth it. */
export function runStepped(f: Stepped, args: readonly Arg[]): Outcome {
  const k = toy();
  const steps = f(k, ...args);
  const accesses: number[] = [];
  for (;;) {
    const next = steps.next();
    if (next.done === true)
      return { result: Number(next.value ?? 0), accesses, state: [...k.arena] };
    accesses.push(next.value);
    if (accesses.length > MOST_STEPS) throw new RangeError('too many steps');
  }
}

export function runDirect(f: Direct, args: readonly Arg[]): Omit<Outcome, 'accesses'> {
  const k = toy();
  const result = f(k, ...args);
  return { result: Number(result ?? 0), state: [...k.arena] };
}

/** Words of stack a thread. */
const STACK = 256;

export function runResumable(loaded: Loaded, name: string, args: readonly Arg[]): Outcome {
  const { runtime } = loaded;
  const f = loaded.resumable[name];
  if (f === undefined) throw new TypeError(name);
  const k = toy();
  const stacks = new Int32Array(STACK * 2);
  runtime.setStacks(stacks, STACK);
  const accesses: number[] = [];
  let done = runtime.spawn(k, 1, f, ...args);
  while (!done) {
    accesses.push(runtime.threadPending(1));
    checkStack(stacks, runtime.threadWords(1));
    done = runtime.resume(k, 1);
  }
  checkStack(stacks, runtime.threadWords(1));
  return { result: runtime.threadResult(1), accesses, state: [...k.arena] };
}

/** Thread 0 never ran; behind the top frame there is nothing. */
function checkStack(stacks: Int32Array, used: number): void {
  for (let i = 0; i < STACK; i++)
    if (stacks[i] !== 0) throw new Error(`word ${i} of another thread's stack was written`);
  for (let i = STACK + used; i < stacks.length; i++) {
    if (stacks[i] !== 0)
      throw new Error(`word ${i - STACK} behind the stack's ${used} words is not 0`);
  }
}

/**
 * Runs `name` step by step; before each step the rest is first run on a copy of the stack in another thread's place,
 * then taken back by the undo log. Returns what every one of these runs gave.
 */
export function runWithDetours(
  loaded: Loaded,
  name: string,
  args: readonly Arg[],
): { readonly outcome: Outcome; readonly detours: Outcome[] } {
  const { runtime } = loaded;
  const f = loaded.resumable[name];
  if (f === undefined) throw new TypeError(name);
  const k = toy();
  const stacks = new Int32Array(STACK * 2);
  runtime.setStacks(stacks, STACK);
  runtime.setLog(new Int32Array(2));
  const accesses: number[] = [];
  const detours: Outcome[] = [];
  let done = runtime.spawn(k, 0, f, ...args);
  while (!done) {
    const mark = runtime.logged;
    const before = [...k.arena];
    stacks.copyWithin(STACK, 0, STACK);
    const ahead = [...accesses];
    for (let over = false; !over; ) {
      ahead.push(runtime.threadPending(1));
      over = runtime.resume(k, 1);
    }
    detours.push({ result: runtime.threadResult(1), accesses: ahead, state: [...k.arena] });
    runtime.undoTo(k.arena, mark);
    for (let i = 0; i < before.length; i++)
      if (k.arena[i] !== before[i]) throw new Error(`word ${i} was not taken back`);
    runtime.clearThread(1);
    accesses.push(runtime.threadPending(0));
    done = runtime.resume(k, 0);
  }
  runtime.setLog(null);
  return { outcome: { result: runtime.threadResult(0), accesses, state: [...k.arena] }, detours };
}
