import type { Alloc } from '../machine/arena.ts';

/** The LRU batch of folios that are not yet on a list; see lru.ts. */
export interface LruTables {
  /** Folios waiting, each with a reference of its own. No words: folios go on their list at once. */
  readonly batch: Int32Array;
  /** [0]: how many wait. */
  readonly batched: Int32Array;
}

/** An empty batch of so many pages. */
export function lruTables(alloc: Alloc, batch: number): LruTables {
  return { batch: alloc(batch), batched: alloc(1) };
}
