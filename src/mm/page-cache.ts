/**
 * The index of a file's page cache (the kernel's xarray of address_space.i_pages): a tree of nodes with
 * 1024 slots, each node the content of one page (PG.slab), so that the tree is ordinary machine memory.
 *
 * Slot of a leaf: 0 nothing, > 0 the page frame of exactly this page, < 0 minus the swap slot that shmem
 * wrote the page to. Slot of an inner node: page frame of the next node. `page.index` of the root is
 * the tree's height. Lookups take no lock; changes are made under the xa_lock (`R.pageCache`). Nodes stay
 * until the file goes, so that a lookup never meets a freed one.
 */
import { at, R, READ } from '../machine/access.ts';
import { allocPages, freePages, GFP } from '../machine/buddy.ts';
import { contentSlot, PAGE_WORDS } from '../machine/contents.ts';
import { lock, unlock } from '../machine/locks.ts';
import { PG } from '../machine/page.ts';
import type { FileId, Pfn, Steps } from '../machine/types.ts';
import type { Kernel } from './kernel.ts';

const NODE_SHIFT = 10;
const NODE_SLOTS = 1 << NODE_SHIFT;
/** 2^30 pages: 4 TiB. */
const MAX_HEIGHT = 3;

/** Indexes that a tree of this height holds. */
function capacity(height: number): number {
  return height === 0 ? 0 : 2 ** (NODE_SHIFT * height);
}

function heightOf(k: Kernel, file: FileId): number {
  const root = k.file.cacheRoot[file];
  return root === 0 ? 0 : k.page.index[root];
}

/** Word in `k.contents` of slot `index` of a node at `level` (0: leaf). */
function slotWord(k: Kernel, node: Pfn, index: number, level: number): number {
  return k.page.slot[node] * PAGE_WORDS + ((index >>> (NODE_SHIFT * level)) & (NODE_SLOTS - 1));
}

/** Word of the leaf slot for `index`; 0: there is no leaf. */
function leafWord(k: Kernel, file: FileId, index: number): number {
  const height = heightOf(k, file);
  if (index < 0 || index >= capacity(height)) return 0;
  let node = k.file.cacheRoot[file];
  for (let level = height - 1; level > 0; level--) {
    node = k.contents[slotWord(k, node, index, level)];
    if (node === 0) return 0;
  }
  return slotWord(k, node, index, 0);
}

/** What the slot holds; for callers that hold the xa_lock, or only guess. */
export function cacheSlot(k: Kernel, file: FileId, index: number): number {
  const word = leafWord(k, file, index);
  return word === 0 ? 0 : k.contents[word];
}

/** xas_load() under RCU: one lockless read of the slot. */
export function* cacheLoad(k: Kernel, file: FileId, index: number): Steps<number> {
  yield READ | at(R.pageCache, file);
  return cacheSlot(k, file, index);
}

/** The first index in [from, to) whose slot is not empty, or -1. One lockless read. */
export function* cacheNext(k: Kernel, file: FileId, from: number, to: number): Steps<number> {
  yield READ | at(R.pageCache, file);
  return nextSlot(k, file, from, to);
}

/** `cacheNext` without the step. */
export function nextSlot(k: Kernel, file: FileId, from: number, to: number): number {
  const end = Math.min(to, capacity(heightOf(k, file)));
  let index = from;
  while (index < end) {
    // A leaf's slots lie side by side.
    const word = leafWord(k, file, index);
    const behind = Math.min(end, (index | (NODE_SLOTS - 1)) + 1);
    if (word === 0) index = behind;
    for (let at = word - index; index < behind; index++)
      if (k.contents[at + index] !== 0) return index;
  }
  return -1;
}

/** Makes the nodes for `index`; false: out of memory, or an index behind every file. */
export function* cacheReserve(k: Kernel, file: FileId, index: number): Steps<boolean> {
  if (index < 0 || index >= capacity(MAX_HEIGHT)) return false;
  while (leafWord(k, file, index) === 0) {
    const node = yield* allocPages(k, 0, GFP.zero, 0);
    if (node === 0) return false;
    k.page.flags[node] |= PG.slab;
    contentSlot(k, node);
    yield* lock(k, R.pageCache, file);
    const used = placeNode(k, file, index, node);
    yield* unlock(k, R.pageCache, file);
    if (!used) yield* freeNode(k, node);
  }
  return true;
}

/** Puts a fresh node where the way to `index` first breaks off; false: it is complete by now. */
function placeNode(k: Kernel, file: FileId, index: number, node: Pfn): boolean {
  const height = heightOf(k, file);
  if (index >= capacity(height)) {
    const root = k.file.cacheRoot[file];
    k.contents[k.page.slot[node] * PAGE_WORDS] = root;
    k.page.index[node] = height + 1;
    k.file.cacheRoot[file] = node;
    return true;
  }
  let inner = k.file.cacheRoot[file];
  for (let level = height - 1; level > 0; level--) {
    const word = slotWord(k, inner, index, level);
    if (k.contents[word] === 0) {
      k.contents[word] = node;
      return true;
    }
    inner = k.contents[word];
  }
  return false;
}

/** Stores into a slot whose nodes are there (`cacheReserve`); the caller holds the xa_lock. */
export function cacheStore(k: Kernel, file: FileId, index: number, value: number): void {
  k.contents[leafWord(k, file, index)] = value;
}

function* freeNode(k: Kernel, node: Pfn): Steps<void> {
  k.page.refcount[node] = 0;
  yield* freePages(k, node, 0);
}

/** Frees the nodes of a file that nobody can look up any more. All slots are empty. */
export function* cacheFreeIndex(k: Kernel, file: FileId): Steps<void> {
  while (k.file.cacheRoot[file] !== 0) {
    const node = detachNode(k, file);
    yield* freeNode(k, node);
  }
}

/** Takes out a node that has no node below it. */
function detachNode(k: Kernel, file: FileId): Pfn {
  const root = k.file.cacheRoot[file];
  let holder = 0;
  let node = root;
  for (let level = k.page.index[root] - 1; level > 0; level--) {
    const word = firstUsed(k, node);
    if (word === 0) break;
    holder = word;
    node = k.contents[word];
  }
  if (node === root) k.file.cacheRoot[file] = 0;
  else k.contents[holder] = 0;
  return node;
}

function firstUsed(k: Kernel, node: Pfn): number {
  const base = k.page.slot[node] * PAGE_WORDS;
  for (let word = base; word < base + PAGE_WORDS; word++) if (k.contents[word] !== 0) return word;
  return 0;
}
