/** Mappings: the list of each address space, of each family that shares anonymous pages, of each file; their counts. */
import type { MmId, VmaId } from '../machine/types.ts';
import type { Tally } from './audit-tally.ts';
import type { Kernel } from './kernel.ts';
import { VM, vmaPages } from './vma.ts';

/** Every VMA in use is in exactly the lists that it belongs to. */
export function auditVmas(k: Kernel, t: Tally): void {
  const inMm = new Int32Array(k.vma.mm.length);
  for (let mm = 1; mm < k.pgd.length; mm++) checkList(k, t, mm, inMm);
  for (let vma = 1; vma < k.vma.mm.length; vma++) {
    const used = k.vma.mm[vma] !== 0;
    if (used && inMm[vma] !== 1)
      t.findings.push(`VMA ${vma} of mm ${k.vma.mm[vma]} is ${inMm[vma]} times in its list`);
    if (!used && (k.vma.anonVma[vma] | k.vma.file[vma] | k.vma.start[vma] | k.vma.end[vma]) !== 0) {
      t.findings.push(`VMA ${vma} is free, yet not all zero`);
    }
  }
  checkMembers(k, t, 'anon_vma', k.anonVma.first, k.vma.anonNext, k.vma.anonVma);
  checkMembers(k, t, 'file', k.file.mapFirst, k.vma.fileNext, k.vma.file);
}

/** Sorted, apart from each other, all of this mm; total_vm and locked_vm are their pages. */
function checkList(k: Kernel, t: Tally, mm: MmId, inMm: Int32Array): void {
  let last = 0;
  let total = 0;
  let locked = 0;
  for (let vma: VmaId = k.mm.vmaFirst[mm]; vma !== 0; vma = k.vma.next[vma]) {
    inMm[vma] += 1;
    if (inMm[vma] > 1) {
      t.findings.push(`mm ${mm}: its list of VMAs comes back to VMA ${vma}`);
      return;
    }
    if (k.vma.mm[vma] !== mm)
      t.findings.push(`mm ${mm}: VMA ${vma} in its list belongs to mm ${k.vma.mm[vma]}`);
    if (k.vma.start[vma] < last || k.vma.end[vma] <= k.vma.start[vma]) {
      t.findings.push(
        `mm ${mm}: VMA ${vma} is [${k.vma.start[vma]}, ${k.vma.end[vma]}) behind ${last}`,
      );
    }
    last = k.vma.end[vma];
    total += vmaPages(k, vma);
    if ((k.vma.flags[vma] & VM.locked) !== 0) locked += vmaPages(k, vma);
  }
  if (k.mm.totalVm[mm] !== total)
    t.findings.push(`mm ${mm}: totalVm ${k.mm.totalVm[mm]}, its VMAs have ${total} pages`);
  const byDma = k.mm.lockedByDma[mm];
  if (k.mm.lockedVm[mm] !== locked + byDma)
    t.findings.push(
      `mm ${mm}: lockedVm ${k.mm.lockedVm[mm]}, its locked VMAs have ${locked} pages, and drivers ${byDma}`,
    );
}

/** Lists that start in `first[id]` and go on in `next[vma]` hold exactly the VMAs with `owner[vma] === id`. */
function checkMembers(
  k: Kernel,
  t: Tally,
  name: string,
  first: Int32Array,
  next: Int32Array,
  owner: Int32Array,
): void {
  const seen = new Int32Array(owner.length);
  for (let id = 0; id < first.length; id++) {
    for (let vma = first[id]; vma !== 0; vma = next[vma]) {
      seen[vma] += 1;
      if (seen[vma] > 1) {
        t.findings.push(`the list of ${name} ${id} comes back to VMA ${vma}`);
        break;
      }
      if (owner[vma] !== id)
        t.findings.push(
          `VMA ${vma} is in the list of ${name} ${id}, yet has ${name} ${owner[vma]}`,
        );
    }
  }
  for (let vma = 1; vma < owner.length; vma++) {
    if (k.vma.mm[vma] !== 0 && owner[vma] !== 0 && seen[vma] === 0) {
      t.findings.push(`VMA ${vma} is not in the list of its ${name} ${owner[vma]}`);
    }
  }
}
