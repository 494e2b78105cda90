/** Random programs: kinds of memory and mixes of calls chosen to reach pins, forks, copy-on-write and huge pages. */
import {
  type Arg,
  address,
  byteAt,
  DISK_FILE,
  FILES,
  type FuzzProgram,
  HUGE_PAGES,
  type Mix,
  number,
  type Op,
  PAGE,
  PIPE,
  type Region,
  type RegionKind,
  thread,
  variable,
} from './program.ts';
import { Random } from './random.ts';
import { Shadow } from './shadow.ts';

const RW = number(3, 'PROT_READ | PROT_WRITE');
const READ = number(1, 'PROT_READ');
const NONE = number(0, 'PROT_NONE');
const NULL = number(0, 'NULL');
const MINUS = number(-1);
const ANON = number(0x22, 'MAP_PRIVATE | MAP_ANONYMOUS');
const FIXED_ANON = number(0x32, 'MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED');
const POPULATED = number(0x8032, 'MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_POPULATE');
const UNRESERVED = number(0x4032, 'MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE');
const ANONYMOUS = [FIXED_ANON, FIXED_ANON, FIXED_ANON, POPULATED, UNRESERVED];
const FIXED_SHARED_ANON = number(0x31, 'MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED');
const FIXED_PRIVATE = number(0x12, 'MAP_PRIVATE | MAP_FIXED');
const FIXED_SHARED = number(0x11, 'MAP_SHARED | MAP_FIXED');
const MOVE = number(3, 'MREMAP_MAYMOVE | MREMAP_FIXED');
const MOVE_AND_KEEP = number(7, 'MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP');

/** Pages of the pool of huge pages in programs that use it. */
const POOL = 8;
const HUGETLB = number(0x40022, 'MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB');

const KINDS: Readonly<Record<RegionKind, number>> = {
  /** Only where programs may change the machine's pool of huge pages. */
  hugetlb: 0,
  anon: 8,
  thp: 4,
  shared: 2,
  'private-file': 3,
  'shared-file': 2,
};

const ADVICE: Readonly<Record<string, readonly [value: number, weight: number]>> = {
  MADV_DONTNEED: [4, 6],
  MADV_FREE: [8, 2],
  MADV_DONTFORK: [10, 3],
  MADV_DOFORK: [11, 1],
  MADV_WIPEONFORK: [18, 3],
  MADV_KEEPONFORK: [19, 1],
  MADV_COLD: [20, 1],
  MADV_PAGEOUT: [21, 2],
  MADV_POPULATE_READ: [22, 4],
  MADV_POPULATE_WRITE: [23, 4],
  MADV_COLLAPSE: [25, 3],
  MADV_HUGEPAGE: [14, 1],
  MADV_NOHUGEPAGE: [15, 1],
  MADV_REMOVE: [9, 1],
  MADV_DONTNEED_LOCKED: [24, 2],
  MADV_GUARD_INSTALL: [102, 2],
  MADV_GUARD_REMOVE: [103, 1],
};

const CALLS = {
  load: 12,
  store: 22,
  madvise: 8,
  mprotect: 8,
  munmap: 2,
  mmap: 2,
  mremap: 3,
  mlock: 1,
  munlock: 1,
  fork: 8,
  wait: 2,
  exit: 1,
  switch: 8,
  vmsplice: 4,
  take: 5,
  read: 3,
  write: 2,
  io_uring_register_buffers: 5,
  io_uring_unregister_buffers: 2,
  io_uring_read_fixed: 4,
  io_uring_write_fixed: 5,
  ptrace_write: 3,
  ptrace_read: 1,
  process_vm_readv: 2,
  process_vm_writev: 2,
  file: 3,
  /** Direct I/O that is waited for, and requests that stay in flight: only where programs have a file on a medium. */
  direct: 0,
  flight: 0,
} as const;
type Call = keyof typeof CALLS;

/** One program under construction. */
class Maker {
  readonly #r: Random;
  readonly #regions: Region[] = [];
  readonly #init: Op[] = [];
  readonly #ops: Op[] = [];
  readonly #shadow = new Shadow();
  readonly #registers = [0, 0, 0];
  /** 0: not forked, 1: runs, 2: gone. */
  readonly #life = [1, 0, 0];
  readonly #parent = [0, 0, 0];
  #now = 0;

  readonly #mix: ReadonlySet<Mix>;
  readonly #kinds: Readonly<Record<RegionKind, number>>;
  readonly #calls: Readonly<Record<Call, number>>;
  readonly #advice: Readonly<Record<string, number>>;
  /** The thread with a request in flight. */
  #flying: number | null = null;

  constructor(r: Random, mix: ReadonlySet<Mix>) {
    this.#r = r;
    this.#mix = mix;
    this.#kinds = mix.has('hugetlb') ? { ...KINDS, hugetlb: 20 } : KINDS;
    this.#calls = mix.has('direct') ? { ...CALLS, direct: 10, flight: 14 } : CALLS;
    const weights = Object.fromEntries(Object.entries(ADVICE).map(([n, [, w]]) => [n, w]));
    this.#advice = mix.has('swap') ? { ...weights, MADV_PAGEOUT: 30 } : weights;
  }

  #region(base: number): void {
    const r = this.#r;
    const kind = r.weighted(this.#kinds);
    const huge = kind === 'thp' || kind === 'hugetlb';
    const pages = huge ? HUGE_PAGES : 1 + r.below(4);
    const looks = huge
      ? [0, 1 + r.below(3), 511]
      : Array.from({ length: Math.min(pages, 3) }, (_, i) => i);
    const region: Region = { base, kind, pages, looks };
    this.#regions.push(region);
    this.#shadow.map(region);
    const length = number(pages * PAGE);
    const init = (call: string, args: readonly Arg[], reg = -1): void => {
      this.#init.push({ thread: 0, call, args, reg });
    };
    const file = kind === 'private-file' || kind === 'shared-file';
    if (kind === 'hugetlb' && !this.#init.some((o) => o.call === 'set_nr_hugepages'))
      init('set_nr_hugepages', [number(POOL)]);
    if (file) {
      init('memfd_create', [variable(FILES + base), number(0)], -2 - (FILES + base));
      init('ftruncate', [variable(FILES + base), length]);
    }
    const flags =
      kind === 'shared'
        ? number(0x21, 'MAP_SHARED | MAP_ANONYMOUS')
        : kind === 'shared-file'
          ? number(1, 'MAP_SHARED')
          : kind === 'private-file'
            ? number(2, 'MAP_PRIVATE')
            : kind === 'hugetlb'
              ? HUGETLB
              : ANON;
    init(
      'mmap',
      [NULL, length, RW, flags, file ? variable(FILES + base) : MINUS, number(0)],
      -2 - base,
    );
    if (kind === 'thp') init('madvise', [address(base, 0), length, number(14, 'MADV_HUGEPAGE')]);
    for (const look of looks) if (r.below(3) > 0) this.#init.push(this.#storeAt(0, base, look));
  }

  #storeAt(t: number, base: number, page: number): Op {
    return {
      thread: t,
      call: 'store',
      args: [byteAt(base, page * PAGE), number(1 + this.#r.below(99))],
      reg: -1,
    };
  }

  #add(call: string, args: readonly Arg[], result = false): void {
    const t = this.#now;
    const free = (this.#registers[t] ?? 0) < 31;
    const reg = result && free ? (this.#registers[t] ?? 0) : -1;
    if (reg >= 0) this.#registers[t] = reg + 1;
    this.#ops.push({ thread: t, call, args, reg });
  }

  /** A range of whole pages in some region. */
  #range(): { region: Region; from: number; pages: number; at: Arg; length: Arg } {
    const r = this.#r;
    const region = r.pick(this.#regions);
    const huge = region.pages === HUGE_PAGES;
    const whole = region.kind === 'hugetlb' ? !r.once(4) : r.once(huge ? 2 : 4);
    const from = whole ? 0 : huge ? r.pick(region.looks) : r.below(region.pages);
    const pages = whole ? region.pages : Math.min(1 + r.below(2), region.pages - from);
    return {
      region,
      from,
      pages,
      at: address(region.base, from * PAGE),
      length: number(pages * PAGE),
    };
  }

  /** A page of `process` with these rights; null: none was found. */
  #page(process: number, rights: number): { base: number; page: number; region: Region } | null {
    for (let tries = 0; tries < 6; tries++) {
      const region = this.#r.pick(this.#regions);
      const page = this.#r.pick(region.looks);
      if (this.#shadow.all(process, region.base, page, 1, rights))
        return { base: region.base, page, region };
    }
    return null;
  }

  #other(): number | null {
    const others = [0, 1, 2].filter((t) => this.#life[t] === 1 && t !== this.#now);
    return others.length === 0 ? null : this.#r.pick(others);
  }

  step(): void {
    const r = this.#r;
    const t = this.#now;
    const s = this.#shadow;
    const call = r.weighted(this.#calls);
    switch (call) {
      case 'load': {
        const p = this.#page(t, 1);
        if (p !== null) this.#add('load', [byteAt(p.base, p.page * PAGE)], true);
        return;
      }
      case 'store': {
        const p = this.#page(t, 2);
        if (p !== null) this.#ops.push(this.#storeAt(t, p.base, p.page));
        return;
      }
      case 'madvise':
        this.#madvise();
        return;
      case 'mprotect': {
        const { region, from, pages, at, length } = this.#range();
        const prot = r.pick([RW, RW, READ, READ, NONE]);
        this.#add('mprotect', [at, length, prot], true);
        s.protect(t, region.base, from, pages, prot.value);
        return;
      }
      case 'munmap': {
        const { region, from, pages, at, length } = this.#range();
        this.#add('munmap', [at, length], true);
        s.set(t, region.base, from, pages, 0);
        return;
      }
      case 'mmap': {
        const { region, from, pages, at, length } = this.#range();
        const file = region.kind.endsWith('file') && r.once(2);
        const flags = file
          ? r.pick([FIXED_PRIVATE, FIXED_SHARED])
          : r.pick(region.kind === 'thp' ? ANONYMOUS : [...ANONYMOUS, FIXED_SHARED_ANON]);
        const prot = r.pick([RW, RW, READ, NONE]);
        const offset = file ? number(from * PAGE) : number(0);
        this.#add('mmap', [
          at,
          length,
          prot,
          flags,
          file ? variable(FILES + region.base) : MINUS,
          offset,
        ]);
        s.set(t, region.base, from, pages, prot.value | 4);
        return;
      }
      case 'mremap':
        this.#mremap();
        return;
      case 'mlock':
      case 'munlock': {
        const { at, length, region, from, pages } = this.#range();
        // What cannot be read would be faulted in half.
        if (s.all(t, region.base, from, pages, 5)) this.#add(call, [at, length], true);
        return;
      }
      case 'fork': {
        const child = this.#life[1] === 0 ? 1 : this.#life[2] === 0 ? 2 : 0;
        if (child === 0) return;
        this.#add('fork', [thread(child)]);
        this.#life[child] = 1;
        this.#parent[child] = t;
        s.fork(t, child);
        if (r.once(2)) this.#now = child;
        return;
      }
      case 'switch': {
        const to = this.#other();
        if (to !== null) this.#now = to;
        return;
      }
      case 'wait': {
        const child = [1, 2].find((c) => this.#life[c] === 1 && this.#parent[c] === t && c !== t);
        if (child === undefined || this.#hasChild(child) || this.#flying === child) return;
        this.#add('wait', [thread(child)]);
        this.#life[child] = 2;
        return;
      }
      case 'exit': {
        const parent = this.#parent[t] ?? 0;
        if (t === 0 || this.#life[parent] !== 1 || this.#hasChild(t) || this.#flying === t) return;
        this.#add('exit', []);
        this.#life[t] = 2;
        this.#now = parent;
        this.#add('wait', [thread(t)]);
        return;
      }
      case 'ptrace_write':
      case 'ptrace_read':
      case 'process_vm_readv':
      case 'process_vm_writev':
        this.#remote(call);
        return;
      case 'file':
        this.#file();
        return;
      case 'direct':
      case 'flight':
        this.#direct(call === 'flight');
        return;
      default:
        this.#transfer(call);
        return;
    }
  }

  #hasChild(t: number): boolean {
    return [1, 2].some((c) => c !== t && this.#life[c] === 1 && this.#parent[c] === t);
  }

  #madvise(): void {
    const { region, from, pages, at, length } = this.#range();
    const name = this.#r.weighted(this.#advice);
    // Of memory that cannot be huge only a range of its own: beside it lie others.
    const collapse = name === 'MADV_COLLAPSE' && region.kind === 'thp';
    const [value] = ADVICE[name] as readonly [number, number];
    const where = collapse ? address(region.base, 0) : at;
    const size = collapse ? number(HUGE_PAGES * PAGE) : length;
    this.#add('madvise', [where, size, number(value, name)], true);
    if (name === 'MADV_DONTFORK') this.#shadow.dontFork(region.base, from, pages, true);
    if (name === 'MADV_DOFORK') this.#shadow.dontFork(region.base, from, pages, false);
  }

  /** Moves pages over others, sometimes to more or fewer of them; or makes a range smaller. */
  #mremap(): void {
    const r = this.#r;
    const s = this.#shadow;
    const t = this.#now;
    const { region, from, pages, at } = this.#range();
    const old = number(pages * PAGE);
    if (r.once(8)) {
      const less = 1 + r.below(pages);
      this.#add('mremap', [at, old, number(less * PAGE), number(0)]);
      s.set(t, region.base, from + less, pages - less, 0);
      return;
    }
    const target = r.pick(this.#regions);
    const to = target.pages === HUGE_PAGES && r.once(2) ? 0 : r.below(Math.min(target.pages, 4));
    const size = r.once(6) ? Math.max(1, pages + r.below(3) - 1) : pages;
    const room = Math.min(size, target.pages - to);
    if (room < size || (target.base === region.base && from < to + size && to < from + pages))
      return;
    if (!s.all(t, region.base, from, 1, 4) || !s.all(t, target.base, to, 1, 4)) return;
    const rights = Array.from({ length: pages }, (_, i) => s.get(t, region.base, from + i));
    const keep = size === pages && region.kind !== 'shared-file' && r.once(6);
    const flags = keep ? MOVE_AND_KEEP : MOVE;
    const there = address(target.base, to * PAGE);
    this.#add('mremap', [at, old, number(size * PAGE), flags, there]);
    if (!keep) s.set(t, region.base, from, pages, 0);
    for (let i = 0; i < size; i++) s.set(t, target.base, to + i, 1, rights[i] ?? rights[0] ?? 0);
  }

  #remote(call: 'ptrace_write' | 'ptrace_read' | 'process_vm_readv' | 'process_vm_writev'): void {
    const other = this.#other() ?? this.#now;
    const region = this.#r.pick(this.#regions);
    const there = address(region.base, this.#r.pick(region.looks) * PAGE);
    if (call === 'ptrace_write') {
      this.#add(call, [thread(other), there, number(1 + this.#r.below(99))], true);
      return;
    }
    if (call === 'ptrace_read') {
      this.#add(call, [thread(other), there], true);
      return;
    }
    const local = this.#r.pick(this.#regions);
    const here = address(local.base, this.#r.pick(local.looks) * PAGE);
    const length = this.#r.pick([1, 2, 3, PAGE, PAGE + 2]);
    this.#add(call, [thread(other), here, there, number(length)], true);
  }

  #file(): void {
    const files = this.#regions.filter((x) => x.kind.endsWith('file'));
    if (files.length === 0) return;
    const region = this.#r.pick(files);
    const fd = variable(FILES + region.base);
    const offset = number(this.#r.pick(region.looks) * PAGE);
    if (this.#r.once(3)) {
      this.#add(
        'fallocate',
        [fd, number(3, 'FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE'), offset, number(PAGE)],
        true,
      );
      return;
    }
    const p = this.#page(this.#now, this.#r.once(2) ? 1 : 2);
    if (p === null) return;
    const here = address(p.base, p.page * PAGE);
    this.#add(this.#r.once(2) ? 'pwrite' : 'pread', [fd, here, number(1), offset], true);
  }

  /** A direct read or write of the file on the medium, or one that stays in flight, or the end of that one. */
  #direct(flight: boolean): void {
    const r = this.#r;
    const t = this.#now;
    if (this.#flying !== null) {
      if (this.#flying === t && r.once(3)) this.#land();
      return;
    }
    const reads = r.once(2);
    const p = this.#page(t, reads && !r.once(6) ? 3 : 1);
    if (p === null) return;
    const fd = variable(DISK_FILE);
    const here = address(p.base, p.page * PAGE);
    const length = number(r.pick([512, 1024, PAGE]));
    const offset = number(r.below(2) * PAGE);
    if (!flight) {
      this.#add(reads ? 'pread' : 'pwrite', [fd, here, length, offset], true);
      return;
    }
    const opcode = reads ? number(0, 'IOCB_CMD_PREAD') : number(1, 'IOCB_CMD_PWRITE');
    this.#add('io_submit', [opcode, fd, here, length, offset], true);
    this.#flying = t;
  }

  #land(): void {
    this.#now = this.#flying ?? this.#now;
    this.#add('io_getevents', [], true);
    this.#flying = null;
  }

  /** The file on the medium, two pages long, so that no request has to look for blocks. */
  #disk(): void {
    const fd = variable(DISK_FILE);
    const init = (call: string, args: readonly Arg[], reg = -1): void => {
      this.#init.push({ thread: 0, call, args, reg });
    };
    init('open', [fd], -2 - DISK_FILE);
    for (const page of [0, 1])
      init('pwrite', [fd, address(0, 0), number(PAGE), number(page * PAGE)]);
  }

  /** Pipes and io_uring. Nothing reads a pipe that may be empty. */
  #transfer(call: string): void {
    const r = this.#r;
    const s = this.#shadow;
    const t = this.#now;
    const out = number(0, 'p[1]');
    const input = number(0, 'p[0]');
    const reader: Arg = { ...input, base: PIPE };
    const writer: Arg = { ...out, base: PIPE + 1 };
    if (call === 'take') {
      if (s.fill === 0) return;
      this.#add('take', [reader, number(1)], true);
      s.fill--;
      return;
    }
    if (call === 'io_uring_unregister_buffers') {
      this.#add(call, [], true);
      s.registered[t] = false;
      return;
    }
    if (call === 'io_uring_register_buffers') {
      const p = this.#page(t, 3);
      if (p === null || s.registered[t]) return;
      const more = s.all(t, p.base, p.page, 2, 3) && r.once(3) ? 2 : 1;
      const pages = p.region.kind === 'thp' && r.once(8) ? HUGE_PAGES : more;
      const whole = pages === HUGE_PAGES;
      this.#add(call, [address(p.base, whole ? 0 : p.page * PAGE), number(pages * PAGE)], true);
      if (!['anon', 'thp', 'private-file'].includes(p.region.kind) && r.once(2)) return;
      s.registered[t] = true;
      this.#fixed[t] = p;
      return;
    }
    if (call === 'io_uring_read_fixed' || call === 'io_uring_write_fixed') {
      const p = this.#fixed[t];
      if (!s.registered[t] || p === undefined) return;
      const reads = call === 'io_uring_read_fixed';
      if (reads && s.fill === 0) return;
      this.#add(
        call,
        [reads ? reader : writer, address(p.base, p.page * PAGE), number(1), number(0), number(0)],
        true,
      );
      if (reads) s.fill--;
      // A shared file's page may not have been registered: then nothing comes.
      else if (p.region.kind === 'anon' || p.region.kind === 'thp') s.fill++;
      return;
    }
    const p = this.#page(t, call === 'read' ? 3 : 1);
    if (p === null) return;
    const here = address(p.base, p.page * PAGE);
    if (call === 'read') {
      if (s.fill === 0) return;
      this.#add('read', [reader, here, number(1)], true);
      s.fill--;
    } else if (call === 'vmsplice') {
      const size = 1 + r.below(3);
      this.#add('vmsplice', [writer, here, number(size), number(0)], true);
      s.fill += size;
    } else {
      this.#add('write', [writer, here, number(1)], true);
      s.fill++;
    }
  }

  readonly #fixed: { base: number; page: number; region: Region }[] = [];

  make(name: string): FuzzProgram {
    const r = this.#r;
    this.#init.push({ thread: 0, call: 'pipe', args: [], reg: -1 });
    const count = r.pick([1, 1, 2, 2, 3]);
    for (let base = 0; base < count; base++) this.#region(base);
    const steps = 4 + r.below(28);
    if (this.#mix.has('direct')) this.#disk();
    for (let i = 0; i < steps; i++) this.step();
    if (this.#flying !== null) this.#land();
    return {
      name,
      regions: this.#regions,
      init: this.#init,
      ops: this.#ops,
      counters: this.#mix.has('counters'),
    };
  }
}

/** Program number `index` of `seed`; with another mix it is another program. */
export const generate = (
  seed: number,
  index: number,
  mix: ReadonlySet<Mix> = new Set(),
): FuzzProgram => new Maker(new Random(seed, index), mix).make(`fuzz-${seed}-${index}`);
