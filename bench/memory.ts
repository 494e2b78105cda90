/**
 * `memory`: what the description of a machine takes of this one's memory: 1 TiB before anything is
 * touched, then 64 GiB of it touched by one process, page by page, with its page tables. Both are
 * measured, in a process of their own, as growth of what the operating system counts as resident.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { freemem } from 'node:os';
import { rulesFor } from '../src/kernels/index.ts';
import { plainAlloc } from '../src/machine/arena.ts';
import { MAP, PROT } from '../src/mm/mmap.ts';
import { FORMS, KERNEL } from './forms.ts';
import { verdict } from './measure.ts';

const MIB = 2 ** 20;
/** 1 TiB, and 64 GiB, in pages. */
const DESCRIBED = 2 ** 28;
const TOUCHED = 2 ** 24;
/** Pages of each mmap(MAP_POPULATE). */
const PART = 2 ** 18;
/** Limits: bytes for 1 TiB described, bytes a page touched. */
const DESCRIBED_LIMIT = 64 * MIB;
const PAGE_LIMIT = 40;

/** Bytes that are this process's own and in memory, once it has given back what nobody needs. */
async function resident(): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let unchanged = 0; unchanged < 10; unchanged++) {
    globalThis.gc?.();
    // What was collected is given back a little later, by other threads.
    await new Promise((resolve) => setTimeout(resolve, 50));
    // Less what is a file's: the program itself comes and goes.
    const [, all = 0, shared = 0] = readFileSync('/proc/self/statm', 'utf8').split(' ').map(Number);
    const bytes = (all - shared) * 4096;
    if (bytes < least) unchanged = 0;
    least = Math.min(least, bytes);
  }
  return least;
}

/** Boots 1 TiB, touches `pages` pages of it, and prints the two measurements as JSON. */
async function measureHere(pages: number): Promise<void> {
  const form = FORMS.plain;
  const boot = (all: number) =>
    form.bootKernel({
      rules: rulesFor(KERNEL),
      alloc: plainAlloc,
      areas: [{ pages: all }],
      slots: Math.ceil(TOUCHED / 512) + 1024,
    });
  // The code gets its memory first, with a machine that stays until the end.
  const first = boot(DESCRIBED);
  touch(first, PART);
  const before = await resident();
  const k = boot(DESCRIBED);
  const described = (await resident()) - before;
  touch(k, PART);
  const start = await resident();
  const took = performance.now();
  touch(k, pages);
  const seconds = (performance.now() - took) / 1000;
  const touched = ((await resident()) - start) / pages;
  if (first.report[0] !== 0 || k.report[0] !== 0) throw new Error('the model reported a BUG');
  console.log(JSON.stringify({ described, touched, seconds }));
}

/** A process writes to `pages` pages, each by a fault. */
function touch(k: ReturnType<(typeof FORMS)['plain']['bootKernel']>, pages: number): void {
  const { mmAlloc, newTask, sysMmap } = FORMS.plain;
  const task = newTask(k, mmAlloc(k), 0);
  const flags = MAP.private | MAP.anonymous | MAP.populate;
  for (let done = 0; done < pages; done += PART) {
    const at = sysMmap(k, task, 0, PART, PROT.read | PROT.write, flags, 0, 0);
    if (at <= 0) throw new Error(`mmap failed: ${at}`);
  }
}

/** Measures and prints. Where memory is short a part is touched, which is said. */
export async function memory(): Promise<void> {
  console.log(`memory: resident bytes of the direct form, kernel ${KERNEL} modelled`);
  let pages = TOUCHED;
  while (pages > PART && pages * 2 * PAGE_LIMIT > freemem()) pages /= 2;
  const words = ['--expose-gc', ...process.execArgv, import.meta.filename, String(pages)];
  const run = spawnSync(process.execPath, words, { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`the measuring process failed: ${run.stderr}`);
  const { described, touched, seconds } = JSON.parse(run.stdout) as {
    readonly described: number;
    readonly touched: number;
    readonly seconds: number;
  };
  console.log(
    `  1 TiB described, nothing touched: ${(described / MIB).toFixed(1)} MiB; limit 64: ${verdict(described, DESCRIBED_LIMIT)}`,
  );
  const size = `${pages / PART} GiB touched in 4 KiB pages`;
  console.log(
    `  ${size}, page tables included: ${touched.toFixed(2)} bytes a page; limit 40: ${verdict(touched, PAGE_LIMIT)}` +
      ` (${((seconds * 1e9) / pages).toFixed(0)} ns a fault)`,
  );
  if (pages < TOUCHED)
    console.log('  memory is short here: 64 GiB would take as much a page, but were not touched');
}

if (import.meta.main) await measureHere(Number(process.argv[2]));
