/**
 * Pins that nobody can release any more: the page is pinned, and no array, ring, request or variable that still exists
 * knows of it. Arrays and variables of a block end with it, those of a body with its process.
 */
import { KILLED, type Lit, REAPED } from '../litmus/run/program.ts';
import type { Folio } from '../machine/types.ts';
import { headOf } from '../mm/folio.ts';

/** Words of kernel memory and variables that nobody can reach any more. */
const outOfScope = (k: Lit): { readonly words: Set<number>; readonly vars: Set<number> } => {
  const words = new Set<number>();
  const vars = new Set<number>();
  const { reaped, killed } = k.lit;
  for (const { thread, inKmem, first, count, nested } of k.program.scopes) {
    const dead =
      ((reaped[thread] ?? 0) & REAPED.gone) !== 0 || killed[thread] === KILLED.sigsegv || nested;
    for (let i = 0; dead && i < count; i++)
      if (inKmem) words.add(k.lit.kmem + first + i);
      else vars.add(first + i);
  }
  return { words, vars };
};

/** Folios that are pinned for ever, in a machine at its end. */
export const leakedPins = (k: Lit): Folio[] => {
  const pinned = new Set<Folio>();
  const { pins } = k;
  for (let folio = 0; folio < pins.length; folio++) if (pins[folio] !== 0) pinned.add(folio);
  if (pinned.size === 0) return [];
  const forget = (pfn: number): void => {
    if (pfn > 0 && pfn < k.pages) pinned.delete(headOf(k, pfn));
  };
  const gone = outOfScope(k);
  const { kmem } = k;
  for (let i = 0; i < kmem.length; i++) {
    const word = kmem[i] as number;
    if (word !== 0 && !gone.words.has(i)) forget(word);
  }
  const { vars } = k.lit;
  for (let v = 0; 2 * v + 1 < vars.length; v++)
    if (vars[2 * v + 1] === 0 && !gone.vars.has(v)) forget(vars[2 * v] as number);
  return [...pinned];
};
