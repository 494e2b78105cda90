import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { rulesFor } from '../../../src/kernels/index.ts';
import { arenaAlloc } from '../../../src/machine/arena.ts';
import * as runtime from '../../../src/machine/resumable.ts';
import { FOLL } from '../../../src/mm/foll.ts';
import { bootKernel, type Kernel, newTask } from '../../../src/mm/kernel.ts';
import { MADV } from '../../../src/mm/madvise.ts';
import { MAP, PROT } from '../../../src/mm/mmap.ts';
import { syncFolder } from '../../../tools/rewrite/files.ts';
import { FORMS } from '../../../tools/rewrite/modules.ts';
import { rewrite } from '../../../tools/rewrite/rewrite.ts';

const SRC = resolve(import.meta.dirname, '../../../src');
const AT = 0x1000;
const PAGES = 100;

/** Module, function, arguments; a process is forked on the way, and everything goes at the end. */
const CALLS: readonly (readonly [string, string, ...(number | boolean)[]])[] = [
  ['mm/mm-alloc.ts', 'mmAlloc'],
  [
    'mm/mmap.ts',
    'sysMmap',
    1,
    AT,
    8,
    PROT.read | PROT.write,
    MAP.private | MAP.anonymous | MAP.fixed,
    0,
    0,
  ],
  ['mm/memory.ts', 'userAccess', 1, AT, true],
  ['mm/memory.ts', 'userAccess', 1, AT + 1, true],
  ['mm/memory.ts', 'userAccess', 1, AT + 5, false],
  ['mm/gup.ts', 'pinUserPagesFast', 1, AT, 4, FOLL.write, PAGES],
  ['mm/fork.ts', 'dupMm', 1, 2],
  ['mm/memory.ts', 'userAccess', 1, AT, true],
  ['mm/memory.ts', 'userAccess', 1, AT + 5, true],
  ['mm/madvise.ts', 'sysMadvise', 1, AT, 3, MADV.dontneed],
  ['mm/memory.ts', 'userAccess', 1, AT, false],
  ['mm/unpin.ts', 'unpinUserPagesDirtyLock', PAGES, 4, true],
  ['mm/mprotect.ts', 'sysMprotect', 1, AT + 2, 2, PROT.read],
  ['mm/memory.ts', 'userAccess', 1, AT + 2, true],
  ['mm/mmap.ts', 'sysMunmap', 1, AT + 1, 5],
  ['mm/exit.ts', 'exitMm', 1],
];

type Functions = Record<string, unknown>;
let folder = '';
let refused: string[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pinfold-kernel-'));
  const made = rewrite(
    {
      root: SRC,
      folders: ['machine', 'mm', 'fs', 'drivers', 'litmus/run'],
      out: folder,
      runtime: join(SRC, 'machine/resumable.ts'),
      tables: ['regions'],
      shown: 'src/',
    },
    FORMS,
  );
  refused = made.refusals.map((r) => r.message);
  for (const [form, files] of made.files) syncFolder(join(folder, form), files);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

function load(path: string): Promise<Functions> {
  return import(/* @vite-ignore */ pathToFileURL(path).href) as Promise<Functions>;
}

function bootSmall(version: string): { k: Kernel; arena: Int32Array } {
  const { arena, alloc } = arenaAlloc(3 << 20);
  const k = bootKernel({
    rules: rulesFor(version),
    alloc,
    areas: [{ pages: 512 }],
    vmas: 32,
    tasks: 4,
    files: 4,
    mms: 4,
    cpus: 2,
    swapPages: 64,
  });
  newTask(k, 1, 0);
  newTask(k, 0, 1);
  return { k, arena };
}

interface Run {
  readonly results: number[];
  readonly accesses: number[][];
  readonly arena: Int32Array;
}

async function runAll(
  version: string,
  from: string,
  call: (
    f: unknown,
    k: Kernel,
    args: readonly (number | boolean)[],
    arena: Int32Array,
  ) => { result: number; accesses: number[] },
): Promise<Run> {
  const { k, arena } = bootSmall(version);
  const run: Run = { results: [], accesses: [], arena };
  for (const [file, name, ...args] of CALLS) {
    const f = (await load(join(from, file)))[name];
    const { result, accesses } = call(f, k, args, arena);
    // The direct forms don't note what a step touches besides; whoever schedules the others empties it.
    k.also.fill(0);
    run.results.push(result);
    run.accesses.push(accesses);
  }
  return run;
}

type Stepped = (
  k: Kernel,
  ...args: readonly (number | boolean)[]
) => Generator<number, unknown, void>;
type Plain = (k: Kernel, ...args: readonly (number | boolean)[]) => unknown;

function stepped(
  f: unknown,
  k: Kernel,
  args: readonly (number | boolean)[],
): { result: number; accesses: number[] } {
  const steps = (f as Stepped)(k, ...args);
  const accesses: number[] = [];
  for (;;) {
    const next = steps.next();
    if (next.done === true) return { result: Number(next.value ?? 0), accesses };
    accesses.push(next.value);
  }
}

function plain(
  f: unknown,
  k: Kernel,
  args: readonly (number | boolean)[],
): { result: number; accesses: number[] } {
  return { result: Number((f as Plain)(k, ...args) ?? 0), accesses: [] };
}

/** Runs the call, takes it back, compares with what was before, and runs it again. */
function resumable(
  f: unknown,
  k: Kernel,
  args: readonly (number | boolean)[],
  arena: Int32Array,
): { result: number; accesses: number[] } {
  const before = arena.slice();
  runtime.setStacks(new Int32Array(512), 512);
  runtime.setLog(new Int32Array(64));
  const once = () => {
    const accesses: number[] = [];
    let done = runtime.spawn(k, 0, f as runtime.Routine<Kernel, runtime.Value[]>, ...args);
    while (!done) {
      accesses.push(runtime.threadPending(0));
      done = runtime.resume(k, 0);
    }
    return { result: runtime.threadResult(0), accesses };
  };
  const first = once();
  runtime.undoTo(arena, 0);
  expect(Buffer.compare(Buffer.from(arena.buffer), Buffer.from(before.buffer))).toBe(0);
  expect(once()).toEqual(first);
  runtime.setLog(null);
  return first;
}

it('nothing of the kernel is refused', () => {
  expect(refused).toEqual([]);
});

for (const version of ['4.14', '5.8', '6.12']) {
  it(`calls of a process do the same in every form (${version})`, async () => {
    const expected = await runAll(version, SRC, stepped);
    expect(expected.results[0]).toBe(1);
    const again = await runAll(version, join(folder, 'resumable'), resumable);
    expect(again.results).toEqual(expected.results);
    expect(again.accesses).toEqual(expected.accesses);
    expect(
      Buffer.compare(Buffer.from(again.arena.buffer), Buffer.from(expected.arena.buffer)),
    ).toBe(0);
    for (const form of ['direct', 'shared']) {
      const run = await runAll(version, join(folder, form), plain);
      expect(run.results).toEqual(expected.results);
      expect(
        Buffer.compare(Buffer.from(run.arena.buffer), Buffer.from(expected.arena.buffer)),
      ).toBe(0);
    }
  });
}
