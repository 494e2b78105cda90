/**
 * "Do not touch the mapping that you pinned": what would be refused if the kernel enforced it (the discussion of January
 * 2021; seeds.md D2, S208). A process that takes the right to write away, or shares its pages by a fork, while a device
 * has them, parts itself from them.
 */
import { entryHi, entryRead } from '../machine/entries.ts';
import { entryPfn, isPresent } from '../machine/entry.ts';
import { HPAGE_PMD_NR } from '../machine/page.ts';
import type { EntryAddr, MmId, Steps, VmaId, Vpn } from '../machine/types.ts';
import { headOf } from './folio.ts';
import { mmHasPinned } from './has-pinned.ts';
import type { Kernel } from './kernel.ts';
import { isLeaf, pmdEntry, pteEntry } from './pgtable.ts';
import { folioMaybeDmaPinned } from './pinned.ts';
import { isCowMapping, VM } from './vma.ts';

/**
 * Whether the change has to be refused: some page mapped in [start, end) of the address space looks pinned. Always false
 * in mainline. mmap_lock is held; a pin that comes after the look is not seen.
 */
export function* partsFromPins(k: Kernel, mm: MmId, start: Vpn, end: Vpn): Steps<boolean> {
  if (k.rules.design.coherency !== 'refused') return false;
  const everPinned = yield* mmHasPinned(k, mm);
  if (!everPinned) return false;
  let vpn = start;
  while (vpn < end) {
    const pmd = pmdEntry(k, mm, vpn);
    const next = vpn - (vpn % HPAGE_PMD_NR) + HPAGE_PMD_NR;
    if (pmd === 0) {
      vpn = next;
    } else {
      const huge = isLeaf(k.contents[pmd]);
      const e = huge ? pmd : pteEntry(k, mm, vpn);
      let pinned = false;
      if (e !== 0) pinned = yield* entryPinned(k, e);
      if (pinned) return true;
      vpn = huge || e === 0 ? next : vpn + 1;
    }
  }
  return false;
}

function* entryPinned(k: Kernel, e: EntryAddr): Steps<boolean> {
  const lo = yield* entryRead(k, e);
  if (!isPresent(lo)) return false;
  return yield* folioMaybeDmaPinned(k, headOf(k, entryPfn(lo, entryHi(k, e))));
}

/** The same for a fork: of the private mappings that the child would share. */
export function* forkPartsFromPins(k: Kernel, mm: MmId): Steps<boolean> {
  if (k.rules.design.coherency !== 'refused') return false;
  for (let vma: VmaId = k.mm.vmaFirst[mm]; vma !== 0; vma = k.vma.next[vma]) {
    const flags = k.vma.flags[vma];
    if ((flags & (VM.dontCopy | VM.wipeOnFork)) !== 0 || !isCowMapping(flags)) continue;
    const parts = yield* partsFromPins(k, mm, k.vma.start[vma], k.vma.end[vma]);
    if (parts) return true;
  }
  return false;
}
