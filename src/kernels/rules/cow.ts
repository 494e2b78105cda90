import type { RuleData } from '../types.ts';

/** Copy on write: when a write fault keeps the page, when it copies (A.14, A.16, A.17). */
export const COW_RULES = [
  {
    id: 'S41',
    name: 'anon.exclusive',
    sentence:
      'The kernel remembers which anonymous pages belong to one process alone (PG_anon_exclusive).',
    values: [
      { value: false },
      {
        value: true,
        from: '5.19',
        commit: '6c287605fd56',
        title: 'mm: remember exclusively mapped anonymous pages with PG_anon_exclusive',
      },
    ],
    source: 'semantics.md A.14, B.1',
  },
  {
    id: 'S42',
    name: 'anon.clearBarrier',
    sentence:
      'Taking exclusivity from a page orders the cleared page table entry before the look for pins with a barrier, instead of relying on the TLB flush to stop gup-fast.',
    values: [
      { value: false },
      {
        value: true,
        from: '6.1',
        commit: '088b8aa537c2',
        title: 'mm: fix PageAnonExclusive clearing racing with concurrent RCU GUP-fast',
      },
    ],
    source: 'semantics.md A.14.4, B.1',
    unread: "The model's memory keeps the order of all steps, so a barrier changes nothing.",
  },
  {
    id: 'S1',
    name: 'cow.smallReuse',
    sentence:
      'When a write fault keeps a small anonymous page of a private mapping: it is mapped once, it has one reference, or it is known to be exclusive.',
    values: [
      { value: 'mapcount' },
      {
        value: 'refcount1',
        from: '5.9',
        commit: '09854ba94c6a',
        title: 'mm: do_wp_page() simplification',
      },
      {
        value: 'exclusive',
        from: '5.19',
        commit: '6c287605fd56',
        title: 'mm: remember exclusively mapped anonymous pages with PG_anon_exclusive',
      },
    ],
    source: 'semantics.md A.30 S1, A.16.3',
  },
  {
    id: 'S43',
    name: 'cow.lruDrain',
    sentence:
      "A write fault drains the CPU's batch of pages on their way to the LRU before it counts references.",
    values: [
      { value: false },
      {
        value: true,
        from: '5.18',
        commit: 'd4c470970d45',
        title: 'mm: optimize do_wp_page() for fresh pages in local LRU pagevecs',
      },
    ],
    source: 'semantics.md A.30 S1, A.16.3',
  },
  {
    id: 'S44',
    name: 'cow.reuseFreesSwap',
    sentence:
      "A write fault gives up the page's place in the swap cache before it counts references.",
    values: [
      { value: false },
      {
        value: true,
        from: '5.18',
        commit: '53a05ad9f21d',
        title: 'mm: optimize do_wp_page() for exclusive pages in the swapcache',
      },
    ],
    source: 'semantics.md A.30 S1, A.16.3',
  },
  {
    id: 'S250',
    name: 'cow.copyFreesSwap',
    sentence:
      'A write fault that copied a page gives up its place in the swap cache if nobody maps it any more.',
    values: [
      { value: false },
      {
        value: true,
        from: '5.14',
        commit: 'f4c4a3f48480',
        title: 'mm: free idle swap cache page after COW',
      },
    ],
    source: 'memory.c: wp_page_copy',
  },
  {
    id: 'S2',
    name: 'cow.thpReuse',
    sentence: 'When a write fault keeps a transparent huge page that is mapped by one huge entry.',
    values: [
      { value: 'mapcount' },
      {
        value: 'refcount1',
        from: '5.18',
        commit: '3bff7e3f1f16',
        title: 'mm/huge_memory: streamline COW logic in do_huge_pmd_wp_page()',
      },
      {
        value: 'exclusive',
        from: '5.19',
        commit: '6c287605fd56',
        title: 'mm: remember exclusively mapped anonymous pages with PG_anon_exclusive',
      },
    ],
    source: 'semantics.md A.30 S2, A.16.6',
  },
  {
    id: 'S3',
    name: 'cow.pteThpReuse',
    sentence: 'When a write fault keeps a page of a huge page that is mapped by small entries.',
    values: [
      { value: 'mapcount' },
      {
        value: 'refcount1',
        from: '5.9',
        commit: '09854ba94c6a',
        title: 'mm: do_wp_page() simplification',
      },
      {
        value: 'exclusiveOrLast',
        from: '5.19',
        commit: '6c287605fd56',
        title: 'mm: remember exclusively mapped anonymous pages with PG_anon_exclusive',
      },
      {
        value: 'exclusive',
        from: '6.9',
        commit: 'cd197c3a2040',
        title: 'mm: prohibit the last subpage from reusing the entire large folio',
      },
      {
        value: 'exclusiveOrOwned',
        from: '6.15',
        commit: '1da190f4d0a6',
        title: 'mm: Copy-on-Write (COW) reuse support for PTE-mapped THP',
      },
    ],
    source: 'semantics.md A.30 S3, A.16.3',
  },
  {
    id: 'S4',
    name: 'cow.swapinReuse',
    sentence: 'When a write that has to bring a page in from swap may map it writable at once.',
    values: [
      { value: 'mapcount' },
      {
        value: 'refcount1',
        from: '5.18',
        commit: 'c145e0b47c77',
        title: 'mm: streamline COW logic in do_swap_page()',
      },
      {
        value: 'exclusive',
        from: '5.19',
        commit: '1493a1913e34',
        title: 'mm/swap: remember PG_anon_exclusive via a swp pte bit',
      },
    ],
    source: 'semantics.md A.30 S4, A.18.6',
  },
  {
    id: 'S90',
    name: 'cow.swapinWritable',
    sentence:
      'A read that brings a page in from swap maps it writable when no other process can have it.',
    values: [
      { value: false },
      {
        value: true,
        from: '6.11',
        commit: 'c18160dba5ff',
        title: 'mm: swap: reuse exclusive folio directly instead of wp page faults',
      },
    ],
    source: 'semantics.md A.18.6',
  },
  {
    id: 'S5',
    name: 'cow.hugetlbReuse',
    sentence:
      'When a write fault keeps an anonymous hugetlb page: it is mapped once, whatever references it has; later kernels then also mark it exclusive.',
    values: [
      { value: 'mapcount' },
      {
        value: 'mapcountThenExclusive',
        from: '5.19',
        commit: '6c287605fd56',
        title: 'mm: remember exclusively mapped anonymous pages with PG_anon_exclusive',
      },
    ],
    source: 'semantics.md A.30 S5, A.17.3',
  },
] as const satisfies readonly RuleData[];
