/** Pins that nobody can release any more: the page is pinned, and no array, ring, request or variable knows of it. */
import type { Lit } from '../litmus/run/program.ts';
import type { Folio } from '../machine/types.ts';
import { headOf } from '../mm/folio.ts';

/** Folios that are pinned for ever, in a machine at its end. */
export const leakedPins = (k: Lit): Folio[] => {
  const pinned = new Set<Folio>();
  const { pins } = k;
  for (let folio = 0; folio < pins.length; folio++) if (pins[folio] !== 0) pinned.add(folio);
  if (pinned.size === 0) return [];
  const forget = (pfn: number): void => {
    if (pfn > 0 && pfn < k.pages) pinned.delete(headOf(k, pfn));
  };
  for (const word of k.kmem) forget(word);
  const { vars } = k.lit;
  for (let v = 0; v + 1 < vars.length; v += 2) if (vars[v + 1] === 0) forget(vars[v] as number);
  return [...pinned];
};
