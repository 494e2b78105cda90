/** One machine with up to three processes, on which a program runs in one form; and what the program holds. */

import { addHeldBySystem } from '../../src/fs/held.ts';
import { bootSystem, OFD, type System } from '../../src/fs/system.ts';
import { rulesFor } from '../../src/kernels/index.ts';
import { freePageCount } from '../../src/machine/buddy.ts';
import type { Pfn } from '../../src/machine/types.ts';
import { audit, auditIdle, newHeld } from '../../src/mm/audit.ts';
import { FILE } from '../../src/mm/file-tables.ts';
import { setHugetlbPool } from '../../src/mm/hugetlb.ts';
import { kmalloc, newTask } from '../../src/mm/kernel.ts';
import { MFD } from '../../src/mm/memfd.ts';
import type { Args, CallName, Form } from './forms.ts';

/** Which machine a program runs on. */
export interface Setup {
  readonly version: string;
  /** `tiny`: memory runs out all the time; `huge`: 2 MiB pages, addresses are in units of 1 MiB. */
  readonly layout: 'tiny' | 'small' | 'huge';
  /** Pages of the LRU batch. */
  readonly lruBatch: number;
  /** Transparent huge pages everywhere. */
  readonly thpAlways: boolean;
}

const LAYOUTS = {
  tiny: {
    areas: [{ pages: 72 }, { pages: 8, movable: true }, { pages: 8, cma: true }],
    slots: 88,
    swapPages: 6,
    pool: 0,
  },
  small: {
    areas: [{ pages: 160 }, { pages: 32, movable: true }, { pages: 16, cma: true }],
    slots: 208,
    swapPages: 12,
    pool: 0,
  },
  huge: {
    areas: [{ pages: 3584 }, { pages: 512, movable: true }],
    slots: 768,
    swapPages: 12,
    pool: 3,
  },
} as const;

/** Processes at most. */
export const PROCESSES = 3;
/** Descriptors of every process at its start. */
export const FD = {
  pipeRead: 3,
  pipeWrite: 4,
  memfd: 5,
  sealable: 6,
  ext4: 7,
  xfs: 8,
  hugetlb: 9,
} as const;
/** Pages of the memory files, at first. */
export const FILE_PAGES = 8;
/** Pages that one pinning call may be asked for. */
export const MAX_PAGES = 16;

/** References that one pinning call gave. */
export interface Hold {
  readonly pinned: boolean;
  readonly pages: Pfn[];
}

/** Memory of one form's machines; used again for every program. */
export class Memory {
  readonly words = new Int32Array(1 << 20);
  used = 0;

  /** Forgets the last machine. */
  clear(): void {
    this.words.fill(0, 0, this.used);
    this.used = 0;
  }

  alloc = (count: number): Int32Array => {
    if (this.used + count > this.words.length)
      throw new RangeError('the memory for machines is too small');
    const view = new Int32Array(this.words.buffer, this.used * 4, count);
    this.used += count;
    return view;
  };
}

export class World {
  readonly k: System;
  readonly form: Form;
  readonly setup: Setup;
  /** Task of each process. */
  readonly tasks: number[] = [];
  readonly holds: Hold[] = [];
  /** Kernel memory: an array of page pointers, and a word for an `int *locked`. */
  readonly buffer: number;
  readonly lockedWord: number;
  readonly freeAtStart: number;

  constructor(form: Form, memory: Memory, setup: Setup) {
    memory.clear();
    const { areas, slots, swapPages, pool } = LAYOUTS[setup.layout];
    this.form = form;
    this.setup = setup;
    this.k = bootSystem({
      alloc: memory.alloc,
      rules: rulesFor(setup.version),
      areas,
      slots,
      swapPages,
      cpus: PROCESSES,
      mms: PROCESSES + 1,
      vmas: 40,
      tasks: PROCESSES + 1,
      files: 16,
      pipes: 1,
      tlbEntries: 8,
      lruBatch: setup.lruBatch,
      thpAlways: setup.thpAlways,
      migrateTries: 2,
      ledger: true,
    });
    const k = this.k;
    setHugetlbPool(k, 9, pool);
    this.freeAtStart = freePageCount(k);
    for (let p = 0; p < PROCESSES; p++) this.tasks.push(newTask(k, 0, p));
    this.buffer = kmalloc(k, MAX_PAGES);
    this.lockedWord = kmalloc(k, 1);
    const mm = this.call('mmAlloc');
    k.task.mm[this.task(0)] = mm;
    k.cpumask[mm] |= 1;
    const pipe = this.call('newPipe');
    this.call('fdInstall', mm, OFD.pipeRead, pipe, 0);
    this.call('fdInstall', mm, OFD.pipeWrite, pipe, 1);
    for (const flags of [0, MFD.allowSealing])
      this.install(mm, this.call('sysMemfdCreate', flags), FILE_PAGES);
    for (const kind of [FILE.ext4, FILE.xfs])
      this.install(mm, this.call('newFile', kind), FILE_PAGES);
    // Huge pages came to memfd_create in 4.14.
    this.install(mm, this.call('sysMemfdCreate', MFD.hugetlb), 1024);
  }

  /** The next descriptor of process 0, for a new file of so many pages. */
  private install(mm: number, file: number, pages: number): void {
    if (file <= 0) return;
    this.call('fdInstall', mm, OFD.file, file, 2);
    this.call('sysFtruncate', file, pages, 0);
  }

  task(process: number): number {
    return this.tasks[process] ?? 0;
  }

  /** Address space of a process; 0: it isn't alive. */
  mm(process: number): number {
    return this.k.task.mm[this.task(process)] ?? 0;
  }

  /** Runs one call on CPU 0, or that of `onCpu`. */
  call(name: CallName, ...args: Args): number {
    const result = this.form.call(this.k, name, args);
    this.k.also.fill(0);
    return result;
  }

  /** The next calls run on the process's CPU. */
  schedule(process: number): void {
    this.k.cpuNow[0] = process;
  }

  /** Everything that does not add up, and everything that is still going on. */
  audit(): string[] {
    const { k } = this;
    const held = newHeld(k);
    addHeldBySystem(k, held);
    for (const hold of this.holds) {
      const to = hold.pinned ? held.pins : held.gets;
      for (const pfn of hold.pages) to[pfn] = (to[pfn] ?? 0) + 1;
    }
    // A page that is dirty behind its file system's back is what some programs make of old kernels (S185).
    const idle = auditIdle(k).filter((text) => !text.startsWith('BUG dirtyNoBuffers'));
    return [...audit(k, held), ...idle];
  }
}
