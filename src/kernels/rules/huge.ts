import type { RuleData } from '../types.ts';

/** Transparent huge pages and hugetlb (A.17, A.20). */
export const HUGE_RULES = [
  {
    id: 'S39',
    name: 'thp.splitErrno',
    sentence: 'The error for splitting a folio that somebody holds references to.',
    values: [
      { value: 'EBUSY' },
      {
        value: 'EAGAIN',
        from: '6.2',
        commit: 'fd4a7ac32918',
        title: 'mm: migrate: try again if THP split is failed due to page refcnt',
      },
    ],
    source: 'semantics.md A.30 S39, A.20.2',
  },
  {
    id: 'S66',
    name: 'thp.collapseSync',
    sentence:
      'Collapsing a file mapping waits for walkers of the page table that it frees, also where tables are freed by RCU.',
    values: [
      { value: false },
      {
        value: true,
        from: '6.1',
        commit: '2ba99c5e0881',
        title: 'mm/khugepaged: fix GUP-fast interaction by sending IPI',
      },
    ],
    source: 'semantics.md A.20.5, B.1',
  },
  {
    id: 'S67',
    name: 'thp.touchDirty',
    sentence:
      'A reference through a huge entry marks the entry dirty always, or only when it is for writing (Huge Dirty COW).',
    values: [
      { value: 'always' },
      {
        value: 'write',
        from: '4.15',
        commit: 'a8f97366452e',
        title: 'mm, thp: Do not make page table dirty unconditionally in touch_p[mu]d()',
      },
    ],
    source: 'semantics.md B.1, B.4 (CVE-2017-1000405)',
  },
  {
    id: 'S68',
    name: 'hugetlb.forceWrite',
    sentence: 'A forced write to a hugetlb mapping without write permission is allowed.',
    values: [
      { value: true },
      {
        value: false,
        from: '6.2',
        commit: 'f347454d0341',
        title: 'mm/gup: disallow FOLL_FORCE|FOLL_WRITE on hugetlb mappings',
      },
      { value: true, from: '6.14' },
    ],
    source: 'semantics.md A.5.6, B.1',
  },
  {
    id: 'S69',
    name: 'hugetlb.grabOnce',
    sentence: 'The slow path counts a run of pages of one hugetlb page with one grab.',
    values: [
      { value: false },
      {
        value: true,
        from: '5.12',
        commit: '0fa5bc4023c1',
        title: 'mm/hugetlb: grab head page refcount once for group of subpages',
      },
    ],
    source: 'semantics.md B.1',
  },
  {
    id: 'S237',
    name: 'hugetlb.emptyRecheck',
    sentence:
      'A hugetlb fault that finds the pool empty looks at the entry again before it ends in SIGBUS: a page on its way elsewhere leaves the entry empty for a moment.',
    values: [
      { value: false },
      {
        value: true,
        from: '5.3',
        commit: '4643d67e8cb0',
        title: 'hugetlbfs: fix hugetlb page migration/fault race causing SIGBUS',
      },
    ],
    source: 'mm/hugetlb.c: hugetlb_no_page()',
  },
  {
    id: 'S157',
    name: 'thp.wpHugeCopy',
    sentence:
      'A write to a shared anonymous huge page copies all of it into a new huge page; later kernels split the entry and copy one small page.',
    values: [
      { value: true },
      {
        value: false,
        from: '5.8',
        commit: '3917c80280c9',
        title: 'thp: change CoW semantics for anon-THP',
      },
    ],
    source: 'mm/huge_memory.c: do_huge_pmd_wp_page()',
  },
  {
    id: 'S158',
    name: 'thp.zeroWpHuge',
    sentence:
      'A write to the huge page of zeros allocates a huge page; else the entry is split and one small page is made.',
    values: [
      { value: true },
      {
        value: false,
        from: '5.8',
        commit: '3917c80280c9',
        title: 'thp: change CoW semantics for anon-THP',
      },
      {
        value: true,
        from: '6.13',
        commit: '1ced09e0331f',
        title: 'mm: allocate THP on hugezeropage wp-fault',
      },
    ],
    source: 'mm/huge_memory.c: do_huge_zero_wp_pmd()',
  },
  {
    id: 'S159',
    name: 'thp.collapseReadOnly',
    sentence:
      'khugepaged and MADV_COLLAPSE take a range of which no entry is writable; before, at least one had to be.',
    values: [
      { value: false },
      {
        value: true,
        from: '6.18',
        title: 'mm: enable khugepaged anonymous collapse on non-writable regions',
      },
    ],
    source: 'seen on 6.18.44 (docs/findings.md); mm/khugepaged.c: SCAN_PAGE_RO',
  },
  {
    id: 'S179',
    name: 'thp.splitZero',
    sentence:
      'Where a huge page is split into small ones, those that hold nothing but zeros are given up and the page of zeros is mapped.',
    values: [
      { value: false },
      {
        value: true,
        from: '6.12',
        commit: 'b1f202060afe',
        title: 'mm: remap unused subpages to shared zeropage when splitting isolated thp',
      },
    ],
    source: 'mm/migrate.c: try_to_map_unused_to_zeropage()',
  },
  {
    id: 'S180',
    name: 'madvise.freeLarge',
    sentence:
      'MADV_FREE of all pages of a large folio that is mapped by small entries leaves it whole; before, it was split.',
    values: [
      { value: false },
      {
        value: true,
        from: '6.10',
        commit: 'dce7d10be4bb',
        title: 'mm/madvise: optimize lazyfreeing with mTHP in madvise_free',
      },
    ],
    source: 'mm/madvise.c: madvise_free_pte_range()',
  },
  {
    id: 'S181',
    name: 'madvise.coldLarge',
    sentence:
      'MADV_COLD of all pages of a large folio that is mapped by small entries leaves it whole; before, it was split.',
    values: [
      { value: false },
      {
        value: true,
        from: '6.10',
        commit: '3931b871c494',
        title: 'mm: madvise: avoid split during MADV_PAGEOUT and MADV_COLD',
      },
    ],
    source: 'mm/madvise.c: madvise_cold_or_pageout_pte_range()',
  },
  {
    id: 'S252',
    name: 'thp.collapseHole',
    sentence:
      'MADV_COLLAPSE ends at the first 2 MiB without a page table, and does not go on to those behind it.',
    values: [
      { value: false },
      {
        value: true,
        from: '6.2',
        title: 'SCAN_PMD_NONE, which is none of the results after which madvise_collapse() goes on',
      },
      {
        value: false,
        from: '6.19',
        title: 'mm/khugepaged: goes on after SCAN_PMD_NONE',
      },
    ],
    source:
      'seen: 6.1.192 goes on, 6.12.117 to 6.18.44 end there, 6.19.14 goes on (docs/conformance); where between 6.1 and 6.12 it began was not looked up',
  },
  {
    id: 'S235',
    name: 'thp.collapseEmpty',
    sentence:
      'MADV_COLLAPSE of a range that lies inside of one 2 MiB has nothing to do and succeeds; before, it was refused (EINVAL), because the count of huge pages in it fell below zero.',
    values: [
      { value: false },
      {
        value: true,
        from: '7.2',
        commit: 'b89a64105622',
        title: 'mm/khugepaged: avoid underflow in madvise_collapse for sub-PMD MADV_COLLAPSE',
      },
    ],
    source: 'mm/khugepaged.c: madvise_collapse(); seen on 7.2.12 and 7.3.4',
  },
  {
    id: 'S236',
    name: 'thp.collapseFiles',
    sentence:
      'MADV_COLLAPSE takes mappings of files on ext4 and XFS, also of those that are open for writing; before, only files opened for reading, and those only with CONFIG_READ_ONLY_THP_FOR_FS, which is off here.',
    values: [
      { value: false },
      {
        value: true,
        from: '7.2',
        commit: '1b6444331beb',
        title: 'mm/khugepaged: enable clean pagecache folio collapse for writable files',
      },
    ],
    source: 'mm/huge_memory.c: file_thp_enabled(); seen on 7.2.12 and 7.3.4',
  },
  {
    id: 'S249',
    name: 'thp.zeroSpecial',
    sentence:
      'An entry for the huge page of zeros is marked special, and so gup-fast leaves it to the slow path.',
    values: [
      { value: false },
      {
        value: true,
        from: '6.18',
        commit: 'd82d09e48219',
        title: 'mm/huge_memory: mark PMD mappings of the huge zero folio special',
      },
    ],
    source: 'mm/huge_memory.c: set_huge_zero_folio(); mm/gup.c: gup_fast_pmd_leaf()',
  },
] as const satisfies readonly RuleData[];
