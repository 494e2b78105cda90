import { R } from './access.ts';
import { type Alloc, plainAlloc } from './arena.ts';
import { bitmapInit, bitmapWords } from './bitmap.ts';
import { PAGE_FIELDS, type PageArrays, PG } from './page.ts';
import { workerWords } from './workers.ts';

/** A contiguous run of page frames of one kind. Bounds are multiples of 2^MAX_ORDER pages. */
export interface AreaConfig {
  readonly pages: number;
  readonly node?: number;
  /** ZONE_MOVABLE: only pages that can be moved away (memory that may be unplugged). */
  readonly movable?: boolean;
  /** A CMA area: lent to movable pages until the device that owns it asks for it. */
  readonly cma?: boolean;
  /**
   * The CPU whose allocations come from here first, as from the kernel's per-CPU lists: allocations of
   * different CPUs then do not meet, which spares the explorer their orders.
   */
  readonly cpu?: number;
  /** Memory of a device: page structures that the allocator never gives out (ZONE_DEVICE). */
  readonly device?: boolean;
  /** Of a device: its memory is mapped by 1 GiB (by 2 MiB or single pages else, as there is room). */
  readonly giga?: boolean;
}

export interface MachineConfig {
  /** Areas in order of their page frames, from page frame 0. */
  readonly areas: readonly AreaConfig[];
  readonly cpus: number;
  /** Address spaces at most. */
  readonly mms: number;
  /** Page table levels, 4 or 5. */
  readonly levels?: 4 | 5;
  /** Content slots: how many pages may hold anything but zeros (page tables included). */
  readonly slots: number;
  /** Entries of each CPU's TLB; a power of two. */
  readonly tlbEntries?: number;
  /** How page tables are kept from lockless walkers: by interrupts (x86) or by RCU (arm64). */
  readonly tableFree?: 'ipi' | 'rcu';
  /** Words of kernel memory for arrays of page pointers; 65,536 when not given. */
  readonly kmemWords?: number;
  /** References of a page of device memory that nobody uses: 1 when not given. */
  readonly idleRefs?: number;
  readonly alloc?: Alloc;
  /**
   * `alloc` gives the memory of a machine that runs already, made with the same configuration: its words are left as
   * they are.
   */
  readonly attach?: boolean;
}

/** The largest block of the buddy allocator: 2^18 pages, so that a 1 GiB hugetlb page is one block. */
export const MAX_ORDER = 18;

export const AREA_FIELDS = {
  start: 0,
  end: 1,
  node: 2,
  movable: 3,
  cma: 4,
  free: 5,
  cpu: 6,
  /** 1: MIGRATE_ISOLATE, nothing is given out from here while somebody takes the area for himself. */
  isolated: 7,
  /** 1: memory of a device. */
  device: 8,
  words: 9,
} as const;

/**
 * What hardware and the core kernel give: physical memory, processors with their TLBs, the allocator.
 * Everything that changes lives in the arrays, so a state is the arrays' words and nothing else.
 */
export interface Machine {
  readonly page: PageArrays;
  readonly pages: number;
  /** Page contents by slot: slot s is words [s * 1024, s * 1024 + 1024). Slot 0 is never written. */
  readonly contents: Int32Array;
  /** Slots given back; used only where there are fewer slots than pages (else slot = page frame). */
  readonly freeSlots: Int32Array;
  /** [0]: first slot never given out yet. */
  readonly slotNext: Int32Array;
  /** Page frame whose content a slot holds. */
  readonly slotOwner: Int32Array;
  /** Free blocks by order: one bitmap each. */
  readonly freeBlocks: readonly Int32Array[];
  /** `AREA_FIELDS.words` words an area. */
  readonly area: Int32Array;
  readonly areas: number;
  readonly cpus: number;
  /** 1 while the CPU has interrupts off. */
  readonly irqOff: Int32Array;
  /** Spin locks held on the CPU: nothing may sleep there. */
  readonly spinDepth: Int32Array;
  /** TLB entries, `TLB.words` words each, `tlbEntries` a CPU. */
  readonly tlb: Int32Array;
  readonly tlbEntries: number;
  readonly levels: 4 | 5;
  readonly tableFree: 'ipi' | 'rcu';
  /** References of a page of device memory that nobody uses, 0 or 1 (`WAIT_IDLE`). */
  readonly idleRefs: number;
  /** First BUG and its argument, warnings as bits (see `report.ts`). */
  readonly report: Int32Array;
  /** Page frame of each address space's top table; what CR3 holds. */
  readonly pgd: Int32Array;
  /** CPUs (bits) that may hold translations of each address space. */
  readonly cpumask: Int32Array;
  /** What the explorer answers to `choose`. */
  readonly choice: Int32Array;
  /**
   * [0]: the CPU whose step this is. Set by whoever schedules, not part of the state; 0 in the direct form, and each
   * worker's own in the shared one.
   */
  readonly cpuNow: Int32Array;
  /**
   * What the last step touched besides what it announced (`touchAlso`): [0] how many, then access words. Whoever
   * schedules reads and empties it after each step; in the direct form nobody looks.
   */
  readonly also: Int32Array;
  /** Kernel memory for arrays of page pointers and the like; word 0 is unused. */
  readonly kmem: Int32Array;
  /** How workers that share the machine keep out of each other's way (`workers.ts`). */
  readonly workers: Int32Array;
  /** The array behind each region, for locks and waits. */
  readonly regions: Int32Array[];
}

/** Words of one TLB entry: mm (0: empty), page number, low and high word of the leaf entry, its address. */
export const TLB = { mm: 0, vpn: 1, lo: 2, hi: 3, words: 4 } as const;

const KMEM_WORDS = 1 << 16;

/** A machine of the given size: all memory free, nothing mapped. */
export function createMachine(config: MachineConfig): Machine {
  const alloc = config.alloc ?? plainAlloc;
  const pages = config.areas.reduce((sum, a) => sum + a.pages, 0);
  const page = Object.fromEntries(
    PAGE_FIELDS.map((f) => [f, alloc(pages)]),
  ) as unknown as PageArrays;
  const freeBlocks: Int32Array[] = [];
  for (let order = 0; order <= MAX_ORDER; order++) {
    const bits = Math.max(1, pages >>> order);
    const map = alloc(bitmapWords(bits));
    if (config.attach !== true) bitmapInit(map, bits);
    freeBlocks.push(map);
  }
  const freeSlots = alloc(bitmapWords(config.slots));
  if (config.attach !== true) bitmapInit(freeSlots, config.slots);
  const tlbEntries = config.tlbEntries ?? 16;
  const machine: Machine = {
    page,
    pages,
    contents: alloc(config.slots * 1024),
    freeSlots,
    slotNext: alloc(1),
    slotOwner: alloc(config.slots),
    freeBlocks,
    area: alloc(config.areas.length * AREA_FIELDS.words),
    areas: config.areas.length,
    cpus: config.cpus,
    irqOff: alloc(config.cpus),
    spinDepth: alloc(config.cpus),
    tlb: alloc(config.cpus * tlbEntries * TLB.words),
    tlbEntries,
    levels: config.levels ?? 4,
    tableFree: config.tableFree ?? 'ipi',
    idleRefs: config.idleRefs ?? 1,
    report: alloc(8),
    pgd: alloc(config.mms + 1),
    cpumask: alloc(config.mms + 1),
    choice: new Int32Array(1),
    cpuNow: new Int32Array(1),
    also: alloc(32),
    kmem: alloc(config.kmemWords ?? KMEM_WORDS),
    workers: workerWords(alloc, config.cpus),
    regions: [],
  };
  for (const region of Object.values(R)) machine.regions[region] = machine.report;
  machine.regions[R.refcount] = page.refcount;
  machine.regions[R.flags] = page.flags;
  machine.regions[R.mapcount] = page.mapcount;
  machine.regions[R.compound] = page.compound;
  machine.regions[R.ptl] = page.private;
  machine.regions[R.irq] = machine.irqOff;
  machine.regions[R.kmem] = machine.kmem;
  if (config.attach === true) return machine;
  machine.slotNext[0] = 1;
  page.flags[0] = PG.reserved;
  page.refcount[0] = 1;
  return machine;
}
