/** What a program can do: each operation as calls of the model, for whichever form. */

import { fdDup, fileOfFd, ofdOf } from '../../src/fs/fd.ts';
import { PIPE_BUFFERS } from '../../src/fs/system.ts';
import { R } from '../../src/machine/access.ts';
import { GFP } from '../../src/machine/buddy.ts';
import { pageByte, setPageByte } from '../../src/machine/contents.ts';
import { leafPfn } from '../../src/machine/mmu.ts';
import { FALLOC } from '../../src/mm/file-size.ts';
import { headOf, isHugetlb, isLarge } from '../../src/mm/folio.ts';
import { FOLL } from '../../src/mm/foll.ts';
import { LOCKED } from '../../src/mm/gup-args.ts';
import { MADV } from '../../src/mm/madvise.ts';
import { SEAL } from '../../src/mm/memfd.ts';
import { MAP, PROT } from '../../src/mm/mmap.ts';
import { MREMAP } from '../../src/mm/mremap.ts';
import type { Op } from './program.ts';
import { FD, FILE_PAGES, type Hold, MAX_PAGES, PROCESSES, type World } from './world.ts';

/** What an operation of a process that isn't there answers. */
export const SKIPPED = 12345;

type Field = Exclude<keyof Op, 'op'>;

interface Operation {
  readonly fields: readonly Field[];
  readonly run: (w: World, o: Op) => number;
}

/** Pages of the window. */
export const WINDOW = 24;
const SMALL_BASE = 0x1000 - 12;
const HUGE_BASE = 0x2000;
const UNIT = 256;

/** The range of an operation: pages of the small window, or units of half a huge page. */
function range(w: World, at: number, n: number): { readonly vpn: number; readonly nr: number } {
  const pages = Math.min(n, WINDOW - at);
  if (w.setup.layout !== 'huge') return { vpn: SMALL_BASE + at, nr: pages };
  return { vpn: HUGE_BASE + Math.floor(at / 3) * UNIT, nr: Math.ceil(pages / 3) * UNIT };
}

/** The page of an operation: in the huge layout one of the first three of each unit. */
function page(w: World, at: number): number {
  if (w.setup.layout !== 'huge') return SMALL_BASE + at;
  return HUGE_BASE + Math.floor(at / 3) * UNIT + (at % 3);
}

/** Pages for a pinning call; few enough for its array. */
function pinPages(w: World, o: Op): number {
  return Math.min(o.n, MAX_PAGES, w.setup.layout === 'huge' ? MAX_PAGES : WINDOW - o.at);
}

function pick<T>(list: readonly T[], i: number): T {
  return list[i % list.length] as T;
}

const PROTS = [PROT.read | PROT.write, PROT.read | PROT.write, PROT.read, PROT.none] as const;

/** A kind of mapping: flags and the descriptor behind it, 0: none. */
interface Kind {
  readonly flags: number;
  readonly fd: number;
}

const SMALL_KINDS: readonly Kind[] = [
  { flags: MAP.private | MAP.anonymous, fd: 0 },
  { flags: MAP.private | MAP.anonymous, fd: 0 },
  { flags: MAP.shared | MAP.anonymous, fd: 0 },
  { flags: MAP.private, fd: FD.memfd },
  { flags: MAP.shared, fd: FD.memfd },
  { flags: MAP.shared, fd: FD.sealable },
  { flags: MAP.shared, fd: FD.ext4 },
  { flags: MAP.private, fd: FD.ext4 },
  { flags: MAP.shared, fd: FD.xfs },
];
const HUGE_KINDS: readonly Kind[] = [
  { flags: MAP.private | MAP.anonymous, fd: 0 },
  { flags: MAP.private | MAP.anonymous, fd: 0 },
  { flags: MAP.private | MAP.anonymous | MAP.hugetlb, fd: 0 },
  { flags: MAP.shared | MAP.anonymous | MAP.hugetlb, fd: 0 },
  { flags: MAP.private, fd: FD.hugetlb },
  { flags: MAP.shared, fd: FD.hugetlb },
];
const EXTRA = [0, 0, 0, MAP.populate, MAP.locked, MAP.noReserve] as const;

function mmap(w: World, o: Op): number {
  const { vpn, nr } = range(w, o.at, o.n);
  const kind = pick(w.setup.layout === 'huge' ? HUGE_KINDS : SMALL_KINDS, o.how);
  const file = kind.fd === 0 ? 0 : fileOfFd(w.k, w.mm(o.p), kind.fd);
  if (kind.fd !== 0 && file === 0) return SKIPPED;
  const extra = pick(EXTRA, o.to);
  const offset = w.setup.layout === 'huge' ? (o.q & 1) * 512 : o.q;
  const prot = pick(PROTS, o.to >> 3);
  return w.call(
    'sysMmap',
    w.task(o.p),
    vpn,
    nr,
    prot,
    kind.flags | extra | MAP.fixed,
    file,
    offset,
  );
}

const ADVICE = [
  MADV.dontneed,
  MADV.pageout,
  MADV.free,
  MADV.dontfork,
  MADV.dofork,
  MADV.hugepage,
  MADV.nohugepage,
  MADV.populateRead,
  MADV.populateWrite,
  MADV.wipeonfork,
  MADV.keeponfork,
  MADV.remove,
  MADV.cold,
  MADV.dontneedLocked,
  MADV.collapse,
  MADV.pageout,
] as const;

const REMAPS = [
  0,
  MREMAP.mayMove,
  MREMAP.mayMove | MREMAP.fixed,
  MREMAP.mayMove | MREMAP.fixed,
  MREMAP.mayMove | MREMAP.dontUnmap,
] as const;

function mremap(w: World, o: Op): number {
  const from = range(w, o.at, o.n);
  const to = range(w, o.to, 1 + (o.how >> 3));
  const newNr = (o.how & 4) !== 0 ? to.nr : from.nr;
  return w.call('sysMremap', w.task(o.p), from.vpn, from.nr, newNr, pick(REMAPS, o.how), to.vpn);
}

function fork(w: World, o: Op): number {
  let child = 0;
  while (child < PROCESSES && w.mm(child) !== 0) child++;
  if (child === PROCESSES) return SKIPPED;
  const mm = w.call('dupMm', w.task(o.p), w.task(child));
  if (mm > 0) fdDup(w.k, w.mm(o.p), mm);
  return mm;
}

/** The end of a process, as the kernel does it: rings and descriptors go, then the memory. */
export function exitProcess(w: World, p: number): number {
  const mm = w.mm(p);
  w.call('ringUnregister', mm);
  w.call('fdCloseAll', mm);
  return w.call('exitMm', w.task(p));
}

function access(w: World, o: Op, write: boolean): number {
  const pfn = w.call('userAccess', w.task(o.p), page(w, o.at), write);
  if (pfn < 0) return pfn;
  if (write) setPageByte(w.k, pfn, 0, o.how + 1);
  return pageByte(w.k, pfn, 0) * 65536 + pfn;
}

/** Flags that a caller may or may not pass, by the bits of `how`. */
const FLAG_BITS = [
  FOLL.write,
  FOLL.longterm,
  FOLL.force,
  FOLL.hwpoison,
  FOLL.anon,
  FOLL.honorNumaFault,
  FOLL.interruptible,
] as const;

function flagsOf(how: number): number {
  let flags = 0;
  FLAG_BITS.forEach((flag, i) => {
    // The first two by a bit of their own, one of the rarer ones for some values of the others.
    if (i < 2 ? (how & (1 << i)) !== 0 : how >> 2 === i + 4) flags |= flag;
  });
  return flags;
}

const GRABS = [
  'getUserPages',
  'getUserPagesUnlocked',
  'getUserPagesFast',
  'getUserPagesFastOnly',
  'getUserPagesRemote',
  'getUserPagesLongterm',
  'pinUserPages',
  'pinUserPagesUnlocked',
  'pinUserPagesFast',
  'pinUserPagesFastOnly',
  'pinUserPagesRemote',
] as const;

/** One pinning call; what it gave is kept in `w.holds`. `to` says which, `how` the flags. */
function grab(w: World, o: Op): number {
  const name = pick(GRABS, o.to);
  const remote = name === 'getUserPagesRemote' || name === 'pinUserPagesRemote';
  const target = remote ? w.mm(o.q) : w.mm(o.p);
  if (target === 0) return SKIPPED;
  const task = w.task(o.p);
  const vpn = page(w, o.at);
  const nr = pinPages(w, o);
  const flags = flagsOf(o.how);
  let got = 0;
  if (remote) got = grabRemote(w, name, task, target, vpn, nr, flags, o.how);
  else if (name === 'getUserPages' || name === 'getUserPagesLongterm' || name === 'pinUserPages') {
    w.call('lockShared', R.mmapLock, target);
    got = w.call(name, task, vpn, nr, flags, w.buffer);
    w.call('unlockShared', R.mmapLock, target);
  } else got = w.call(name, task, vpn, nr, flags, w.buffer);
  keep(w, name.startsWith('pin'), got);
  return got;
}

/** `*_remote`: with and without an `int *locked`, through which the call may say that it dropped mmap_lock. */
function grabRemote(
  w: World,
  name: 'getUserPagesRemote' | 'pinUserPagesRemote',
  task: number,
  mm: number,
  vpn: number,
  nr: number,
  flags: number,
  how: number,
): number {
  const locked = (how & 1) !== 0 ? w.lockedWord : LOCKED.caller;
  w.k.kmem[w.lockedWord] = 1;
  w.call('lockShared', R.mmapLock, mm);
  const got = w.call(name, task, mm, vpn, nr, flags, w.buffer, locked);
  if (w.k.kmem[w.lockedWord] === 1) w.call('unlockShared', R.mmapLock, mm);
  w.k.kmem[w.lockedWord] = 0;
  return got;
}

/** Takes the pages of a call's output out of the buffer and into a hold. */
function keep(w: World, pinned: boolean, got: number): void {
  const pages: number[] = [];
  for (let i = 0; i < got; i++) pages.push(w.k.kmem[w.buffer + i] ?? 0);
  w.k.kmem.fill(0, w.buffer, w.buffer + MAX_PAGES);
  if (got > 0) w.holds.push({ pinned, pages });
}

/** Gives back the last `n` pages of a hold, in one of the ways that there are. */
function release(w: World, o: Op): number {
  if (w.holds.length === 0) return SKIPPED;
  const i = o.at % w.holds.length;
  const hold = w.holds[i] as Hold;
  const n = Math.min(o.n, hold.pages.length);
  giveBack(w, hold, n, o.how);
  if (hold.pages.length === 0) w.holds.splice(i, 1);
  return n;
}

/** See `release`. */
export function giveBack(w: World, hold: Hold, n: number, how: number): void {
  const pages = hold.pages.splice(hold.pages.length - n, n);
  const dirty = (how & 8) !== 0;
  if (!hold.pinned) {
    for (const pfn of pages) {
      if (dirty) w.call('setPageDirtyLock', pfn);
      w.call('folioPut', headOf(w.k, pfn), 1);
    }
    return;
  }
  const first = pages[0] ?? 0;
  const row = pages.every((pfn, j) => pfn === first + j);
  if ((how & 7) < 3) unpinList(w, pages, how & 7, dirty);
  else if ((how & 7) === 3 && row)
    w.call('unpinUserPageRangeDirtyLock', first, pages.length, dirty);
  else if ((how & 7) === 4) for (const pfn of pages) w.call('unpinUserFolio', headOf(w.k, pfn), 1);
  else for (const pfn of pages) w.call('unpinUserPage', pfn);
}

function unpinList(w: World, pages: readonly number[], how: number, dirty: boolean): void {
  pages.forEach((pfn, j) => {
    w.k.kmem[w.buffer + j] = pfn;
  });
  if (how === 0) w.call('unpinUserPages', w.buffer, pages.length);
  else if (how === 1) w.call('unpinUserPagesDirtyLock', w.buffer, pages.length, dirty);
  else w.call('unpinFolios', w.buffer, pages.length);
  w.k.kmem.fill(0, w.buffer, w.buffer + MAX_PAGES);
}

/** folio_add_pin() on a page that is pinned already: one pin more in its hold. */
function addPin(w: World, o: Op): number {
  const hold = w.holds[o.at % Math.max(1, w.holds.length)];
  const pfn = hold?.pages[0];
  if (
    hold === undefined ||
    pfn === undefined ||
    !hold.pinned ||
    w.k.rules.pin.impl !== 'bias' ||
    hold.pages.length === MAX_PAGES
  )
    return SKIPPED;
  w.call('folioAddPin', headOf(w.k, pfn));
  hold.pages.push(pfn);
  return 0;
}

function memfdPin(w: World, o: Op): number {
  const file = fileOfFd(w.k, w.mm(o.p), w.setup.layout === 'huge' ? FD.hugetlb : FD.memfd);
  const unit = w.setup.layout === 'huge' ? 300 : 1;
  const start = (o.at % FILE_PAGES) * unit * 4096 + 100;
  const got = w.call(
    'memfdPinFolios',
    w.task(o.p),
    file,
    start,
    start + o.n * unit * 4096,
    w.buffer,
    1 + (o.how % MAX_PAGES),
    w.lockedWord,
  );
  w.k.kmem[w.lockedWord] = 0;
  keep(w, true, got);
  return got;
}

function vmsplice(w: World, o: Op): number {
  const ofd = ofdOf(w.k, w.mm(o.p), FD.pipeWrite);
  const pages = Math.min(o.n, 4);
  const pipe = w.k.ofd.target[ofd] ?? 0;
  if (ofd === 0 || (w.k.pipe.used[pipe] ?? 0) + pages >= PIPE_BUFFERS) return SKIPPED;
  return w.call('sysVmsplice', w.task(o.p), FD.pipeWrite, page(w, o.at), 16, pages * 4096 - 32, 0);
}

/** Reads a few bytes, or all that one buffer has. */
function pipeRead(w: World, o: Op): number {
  const ofd = ofdOf(w.k, w.mm(o.p), FD.pipeRead);
  const pipe = w.k.ofd.target[ofd] ?? 0;
  if (ofd === 0 || (w.k.pipe.used[pipe] ?? 0) === 0) return SKIPPED;
  const slot = (pipe * PIPE_BUFFERS + (w.k.pipe.head[pipe] ?? 0)) * 3;
  // Reading thousands of bytes one by one would tell no more.
  if ((o.how & 1) === 0) w.k.pipe.buffers[slot + 2] = 1;
  return w.call('pipeReadValue', pipe, 1 + (o.n % 4));
}

function processVm(w: World, o: Op): number {
  const mm = w.mm(o.q);
  if (mm === 0) return SKIPPED;
  return w.call(
    'processVmCopy',
    w.task(o.p),
    mm,
    (o.how & 1) !== 0,
    page(w, o.at),
    8,
    page(w, o.to),
    24,
    16,
  );
}

function ptrace(w: World, o: Op): number {
  const mm = w.mm(o.q);
  if (mm === 0) return SKIPPED;
  if ((o.how & 1) === 0) return w.call('accessRemoteRead', w.task(o.p), mm, page(w, o.at), 0);
  return w.call('accessRemoteWrite', w.task(o.p), mm, page(w, o.at), 0, o.how + 1);
}

/** The folio that is mapped at a page, with one more reference; 0: none. */
function referenced(w: World, o: Op): number {
  const pfn = leafPfn(w.k, w.mm(o.p), page(w, o.at));
  if (pfn === 0 || pfn === w.k.zeroPfn) return 0;
  const folio = headOf(w.k, pfn);
  return w.call('refTryAdd', folio, 1) === 1 ? folio : 0;
}

/** move_pages(2) of one page. */
function migrate(w: World, o: Op): number {
  w.call('lruDrain');
  const folio = referenced(w, o);
  if (folio === 0) return SKIPPED;
  const isolated = w.call('isolateFolio', folio);
  w.call('folioPut', folio, 1);
  if (isolated === 0) return -16;
  const result = w.call(
    'migrateFolio',
    folio,
    GFP.movable | ((o.how & 1) !== 0 ? GFP.pinnable : 0),
    0,
  );
  if (result < 0) w.call('putbackFolio', folio);
  return result;
}

/** Two pages that asked for it become one, if they are equal. */
function ksm(w: World, o: Op): number {
  const [a, b] = [page(w, o.at), page(w, o.to)];
  if ((o.how & 1) === 0) {
    w.call('sysMadvise', w.task(o.p), a, 1, MADV.mergeable);
    w.call('sysMadvise', w.task(o.p), b, 1, MADV.mergeable);
  }
  return w.call('ksmMerge', w.mm(o.p), a, b);
}

/** Writing to split_huge_pages. */
function split(w: World, o: Op): number {
  const folio = referenced(w, o);
  if (folio === 0) return SKIPPED;
  let result = -22;
  if (isLarge(w.k, folio) && !isHugetlb(w.k, folio) && w.call('folioTrylock', folio) === 1) {
    result = w.call('splitHugePage', folio);
    w.call('folioUnlock', folio);
  }
  w.call('folioPut', folio, 1);
  return result;
}

const SMALL_FILES = [FD.memfd, FD.sealable, FD.ext4, FD.xfs] as const;

function onFile(w: World, o: Op, run: (file: number) => number): number {
  const fds = w.setup.layout === 'huge' ? [FD.hugetlb] : SMALL_FILES;
  const file = fileOfFd(w.k, w.mm(o.p), pick(fds, o.q + (o.how & 2)));
  return file === 0 ? SKIPPED : run(file);
}

function truncate(w: World, o: Op): number {
  const unit = w.setup.layout === 'huge' ? 512 : 1;
  return onFile(w, o, (file) =>
    w.call('sysFtruncate', file, (o.to % (FILE_PAGES + 1)) * unit, o.how === 3 ? 100 : 0),
  );
}

function fallocate(w: World, o: Op): number {
  const unit = w.setup.layout === 'huge' ? 512 : 1;
  const mode = (o.how & 1) !== 0 ? FALLOC.punchHole | FALLOC.keepSize : o.how & FALLOC.keepSize;
  return onFile(w, o, (file) =>
    w.call('sysFallocate', file, mode, (o.at % FILE_PAGES) * unit, 0, o.n * unit, 0),
  );
}

/** A file on a medium, by `q`. */
function onMedium(w: World, o: Op, run: (file: number) => number): number {
  const file = fileOfFd(w.k, w.mm(o.p), pick([FD.ext4, FD.xfs], o.q));
  return file === 0 ? SKIPPED : run(file);
}

/** fsync and its kind. */
function sync(w: World, o: Op): number {
  if ((o.how & 3) === 3) {
    const { vpn, nr } = range(w, o.at, o.n);
    return w.call('sysMsync', w.task(o.p), vpn, nr, 4);
  }
  return onMedium(w, o, (file) => {
    if ((o.how & 3) === 0) return w.call('sysFsync', file);
    if ((o.how & 3) === 1) return w.call('flushFile', file);
    return w.call('sysSyncFileRange', file, o.at % FILE_PAGES, FILE_PAGES, 7);
  });
}

/** read(2) and write(2), through the cache or past it. */
function fileIo(w: World, o: Op): number {
  const from = page(w, o.at);
  const task = w.task(o.p);
  const bytes = Math.min(o.n, 3) * 4096;
  const index = o.to % FILE_PAGES;
  return onMedium(w, o, (file) => {
    if ((o.how & 2) !== 0)
      return w.call('directIo', task, file, (o.how & 1) !== 0, from, 0, bytes, index * 4096, -1);
    const name = (o.how & 1) !== 0 ? 'filePread' : 'filePwrite';
    return w.call(name, task, file, index, 100, bytes, from, 0);
  });
}

/** By name; the numbers that each looks at. */
export const OPERATIONS = {
  mmap: { fields: ['p', 'q', 'at', 'n', 'to', 'how'], run: mmap },
  munmap: { fields: ['p', 'at', 'n'], run: (w, o) => onRange(w, o, 'sysMunmap') },
  mprotect: {
    fields: ['p', 'at', 'n', 'how'],
    run: (w, o) => onRange(w, o, 'sysMprotect', pick(PROTS, o.how)),
  },
  mremap: { fields: ['p', 'at', 'n', 'to', 'how'], run: mremap },
  madvise: {
    fields: ['p', 'at', 'n', 'how'],
    run: (w, o) => onRange(w, o, 'sysMadvise', pick(ADVICE, o.how)),
  },
  mlock: { fields: ['p', 'at', 'n'], run: (w, o) => onRange(w, o, 'sysMlock') },
  munlock: { fields: ['p', 'at', 'n'], run: (w, o) => onRange(w, o, 'sysMunlock') },
  fork: { fields: ['p'], run: fork },
  exit: { fields: ['p'], run: (w, o) => exitProcess(w, o.p) },
  load: { fields: ['p', 'at'], run: (w, o) => access(w, o, false) },
  store: { fields: ['p', 'at', 'how'], run: (w, o) => access(w, o, true) },
  grab: { fields: ['p', 'q', 'at', 'n', 'to', 'how'], run: grab },
  release: { fields: ['at', 'n', 'how'], run: release },
  addPin: { fields: ['at'], run: addPin },
  memfdPin: { fields: ['p', 'at', 'n', 'how'], run: memfdPin },
  vmsplice: { fields: ['p', 'at', 'n'], run: vmsplice },
  pipeRead: { fields: ['p', 'n', 'how'], run: pipeRead },
  ringRegister: {
    fields: ['p', 'at', 'n'],
    run: (w, o) => w.call('ringRegister', w.task(o.p), page(w, o.at), 0, pinPages(w, o) * 4096),
  },
  ringUnregister: { fields: ['p'], run: (w, o) => w.call('ringUnregister', w.mm(o.p)) },
  processVm: { fields: ['p', 'q', 'at', 'to', 'how'], run: processVm },
  ptrace: { fields: ['p', 'q', 'at', 'how'], run: ptrace },
  migrate: { fields: ['p', 'at', 'how'], run: migrate },
  split: { fields: ['p', 'at'], run: split },
  collapse: {
    fields: ['p', 'at'],
    run: (w, o) => w.call('collapseHugePage', w.mm(o.p), page(w, o.at)),
  },
  ksm: { fields: ['p', 'at', 'to', 'how'], run: ksm },
  unmerge: {
    fields: ['p', 'at', 'n'],
    run: (w, o) => onRange(w, o, 'sysMadvise', MADV.unmergeable),
  },
  numaHint: { fields: ['p', 'at'], run: (w, o) => w.call('numaHint', w.mm(o.p), page(w, o.at)) },
  compact: { fields: [], run: (w) => w.call('compactMemory') },
  clearRefs: { fields: ['p'], run: (w, o) => w.call('clearRefs', w.mm(o.p), 4) },
  swapIn: {
    fields: ['p', 'at'],
    run: (w, o) => w.call('swapReadahead', w.mm(o.p), page(w, o.at)),
  },
  swapOff: { fields: [], run: (w) => w.call('swapOff') },
  breakPage: {
    fields: ['p', 'at', 'how'],
    run: (w, o) => {
      const vpn = page(w, o.at);
      return w.call('injectError', w.task(o.p), vpn, vpn + 1, (o.how & 3) !== 0);
    },
  },
  reclaim: { fields: ['n'], run: (w, o) => w.call('shrinkLruPages', o.n) },
  drain: { fields: [], run: (w) => w.call('lruDrain') },
  sync: { fields: ['p', 'q', 'at', 'n', 'how'], run: sync },
  fileIo: { fields: ['p', 'q', 'at', 'n', 'to', 'how'], run: fileIo },
  truncate: { fields: ['p', 'q', 'to', 'how'], run: truncate },
  fallocate: { fields: ['p', 'q', 'at', 'n', 'how'], run: fallocate },
  seal: {
    fields: ['p', 'how'],
    run: (w, o) => {
      const file = fileOfFd(w.k, w.mm(o.p), FD.sealable);
      return file === 0
        ? SKIPPED
        : w.call(
            'addSeals',
            file,
            pick([SEAL.shrink, SEAL.grow, SEAL.write, SEAL.futureWrite], o.how),
          );
    },
  },
} as const satisfies Record<string, Operation>;

export type OpName = keyof typeof OPERATIONS;

function onRange(
  w: World,
  o: Op,
  name: 'sysMunmap' | 'sysMprotect' | 'sysMadvise' | 'sysMlock' | 'sysMunlock',
  ...more: number[]
): number {
  const { vpn, nr } = range(w, o.at, o.n);
  return w.call(name, w.task(o.p), vpn, nr, ...more);
}

/** Runs one operation; SKIPPED when its process isn't alive. */
export function runOp(w: World, o: Op): number {
  const operation: Operation = OPERATIONS[o.op];
  if (operation.fields.includes('p') && w.mm(o.p) === 0) return SKIPPED;
  w.schedule(operation.fields.includes('p') ? o.p : 0);
  return operation.run(w, o);
}
