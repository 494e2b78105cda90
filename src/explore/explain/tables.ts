/** Which page frames are page tables, whose, and what each of their entries translates. */
import type { Lit } from '../../litmus/run/program.ts';
import { PAGE_WORDS } from '../../machine/contents.ts';
import { entryPfn, isNone, isPresent, PTE } from '../../machine/entry.ts';
import { entrySpan } from '../../machine/mmu.ts';
import type { EntryAddr, MmId, Pfn, Vpn } from '../../machine/types.ts';

/** A page table: its address space, its level (0: entries are PTEs) and the first page number that it translates. */
export interface TableInfo {
  readonly mm: MmId;
  readonly level: number;
  readonly base: Vpn;
}

/** A place in the tables that translates pages. */
export interface Leaf {
  readonly mm: MmId;
  readonly vpn: Vpn;
  /** Level of the entry: 0 is a PTE, 1 a PMD. */
  readonly level: number;
  readonly frame: Pfn;
}

const ENTRIES = 512;

/** Calls `table` for each table of `mm`, top first, and `leaf` for each present leaf entry. */
export const walkTables = (
  k: Lit,
  mm: MmId,
  table: (frame: Pfn, info: TableInfo) => void,
  leaf: (leaf: Leaf) => void,
): void => {
  const walk = (frame: Pfn, level: number, base: Vpn): void => {
    table(frame, { mm, level, base });
    const slot = k.page.slot[frame] ?? 0;
    if (slot === 0) return;
    for (let i = 0; i < ENTRIES; i++) {
      const e = slot * PAGE_WORDS + 2 * i;
      const lo = k.contents[e] ?? 0;
      const hi = k.contents[e + 1] ?? 0;
      if (isNone(lo, hi) || !isPresent(lo)) continue;
      const vpn = base + i * entrySpan(level);
      const pfn = entryPfn(lo, hi);
      if (level === 0 || (lo & PTE.pse) !== 0) leaf({ mm, vpn, level, frame: pfn });
      else walk(pfn, level - 1, vpn);
    }
  };
  const top = k.pgd[mm] ?? 0;
  if (top !== 0) walk(top, k.levels - 1, 0);
};

/** Every present leaf of every address space. */
export const allLeaves = (k: Lit): Leaf[] => {
  const leaves: Leaf[] = [];
  for (let mm = 1; mm < k.pgd.length; mm++)
    walkTables(
      k,
      mm,
      () => undefined,
      (l) => leaves.push(l),
    );
  return leaves;
};

/** Remembers the tables that it has seen, so that entries of one that is just being taken away still have a name. */
export class Tables {
  readonly #k: Lit;
  readonly #known = new Map<Pfn, TableInfo>();
  #fresh = false;

  constructor(k: Lit) {
    this.#k = k;
    this.#look();
  }

  /** Entries have changed: what is known must be looked at again. */
  outdate(): void {
    this.#fresh = false;
  }

  #look(): void {
    this.#fresh = true;
    for (let mm = 1; mm < this.#k.pgd.length; mm++)
      walkTables(
        this.#k,
        mm,
        (frame, info) => this.#known.set(frame, info),
        () => undefined,
      );
  }

  /** What table the frame is, or was when it was last seen; undefined: none that some address space led to. */
  infoOf(frame: Pfn): TableInfo | undefined {
    if (!this.#fresh || !this.#known.has(frame)) this.#look();
    return this.#known.get(frame);
  }

  /** Address space, level and page number of an entry, by the frame of its table. */
  entryIn(frame: Pfn, e: EntryAddr): (TableInfo & { readonly vpn: Vpn }) | undefined {
    const info = this.infoOf(frame);
    if (info === undefined) return undefined;
    const index = (e % PAGE_WORDS) >>> 1;
    return { ...info, vpn: info.base + index * entrySpan(info.level) };
  }
}
