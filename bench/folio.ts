/**
 * `folio`: 2 MiB folios cost by folio and not by page. The updates of counts are counted in the
 * stepped form, where each is announced; the times are the direct form's, beside C and this kernel.
 */
import * as directRanges from '../gen/direct/mm/gup-ranges.ts';
import { rulesFor } from '../src/kernels/index.ts';
import { accessOp, accessRegion, R, READ } from '../src/machine/access.ts';
import { plainAlloc } from '../src/machine/arena.ts';
import type { Steps } from '../src/machine/types.ts';
import { FOLL } from '../src/mm/foll.ts';
import { pinUserPagesFast } from '../src/mm/gup.ts';
import { pinUserPagesFastRanges } from '../src/mm/gup-ranges.ts';
import type { Kernel } from '../src/mm/kernel.ts';
import { MAP, PROT } from '../src/mm/mmap.ts';
import { unpinUserPages, unpinUserRanges } from '../src/mm/unpin.ts';
import { FORMS, KERNEL } from './forms.ts';
import {
  type Contender,
  median,
  now,
  printTable,
  type Round,
  shown,
  takeTurns,
} from './measure.ts';
import { openPeer } from './peers.ts';

/** 2 MiB in pages. */
const FOLIO = 512;
/** Folios mapped: 1 GiB. */
const FOLIOS = 512;
const PAGES = FOLIO * FOLIOS;
const START = 1 << 20;
/** Words of a ranges output that has room for every folio. */
const RANGES = 3 + 2 * FOLIOS;

/** A process with 1 GiB of memory in 2 MiB folios. */
function process(): { k: Kernel; task: number; list: number } {
  const form = FORMS.plain;
  const k = form.bootKernel({
    rules: rulesFor(KERNEL),
    alloc: plainAlloc,
    areas: [{ pages: 2 * PAGES }],
    slots: 4096,
    kmemWords: PAGES + 64,
    thpAlways: true,
  });
  const task = form.newTask(k, form.mmAlloc(k), 0);
  const flags = MAP.private | MAP.anonymous | MAP.fixed | MAP.populate;
  const start = form.sysMmap(k, task, START, PAGES, PROT.read | PROT.write, flags, 0, 0);
  if (start !== START) throw new Error(`mmap failed: ${start}`);
  return { k, task, list: form.kmalloc(k, PAGES) };
}

/** Runs a stepped call alone; returns its result and how often it updated a reference or a pin count. */
function counted<T>(steps: Steps<T>): { result: T; references: number; pins: number } {
  let references = 0;
  let pins = 0;
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return { result: value as T, references, pins };
    if (accessOp(value) === READ) continue;
    if (accessRegion(value) === R.refcount) references++;
    if (accessRegion(value) === R.pincount) pins++;
  }
}

/** Counts the updates that pinning and releasing `pages` pages take, with either output. */
function countedRow(
  { k, task, list }: ReturnType<typeof process>,
  pages: number,
  ranges: boolean,
): string[] {
  const pin = ranges
    ? counted(pinUserPagesFastRanges(k, task, START, pages, FOLL.write, list, RANGES))
    : counted(pinUserPagesFast(k, task, START, pages, FOLL.write, list));
  if (pin.result !== pages) throw new Error(`pinned ${pin.result} of ${pages} pages`);
  const unpin = ranges
    ? counted(unpinUserRanges(k, list, false))
    : counted(unpinUserPages(k, list, pages));
  const numbers = [
    pages,
    Math.ceil(pages / FOLIO),
    pin.references,
    pin.pins,
    unpin.references,
    unpin.pins,
  ];
  return [ranges ? 'ranges' : 'list of pages', ...numbers.map(String)];
}

/** Pins and releases all by list or by ranges in the direct form; nanoseconds a page. */
function timed({ k, task, list }: ReturnType<typeof process>, ranges: boolean): Round {
  const {
    pinUserPagesFast: pin,
    unpinUserPages: unpin,
    unpinUserRanges: unpinRanges,
  } = FORMS.plain;
  const started = now();
  const got = ranges
    ? directRanges.pinUserPagesFastRanges(k, task, START, PAGES, FOLL.write, list, RANGES)
    : pin(k, task, START, PAGES, FOLL.write, list);
  if (got !== PAGES) throw new Error(`pinned ${got} of ${PAGES} pages`);
  const pinned = now();
  if (ranges) unpinRanges(k, list, false);
  else unpin(k, list, PAGES);
  return { pin: (pinned - started) / PAGES, unpin: (now() - pinned) / PAGES };
}

/** Counts, then measures, and prints both tables. */
export async function folio(): Promise<void> {
  console.log(
    `folio: 2 MiB folios, kernel ${KERNEL} modelled; count updates, counted in the stepped form`,
  );
  const machine = process();
  const rows = [1, 17, FOLIO, 4 * FOLIO, PAGES].flatMap((pages) =>
    [false, true].map((ranges) => countedRow(machine, pages, ranges)),
  );
  printTable(
    ['output', 'pages', 'folios', 'pin: refcount', 'pincount', 'unpin: refcount', 'pincount'],
    rows,
  );
  const byFolio = rows.every((row) => row.slice(3).every((n) => n === row[2]));
  console.log(
    `  one update of each count a folio, whatever the pages: ${byFolio ? 'reached' : 'missed'}`,
  );
  console.log('');
  const peers = await Promise.all([
    openPeer('C walk, list', 'walk', ['leaf', String(PAGES)], 1),
    openPeer("this machine's kernel", 'ring', ['huge', String(PAGES)], PAGES),
  ]);
  const contenders: Contender[] = [
    { name: 'Pinfold, list', round: () => timed(machine, false) },
    { name: 'Pinfold, ranges', round: () => timed(machine, true) },
    ...peers.filter((peer) => peer !== null),
  ];
  const seen = await takeTurns(contenders, 4, 20);
  for (const peer of peers) peer?.end();
  const times = contenders.map(({ name }, i) => {
    const of = (t: (r: Round) => number): number => median((seen[i] ?? []).map(t));
    const [pin, unpin] = [of((r) => r.pin), of((r) => r.unpin)];
    return [name, ...[pin, unpin, pin * FOLIO, unpin * FOLIO].map(shown)];
  });
  console.log('  nanoseconds, 1 GiB of memory in 2 MiB folios, median');
  printTable(['', 'pin a page', 'unpin a page', 'pin a folio', 'unpin a folio'], times);
}
