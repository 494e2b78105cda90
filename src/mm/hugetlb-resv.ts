/**
 * Reservations of hugetlb mappings (hugetlb.c: hugetlb_reserve_pages, hugetlb_unreserve_pages,
 * vma_needs_reservation, hugetlb_vm_op_open/close; struct resv_map). Rules: semantics.md A.17.2, A.17.3.
 *
 * A mapping reserves at mmap what it may fault in later, so that faults can't fail. For a shared mapping
 * the file keeps the map: a bit says that the index is reserved or has its page. For a private one
 * the mapping that called mmap keeps it and is its owner: a bit says that the index has used its
 * reservation. A child of fork owns nothing.
 *
 * A map is one page of kernel memory: words [0] references, [1] index of the first bit, [2..] the bits.
 */
import { at, R, WRITE } from '../machine/access.ts';
import { allocPages, freePages, GFP } from '../machine/buddy.ts';
import { contentSlot, PAGE_WORDS } from '../machine/contents.ts';
import { ENOMEM } from '../machine/errno.ts';
import { PG } from '../machine/page.ts';
import type { FileId, Pfn, Steps, VmaId, Vpn } from '../machine/types.ts';
import { poolOf, vmaHugeOrder } from './hugetlb.ts';
import type { Kernel } from './kernel.ts';
import { cacheSlot } from './page-cache.ts';
import { linearIndex } from './rmap.ts';
import { VM } from './vma.ts';

const MAP = { refs: 0, base: 1, bits: 2 } as const;
/** Huge pages that one map can tell apart: 63 GiB of 2 MiB pages. */
const MAP_BITS = (PAGE_WORDS - MAP.bits) * 32;

/** vma_hugecache_offset(): index of the huge page at `vpn` in the mapping's file (or linear numbering). */
export function hugeIndex(k: Kernel, vma: VmaId, vpn: Vpn): number {
  return linearIndex(k, vma, vpn) >> vmaHugeOrder(k, vma);
}

function mapWord(k: Kernel, map: Pfn, word: number): number {
  return k.page.slot[map] * PAGE_WORDS + word;
}

function bitOf(k: Kernel, map: Pfn, index: number): number {
  return index - k.contents[mapWord(k, map, MAP.base)];
}

function mapTest(k: Kernel, map: Pfn, index: number): boolean {
  const bit = bitOf(k, map, index);
  if (bit < 0 || bit >= MAP_BITS) return false;
  return ((k.contents[mapWord(k, map, MAP.bits + (bit >> 5))] >>> (bit & 31)) & 1) !== 0;
}

function mapSet(k: Kernel, map: Pfn, index: number, on: boolean): void {
  const bit = bitOf(k, map, index);
  if (bit < 0 || bit >= MAP_BITS) return;
  const w = mapWord(k, map, MAP.bits + (bit >> 5));
  if (on) k.contents[w] |= 1 << (bit & 31);
  else k.contents[w] &= ~(1 << (bit & 31));
}

/** Bits set of the indexes [from, to) (region_count). */
function mapCount(k: Kernel, map: Pfn, from: number, to: number): number {
  let n = 0;
  for (let index = from; index < to; index++) if (mapTest(k, map, index)) n++;
  return n;
}

function mapSetRange(k: Kernel, map: Pfn, from: number, to: number, on: boolean): void {
  for (let index = from; index < to; index++) mapSet(k, map, index, on);
}

/** resv_map_alloc(): an empty map whose first bit is index `base`; 0: out of memory. */
function* newMap(k: Kernel, base: number): Steps<Pfn> {
  const map = yield* allocPages(k, 0, GFP.zero, 0);
  if (map === 0) return 0;
  k.page.flags[map] |= PG.slab;
  contentSlot(k, map);
  k.contents[mapWord(k, map, MAP.refs)] = 1;
  k.contents[mapWord(k, map, MAP.base)] = base;
  return map;
}

function* putMap(k: Kernel, map: Pfn): Steps<void> {
  const w = mapWord(k, map, MAP.refs);
  k.contents[w] -= 1;
  if (k.contents[w] > 0) return;
  k.page.flags[map] &= ~PG.slab;
  k.page.refcount[map] = 0;
  yield* freePages(k, map, 0);
}

/** The mapping writes to the file's own pages (VM_MAYSHARE), so the file keeps its reservations. */
function isShared(k: Kernel, vma: VmaId): boolean {
  return (k.vma.flags[vma] & VM.mayShare) !== 0;
}

/** The map that tells about the VMA's indexes; 0: none. */
function mapOf(k: Kernel, vma: VmaId): Pfn {
  return isShared(k, vma) ? k.hugetlb.fileResv[k.vma.file[vma]] : k.hugetlb.vmaResv[vma];
}

/** is_vma_resv_set(HPAGE_RESV_OWNER): a private mapping that reserved for itself. */
export function ownsReservation(k: Kernel, vma: VmaId): boolean {
  return !isShared(k, vma) && k.hugetlb.vmaResv[vma] !== 0;
}

/** vma_needs_reservation(), negated: a free folio is kept for the mapping's huge page at `vpn`. */
export function hasReservation(k: Kernel, vma: VmaId, vpn: Vpn): boolean {
  const map = mapOf(k, vma);
  if (map === 0) return false;
  return mapTest(k, map, hugeIndex(k, vma, vpn)) === isShared(k, vma);
}

/** vma_commit_reservation(): the huge page at `vpn` has its folio; whatever was reserved for it is used. */
export function takeReservation(k: Kernel, vma: VmaId, vpn: Vpn): void {
  const map = mapOf(k, vma);
  if (map !== 0) mapSet(k, map, hugeIndex(k, vma, vpn), true);
}

/**
 * restore_reserve_on_error(): undoes `takeReservation` for a folio that was not mapped; `promised` says that
 * it came out of a reservation, which the pool gets back when the folio is freed.
 */
export function untakeReservation(k: Kernel, vma: VmaId, vpn: Vpn, promised: boolean): void {
  const map = mapOf(k, vma);
  // The owner's bit means used, the file's means reserved: one is cleared by a promise given back, the other without one.
  if (map !== 0 && promised !== isShared(k, vma)) mapSet(k, map, hugeIndex(k, vma, vpn), false);
}

/**
 * hugetlb_reserve_pages(): reserves the whole of a new mapping (MAP_NORESERVE: nothing). Returns 0, or -ENOMEM
 * when the pool has less to promise. The caller holds mmap_lock exclusively and has set the VMA's fields.
 */
export function* hugetlbReservePages(k: Kernel, vma: VmaId): Steps<number> {
  k.hugetlb.unmapped[vma] = 0;
  k.hugetlb.vmaResv[vma] = 0;
  const shared = isShared(k, vma);
  const file = k.vma.file[vma];
  const from = hugeIndex(k, vma, k.vma.start[vma]);
  const to = hugeIndex(k, vma, k.vma.end[vma]);
  if (to - from > MAP_BITS || (shared && to > MAP_BITS)) return -ENOMEM;
  let map = shared ? k.hugetlb.fileResv[file] : 0;
  const noReserve = (k.vma.flags[vma] & VM.noReserve) !== 0;
  if (noReserve && (map !== 0 || !shared)) return 0;
  if (map === 0) {
    map = yield* newMap(k, shared ? 0 : from);
    if (map === 0) return -ENOMEM;
    if (shared) k.hugetlb.fileResv[file] = map;
  }
  // A file has its map from the first mapping on, for its bits also tell which pages it has.
  if (noReserve) return 0;
  const want = shared ? to - from - mapCount(k, map, from, to) : to - from;
  const ok = yield* accountReserved(k, poolOf(vmaHugeOrder(k, vma)), want);
  if (!ok) {
    if (!shared) yield* putMap(k, map);
    return -ENOMEM;
  }
  if (shared) mapSetRange(k, map, from, to, true);
  else k.hugetlb.vmaResv[vma] = map;
  return 0;
}

/**
 * hugetlb_reserve_pages() for one huge page of a file, by its index, without a mapping. 1: reserved now; 0: it was, or the
 * file has the page; -ENOMEM: the pool has none to promise, or no memory for the map.
 */
export function* hugetlbReserveIndex(k: Kernel, file: FileId, index: number): Steps<number> {
  if (index >= MAP_BITS) return -ENOMEM;
  let map = k.hugetlb.fileResv[file];
  if (map === 0) {
    map = yield* newMap(k, 0);
    if (map === 0) return -ENOMEM;
    k.hugetlb.fileResv[file] = map;
  }
  if (mapTest(k, map, index)) return 0;
  const ok = yield* accountReserved(k, poolOf(k.file.order[file]), 1);
  if (!ok) return -ENOMEM;
  mapSet(k, map, index, true);
  return 1;
}

/** hugetlb_acct_memory(): promises `n` more free folios of a pool (negative: takes promises back). */
function* accountReserved(k: Kernel, pool: number, n: number): Steps<boolean> {
  yield WRITE | at(R.hugetlb, 0);
  if (n > 0 && k.hugetlb.nrFree[pool] - k.hugetlb.reserved[pool] < n) return false;
  k.hugetlb.reserved[pool] += n;
  return true;
}

/** hugetlb_vm_op_open() for the two halves of a split: both own the map now. Not a step: mmap_lock is held. */
export function hugetlbVmaSplit(k: Kernel, vma: VmaId, newVma: VmaId): void {
  const map = k.hugetlb.vmaResv[vma];
  k.hugetlb.unmapped[newVma] = k.hugetlb.unmapped[vma];
  k.hugetlb.vmaResv[newVma] = map;
  if (map !== 0) k.contents[mapWord(k, map, MAP.refs)] += 1;
}

/** The copy that mremap made takes the map over (clear_vma_resv_huge_pages). Not a step: mmap_lock is held. */
export function hugetlbVmaMove(k: Kernel, vma: VmaId, copy: VmaId): void {
  k.hugetlb.unmapped[copy] = k.hugetlb.unmapped[vma];
  k.hugetlb.vmaResv[copy] = k.hugetlb.vmaResv[vma];
  k.hugetlb.vmaResv[vma] = 0;
}

/** hugetlb_vm_op_close(): what the owner reserved in this VMA's range and never used goes back. */
export function* hugetlbVmaClose(k: Kernel, vma: VmaId): Steps<void> {
  const map = k.hugetlb.vmaResv[vma];
  k.hugetlb.vmaResv[vma] = 0;
  k.hugetlb.unmapped[vma] = 0;
  if (map === 0) return;
  const from = hugeIndex(k, vma, k.vma.start[vma]);
  const to = hugeIndex(k, vma, k.vma.end[vma]);
  const unused = to - from - mapCount(k, map, from, to);
  if (unused > 0) yield* accountReserved(k, poolOf(vmaHugeOrder(k, vma)), -unused);
  yield* putMap(k, map);
}

/**
 * hugetlb_unreserve_pages(): the file's indexes [from, to) (huge pages) are given up; `freed` of them had
 * a folio, the others' promises go back to the pool.
 */
export function* hugetlbUnreserveFile(
  k: Kernel,
  file: FileId,
  from: number,
  to: number,
  freed: number,
): Steps<void> {
  const map = k.hugetlb.fileResv[file];
  if (map === 0) return;
  const end = Math.min(to, MAP_BITS);
  const had = mapCount(k, map, from, end);
  mapSetRange(k, map, from, end, false);
  if (had !== freed) yield* accountReserved(k, poolOf(k.file.order[file]), freed - had);
}

/** The file goes away: its map is freed. */
export function* hugetlbFileClose(k: Kernel, file: FileId): Steps<void> {
  const map = k.hugetlb.fileResv[file];
  k.hugetlb.fileResv[file] = 0;
  if (map !== 0) yield* putMap(k, map);
}

/** Huge pages of the VMA's range that are promised to it and not used yet. For the audit. */
export function unusedByVma(k: Kernel, vma: VmaId): number {
  const map = k.hugetlb.vmaResv[vma];
  const from = hugeIndex(k, vma, k.vma.start[vma]);
  const to = hugeIndex(k, vma, k.vma.end[vma]);
  return map === 0 ? 0 : to - from - mapCount(k, map, from, to);
}

/** Huge pages that are promised to the file and not in its cache yet. For the audit. */
export function unusedByFile(k: Kernel, file: FileId): number {
  const map = k.hugetlb.fileResv[file];
  let unused = 0;
  for (let index = 0; map !== 0 && index < MAP_BITS; index++) {
    if (mapTest(k, map, index) && cacheSlot(k, file, index << k.file.order[file]) === 0) unused++;
  }
  return unused;
}

/** Who keeps a reservation map, as it counts itself. For the audit. */
export function reservationMapRefs(k: Kernel, map: Pfn): number {
  return k.contents[mapWord(k, map, MAP.refs)];
}
