/**
 * `ranges`: what the outputs of a pinning call take (seeds B2, B3), and what it costs to call again and again because the
 * caller's buffer is small (B4). Everything is counted, in the stepped form: the same numbers on every machine.
 */
import { rulesFor } from '../src/kernels/index.ts';
import { accessOp, accessRegion, LOCK, LOCK_SHARED, R, READ } from '../src/machine/access.ts';
import { HPAGE_PMD_NR } from '../src/machine/page.ts';
import type { Steps } from '../src/machine/types.ts';
import { FOLL } from '../src/mm/foll.ts';
import { packedWords } from '../src/mm/gup-packed.ts';
import {
  pinUserPagesFastPacked,
  pinUserPagesFastRanges,
  rangeCount,
  rangeLength,
  rangePage,
} from '../src/mm/gup-ranges.ts';
import { bootKernel, type Kernel, kmalloc, newTask } from '../src/mm/kernel.ts';
import { userAccess } from '../src/mm/memory.ts';
import { mmAlloc } from '../src/mm/mm-alloc.ts';
import { MAP, PROT, sysMmap } from '../src/mm/mmap.ts';
import { unpinUserPacked, unpinUserRanges } from '../src/mm/unpin.ts';
import { printTable } from './measure.ts';

const KERNEL = '6.18';
/** 16 MiB. */
const PAGES = 8 * HPAGE_PMD_NR;
const START = 1 << 20;
/** Bytes of a `struct page *`, a bio_vec, a page frame with a length, a scatterlist entry. */
const POINTER = 8;
const BIO_VEC = 16;
const FRAME_AND_LENGTH = 12;
const SCATTERLIST = 32;

/** What a call announced: updates of counts, entries of page tables read, locks taken, interrupts off and on. */
interface Counts {
  entries: number;
  locks: number;
  irqs: number;
}

function run<T>(steps: Steps<T>, counts?: Counts): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value as T;
    if (counts === undefined) continue;
    const [op, region] = [accessOp(value), accessRegion(value)];
    if (region === R.entry && op === READ) counts.entries++;
    if (op === LOCK || op === LOCK_SHARED) counts.locks++;
    if (region === R.irq) counts.irqs++;
  }
}

/** A process with 16 MiB, touched in order or so that neighbours are never consecutive in memory. */
function process(thp: boolean, scattered: boolean): { k: Kernel; task: number; at: number } {
  const k = bootKernel({
    rules: rulesFor(KERNEL),
    areas: [{ pages: 1 << 15 }],
    thpAlways: thp,
  });
  const task = newTask(k, run(mmAlloc(k)), 0);
  const flags = MAP.private | MAP.anonymous | MAP.fixed;
  run(sysMmap(k, task, START, PAGES, PROT.read | PROT.write, flags, 0, 0));
  const stride = scattered ? 3 : 1;
  for (let first = 0; first < stride; first++)
    for (let i = first; i < PAGES; i += stride) run(userAccess(k, task, START + i, true));
  return { k, task, at: kmalloc(k, 4 * PAGES) };
}

/** Bytes of each output for `n` pages `from` the start of the memory. */
function sizes(name: string, machine: ReturnType<typeof process>, from: number, n: number) {
  const { k, task, at } = machine;
  const words = 4 * PAGES;
  run(pinUserPagesFastRanges(k, task, START + from, n, FOLL.write, at, words));
  const runs = rangeCount(k, at);
  let segments = 0;
  for (let i = 0; i < runs; i++) {
    const next = i === 0 ? -1 : rangePage(k, at, i - 1) + rangeLength(k, at, i - 1);
    if (rangePage(k, at, i) !== next) segments++;
  }
  run(unpinUserRanges(k, at, false));
  run(pinUserPagesFastPacked(k, task, START + from, n, FOLL.write, at, words));
  const packed = 4 * packedWords(k, at);
  run(unpinUserPacked(k, at, false));
  const bytes = [
    POINTER * n,
    BIO_VEC * runs,
    FRAME_AND_LENGTH * runs,
    packed,
    SCATTERLIST * segments,
  ];
  return [name, n, runs, ...bytes].map(String);
}

/** Pins and releases all, as much a call as a buffer of so many bytes takes. */
function calls(machine: ReturnType<typeof process>, bytes: number): string[] {
  const { k, task, at } = machine;
  const counts: Counts = { entries: 0, locks: 0, irqs: 0 };
  let done = 0;
  let called = 0;
  while (done < PAGES) {
    const start = START + done;
    const n = PAGES - done;
    const got = run(pinUserPagesFastPacked(k, task, start, n, FOLL.write, at, bytes / 4), counts);
    if (got <= 0) throw new Error(`pinned ${got}`);
    run(unpinUserPacked(k, at, false));
    done += got;
    called++;
  }
  return [bytes, called, counts.entries, counts.locks, counts.irqs].map(String);
}

/** Counts and prints both tables. */
export function ranges(): void {
  console.log(`ranges: bytes that name what was pinned, kernel ${KERNEL} modelled`);
  const inOrder = process(false, false);
  const apart = process(false, true);
  const huge = process(true, false);
  printTable(
    ['memory', 'pages', 'runs', 'pages: 8', 'bio_vec: 16', '12', 'packed', 'for DMA: 32'],
    [
      sizes('4 KiB pages, each elsewhere', apart, 0, PAGES),
      sizes('4 KiB pages, side by side', inOrder, 0, PAGES),
      sizes('2 MiB pages', huge, 0, PAGES),
      sizes('2 MiB pages from the 8th page', huge, 7, PAGES - 14),
    ],
  );
  console.log('  A run is of one folio; segments for DMA join folios that lie side by side.');
  console.log('');
  console.log(
    '  16 MiB of 4 KiB pages by calls that fill a packed buffer, which is emptied between',
  );
  printTable(
    ['bytes of the buffer', 'calls', 'entries read', 'locks', 'interrupts off, on'],
    [32, 128, 512, 4096, 8 * PAGES + 32].map((bytes) => calls(apart, bytes)),
  );
  console.log('  A call that the buffer ends has looked at one page more, on both paths.');
}
