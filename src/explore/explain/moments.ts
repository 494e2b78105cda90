/** Finds the moment where things go wrong, from what the machine does, and says it in a sentence. */
import type { CompiledCondition } from '../../litmus/compile/index.ts';
import { accessIndex, accessRegion, R } from '../../machine/access.ts';
import { PG } from '../../machine/page.ts';
import { BUG, bugName } from '../../machine/report.ts';
import { threadPending } from '../../machine/resumable.ts';
import type { End } from '../end.ts';
import { leakedPins } from '../leaks.ts';
import type { TraceStep } from '../replay.ts';
import { accessObject } from './access-text.ts';
import type { Context } from './context.ts';
import { Holds } from './holds.ts';
import type { Words } from './words.ts';

export interface Moment {
  /** From 1. */
  readonly step: number;
  readonly text: string;
}

/** What a BUG means; `page` is the page it is about. */
const BUGS: Readonly<Record<number, (page: string) => string>> = {
  [BUG.refUnderflow]: (page) =>
    `the reference count of ${page} falls below zero: a reference is dropped that nobody had`,
  [BUG.useAfterFree]: (page) => `a reference is taken on ${page}, which is free: use after free`,
  [BUG.freePinned]: (page) =>
    `${page} is freed although it is pinned: a device may go on writing into whatever it becomes`,
  [BUG.tableFreed]: (page) => `${page} is freed while a walker is inside`,
  [BUG.pinUnderflow]: (page) =>
    `a pin of ${page} is released, but none is held: the references that go with it are those of others`,
  [BUG.pinNotExclusive]: (page) =>
    `${page} is pinned although it is anonymous and not exclusive to this process`,
  [BUG.sleepInAtomic]: () =>
    'a lock that may sleep is taken with interrupts off or a spin lock held',
  [BUG.audit]: (page) => `the counts of ${page} are more or less than its references explain`,
  [BUG.mapUnderflow]: (page) => `the map count of ${page} falls below zero`,
  [BUG.freeMapped]: (page) =>
    `${page} is freed although page tables map it: a reference is dropped that belongs to a mapping`,
  [BUG.noPage]: () => 'a page pointer that is NULL, or points at no page, is used',
  [BUG.outOfPage]: (page) => `bytes beyond the end of ${page} are read or written`,
  [BUG.badEntry]: () => 'a page table entry is found where none may be',
  [BUG.dirtyNoBuffers]: (page) =>
    `${page} shall be written back, but has no buffers: somebody made it dirty without asking the file system`,
  [BUG.mappingFreed]: (page) => `the file of ${page} is used after it was freed`,
  [BUG.badUnlock]: () => 'a lock is released by somebody who does not hold it',
  [BUG.doubleFree]: () => 'something is given back twice',
  [BUG.pinLeaked]: (page) =>
    `references of ${page} that belong to a pin are dropped by something else: the pin can never be released in full`,
};

/** BUG codes whose argument is no page frame. */
const NO_PAGE = new Set<number>([
  BUG.sleepInAtomic,
  BUG.badEntry,
  BUG.badUnlock,
  BUG.doubleFree,
  BUG.noPage,
]);

/** The object of an access that takes a lock. */
const lockName = (ctx: Context, word: number): string =>
  accessRegion(word) === R.flags
    ? `the lock of ${ctx.page(accessIndex(word))}`
    : accessObject(ctx, word);

export class Moments {
  readonly #ctx: Context;
  readonly #holds: Holds;
  readonly #condition: CompiledCondition;
  /** What the proposition must be for this end to be of interest; null: it is an end of no interest. */
  readonly #wanted: boolean | null;
  readonly #found: Moment[] = [];
  #was: boolean | null = null;
  /** Since which step the proposition is as wanted, and what is pinned without anybody knowing. */
  #wantedSince = 0;
  readonly #leakedSince = new Map<number, number>();
  #bugAt = 0;
  /** By object in words: the thread that locked it last, and when. */
  readonly #lockedBy = new Map<string, { thread: number; step: number }>();

  constructor(ctx: Context, condition: CompiledCondition, wanted: boolean | null) {
    this.#ctx = ctx;
    this.#condition = condition;
    this.#wanted = wanted;
    this.#holds = new Holds(ctx);
  }

  /** Takes in a step, the machine standing behind it; `bug`: a BUG was reported in it or before. */
  onStep(step: TraceStep, words: Words, bug: boolean): void {
    const { k } = this.#ctx;
    const at = this.#ctx.step;
    for (const text of this.#holds.onStep(step, words)) this.#found.push({ step: at, text });
    const locks = [
      'mm.mmapLock',
      'anonVma.lock',
      'file.lock',
      'file.cacheLock',
      'lit.locks',
      'pipe.lock',
      'hugetlb.locks',
    ];
    if (locks.some((array) => words.of(array).some((w) => w.after !== 0)))
      this.#lockedBy.set(lockName(this.#ctx, step.access), { thread: step.thread, step: at });
    if (words.of('page.flags').some((w) => (w.after & ~w.before & PG.locked) !== 0))
      this.#lockedBy.set(lockName(this.#ctx, step.access), { thread: step.thread, step: at });
    if (this.#bugAt === 0 && bug) this.#bugAt = at;
    const leaked = new Set(leakedPins(k));
    for (const folio of this.#leakedSince.keys())
      if (!leaked.has(folio)) this.#leakedSince.delete(folio);
    for (const folio of leaked) if (!this.#leakedSince.has(folio)) this.#leakedSince.set(folio, at);
    const holds = this.#condition.holds(k);
    if (this.#was !== null && holds !== this.#was && holds === this.#wanted) this.#wantedSince = at;
    this.#was = holds;
  }

  /** At the end: every moment in order, and the one that tells most; both empty for an end of no interest. */
  finish(end: End): { readonly moments: readonly Moment[]; readonly verdict: Moment | null } {
    const fault = this.#fault(end);
    if (fault === null && this.#wanted === null) return { moments: [], verdict: null };
    const moments = [...this.#found];
    const holding: Moment | null =
      this.#wantedSince > 0 && fault === null
        ? {
            step: this.#wantedSince,
            text: `from here on the condition ${this.#wanted === true ? 'holds' : 'does not hold'}`,
          }
        : null;
    const verdict = fault ?? moments[0] ?? holding;
    for (const more of [fault, holding]) if (more !== null) moments.push(more);
    return { moments: moments.sort((a, b) => a.step - b.step), verdict };
  }

  /** What is wrong with the end itself; null: nothing. */
  #fault(end: End): Moment | null {
    const ctx = this.#ctx;
    const last = ctx.step;
    switch (end.kind) {
      case 'bug': {
        const page = NO_PAGE.has(end.code) ? '' : ctx.pageOnce(end.argument);
        const text = BUGS[end.code]?.(page) ?? bugName(end.code);
        return { step: this.#bugAt, text: `BUG ${bugName(end.code)}: ${text}` };
      }
      case 'deadlock':
        return {
          step: last,
          text: `deadlock: ${end.waiting.map((t) => `${ctx.thread(t)} ${this.waits(t)}`).join('; ')}`,
        };
      case 'livelock':
        return {
          step: last,
          text: `livelock: ${end.threads.map((t) => ctx.thread(t)).join(' and ')} ${end.threads.length === 1 ? 'goes' : 'go'} round for ever, and no step leads out of it`,
        };
      case 'final': {
        const leaked = leakedPins(ctx.k);
        if (leaked.length === 0) return null;
        const pages = leaked.map((frame) => ctx.pageOnce(frame)).join(', ');
        return {
          step: Math.max(...leaked.map((folio) => this.#leakedSince.get(folio) ?? last)),
          text: `${pages} stays pinned, and from here on nobody knows of it any more`,
        };
      }
    }
  }

  /** What the thread waits for, and who has it. */
  waits(thread: number): string {
    const object = lockName(this.#ctx, threadPending(thread));
    const holder = this.#lockedBy.get(object);
    const by =
      holder === undefined
        ? ''
        : `, which ${holder.thread === thread ? 'it has itself held' : `${this.#ctx.thread(holder.thread)} has held`} since step ${holder.step}`;
    return `waits for ${object}${by}`;
  }
}
