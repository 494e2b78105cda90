/** Differences of page structures and page contents. */

import { PAGE_WORDS } from '../../machine/contents.ts';
import { isNone, isPresent, PTE } from '../../machine/entry.ts';
import { PG } from '../../machine/page.ts';
import type { Pfn } from '../../machine/types.ts';
import { headOf } from '../../mm/folio.ts';
import type { Context } from './context.ts';
import type { Difference } from './types.ts';
import type { Words } from './words.ts';

/** Flags that say something about a page to its users; the others are the memory management's own business. */
const TELLING: Readonly<Record<number, string>> = {
  [PG.anonExclusive]: 'exclusive',
  [PG.dirty]: 'dirty',
  [PG.writeback]: 'writeback',
  [PG.swapcache]: 'swapcache',
  [PG.hwpoison]: 'hwpoison',
  [PG.mlocked]: 'mlocked',
  [PG.private]: 'buffers',
};

/** Bytes of one page's content that are listed; further ones are only counted. */
const BYTES_LISTED = 4;

type Counted = readonly [array: string, what: string];
const COUNTS: readonly Counted[] = [
  ['page.refcount', 'refs'],
  ['page.mapcount', 'maps'],
  ['pins', 'pins'],
];

/** Reference, map and pin counts, flags, and what a folio is. */
export const decodePages = (ctx: Context, words: Words): Difference[] => {
  const { k } = ctx;
  const found: Difference[] = [];
  const add = (
    frame: Pfn,
    what: string,
    before: string | number,
    after: string | number,
    shown: boolean,
  ): void => {
    found.push({
      kind: 'page',
      object: `${what} of ${ctx.page(frame)}`,
      before: String(before),
      after: String(after),
      frame,
      shown: shown && ctx.isNamed(frame),
    });
  };
  for (const [array, what] of COUNTS)
    for (const w of words.of(array)) add(w.index, what, w.before, w.after, true);
  for (const w of words.of('page.flags')) {
    const changed = w.before ^ w.after;
    for (const [name, bit] of Object.entries(PG)) {
      if ((changed & bit) === 0) continue;
      // Kernels before 5.19 have no such flag; the model keeps it all the same.
      const exists = bit !== PG.anonExclusive || k.rules.anon.exclusive;
      const telling = exists ? TELLING[bit] : undefined;
      const locked = bit === PG.locked && ctx.survey.isFolioLockShared(w.index);
      // That a free page loses its flags goes without saying.
      const shown = (telling !== undefined || locked) && (k.page.refcount[w.index] ?? 0) !== 0;
      add(w.index, telling ?? name, yesNo(w.before & bit), yesNo(w.after & bit), shown);
    }
  }
  for (const w of words.of('page.compound')) {
    if (w.before < 0 || w.after < 0)
      add(w.index, 'order', Math.max(0, -w.before), Math.max(0, -w.after), true);
  }
  const firstTail = (frame: Pfn): boolean => frame > 0 && headOf(k, frame) === frame - 1;
  for (const w of words.of('page.mapping')) {
    if (firstTail(w.index)) add(w.index - 1, 'maps of all pages', w.before, w.after, true);
    else add(w.index, 'mapping', w.before, w.after, false);
  }
  for (const w of words.of('page.index')) {
    if (firstTail(w.index)) add(w.index - 1, 'maps as a whole', w.before, w.after, true);
    else add(w.index, 'index', w.before, w.after, false);
  }
  for (const w of words.of('page.private')) {
    if (firstTail(w.index)) add(w.index - 1, 'pincount', w.before, w.after, true);
    else add(w.index, 'private', w.before, w.after, false);
  }
  return found;
};

const yesNo = (bit: number): string => (bit === 0 ? 'no' : 'yes');

/** Page table entries and the bytes of pages. */
export const decodeContents = (ctx: Context, words: Words): Difference[] => {
  const { k } = ctx;
  const bySlot = new Map<number, { index: number; before: number; after: number }[]>();
  for (const w of words.of('contents')) {
    const slot = Math.floor(w.index / PAGE_WORDS);
    const list = bySlot.get(slot);
    if (list === undefined) bySlot.set(slot, [w]);
    else list.push(w);
  }
  const found: Difference[] = [];
  for (const [slot, list] of bySlot) {
    const now = k.slotOwner[slot] ?? 0;
    const owner = now === 0 ? words.before('slotOwner', slot, 0) : now;
    const flags = words.before('page.flags', owner, 0) | (k.page.flags[owner] ?? 0);
    if ((flags & PG.table) !== 0) found.push(...decodeEntries(ctx, words, owner, list));
    else found.push(...decodeBytes(ctx, owner, list));
  }
  return found;
};

/** Bits whose change alone is no news: hardware and LRU set and clear them all the time. */
const QUIET = PTE.accessed | PTE.dirty | PTE.softDirty;

const decodeEntries = (
  ctx: Context,
  words: Words,
  owner: Pfn,
  list: readonly { readonly index: number }[],
): Difference[] => {
  const { contents } = ctx.k;
  const found: Difference[] = [];
  for (const e of new Set(list.map((w) => w.index & ~1))) {
    const lo = contents[e] ?? 0;
    const hi = contents[e + 1] ?? 0;
    const oldLo = words.before('contents', e, lo);
    const oldHi = words.before('contents', e + 1, hi);
    const { text, level } = ctx.entryObject(owner, e);
    const isTable = (low: number): boolean => level > 0 && (low & PTE.pse) === 0;
    const isLeaf =
      level === 0 || (level > 0 && [lo, oldLo].some((low) => isPresent(low) && !isTable(low)));
    const before = ctx.entryText(oldLo, oldHi, isTable(oldLo));
    const after = ctx.entryText(lo, hi, isTable(lo));
    const quiet = ((lo ^ oldLo) & ~QUIET) === 0 && hi === oldHi && !isNone(lo, hi);
    found.push({
      kind: 'entry',
      object: text,
      before,
      after,
      frame: owner,
      shown: isLeaf && !quiet && before !== after,
    });
  }
  return found;
};

const decodeBytes = (
  ctx: Context,
  owner: Pfn,
  list: readonly { readonly index: number; readonly before: number; readonly after: number }[],
): Difference[] => {
  const found: Difference[] = [];
  const known = ctx.isNamed(owner) || ctx.block(owner) !== null;
  const shown = known && (ctx.k.page.refcount[headOf(ctx.k, owner)] ?? 0) !== 0;
  let more = 0;
  for (const w of list) {
    for (let i = 0; i < 4; i++) {
      const before = (w.before >>> (8 * i)) & 255;
      const after = (w.after >>> (8 * i)) & 255;
      if (before === after) continue;
      if (found.length === BYTES_LISTED) {
        more++;
        continue;
      }
      const byte = (w.index % PAGE_WORDS) * 4 + i;
      found.push({
        kind: 'content',
        object: `byte ${byte} of ${ctx.page(owner)}`,
        before: String(before),
        after: String(after),
        frame: owner,
        shown,
      });
    }
  }
  if (more > 0) {
    const object = `further bytes of ${ctx.page(owner)}`;
    found.push({
      kind: 'content',
      object,
      before: `${more}`,
      after: 'changed',
      frame: owner,
      shown,
    });
  }
  return found;
};
