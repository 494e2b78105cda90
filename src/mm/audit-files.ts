/**
 * Files: the page cache's index, what it refers to, and the counts of references; of files on a medium their blocks, the
 * buffers of their pages, and that nobody may write to a clean page unnoticed (A.23.1).
 */
import { PAGE_WORDS } from '../machine/contents.ts';
import type { FileId, Pfn } from '../machine/types.ts';
import { claim, type Held, type Tally } from './audit-tally.ts';
import { hasBuffers, usesBuffers } from './buffers.ts';
import { isZoneDevice } from './dev-pagemap.ts';
import { FILE, FILE_BLOCKS, isDaxKind, isDiskKind } from './file-tables.ts';
import { fileOf, headOf, isFile, isHugetlb, nrPages } from './folio.ts';
import type { Kernel } from './kernel.ts';
import { cacheSlot } from './page-cache.ts';

/** Walks every file's cache; then asks each folio that says it is in a cache whether the cache knows. */
export function auditFiles(k: Kernel, t: Tally, held: Held): void {
  auditBlocks(k, t);
  for (let file = 1; file < k.file.kind.length; file++) {
    if (k.file.kind[file] !== FILE.none) checkFile(k, t, held, file);
    else if (
      (k.file.refs[file] | k.file.cacheRoot[file] | k.file.nrpages[file] | k.file.pages[file]) !==
      0
    ) {
      t.findings.push(`file ${file} is free, yet not all zero`);
    }
  }
  for (let pfn = 1; pfn < k.pages; pfn++) {
    if (t.free[pfn] !== 0 || k.page.compound[pfn] > 0) continue;
    if (hasBuffers(k, pfn)) checkBuffers(k, t, pfn);
    if (!isFile(k, pfn) || isZoneDevice(k, pfn)) continue;
    const file = fileOf(k, pfn);
    if (cacheSlot(k, file, k.page.index[pfn]) !== pfn) {
      t.findings.push(
        `page ${pfn} says that it is page ${k.page.index[pfn]} of file ${file}, whose cache has ${cacheSlot(k, file, k.page.index[pfn])} there`,
      );
    }
  }
}

/** Each block's page frame belongs to it alone. */
function auditBlocks(k: Kernel, t: Tally): void {
  for (let word = 0; word < k.file.block.length; word++) {
    const block = k.file.block[word];
    const file = Math.floor(word / FILE_BLOCKS);
    if (isDaxKind(k.file.kind[file])) continue;
    if (block > 0) claim(k, t, t.kernel, block, `block ${word % FILE_BLOCKS} of file ${file}`);
    if (block !== 0 && !isDiskKind(k.file.kind[file]))
      t.findings.push(`file ${file} has blocks, yet no medium`);
  }
}

/** Buffers hold one reference on a page, which is in the cache of a file that uses them. */
function checkBuffers(k: Kernel, t: Tally, pfn: Pfn): void {
  claim(k, t, t.kernel, pfn, 'its buffers');
  if (!isFile(k, pfn) || !usesBuffers(k, fileOf(k, pfn)))
    t.findings.push(`page ${pfn} has buffers, yet no file that uses them`);
}

function checkFile(k: Kernel, t: Tally, held: Held, file: FileId): void {
  let mapped = 0;
  for (let vma = 1; vma < k.vma.mm.length; vma++) if (k.vma.file[vma] === file) mapped++;
  const open = held.files[file];
  if (k.file.refs[file] !== mapped + open) {
    t.findings.push(
      `file ${file}: ${k.file.refs[file]} references, accounted for ${mapped + open} (${mapped} VMA, ${open} open)`,
    );
  }
  const root = k.file.cacheRoot[file];
  const pages = root === 0 ? 0 : walkNode(k, t, file, root, k.page.index[root] - 1, 0);
  if (k.file.nrpages[file] !== pages)
    t.findings.push(`file ${file}: nrpages ${k.file.nrpages[file]}, its cache has ${pages}`);
}

/** Pages below a node of the index; level 0 is a leaf. */
function walkNode(
  k: Kernel,
  t: Tally,
  file: FileId,
  node: Pfn,
  level: number,
  base: number,
): number {
  claim(k, t, t.kernel, node, `the index of file ${file}`);
  const first = k.page.slot[node] * PAGE_WORDS;
  let pages = 0;
  for (let i = 0; i < PAGE_WORDS && first !== 0; i++) {
    const value = k.contents[first + i];
    if (value === 0) continue;
    const index = base + i * PAGE_WORDS ** level;
    if (level > 0) pages += walkNode(k, t, file, value, level - 1, index);
    else pages += checkSlot(k, t, file, index, value);
  }
  return pages;
}

/** One slot of a leaf: a page, or minus a swap slot. Returns how many pages it stands for. */
function checkSlot(k: Kernel, t: Tally, file: FileId, index: number, value: number): number {
  if (value < 0) {
    if (-value < t.swapRefs.length) t.swapRefs[-value] += 1;
    else
      t.findings.push(`file ${file}, page ${index} names swap slot ${-value}, which there is not`);
    return 0;
  }
  claim(k, t, t.cache, value, `page ${index} of file ${file}`);
  if (value >= k.pages) return 0;
  const folio = headOf(k, value);
  if (k.page.mapping[folio] !== file << 2 || k.page.index[folio] + (value - folio) !== index) {
    t.findings.push(
      `page ${index} of file ${file} is page ${value}, which says mapping ${k.page.mapping[folio]}, index ${k.page.index[folio]}`,
    );
  }
  return isHugetlb(k, folio) ? nrPages(k, folio) : 1;
}
