/** What a step announced, in words, and the value that stands there. */
import {
  ADD,
  accessIndex,
  accessOp,
  accessRegion,
  CHOOSE,
  IPI,
  LOCK,
  LOCK_FOLIO,
  LOCK_SHARED,
  R,
  READ,
  UNLOCK,
  WAIT,
  WAIT_IDLE,
  WAIT_WRITEBACK,
  WAIT_ZERO,
  WRITE,
} from '../../machine/access.ts';
import { PAGE_WORDS } from '../../machine/contents.ts';
import { PTE } from '../../machine/entry.ts';
import { MMF } from '../../mm/kernel.ts';
import type { Context } from './context.ts';

const OPERATIONS: Readonly<Record<number, string>> = {
  [READ]: 'read',
  [WRITE]: 'write',
  [ADD]: 'add',
  [LOCK]: 'lock',
  [LOCK_SHARED]: 'lock shared',
  [UNLOCK]: 'unlock',
  [LOCK_FOLIO]: 'lock folio',
  [WAIT]: 'wait',
  [IPI]: 'interrupt',
  [CHOOSE]: 'choose',
  [WAIT_ZERO]: 'wait until none',
  [WAIT_WRITEBACK]: 'wait for writeback',
  [WAIT_IDLE]: 'wait until idle',
};

const OF_PAGE: Readonly<Record<number, string>> = {
  [R.refcount]: 'refs',
  [R.flags]: 'flags',
  [R.mapcount]: 'maps',
  [R.compound]: 'folio',
  [R.pincount]: 'pincount',
  [R.content]: 'content',
  [R.mapping]: 'mapping',
  [R.ptl]: 'lock',
};

const OTHERS: Readonly<Record<number, string>> = {
  [R.zone]: 'the page allocator',
  [R.anonLock]: 'anon_vma lock',
  [R.inodeLock]: 'inode lock',
  [R.pageCache]: 'page cache lock',
  [R.swap]: 'swap',
  [R.pipe]: 'pipe',
  [R.kmem]: 'kernel memory',
  [R.hugetlb]: 'hugetlb pool',
  [R.ring]: 'ring',
  [R.io]: 'I/O',
  [R.report]: 'report',
  [R.lru]: 'LRU lists',
  [R.uffd]: 'userfault',
};

/** The object of an access word: `refs of page buf`, `mmap_lock of P0`, `event written`. */
export const accessObject = (ctx: Context, word: number): string => {
  const region = accessRegion(word);
  const index = accessIndex(word);
  const ofPage = OF_PAGE[region];
  if (ofPage !== undefined) return `${ofPage} of ${ctx.page(index)}`;
  switch (region) {
    case R.entry: {
      const e = index * 2;
      return ctx.entryObject(ctx.k.slotOwner[Math.floor(e / PAGE_WORDS)] ?? 0, e).text;
    }
    case R.mmapLock:
      return `mmap_lock of ${ctx.mm(index)}`;
    case R.seq:
      return `write_protect_seq of ${ctx.mm(index)}`;
    case R.mmFlags:
      return `mm flags of ${ctx.mm(index)}`;
    case R.mmu:
      return `memory of ${ctx.mm(index)}`;
    case R.directIo: {
      const files = ctx.k.file.kind.length;
      const what = ['direct requests', 'blocks', 'size'][Math.floor(index / files)] ?? 'file';
      return `${what} of ${ctx.file(index % files)}`;
    }
    case R.irq:
      return `interrupts of CPU ${index}`;
    case R.event:
      return eventName(ctx, index);
    case R.spare:
      return `lock ${ctx.checked.locks[index] ?? index}`;
    case R.task: {
      const n = ctx.k.program.threads.length;
      return index < n ? `start of ${ctx.thread(index)}` : `end of ${ctx.thread(index - n)}`;
    }
    default:
      return OTHERS[region] ?? `object ${region}:${index}`;
  }
};

const eventName = (ctx: Context, index: number): string => {
  const { events, barriers } = ctx.checked;
  const name = events[index];
  return name !== undefined
    ? `event ${name}`
    : `barrier ${barriers[(index - events.length) >> 1] ?? ''}`;
};

export const accessOperation = (word: number): string => OPERATIONS[accessOp(word)] ?? 'access';

/** Object and value of what a reading step saw; null where one number does not tell. */
export const valueRead = (ctx: Context, word: number): string | null => {
  const { k } = ctx;
  const index = accessIndex(word);
  const object = accessObject(ctx, word);
  switch (accessRegion(word)) {
    case R.refcount:
      return `${object} is ${k.page.refcount[index] ?? 0}`;
    case R.mapcount:
      return `${object} is ${k.page.mapcount[index] ?? 0}`;
    case R.pincount:
      return `${object} is ${k.page.private[index + 1] ?? 0}`;
    case R.seq:
      return `${object} is ${k.mm.writeProtectSeq[index] ?? 0}`;
    case R.mmFlags:
      return `MMF_HAS_PINNED of ${ctx.mm(index)} is ${((k.mm.flags[index] ?? 0) & MMF.hasPinned) !== 0 ? 'yes' : 'no'}`;
    case R.entry: {
      const lo = k.contents[2 * index] ?? 0;
      const hi = k.contents[2 * index + 1] ?? 0;
      const { level } = ctx.entryObject(
        k.slotOwner[Math.floor((2 * index) / PAGE_WORDS)] ?? 0,
        2 * index,
      );
      return `${object} is ${ctx.entryText(lo, hi, level > 0 && (lo & PTE.pse) === 0)}`;
    }
    case R.content:
      return `reads ${object}`;
    default:
      return null;
  }
};
