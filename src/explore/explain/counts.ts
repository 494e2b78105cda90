/** The counts of the pages that a reader follows. */
import type { Lit } from '../../litmus/run/program.ts';
import type { Pfn } from '../../machine/types.ts';
import {
  entireMapcount,
  folioMapcount,
  headOf,
  isAnon,
  isLarge,
  pageAnonExclusive,
} from '../../mm/folio.ts';
import { pinsHeld } from '../../mm/pin-ledger.ts';
import { hasPincount } from '../../mm/pinned.ts';
import type { Context } from './context.ts';
import type { PageCounts } from './types.ts';
import type { Words } from './words.ts';

const countsOf = (ctx: Context, frame: Pfn): PageCounts => {
  const { k } = ctx;
  return {
    frame,
    page: ctx.page(frame),
    refs: k.page.refcount[frame] ?? 0,
    pins: pinsHeld(k, frame),
    pincount: pincountOf(k, frame),
    maps: folioMapcount(k, frame),
    entire: isLarge(k, frame) ? entireMapcount(k, frame) : null,
    exclusive: k.rules.anon.exclusive && isAnon(k, frame) ? pageAnonExclusive(k, frame) : null,
  };
};

const pincountOf = (k: Lit, frame: Pfn): number | null =>
  k.rules.pin.impl === 'bias' && isLarge(k, frame) && hasPincount(k, frame)
    ? (k.page.private[frame + 1] ?? 0)
    : null;

/** Counts of folios as they last were; says which have changed. */
export class Counts {
  readonly #last = new Map<Pfn, string>();

  /** Counts of the folios of `frames` that differ from when they were last asked for, without those that are free and were. */
  changed(ctx: Context, frames: Iterable<Pfn>): PageCounts[] {
    const found: PageCounts[] = [];
    const heads = new Set<Pfn>();
    for (const frame of frames) heads.add(headOf(ctx.k, frame));
    for (const head of [...heads].sort((a, b) => a - b)) {
      if (!ctx.isNamed(head)) continue;
      const counts = countsOf(ctx, head);
      const text = JSON.stringify(counts);
      const before = this.#last.get(head);
      if (before === text || (before === undefined && counts.refs === 0)) continue;
      this.#last.set(head, text);
      found.push(counts);
    }
    return found;
  }
}

const PAGE_ARRAYS = ['page.refcount', 'page.mapcount', 'page.flags', 'pins', 'page.compound'];
/** Words of the first tail page that belong to the head. */
const TAIL_ARRAYS = ['page.mapping', 'page.index', 'page.private'];

/** Page frames that a step has changed the counts of. */
export const framesCounted = (words: Words): Set<Pfn> => {
  const frames = new Set<Pfn>();
  for (const array of PAGE_ARRAYS) for (const { index } of words.of(array)) frames.add(index);
  for (const array of TAIL_ARRAYS)
    for (const { index } of words.of(array)) if (index > 0) frames.add(index - 1).add(index);
  return frames;
};
