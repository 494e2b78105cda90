/**
 * The first of two walks through a witness: which page got which name when, which process has which address space, which
 * objects threads meet at. What a page or a process will be called is often known only after its first steps.
 */
import type { CheckedTest } from '../../litmus/checked.ts';
import type { Lit } from '../../litmus/run/program.ts';
import {
  accessIndex,
  accessOp,
  accessRegion,
  CHOOSE,
  LOCK_FOLIO,
  OP_MASK,
  R,
  READ,
} from '../../machine/access.ts';
import { PG } from '../../machine/page.ts';
import type { MmId, Pfn, Vpn } from '../../machine/types.ts';
import { headOf, nrPages } from '../../mm/folio.ts';
import type { TraceStep } from '../replay.ts';
import type { Machine } from '../setup.ts';
import { allLeaves, type Leaf, Tables } from './tables.ts';
import { offset, Variables } from './variables.ts';

/** A page frame while it held one page, and what that page is called. */
interface Life {
  readonly from: number;
  to: number;
  readonly frame: Pfn;
  pages: number;
  readonly name: string;
}

interface Access {
  readonly step: number;
  readonly thread: number;
  readonly changed: boolean;
}

/** Highest order of a free block. */
const MAX_ORDER = 18;

export class Survey {
  readonly variables: Variables;
  /** Steps that read what another thread has just written, or is about to write. */
  readonly meeting = new Set<number>();
  readonly #k: Lit;
  readonly #lives: Life[] = [];
  readonly #mms: { readonly mm: MmId; readonly from: number; readonly process: number }[] = [];
  readonly #accesses = new Map<number, Access[]>();
  /** Folios whose lock some step takes, rather than tries to. */
  readonly #folioLocks = new Set<Pfn>();
  readonly #tables: Tables;
  #step = 0;

  /** `m` stands at its start. */
  constructor(checked: CheckedTest, m: Machine) {
    this.#k = m.k;
    this.variables = new Variables(checked);
    this.#tables = new Tables(m.k);
    this.#look();
    for (const leaf of allLeaves(m.k)) this.#meet(leaf);
  }

  /** Takes in a step; the machine stands behind it. */
  onStep(step: TraceStep): void {
    this.#step++;
    const object = step.access & ~OP_MASK;
    if (accessOp(step.access) !== CHOOSE) {
      const list = this.#accesses.get(object) ?? [];
      const changed = accessOp(step.access) !== READ && step.changes.length > 0;
      if (accessOp(step.access) === LOCK_FOLIO) this.#folioLocks.add(accessIndex(step.access));
      list.push({ step: this.#step, thread: step.thread, changed });
      this.#accesses.set(object, list);
    }
    this.#look();
    this.#bury();
    if (accessRegion(step.access) === R.entry && step.changes.length > 0) {
      this.#tables.outdate();
      for (const leaf of this.#leavesAt(accessIndex(step.access) << 1)) this.#meet(leaf);
    }
  }

  /** After the last step: finds the meetings. */
  finish(): void {
    for (const [object, list] of this.#accesses) {
      if (!MEETING.has(accessRegion(object))) continue;
      if (accessRegion(object) === R.entry && !this.#isLeafEntry(accessIndex(object) << 1))
        continue;
      for (const [i, access] of list.entries()) {
        if (access.changed) continue;
        const before = list.slice(0, i).findLast((a) => a.changed || a.thread === access.thread);
        const after = list.slice(i + 1).find((a) => a.changed || a.thread === access.thread);
        const foreign = (a: Access | undefined): boolean =>
          a?.changed === true && a.thread !== access.thread;
        if (foreign(before) || foreign(after)) this.meeting.add(access.step);
      }
    }
  }

  /** Some thread waits in line for the folio's lock, and another uses it too. */
  isFolioLockShared(frame: Pfn): boolean {
    return this.#folioLocks.has(frame) && this.isShared(R.flags, frame);
  }

  /** More threads than one announced accesses to the object. */
  isShared(region: number, index: number): boolean {
    const list = this.#accesses.get((region << 4) | (index << 9));
    return list?.some((a) => a.thread !== list[0]?.thread) === true;
  }

  /** What the frame is called after `step`; null: it has no name. */
  nameAt(frame: Pfn, step: number): string | null {
    if (frame === this.#k.zeroPfn) return 'of zeros';
    const life =
      this.#lives.find((l) => covers(l, frame) && l.from <= step && step <= l.to) ??
      this.#lives.find((l) => covers(l, frame) && l.from > step);
    return life === undefined ? null : offset(life.name, frame - life.frame);
  }

  /** What the frame was called last. */
  lastName(frame: Pfn): string | null {
    const life = this.#lives.findLast((l) => covers(l, frame));
    return life === undefined ? null : offset(life.name, frame - life.frame);
  }

  /** Index of the process whose address space `mm` is at `step`; -1: of none. */
  processOf(mm: MmId, step: number): number {
    const past = this.#mms.findLast((m) => m.mm === mm && m.from <= step);
    const next = this.#mms.find((m) => m.mm === mm && m.from > step);
    // A child's address space is filled before the child is there.
    if (next !== undefined && (past === undefined || !this.#isOf(mm, past.process)))
      return next.process;
    return past?.process ?? -1;
  }

  /** Name of an address at `step`. */
  addressName(mm: MmId, vpn: Vpn, step: number): string {
    const name = this.variables.nameOf(this.#k, vpn, this.processOf(mm, step));
    return name ?? `0x${(vpn * 4096).toString(16)}`;
  }

  /** The process still has that address space. */
  #isOf(mm: MmId, process: number): boolean {
    const { program, lit, task } = this.#k;
    return program.threads.some((thread, t) => {
      const own = lit.task[t] ?? 0;
      return thread.process === process && own !== 0 && task.mm[own] === mm;
    });
  }

  /** Which process has which address space now. */
  #look(): void {
    const { program, lit, task } = this.#k;
    for (const [t, thread] of program.threads.entries()) {
      const own = lit.task[t] ?? 0;
      const mm = own === 0 ? 0 : (task.mm[own] ?? 0);
      if (mm === 0) continue;
      const known = this.#mms.findLast((m) => m.mm === mm);
      if (known?.process !== thread.process)
        this.#mms.push({ mm, from: this.#step, process: thread.process });
    }
  }

  /** Ends the lives of pages that are free now. */
  #bury(): void {
    const { page } = this.#k;
    for (const life of this.#lives) {
      if (life.to < this.#step || (page.refcount[life.frame] ?? 0) > 0) continue;
      if (isFree(this.#k, life.frame)) life.to = this.#step - 1;
    }
  }

  /** A page is mapped: it gets its name by where, unless it has one. */
  #meet(leaf: Leaf): void {
    const head = headOf(this.#k, leaf.frame);
    if (head === this.#k.zeroPfn) return;
    const living = this.#lives.find((l) => covers(l, leaf.frame) && l.to >= this.#step);
    if (living !== undefined) return;
    const from = 1 + this.#lives.reduce((n, l) => (covers(l, head) ? Math.max(n, l.to) : n), -1);
    const first = leaf.vpn - (leaf.frame - head);
    const base = this.addressName(leaf.mm, first, this.#step);
    this.#lives.push({
      from,
      to: Number.POSITIVE_INFINITY,
      frame: head,
      pages: nrPages(this.#k, head),
      name: this.#freshName(base),
    });
  }

  #freshName(base: string): string {
    const same = this.#lives.filter((l) => l.name === base || l.name.endsWith(` of ${base}`));
    if (same.length === 0) return base;
    // A copy is made while the original is still there.
    const how = same.some((l) => l.to >= this.#step) ? 'copy' : 'successor';
    const n = 1 + same.filter((l) => l.name.startsWith(how)).length;
    return n === 1 ? `${how} of ${base}` : `${how} ${n} of ${base}`;
  }

  #isLeafEntry(e: number): boolean {
    const slot = Math.floor(e / 1024);
    return this.#tables.entryIn(this.#k.slotOwner[slot] ?? 0, e)?.level === 0;
  }

  /** Present leaves of the table that holds the entry. */
  #leavesAt(e: number): Leaf[] {
    const frame = this.#k.slotOwner[Math.floor(e / 1024)] ?? 0;
    const place = this.#tables.entryIn(frame, e);
    if (place === undefined) return [];
    return allLeaves(this.#k).filter((l) => l.mm === place.mm);
  }
}

/** Regions where it matters to a reader that one thread reads what another writes. */
const MEETING = new Set<number>([
  R.refcount,
  R.mapcount,
  R.pincount,
  R.entry,
  R.content,
  R.seq,
  R.mmFlags,
]);

const covers = (life: Life, frame: Pfn): boolean =>
  frame >= life.frame && frame < life.frame + life.pages;

/** The frame lies in a free block of the buddy allocator. */
const isFree = (k: Lit, frame: Pfn): boolean => {
  for (let order = 0; order <= MAX_ORDER; order++) {
    const block = frame - (frame % 2 ** order);
    if (((k.page.flags[block] ?? 0) & PG.buddy) !== 0 && (k.page.private[block] ?? 0) >= order)
      return true;
  }
  return false;
};
