/** Differences of locks, sequence counts, interrupts, TLBs, mappings and processes. */
import { KILLED } from '../../litmus/run/program.ts';
import { R } from '../../machine/access.ts';
import { entryPfn, PTE } from '../../machine/entry.ts';
import { TLB } from '../../machine/machine.ts';
import { MMF } from '../../mm/kernel.ts';
import { VM } from '../../mm/vma.ts';
import type { Context } from './context.ts';
import type { Difference, DifferenceKind } from './types.ts';
import type { Word, Words } from './words.ts';

type Describe = (
  ctx: Context,
  word: Word,
) => {
  readonly object: string;
  readonly shown: boolean;
  /** Values in words; not given: the numbers. */
  readonly value?: (n: number) => string;
};

/** Locks by array: a reader wants to see those that threads of this witness meet at. */
const LOCKS: Readonly<Record<string, Describe>> = {
  'mm.mmapLock': (ctx, { index }) => ({
    object: `mmap_lock of ${ctx.mm(index)}`,
    // One that no thread runs in yet is of no concern to others.
    shown: ctx.survey.isShared(R.mmapLock, index) && ctx.isRunning(index),
  }),
  'lit.locks': (ctx, { index }) => ({ object: ctx.checked.locks[index] ?? 'lock', shown: true }),
  'anonVma.lock': (_, { index }) => ({ object: `anon_vma lock ${index}`, shown: false }),
  'file.lock': (_, { index }) => ({ object: `inode lock ${index}`, shown: false }),
  'file.cacheLock': (_, { index }) => ({
    object: `page cache lock of file ${index}`,
    shown: false,
  }),
  'pipe.lock': (_, { index }) => ({ object: `lock of pipe ${index}`, shown: false }),
  'hugetlb.locks': (_, { index }) => ({ object: `hugetlb lock ${index}`, shown: false }),
};

const lockState = (value: number): string => {
  if (value === 0) return 'free';
  return value < 0 ? 'held' : `read by ${value}`;
};

const NUMBERS: Readonly<Record<string, readonly [DifferenceKind, Describe]>> = {
  'mm.writeProtectSeq': [
    'lock',
    (ctx, { index }) => ({
      object: `write_protect_seq of ${ctx.mm(index)}`,
      shown: ctx.survey.isShared(R.seq, index),
    }),
  ],
  irqOff: [
    'lock',
    (ctx, { index }) => ({
      object: `interrupts of the CPU of ${ctx.thread(index)}`,
      shown: ctx.survey.isShared(R.irq, index),
      value: (n) => (n === 0 ? 'on' : 'off'),
    }),
  ],
  'swap.map': ['swap', (_, { index }) => ({ object: `users of swap slot ${index}`, shown: true })],
  'lit.killed': [
    'process',
    (ctx, { index, after }) => ({
      object: `${ctx.thread(index)} ${after === KILLED.sigsegv ? 'is killed by SIGSEGV' : 'exits'}`,
      shown: true,
    }),
  ],
  'lit.life': ['process', (ctx, w) => lifeOf(ctx, w)],
  'file.pages': ['io', (_, { index }) => ({ object: `pages of file ${index}`, shown: true })],
  'aio.state': ['io', (_, { index }) => ({ object: `state of request ${index}`, shown: true })],
  'ring.pages': [
    'io',
    (_, { index }) => ({ object: `pages held by ring slot ${index}`, shown: true }),
  ],
  'hugetlb.nrFree': [
    'counter',
    (_, { index }) => ({ object: `free pages of hugetlb pool ${index}`, shown: true }),
  ],
  'hugetlb.reserved': [
    'counter',
    (_, { index }) => ({ object: `reserved pages of hugetlb pool ${index}`, shown: false }),
  ],
};

const lifeOf = (ctx: Context, { index }: Word): { object: string; shown: boolean } => {
  const n = ctx.k.program.threads.length;
  return index < n
    ? { object: `${ctx.thread(index)} starts`, shown: true }
    : { object: `${ctx.thread(index - n)} is done`, shown: false };
};

/** Locks and single numbers with a name. */
export const decodeNumbers = (ctx: Context, words: Words): Difference[] => {
  const found: Difference[] = [];
  for (const array of words.arrays) {
    const lock = LOCKS[array];
    const [kind, number] = NUMBERS[array] ?? [];
    for (const w of words.of(array)) {
      if (lock !== undefined) {
        const { object, shown } = lock(ctx, w);
        found.push({
          kind: 'lock',
          object,
          before: lockState(w.before),
          after: lockState(w.after),
          frame: null,
          shown,
        });
      } else if (kind !== undefined && number !== undefined) {
        const { object, shown, value = String } = number(ctx, w);
        found.push({
          kind,
          object,
          before: value(w.before),
          after: value(w.after),
          frame: null,
          shown,
        });
      }
    }
  }
  for (const w of words.of('mm.flags')) {
    const pinned = (flags: number): string => ((flags & MMF.hasPinned) !== 0 ? 'yes' : 'no');
    found.push({
      kind: 'mapping',
      object: `MMF_HAS_PINNED of ${ctx.mm(w.index)}`,
      before: pinned(w.before),
      after: pinned(w.after),
      frame: null,
      shown: true,
    });
  }
  for (const w of words.of('lit.events')) {
    const name = ctx.checked.events[w.index];
    const object =
      name === undefined
        ? `barrier ${ctx.checked.barriers[(w.index - ctx.checked.events.length) >> 1] ?? ''}`
        : `event ${name}`;
    // The statement says so already.
    found.push({
      kind: 'event',
      object,
      before: String(w.before),
      after: String(w.after),
      frame: null,
      shown: false,
    });
  }
  return found;
};

/** What the CPUs remember of the page tables. */
export const decodeTlb = (ctx: Context, words: Words): Difference[] => {
  const { tlb, tlbEntries } = ctx.k;
  const found: Difference[] = [];
  for (const t of new Set(words.of('tlb').map((w) => w.index - (w.index % TLB.words)))) {
    const now = [0, 1, 2, 3].map((i) => tlb[t + i] ?? 0);
    const old = now.map((value, i) => words.before('tlb', t + i, value));
    const [mm = 0, vpn = 0] = (now[TLB.mm] ?? 0) !== 0 ? now : old;
    const text = ([own = 0, , lo = 0, hi = 0]: readonly number[]): string =>
      own === 0 ? 'none' : `${ctx.page(entryPfn(lo, hi))} ${(lo & PTE.write) !== 0 ? 'rw' : 'ro'}`;
    const cpu = Math.floor(t / (tlbEntries * TLB.words));
    found.push({
      kind: 'tlb',
      object: `TLB of ${ctx.thread(cpu)} for ${ctx.address(mm, vpn)}`,
      before: text(old),
      after: text(now),
      frame: null,
      shown: false,
    });
  }
  return found;
};

const VMA_FIELDS = ['vma.mm', 'vma.start', 'vma.end', 'vma.flags'];

/** Mappings: where, and what may be done there. */
export const decodeMappings = (ctx: Context, words: Words): Difference[] => {
  const { vma } = ctx.k;
  const changed = new Set(VMA_FIELDS.flatMap((array) => words.of(array).map((w) => w.index)));
  const found: Difference[] = [];
  for (const id of changed) {
    const now = [vma.mm[id] ?? 0, vma.start[id] ?? 0, vma.end[id] ?? 0, vma.flags[id] ?? 0];
    const old = now.map((value, i) => words.before(VMA_FIELDS[i] ?? '', id, value));
    const [mm = 0, start = 0] = (now[0] ?? 0) !== 0 && (now[1] ?? 0) !== 0 ? now : old;
    const before = vmaText(old);
    const after = vmaText(now);
    if (before === after) continue;
    // A child's mappings are the parent's: nothing to tell.
    const shown = before !== after && before !== 'none' && after !== 'none';
    found.push({
      kind: 'mapping',
      object: `mapping of ${ctx.address(mm, start)}`,
      before,
      after,
      frame: null,
      shown,
    });
  }
  return found;
};

const vmaText = ([mm = 0, start = 0, end = 0, flags = 0]: readonly number[]): string => {
  if (mm === 0 || end === 0) return 'none';
  const bit = (flag: number, letter: string): string => ((flags & flag) !== 0 ? letter : '-');
  const pages = end - start;
  return `${pages} page${pages === 1 ? '' : 's'} ${bit(VM.read, 'r')}${bit(VM.write, 'w')}${bit(VM.exec, 'x')}`;
};
