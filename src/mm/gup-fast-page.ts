/**
 * What the lockless walk asks about an entry and about the page it took (mm/gup.c:
 * gup_fast_folio_allowed(), pte_access_permitted()). Rules: semantics.md A.13.4, S15, S16, S18,
 * S33, S34.
 */
import { entryHi, entryRead } from '../machine/entries.ts';
import { PTE } from '../machine/entry.ts';
import { mappingRead } from '../machine/grab-words.ts';
import { MAPPING_ANON, MAPPING_KIND, PG } from '../machine/page.ts';
import type { EntryAddr, Folio, Steps } from '../machine/types.ts';
import { FILE } from './file-tables.ts';
import { FOLL } from './foll.ts';
import type { Kernel } from './kernel.ts';

/**
 * Bits of an entry that decide: present and user, writable for a write, not special (A.13.4 b, c,
 * e).
 */
export function neededMask(flags: number): number {
  return PTE.present | PTE.user | PTE.special | ((flags & FOLL.write) !== 0 ? PTE.write : 0);
}

/**
 * Pages of a DAX device need its page map's consent; for ever they aren't given here (A.13.4d,
 * S33).
 */
export function refusesDevmap(k: Kernel, flags: number): boolean {
  return (
    k.rules.devmap.gup === 'none' ||
    (k.rules.devmap.gup === 'pgmap' && (flags & FOLL.longterm) !== 0)
  );
}

/** Whether an entry still holds what was read before the page was taken (A.13.4g). */
export function* entryStands(k: Kernel, e: EntryAddr, lo: number, hi: number): Steps<boolean> {
  const now = yield* entryRead(k, e);
  return now === lo && entryHi(k, e) === hi;
}

/** What is looked at for each page beside its entry: bits, found once a table. */
export const TEST = {
  /** The entry, and the PMD entry above it, again after the page was taken (S15, S16). */
  pte: 1 << 0,
  pmd: 1 << 1,
  /** `fastFolioAllowed` has something to ask: any of the next three. */
  kind: 1 << 2,
  /** No file that tracks its dirty pages (S18). */
  noFile: 1 << 3,
  /** No secret page; with `secretHole` those on no LRU list go unnoticed (S34). */
  noSecret: 1 << 4,
  secretHole: 1 << 5,
  /** The output is ranges, which may be full. */
  room: 1 << 6,
} as const;

/** `TEST` bits for these flags in this kernel. */
export function pageTests(k: Kernel, flags: number): number {
  const longWrite = FOLL.pin | FOLL.longterm | FOLL.write;
  let tests = 0;
  if (k.rules.fast.recheckPte) tests |= TEST.pte;
  if (k.rules.fast.recheckPmd) tests |= TEST.pmd;
  if ((flags & longWrite) === longWrite && !k.rules.fast.writeFileLongterm)
    tests |= TEST.noFile | TEST.kind;
  if (k.rules.secretmem.gup !== 'none') tests |= TEST.noSecret | TEST.kind;
  if (k.rules.secretmem.gup === 'fastHole') tests |= TEST.secretHole;
  if ((flags & FOLL.ranges) !== 0) tests |= TEST.room;
  return tests;
}

/**
 * gup_fast_folio_allowed(): false for what only the slow path can judge (A.13, below 7). Until 6.8
 * a secret page that was on no LRU list, as a fresh one is, passed for an ordinary one (S34,
 * 65291dcfcf89).
 */
export function* fastFolioAllowed(k: Kernel, folio: Folio, tests: number): Steps<boolean> {
  const flags = k.page.flags[folio];
  const noSecret = (tests & TEST.noSecret) !== 0 && k.page.compound[folio] === 0;
  const hidden = (tests & TEST.secretHole) !== 0 && (flags & PG.lru) === 0;
  if ((tests & TEST.noFile) === 0 && (!noSecret || hidden)) return true;
  if ((flags & (PG.slab | PG.hugetlb)) !== 0) return (flags & PG.hugetlb) !== 0;
  const mapping = yield* mappingRead(k, folio);
  if ((mapping & MAPPING_KIND) !== 0) return (mapping & MAPPING_ANON) !== 0;
  if (mapping === 0) return (tests & (TEST.secretHole | TEST.noFile)) === TEST.secretHole;
  return fastFileAllowed(k.file.kind[mapping >> 2], tests, noSecret && !hidden);
}

/** The last two questions of gup_fast_folio_allowed(), about a page of a file of `kind`. */
function fastFileAllowed(kind: number, tests: number, noSecret: boolean): boolean {
  if (noSecret && kind === FILE.secretmem) return false;
  return (tests & TEST.noFile) === 0 || kind === FILE.shmem;
}
