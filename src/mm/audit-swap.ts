/** The swap area: counts of its slots, and the swap cache. */
import { PG } from '../machine/page.ts';
import { claim, type Tally } from './audit-tally.ts';
import type { Kernel } from './kernel.ts';
import { slotIsZero } from './swap-data.ts';

/** Compares what page tables and files refer to (already counted) with each slot's count. */
export function auditSwap(k: Kernel, t: Tally): void {
  for (let slot = 1; slot < k.swap.map.length; slot++) {
    if (k.swap.map[slot] !== t.swapRefs[slot]) {
      t.findings.push(
        `swap slot ${slot}: count ${k.swap.map[slot]}, ${t.swapRefs[slot]} entries refer to it`,
      );
    }
    if (t.swapExclusive[slot] > 0 && t.swapRefs[slot] > 1) {
      t.findings.push(
        `swap slot ${slot}: an entry says exclusive, yet ${t.swapRefs[slot]} entries refer to it`,
      );
    }
    const folio = k.swap.cache[slot];
    if (folio !== 0) {
      claim(k, t, t.swapCache, folio, `the swap cache of slot ${slot}`);
      if ((k.page.flags[folio] & PG.swapcache) === 0 || k.page.private[folio] !== slot) {
        t.findings.push(`swap slot ${slot} is cached in page ${folio}, which does not say so`);
      }
    } else if (k.swap.map[slot] === 0 && !slotIsZero(k, slot)) {
      t.findings.push(`swap slot ${slot} is free, yet its bytes are not all zero`);
    }
  }
  for (let pfn = 1; pfn < k.pages; pfn++) {
    if ((k.page.flags[pfn] & PG.swapcache) !== 0 && k.swap.cache[k.page.private[pfn]] !== pfn) {
      t.findings.push(
        `page ${pfn} says that it is in the swap cache of slot ${k.page.private[pfn]}, which has ${k.swap.cache[k.page.private[pfn]]}`,
      );
    }
  }
}
