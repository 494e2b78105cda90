/** The two forms that run without an explorer, and a process in each of them with memory to pin. */
import * as directContents from '../gen/direct/machine/mmu.ts';
import * as directGup from '../gen/direct/mm/gup.ts';
import * as directKernel from '../gen/direct/mm/kernel.ts';
import * as directMm from '../gen/direct/mm/mm-alloc.ts';
import * as directMmap from '../gen/direct/mm/mmap.ts';
import * as directUnpin from '../gen/direct/mm/unpin.ts';
import * as sharedContents from '../gen/shared/machine/mmu.ts';
import * as sharedRuns from '../gen/shared/machine/runs.ts';
import * as sharedGup from '../gen/shared/mm/gup.ts';
import * as sharedKernel from '../gen/shared/mm/kernel.ts';
import * as sharedMm from '../gen/shared/mm/mm-alloc.ts';
import * as sharedMmap from '../gen/shared/mm/mmap.ts';
import * as sharedUnpin from '../gen/shared/mm/unpin.ts';
import { rulesFor } from '../src/kernels/index.ts';
import { type Alloc, plainAlloc } from '../src/machine/arena.ts';
import { entryPfn } from '../src/machine/entry.ts';
import { FOLL } from '../src/mm/foll.ts';
import { MAP, PROT } from '../src/mm/mmap.ts';
import { median, now, type Round } from './measure.ts';

/** Which kernel the benchmarks model. */
export const KERNEL = '6.18';

export const FORMS = {
  plain: {
    ...directKernel,
    ...directMm,
    ...directMmap,
    ...directGup,
    ...directUnpin,
    ...directContents,
    memory: (): Alloc => plainAlloc,
  },
  shared: {
    ...sharedKernel,
    ...sharedMm,
    ...sharedMmap,
    ...sharedGup,
    ...sharedUnpin,
    ...sharedContents,
    memory: (): Alloc => sharedRuns.sharedArena(ARENA_WORDS),
  },
} as const;

/** Of a shared machine: its page structures, page tables and lists. */
const ARENA_WORDS = 13 * (1 << 20) + 2 ** 23 + 2 ** 21;

export type FormName = keyof typeof FORMS;

/** Pages of the mapping that pins are taken of: all of the memory there is, 4 GiB. */
const MAPPED = 1 << 20;
/** Pages besides: page tables, the page of zeros. */
const SPARE = 1 << 13;

export type Order = 'sequential' | 'scattered';

/** Pages timed together; fewer are called for more than once. As in peer/walk.c. */
const PIECE = 4096;

/** Nanoseconds a page that `call` takes for the pages from `from` on: the middle of all pieces of `nr` pages. */
function byPieces(nr: number, call: (from: number) => void): number {
  const piece = Math.min(nr, PIECE);
  const calls = nr < PIECE ? 8192 / nr : 1;
  const pieces = nr < PIECE ? 8 : nr / PIECE;
  const times = Array.from({ length: pieces }, (_, i) => {
    const from = nr < PIECE ? 0 : i * PIECE;
    const started = now();
    for (let c = 0; c < calls; c++) call(from);
    return (now() - started) / (calls * piece);
  });
  return median(times);
}

/** A process that has touched `MAPPED` pages, and can pin and release the first `nr` of them. */
export class Pinner {
  readonly #form: (typeof FORMS)[FormName];
  readonly #k: directKernel.Kernel;
  readonly #task: number;
  readonly #start: number;
  readonly #list: number;

  constructor(formName: FormName, order: Order) {
    const form = FORMS[formName];
    const k = form.bootKernel({
      rules: rulesFor(KERNEL),
      alloc: form.memory(),
      areas: [{ pages: MAPPED + SPARE }],
      slots: SPARE,
      kmemWords: MAPPED + 64,
    });
    const mm = form.mmAlloc(k);
    this.#form = form;
    this.#k = k;
    this.#task = form.newTask(k, mm, 0);
    const flags = MAP.private | MAP.anonymous | MAP.populate;
    this.#start = form.sysMmap(k, this.#task, 0, MAPPED, PROT.read | PROT.write, flags, 0, 0);
    if (this.#start <= 0) throw new Error(`mmap failed: ${this.#start}`);
    this.#list = form.kmalloc(k, MAPPED);
    if (order === 'scattered') this.#scatter(mm);
  }

  /** Lets the entries of the mapping change places at random (always the same way). */
  #scatter(mm: number): void {
    const { contents, page } = this.#k;
    const entry = (i: number): number => this.#form.walkLeaf(this.#k, mm, this.#start + i);
    let s = 88172645;
    for (let i = MAPPED - 1; i > 0; i--) {
      s ^= s << 13;
      s ^= s >>> 17;
      s ^= s << 5;
      const j = (s >>> 0) % (i + 1);
      const [a, b] = [entry(i), entry(j)];
      for (const word of [0, 1]) {
        const kept = contents[a + word] as number;
        contents[a + word] = contents[b + word] as number;
        contents[b + word] = kept;
      }
      for (const [n, e] of [
        [i, a],
        [j, b],
      ] as const) {
        page.index[entryPfn(contents[e] as number, contents[e + 1] as number)] = this.#start + n;
      }
    }
  }

  /**
   * Pins the first `nr` pages by pin_user_pages_fast() with `flags` and releases them by unpin_user_pages(). It goes
   * by pieces, and the middle one counts: a piece that another program interrupted does not.
   */
  round(nr: number, flags: number = FOLL.write): Round {
    const { pinUserPagesFast, unpinUserPages } = this.#form;
    const piece = Math.min(nr, PIECE);
    const pin = byPieces(nr, (from) => {
      const list = this.#list + from;
      const got = pinUserPagesFast(this.#k, this.#task, this.#start + from, piece, flags, list);
      if (got !== piece) throw new Error(`pinned ${got} of ${piece} pages`);
    });
    const unpin = byPieces(nr, (from) => unpinUserPages(this.#k, this.#list + from, piece));
    return { pin, unpin };
  }

  /** Throws unless every page is referenced once and nothing was reported: nothing was lost on the way. */
  check(): void {
    const { contents, page, report } = this.#k;
    const mm = this.#k.task.mm[this.#task] as number;
    for (let i = 0; i < MAPPED; i++) {
      const e = this.#form.walkLeaf(this.#k, mm, this.#start + i);
      const pfn = entryPfn(contents[e] as number, contents[e + 1] as number);
      if (page.refcount[pfn] !== 1)
        throw new Error(`page ${pfn} has ${page.refcount[pfn]} references, not 1`);
    }
    if (report[0] !== 0) throw new Error(`the model reported BUG ${report[0]}`);
  }
}
