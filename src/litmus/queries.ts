/** What a condition may ask besides registers and memory: questions about a page, and counters. */
import { VMSTAT } from '../mm/vmstat-items.ts';

export interface QuerySpec {
  readonly name: string;
  /** Number of pages it is asked of: each an address of a thread (`0:buf`) or a page it holds (`0:pages[0]`). */
  readonly pages: number;
  /** truth: may stand alone; number: is compared. Both are numbers, 0 and 1 for truths. */
  readonly gives: 'truth' | 'number';
  readonly doc: string;
}

const query = (
  name: string,
  pages: number,
  gives: 'truth' | 'number',
  doc: string,
): [string, QuerySpec] => [name, { name, pages, gives, doc }];

/** Every question, by name. A page that is not there answers 0. */
export const QUERIES: ReadonlyMap<string, QuerySpec> = new Map([
  query(
    'pinned',
    1,
    'truth',
    'The page is pinned in truth (by the ledger of pins, not by a guess from counts).',
  ),
  query(
    'exclusive',
    1,
    'truth',
    'The anonymous page belongs to one process alone (PageAnonExclusive).',
  ),
  query('same_page', 2, 'truth', 'Both are the same physical page.'),
  query('present', 1, 'truth', 'The address is mapped by a present entry.'),
  query('writable', 1, 'truth', 'The entry allows writing.'),
  query('dirty', 1, 'truth', 'The page is marked dirty.'),
  query('swapped', 1, 'truth', 'The entry is a swap entry.'),
  query('huge', 1, 'truth', 'The address is mapped by a huge entry.'),
  query('in_cma', 1, 'truth', 'The page lies in a CMA area.'),
  query('in_movable', 1, 'truth', 'The page lies in ZONE_MOVABLE.'),
  query('ref_count', 1, 'number', 'The reference count of the folio.'),
  query('map_count', 1, 'number', 'How many page table entries map the page.'),
  query('pin_count', 1, 'number', 'How many pins are held on the folio in truth.'),
  query('page_order', 1, 'number', 'The order of the folio.'),
  query('page_node', 1, 'number', 'The NUMA node of the page.'),
]);

/** Counters of /proc/vmstat that a condition may name. */
export const COUNTERS: ReadonlySet<string> = new Set(
  Object.keys(VMSTAT).filter((n) => n !== 'items'),
);
