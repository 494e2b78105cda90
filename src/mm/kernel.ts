import type { Rules } from '../kernels/index.ts';
import { R } from '../machine/access.ts';
import type { Alloc } from '../machine/arena.ts';
import { plainAlloc } from '../machine/arena.ts';
import { initAreas, takePages } from '../machine/buddy.ts';
import { GUARD } from '../machine/guards.ts';
import { createMachine, type Machine, type MachineConfig } from '../machine/machine.ts';
import { PG } from '../machine/page.ts';
import type { MmId, Pfn, TaskId } from '../machine/types.ts';
import { enter, leave } from '../machine/workers.ts';
import { memremapPages } from './dev-pagemap.ts';
import {
  type DeviceArea,
  deviceArea,
  firstFreeKmem,
  type NotifierTables,
  notifierTables,
} from './device-tables.ts';
import { type FileTables, fileTables } from './file-tables.ts';
import { type GatherTables, gatherTables } from './gather-tables.ts';
import { type HugetlbTables, hugetlbTables } from './hugetlb-tables.ts';
import { type LruTables, lruTables } from './lru-tables.ts';
import { type RangeTables, rangeTables } from './pin-ranges.ts';
import { type SwapTables, swapTables } from './swap-tables.ts';
import { type UserfaultTables, userfaultTables } from './userfault-tables.ts';
import { VMSTAT } from './vmstat-items.ts';

/** Per address space, by MmId; the kernel's mm_struct. */
export interface MmTables {
  /** Page frame of the top page table; 0: this number is free. Same array as `k.pgd`. */
  readonly pgd: Int32Array;
  /** 0 free, -1 written, n > 0 read by n. */
  readonly mmapLock: Int32Array;
  /** write_protect_seq: odd while fork write-protects (A.15.3). */
  readonly writeProtectSeq: Int32Array;
  /** `MMF` bits. */
  readonly flags: Int32Array;
  /** Tasks that use it. */
  readonly users: Int32Array;
  /** First VMA of the list sorted by address. */
  readonly vmaFirst: Int32Array;
  /** Pages: all mappings, locked mappings, accounted by drivers as pinned, anonymous and file pages mapped, swap entries, page tables. */
  readonly totalVm: Int32Array;
  readonly lockedVm: Int32Array;
  readonly pinnedVm: Int32Array;
  /** The part of `lockedVm` that drivers account for pinned pages (VFIO type 1, powerpc). */
  readonly lockedByDma: Int32Array;
  /** RLIMIT_MEMLOCK in pages, plus 1; 0: none. */
  readonly memlock: Int32Array;
  readonly anonRss: Int32Array;
  readonly fileRss: Int32Array;
  readonly swapEnts: Int32Array;
  readonly tables: Int32Array;
  /** First page table that was taken out of the tree while others may look at it (`retireEmptyTable`); 0: none. */
  readonly retired: Int32Array;
}

export const MMF = {
  /** MMF_HAS_PINNED: some FOLL_PIN call was made on this mm, ever (A.2.5). */
  hasPinned: 1 << 0,
} as const;

/** Per mapping, by VmaId; the kernel's vm_area_struct. */
export interface VmaTables {
  /** Owner; 0: this number is free. */
  readonly mm: Int32Array;
  /** [start, end) in page numbers. */
  readonly start: Int32Array;
  readonly end: Int32Array;
  /** `VM` bits (vma.ts). */
  readonly flags: Int32Array;
  /** Page offset in the file, or of the anonymous mapping as first made. */
  readonly pgoff: Int32Array;
  readonly file: Int32Array;
  readonly anonVma: Int32Array;
  /**
   * 0: its anon_vma is the family's own. Else fork gave it an anon_vma of its own below the family's, so that its
   * anon_vma_chain is not singular: a number that splits keep, and that no other anon_vma of the mm has.
   */
  readonly forked: Int32Array;
  /** Next VMA of the same mm by address. */
  readonly next: Int32Array;
  /** Next VMA of the same anon_vma. */
  readonly anonNext: Int32Array;
  /** Next VMA that maps the same file. */
  readonly fileNext: Int32Array;
}

/** Per root of an anon_vma family. */
export interface AnonVmaTables {
  readonly first: Int32Array;
  readonly lock: Int32Array;
}

/** Per thread, by TaskId. */
export interface TaskTables {
  readonly mm: Int32Array;
  readonly cpu: Int32Array;
  /** `PF` bits. */
  readonly flags: Int32Array;
}

export const PF = {
  /** PF_MEMALLOC_PIN: new pages come from memory that may be pinned for long. */
  memallocPin: 1 << 0,
  /** A fatal signal is pending. */
  sigkill: 1 << 1,
  /** Any signal is pending. */
  signal: 1 << 2,
  used: 1 << 3,
} as const;

/** A machine with the memory management of one kernel version on it. */
export interface Kernel extends Machine {
  readonly rules: Rules;
  readonly mm: MmTables;
  readonly vma: VmaTables;
  readonly anonVma: AnonVmaTables;
  readonly task: TaskTables;
  readonly file: FileTables;
  readonly swap: SwapTables;
  readonly lru: LruTables;
  readonly ranges: RangeTables;
  /** How often migrate_pages() tries a folio: 10. */
  readonly migrateTries: number;
  readonly hugetlb: HugetlbTables;
  readonly gather: GatherTables;
  readonly uffd: UserfaultTables;
  /** Memory of devices. */
  readonly zoneDevice: DeviceArea;
  readonly notifier: NotifierTables;
  /** Event counters: `VMSTAT.items` a node. */
  readonly vmstat: Int32Array;
  readonly nodes: number;
  /** Events are counted. A search for which nobody asks for the counts does without: what is repeated then is the same state. */
  readonly counters: boolean;
  /** Pins held on each folio in truth (pin-ledger.ts); empty unless the configuration asks for the ledger. */
  readonly pins: Int32Array;
  /** The page of zeros that read faults map. */
  readonly zeroPfn: Pfn;
  /** [0]: the huge zero folio's head (0: not made yet). [1]: next anon_vma to try. [2]: thp enabled = always. */
  readonly misc: Int32Array;
}

export const MISC = {
  hugeZero: 0,
  thpAlways: 1,
  kmemNext: 2,
  /** How many of the next allocations of kernel memory fail (failslab). */
  failKmalloc: 3,
  /** swapoff(2) was called. */
  swapOff: 4,
  words: 8,
} as const;

export interface KernelConfig extends Partial<Omit<MachineConfig, 'alloc'>> {
  readonly rules: Rules;
  readonly alloc?: Alloc;
  readonly vmas?: number;
  readonly tasks?: number;
  readonly anonVmas?: number;
  readonly files?: number;
  /** Pages of swap; 0: none. */
  readonly swapPages?: number;
  /** Pages of the LRU batch; 0 (as if drained at once) when not given. */
  readonly lruBatch?: number;
  /** Attempts of a migration, 10 as in the kernel when not given; a search may ask for fewer. */
  readonly migrateTries?: number;
  /** transparent_hugepage/enabled is `always` rather than `madvise`. */
  readonly thpAlways?: boolean;
  /** Count events in `vmstat`: yes when not given. */
  readonly counters?: boolean;
  /** Keep the ledger of pins. */
  readonly ledger?: boolean;
  /** The machine has MMU notifiers: no when not given. */
  readonly notifiers?: boolean;
}

/** Page frame of the page of zeros. */
const ZERO_PFN = 1;

/**
 * Starts a kernel: memory free, no process. The default machine has 64 MiB on one node.
 * Units: pages everywhere. Throws RangeError when the configuration's arrays do not fit `alloc`.
 */
export function bootKernel(config: KernelConfig): Kernel {
  const alloc = config.alloc ?? plainAlloc;
  const areas = config.areas ?? [{ pages: 16384 }];
  const mms = config.mms ?? 16;
  const machineConfig: MachineConfig = {
    ...config,
    alloc,
    areas,
    mms,
    cpus: config.cpus ?? 4,
    slots: config.slots ?? areas.reduce((n, a) => n + a.pages, 0),
    idleRefs: config.rules.devmap.mapRefs ? 0 : 1,
  };
  const machine = createMachine(machineConfig);
  const perMm = () => alloc(mms + 1);
  const vmas = (config.vmas ?? 256) + 1;
  const perVma = () => alloc(vmas);
  const anonVmas = (config.anonVmas ?? vmas) + 1;
  const tasks = (config.tasks ?? 32) + 1;
  const nodes = 1 + Math.max(0, ...areas.map((a) => a.node ?? 0));
  const k: Kernel = {
    ...machine,
    rules: config.rules,
    mm: {
      pgd: machine.pgd,
      mmapLock: perMm(),
      writeProtectSeq: perMm(),
      flags: perMm(),
      users: perMm(),
      vmaFirst: perMm(),
      totalVm: perMm(),
      lockedVm: perMm(),
      pinnedVm: perMm(),
      lockedByDma: perMm(),
      memlock: perMm(),
      anonRss: perMm(),
      fileRss: perMm(),
      swapEnts: perMm(),
      tables: perMm(),
      retired: perMm(),
    },
    vma: {
      mm: perVma(),
      start: perVma(),
      end: perVma(),
      flags: perVma(),
      pgoff: perVma(),
      file: perVma(),
      anonVma: perVma(),
      forked: perVma(),
      next: perVma(),
      anonNext: perVma(),
      fileNext: perVma(),
    },
    anonVma: { first: alloc(anonVmas), lock: alloc(anonVmas) },
    task: { mm: alloc(tasks), cpu: alloc(tasks), flags: alloc(tasks) },
    file: fileTables(alloc, (config.files ?? 32) + 1, tasks),
    swap: swapTables(alloc, config.swapPages ?? 0),
    lru: lruTables(alloc, config.lruBatch ?? 0),
    ranges: rangeTables(alloc, config.rules.design.pins === 'ranges'),
    migrateTries: config.migrateTries ?? 10,
    hugetlb: hugetlbTables(alloc, vmas, (config.files ?? 32) + 1),
    gather: gatherTables(alloc, tasks),
    uffd: userfaultTables(alloc, tasks),
    zoneDevice: deviceArea(areas),
    notifier: notifierTables(alloc, config.notifiers === true),
    vmstat: alloc(nodes * VMSTAT.items),
    nodes,
    counters: config.counters ?? true,
    pins: alloc(config.ledger === true ? machine.pages : 0),
    zeroPfn: ZERO_PFN,
    misc: alloc(MISC.words),
  };
  k.regions[R.mmapLock] = k.mm.mmapLock;
  k.regions[R.seq] = k.mm.writeProtectSeq;
  k.regions[R.mmFlags] = k.mm.flags;
  k.regions[R.anonLock] = k.anonVma.lock;
  k.regions[R.inodeLock] = k.file.lock;
  k.regions[R.pageCache] = k.file.cacheLock;
  k.regions[R.directIo] = k.file.direct;
  k.regions[R.task] = k.task.mm;
  k.regions[R.uffd] = k.uffd.waits;
  k.regions[R.hugetlb] = k.hugetlb.locks;
  k.regions[R.lru] = k.page.lruPrev;
  if (config.attach === true) return k;
  k.misc[MISC.thpAlways] = config.thpAlways === true ? 1 : 0;
  k.misc[MISC.kmemNext] = firstFreeKmem(k.pgd.length);
  initAreas(k, machineConfig);
  memremapPages(k);
  reserveZeroPage(k);
  return k;
}

function reserveZeroPage(k: Kernel): void {
  const pfn = takePages(k, 0, 0, 0);
  if (pfn !== ZERO_PFN)
    throw new RangeError(
      'the first area must begin with normal memory: the page of zeros lives there',
    );
  k.page.flags[pfn] = PG.reserved | PG.uptodate;
}

/** Makes a task on `cpu` that runs in `mm` (0: a kernel thread). Returns 0 when there are none left. */
export function newTask(k: Kernel, mm: MmId, cpu: number): TaskId {
  const task = freeTask(k);
  if (task === 0) return 0;
  k.task.mm[task] = mm;
  k.task.cpu[task] = cpu;
  if (mm !== 0) k.cpumask[mm] |= 1 << cpu;
  return task;
}

/** An unused number, used from now on; 0: none left. */
function freeTask(k: Kernel): TaskId {
  enter(k, GUARD.ids);
  let task = 1;
  while (task < k.task.flags.length && (k.task.flags[task] & PF.used) !== 0) task++;
  if (task === k.task.flags.length) task = 0;
  else k.task.flags[task] = PF.used;
  leave(k, GUARD.ids);
  return task;
}

/** Kernel memory of `words` words for arrays of page pointers; never given back. Index in `k.kmem`. */
export function kmalloc(k: Kernel, words: number): number {
  enter(k, GUARD.ids);
  const at = k.misc[MISC.kmemNext];
  const fits = at + words <= k.kmem.length;
  if (fits) k.misc[MISC.kmemNext] = at + words;
  leave(k, GUARD.ids);
  if (!fits)
    throw new RangeError(`out of kernel memory: ${words} words asked, ${k.kmem.length - at} left`);
  return at;
}
