/** Who holds which page, by which address it was taken, and what that address maps now. */
import { accessIndex, accessOp, accessRegion, CHOOSE, R, READ } from '../../machine/access.ts';
import { PAGE_WORDS, pageByte } from '../../machine/contents.ts';
import { entryPfn, PTE } from '../../machine/entry.ts';
import { TLB } from '../../machine/machine.ts';
import { leafPfn } from '../../machine/mmu.ts';
import type { Folio, MmId, Pfn, Vpn } from '../../machine/types.ts';
import { folioMapcount, headOf, isAnon, isFile, nrPages } from '../../mm/folio.ts';
import { PIN_BIAS } from '../../mm/pinned.ts';
import { VM, vmaAt } from '../../mm/vma.ts';
import type { TraceStep } from '../replay.ts';
import type { Context } from './context.ts';
import { passesFile } from './step-names.ts';
import { allLeaves } from './tables.ts';
import type { Words } from './words.ts';

/** A pin, or a reference that a FOLL_GET call took, from when it was taken until it is released. */
interface Hold {
  readonly kind: 'pin' | 'reference';
  readonly thread: number;
  readonly mm: MmId;
  readonly vpn: Vpn;
  readonly folio: Folio;
  readonly frame: Pfn;
  readonly since: number;
  /** Its address maps another page. */
  parted: boolean;
  /** Its owner has been told of another process's writes, or its holder has read what is not there any more. */
  told: boolean;
  readStale: boolean;
  writeLost: boolean;
}

const TAKES = /\/mm\/(gup|grab)/;
/** Where the memory management itself reads and writes a page's content: copies. */
const COPIES = /copy-page|\/mm\/(fault|huge|migrate|khugepaged|fork|wp|swap)/;

export class Holds {
  #open: Hold[] = [];
  /** By thread: the entry that it accessed last. */
  readonly #seen = new Map<number, { readonly mm: MmId; readonly vpn: Vpn }>();
  readonly #ctx: Context;

  constructor(ctx: Context) {
    this.#ctx = ctx;
  }

  /** Takes in a step; sentences about what went wrong in it. */
  onStep(step: TraceStep, words: Words): string[] {
    this.#look(step);
    this.#release(words);
    this.#take(step, words);
    return [
      ...this.#part(),
      ...this.#foreignWrite(step, words),
      ...this.#staleRead(step),
      ...this.#lostWrite(step, words),
      ...this.#throughPrivate(step, words),
      ...this.#staleTranslation(step, words),
    ];
  }

  #look(step: TraceStep): void {
    if (accessRegion(step.access) !== R.entry) return;
    const e = accessIndex(step.access) * 2;
    const place = this.#ctx.tables.entryIn(
      this.#ctx.k.slotOwner[Math.floor(e / PAGE_WORDS)] ?? 0,
      e,
    );
    if (place !== undefined) this.#seen.set(step.thread, { mm: place.mm, vpn: place.vpn });
  }

  #who(hold: Hold): string {
    const { thread, since } = hold;
    return `${this.#ctx.thread(thread)} holds a ${hold.kind} on (taken in step ${since})`;
  }

  /** The place that maps the folio and that the thread looked at last; else the first one, in its own memory if there is one. */
  #takenAt(thread: number, folio: Folio): { mm: MmId; vpn: Vpn; frame: Pfn } | null {
    const { k } = this.#ctx;
    const own = k.task.mm[k.lit.task[thread] ?? 0] ?? 0;
    const end = folio + nrPages(k, folio);
    const leaves = allLeaves(k).filter(
      (l) => (l.frame >= folio && l.frame < end) || (l.level > 0 && l.frame === folio),
    );
    const seen = this.#seen.get(thread);
    const leaf =
      leaves.find((l) => l.mm === seen?.mm && l.vpn === seen.vpn) ??
      leaves.find((l) => l.mm === own) ??
      leaves[0];
    return leaf === undefined ? null : { mm: leaf.mm, vpn: leaf.vpn, frame: leaf.frame };
  }

  #take(step: TraceStep, words: Words): void {
    const pinned = words.of('pins').filter((w) => w.after > w.before);
    for (const w of pinned) {
      // What began as a reference has become a pin.
      const at = this.#open.findLastIndex(
        (h) => h.kind === 'reference' && h.folio === w.index && h.thread === step.thread,
      );
      if (at >= 0) this.#open.splice(at, 1);
      this.#add('pin', step.thread, w.index, w.after - w.before);
    }
    if (!passesFile(step.functions.slice(-2), TAKES)) return;
    for (const w of words.of('page.refcount')) {
      const more = w.after - w.before;
      if (more > 0 && more < PIN_BIAS && w.before > 0 && !pinned.some((p) => p.index === w.index))
        this.#add('reference', step.thread, w.index, more);
    }
  }

  #add(kind: Hold['kind'], thread: number, folio: Folio, n: number): void {
    if (folio === this.#ctx.k.zeroPfn) return;
    const place = this.#takenAt(thread, folio);
    if (place === null) return;
    for (let i = 0; i < n; i++) {
      this.#open.push({
        ...{ kind, thread, ...place, folio, since: this.#ctx.step },
        ...{ parted: false, told: false, readStale: false, writeLost: false },
      });
    }
  }

  #release(words: Words): void {
    const { k } = this.#ctx;
    for (const w of words.of('pins')) {
      for (let n = w.before; n > w.after; n--) {
        const at = this.#open.findIndex((h) => h.kind === 'pin' && h.folio === w.index);
        if (at >= 0) this.#open.splice(at, 1);
      }
    }
    // References look all alike: as many may be held as mappings and pins do not explain.
    for (const w of words.of('page.refcount')) {
      if (w.after >= w.before) continue;
      const spare =
        (k.page.refcount[w.index] ?? 0) -
        folioMapcount(k, w.index) -
        PIN_BIAS * (k.pins[w.index] ?? 0);
      const held = this.#open.filter((h) => h.kind === 'reference' && h.folio === w.index);
      for (const h of held.slice(Math.max(0, spare)))
        this.#open = this.#open.filter((o) => o !== h);
    }
  }

  /** The address that a page was taken by maps another page now. */
  #part(): string[] {
    const { k } = this.#ctx;
    const found: string[] = [];
    for (const hold of this.#open) {
      if (hold.parted) continue;
      const now = leafPfn(k, hold.mm, hold.vpn);
      if (now === 0 || now === hold.frame) continue;
      hold.parted = true;
      // Of several on the same page one is enough to be told about.
      if (this.#open.some((h) => h !== hold && h.parted && samePlace(h, hold))) continue;
      const address = this.#ctx.address(hold.mm, hold.vpn);
      found.push(
        `${address} is ${this.#ctx.page(now)} from here on, no longer ${this.#ctx.page(hold.frame)}, which ` +
          `${this.#who(hold)}: what is written through one is not seen through the other`,
      );
    }
    return found;
  }

  /** A process writes anonymous memory that another process holds by an address of its own. */
  #foreignWrite(step: TraceStep, words: Words): string[] {
    const { k } = this.#ctx;
    const mm = k.task.mm[k.lit.task[step.thread] ?? 0] ?? 0;
    if (mm === 0 || passesFile(step.functions, COPIES)) return [];
    const found: string[] = [];
    for (const frame of framesWritten(this.#ctx, words)) {
      const folio = headOf(k, frame);
      if (!isAnon(k, folio)) continue;
      for (const hold of this.#open) {
        if (hold.folio !== folio || hold.mm === mm || hold.told) continue;
        if (!allLeaves(k).some((l) => l.mm === mm && headOf(k, l.frame) === folio)) continue;
        for (const h of this.#open) if (samePlace(h, hold)) h.told = true;
        found.push(
          `${this.#ctx.thread(step.thread)} writes its private memory in ${this.#ctx.page(frame)} itself, which ` +
            `${this.#who(hold)} through ${this.#ctx.address(hold.mm, hold.vpn)}: another process sees what is written`,
        );
      }
    }
    return found;
  }

  /** A page is read through a pin or a reference, and its address says something else. */
  #staleRead(step: TraceStep): string[] {
    const { k } = this.#ctx;
    if (accessRegion(step.access) !== R.content || accessOp(step.access) !== READ) return [];
    if (passesFile(step.functions, COPIES)) return [];
    const frame = accessIndex(step.access);
    for (const hold of this.#open) {
      if (hold.frame !== frame || !hold.parted || hold.readStale) continue;
      const now = leafPfn(k, hold.mm, hold.vpn);
      const byte = now === 0 ? -1 : firstDifference(this.#ctx, frame, now);
      if (byte < 0) continue;
      hold.readStale = true;
      return [
        `${this.#ctx.thread(step.thread)} reads ${this.#ctx.page(frame)}: byte ${byte} is ${pageByte(k, frame, byte)} ` +
          `there, but ${pageByte(k, now, byte)} at ${this.#ctx.address(hold.mm, hold.vpn)}`,
      ];
    }
    return [];
  }

  /** Something is written through a pin or a reference, and its address maps another page. */
  #lostWrite(step: TraceStep, words: Words): string[] {
    if (accessRegion(step.access) !== R.content || passesFile(step.functions, COPIES)) return [];
    for (const frame of framesWritten(this.#ctx, words)) {
      const hold = this.#open.find((h) => h.frame === frame && h.parted && !h.writeLost);
      if (hold === undefined) continue;
      hold.writeLost = true;
      const address = this.#ctx.address(hold.mm, hold.vpn);
      return [
        `${this.#ctx.thread(step.thread)} writes ${this.#ctx.page(frame)}, which ${address} does not map any more: ` +
          `what is written is not seen there`,
      ];
    }
    return [];
  }

  /** A private mapping's write reaches the file itself. */
  #throughPrivate(step: TraceStep, words: Words): string[] {
    const { k } = this.#ctx;
    if (passesFile(step.functions, COPIES) && accessRegion(step.access) !== R.mmu) return [];
    for (const frame of framesWritten(this.#ctx, words)) {
      const folio = headOf(k, frame);
      if (!isFile(k, folio)) continue;
      const hold = this.#open.find((h) => h.folio === folio && h.thread === step.thread && !h.told);
      if (hold === undefined) continue;
      const vma = vmaAt(k, hold.mm, hold.vpn);
      if (vma === 0 || ((k.vma.flags[vma] ?? 0) & VM.shared) !== 0) continue;
      hold.told = true;
      return [
        `${this.#ctx.thread(step.thread)} writes ${this.#ctx.page(frame)}, a page of the file itself, although it was taken ` +
          `(in step ${hold.since}) through ${this.#ctx.address(hold.mm, hold.vpn)}, a private mapping`,
      ];
    }
    return [];
  }

  /** A CPU goes on with what it remembers, though the page table says something else (mmuAccess). */
  #staleTranslation(step: TraceStep, words: Words): string[] {
    const { k } = this.#ctx;
    if (accessOp(step.access) !== CHOOSE || step.functions.at(-1) !== 'mmuAccess') return [];
    if (words.of('tlb').length > 0) return [];
    const mm = k.task.mm[k.lit.task[step.thread] ?? 0] ?? 0;
    const first = step.thread * k.tlbEntries * TLB.words;
    for (let t = first; t < first + k.tlbEntries * TLB.words; t += TLB.words) {
      if (k.tlb[t + TLB.mm] !== mm || mm === 0) continue;
      const vpn = k.tlb[t + TLB.vpn] ?? 0;
      const lo = k.tlb[t + TLB.lo] ?? 0;
      const frame = entryPfn(lo, k.tlb[t + TLB.hi] ?? 0);
      const now = leafPfn(k, mm, vpn);
      const rw = (lo & PTE.write) !== 0 ? 'rw' : 'ro';
      return [
        `the CPU of ${this.#ctx.thread(step.thread)} has not yet been told: for ${this.#ctx.address(mm, vpn)} it still ` +
          `uses ${this.#ctx.page(frame)} ${rw} from its TLB${now === frame ? '' : `, where the page table says ${now === 0 ? 'nothing' : this.#ctx.page(now)}`}`,
      ];
    }
    return [];
  }
}

const samePlace = (a: Hold, b: Hold): boolean =>
  a.frame === b.frame && a.vpn === b.vpn && a.mm === b.mm;

/** Frames whose content the step changed, page tables aside. */
const framesWritten = (ctx: Context, words: Words): Set<Pfn> => {
  const frames = new Set<Pfn>();
  for (const w of words.of('contents')) {
    const frame = ctx.k.slotOwner[Math.floor(w.index / PAGE_WORDS)] ?? 0;
    if (frame !== 0 && ctx.isNamed(frame)) frames.add(frame);
  }
  return frames;
};

/** First byte in which two pages differ; -1: none. */
const firstDifference = ({ k }: Context, a: Pfn, b: Pfn): number => {
  for (let i = 0; i < 4096; i++) if (pageByte(k, a, i) !== pageByte(k, b, i)) return i;
  return -1;
};
