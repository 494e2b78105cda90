/** What the audit counts: who refers to each page, by kind, and what it has to say. */
import { PG } from '../machine/page.ts';
import type { Pfn } from '../machine/types.ts';
import { deviceBaseRefs, deviceKind } from './dev-pagemap.ts';
import { headOf } from './folio.ts';
import { pinIsFree } from './grab.ts';
import { type Kernel, MISC } from './kernel.ts';
import { hasPincount, PIN_BIAS } from './pinned.ts';

/** References that the caller of the audit knows of. */
export interface Held {
  /** Plain references (FOLL_GET, pipes, disk blocks) by page, which may be any page of its folio. */
  readonly gets: Int32Array;
  /** FOLL_PIN pins by page; those of the page of zeros may be named where they aren't counted. */
  readonly pins: Int32Array;
  /** Open descriptors by file. */
  readonly files: Int32Array;
}

/** Nothing held, for the caller to fill in. */
export function newHeld(k: Kernel): Held {
  return {
    gets: new Int32Array(k.pages),
    pins: new Int32Array(k.pages),
    files: new Int32Array(k.file.kind.length),
  };
}

/** Words by page frame, counted at the head of the folio unless it says otherwise. */
export interface Tally {
  readonly findings: string[];
  /** 1: free, in the buddy allocator or in a hugetlb pool; of every page. */
  readonly free: Int32Array;
  /** References, by who holds them. */
  readonly mappings: Int32Array;
  readonly cache: Int32Array;
  readonly swapCache: Int32Array;
  readonly batch: Int32Array;
  readonly isolated: Int32Array;
  readonly kernel: Int32Array;
  readonly gets: Int32Array;
  /** Pins, not yet multiplied. */
  readonly pins: Int32Array;
  /** Mappings by PTE of every page, and of whole folios. */
  readonly pteMaps: Int32Array;
  readonly entireMaps: Int32Array;
  /** By swap slot: entries of page tables and of memory files, and the exclusive ones among them. */
  readonly swapRefs: Int32Array;
  readonly swapExclusive: Int32Array;
}

/** An empty tally of the machine. */
export function newTally(k: Kernel): Tally {
  const perPage = () => new Int32Array(k.pages);
  const slots = k.swap.map.length;
  return {
    findings: [],
    free: perPage(),
    mappings: perPage(),
    cache: perPage(),
    swapCache: perPage(),
    batch: perPage(),
    isolated: perPage(),
    kernel: perPage(),
    gets: perPage(),
    pins: perPage(),
    pteMaps: perPage(),
    entireMaps: perPage(),
    swapRefs: new Int32Array(slots),
    swapExclusive: new Int32Array(slots),
  };
}

/** One reference more of one kind on the folio that holds `pfn`; `who` says whose when the page can't be referred to. */
export function claim(k: Kernel, t: Tally, kind: Int32Array, pfn: Pfn, who: string): void {
  if (pfn <= 0 || pfn >= k.pages) {
    t.findings.push(`${who} names page ${pfn}, which there is not`);
    return;
  }
  if (t.free[pfn] !== 0) t.findings.push(`page ${pfn} is free, yet ${who} refers to it`);
  kind[headOf(k, pfn)] += 1;
}

/** What the kernel keeps for good: page 0, the page of zeros, the huge page of zeros. */
export function claimKernel(k: Kernel, t: Tally): void {
  t.kernel[0] += 1;
  claim(k, t, t.kernel, k.zeroPfn, 'the kernel');
  const hugeZero = k.misc[MISC.hugeZero];
  if (hugeZero !== 0) claim(k, t, t.kernel, hugeZero, 'the kernel');
  for (let pfn = k.zoneDevice.first; pfn < k.zoneDevice.first + k.zoneDevice.pages; pfn++) {
    if (k.page.compound[pfn] <= 0) t.kernel[pfn] += deviceBaseRefs(k, deviceKind(k, pfn));
  }
  for (let i = 0; i < k.lru.batched[0]; i++) claim(k, t, t.batch, k.lru.batch[i], 'the LRU batch');
  for (let pfn = 1; pfn < k.pages; pfn++) {
    if ((k.page.flags[pfn] & PG.isolated) !== 0) t.isolated[pfn] += 1;
    // memory_failure() keeps a reference for good.
    if ((k.page.flags[pfn] & PG.hwpoison) !== 0) claim(k, t, t.kernel, pfn, 'broken memory');
  }
}

/** What the caller says that it or others hold. */
export function claimHeld(k: Kernel, t: Tally, held: Held): void {
  for (let pfn = 0; pfn < k.pages; pfn++) {
    for (let i = 0; i < held.gets[pfn]; i++) claim(k, t, t.gets, pfn, 'a holder of a reference');
    if (held.pins[pfn] === 0 || pinIsFree(k, pfn)) continue;
    for (let i = 0; i < held.pins[pfn]; i++) claim(k, t, t.pins, pfn, 'a holder of a pin');
  }
}

/** References that one pin of the folio is. */
export function refsPerPin(k: Kernel, folio: Pfn): number {
  return k.rules.pin.impl !== 'bias' || hasPincount(k, folio) ? 1 : PIN_BIAS;
}

/** References on a folio that the tally explains. */
export function explained(k: Kernel, t: Tally, folio: Pfn): number {
  return (
    t.mappings[folio] +
    t.cache[folio] +
    t.swapCache[folio] +
    t.batch[folio] +
    t.isolated[folio] +
    t.kernel[folio] +
    t.gets[folio] +
    t.pins[folio] * refsPerPin(k, folio)
  );
}

/** The same in words: `2 mappings, 1 pin of 1024`. */
export function explainedText(k: Kernel, t: Tally, folio: Pfn): string {
  const perPin = refsPerPin(k, folio);
  const parts = [
    part(t.mappings[folio], 'mapping'),
    part(t.cache[folio], 'page cache'),
    part(t.swapCache[folio], 'swap cache'),
    part(t.batch[folio], 'LRU batch'),
    part(t.isolated[folio], 'isolation'),
    part(t.kernel[folio], 'kernel'),
    part(t.gets[folio], 'get'),
    part(t.pins[folio], perPin > 1 ? `pin of ${perPin}` : 'pin'),
  ];
  return parts.filter((text) => text !== '').join(', ') || 'nobody';
}

function part(n: number, name: string): string {
  return n === 0 ? '' : `${n} ${name}`;
}
