/** What a condition may ask of a page (../queries.ts), answered from a machine that stands still. */

import { pageIsCma, pageIsMovableZone, pageNode } from '../../machine/buddy.ts';
import { isPresent, isSwapEntry, PTE } from '../../machine/entry.ts';
import { PG } from '../../machine/page.ts';
import type { MmId, Pfn, Vpn } from '../../machine/types.ts';
import { entireMapcount, headOf, isLarge, orderOf, pageAnonExclusive } from '../../mm/folio.ts';
import { pinsHeld } from '../../mm/pin-ledger.ts';
import type { Lit } from '../run/program.ts';
import { entryOf, pageAt } from './peek.ts';

/** A page as a condition names it: by address in an address space, or (mm 0) by page frame. */
export interface Asked {
  readonly mm: MmId;
  readonly vpn: Vpn;
  readonly pfn: Pfn;
}

type Answer = (k: Lit, first: Asked, second: Asked) => number;

const frame = (k: Lit, a: Asked): Pfn => (a.mm === 0 ? a.pfn : pageAt(k, a.mm, a.vpn));
const valid = (k: Lit, pfn: Pfn): boolean => pfn > 0 && pfn < k.pages;

/** A number of the page, 0 when there is none. */
const ofPage =
  (read: (k: Lit, pfn: Pfn) => number): Answer =>
  (k, a) => {
    const pfn = frame(k, a);
    return valid(k, pfn) ? read(k, pfn) : 0;
  };

const truth = (b: boolean): number => (b ? 1 : 0);
const lo = (k: Lit, a: Asked): number => entryOf(k, a.mm, a.vpn)[0];

export const ANSWERS: Readonly<Record<string, Answer>> = {
  pinned: ofPage((k, pfn) => truth(pinsHeld(k, headOf(k, pfn)) > 0)),
  exclusive: ofPage((k, pfn) => truth(pageAnonExclusive(k, pfn))),
  same_page: (k, a, b) => truth(valid(k, frame(k, a)) && frame(k, a) === frame(k, b)),
  present: (k, a) => truth(isPresent(lo(k, a))),
  writable: (k, a) => truth((lo(k, a) & PTE.present) !== 0 && (lo(k, a) & PTE.write) !== 0),
  dirty: ofPage((k, pfn) => truth(((k.page.flags[headOf(k, pfn)] ?? 0) & PG.dirty) !== 0)),
  swapped: (k, a) => truth(isSwapEntry(...entryOf(k, a.mm, a.vpn))),
  huge: (k, a) => truth(isPresent(lo(k, a)) && (lo(k, a) & PTE.pse) !== 0),
  in_cma: ofPage((k, pfn) => truth(pageIsCma(k, pfn))),
  in_movable: ofPage((k, pfn) => truth(pageIsMovableZone(k, pfn))),
  ref_count: ofPage((k, pfn) => k.page.refcount[headOf(k, pfn)] ?? 0),
  map_count: ofPage((k, pfn) => {
    const folio = headOf(k, pfn);
    return (k.page.mapcount[pfn] ?? 0) + (isLarge(k, folio) ? entireMapcount(k, folio) : 0);
  }),
  pin_count: ofPage((k, pfn) => pinsHeld(k, headOf(k, pfn))),
  page_order: ofPage((k, pfn) => orderOf(k, headOf(k, pfn))),
  page_node: ofPage((k, pfn) => pageNode(k, pfn)),
};
