import type { RuleData } from '../types.ts';

/** The slow path of get_user_pages and pin_user_pages, and their arguments (A.2 to A.8). */
export const GUP_RULES = [
  {
    id: 'S6',
    name: 'gup.forceCowBreak',
    sentence:
      'Any reference taken in a private mapping breaks copy-on-write first, as if it were to write.',
    values: [
      { value: false },
      {
        value: true,
        from: '5.8',
        commit: '17839856fd58',
        title: 'gup: document and work around "COW can break either way" issue',
      },
      {
        value: false,
        from: '5.9',
        commit: 'a308c71bf1e6',
        title: 'mm/gup: Remove enfornced COW mechanism',
      },
    ],
    source: 'semantics.md A.30 S6',
  },
  {
    id: 'S7',
    name: 'gup.unshareAnon',
    sentence:
      'A read-only pin of an anonymous page that is not exclusive gives the process a page of its own first.',
    values: [
      { value: false },
      {
        value: true,
        from: '5.19',
        commit: 'a7f226604170',
        title:
          'mm/gup: trigger FAULT_FLAG_UNSHARE when R/O-pinning a possibly shared anonymous page',
      },
    ],
    source: 'semantics.md A.30 S7, A.8.3',
  },
  {
    id: 'S8',
    name: 'gup.unshareNonAnonLongterm',
    sentence:
      'A read-only longterm pin of the zero page or of a file page in a private mapping unshares first.',
    values: [
      { value: false },
      {
        value: true,
        from: '6.2',
        commit: '84209e87c696',
        title: 'mm/gup: reliable R/O long-term pinning in COW mappings',
      },
    ],
    source: 'semantics.md A.30 S8, A.8.2',
  },
  {
    id: 'S9',
    name: 'gup.followForce',
    sentence:
      'What lets a forced write through a read-only entry: the write flag dropped after one fault (Dirty COW), a dirty entry after a noted copy, or an exclusive page.',
    values: [
      { value: 'dropWrite' },
      {
        value: 'cowDirty',
        from: '4.9',
        commit: '19be0eaffa3a',
        title: 'mm: remove gup_flags FOLL_WRITE games from __get_user_pages()',
      },
      {
        value: 'exclusive',
        from: '6.0',
        commit: '5535be309971',
        title: 'mm/gup: fix FOLL_FORCE COW security issue and remove FOLL_COW',
      },
    ],
    source: 'semantics.md A.30 S9, A.6.4',
  },
  {
    id: 'S45',
    name: 'gup.followForceThp',
    sentence:
      'A forced write passes through a read-only huge entry as it does through a small one.',
    values: [
      { value: false },
      {
        value: true,
        from: '4.10',
        commit: '8310d48b125d',
        title: 'mm/huge_memory.c: respect FOLL_FORCE/FOLL_COW for thp',
      },
    ],
    source: 'semantics.md B.1 (corrected, docs/findings.md)',
  },
  {
    id: 'S46',
    name: 'gup.flagsArg',
    sentence: 'get_user_pages takes flags, not the two integers write and force.',
    values: [
      { value: false },
      {
        value: true,
        from: '4.9',
        commit: '768ae309a961',
        title: 'mm: replace get_user_pages() write/force parameters with gup_flags',
      },
    ],
    source: 'semantics.md A.1.3, B.1',
    unread: 'How the arguments are written in C; the language has flags at every version.',
  },
  {
    id: 'S47',
    name: 'gup.argCheck',
    sentence:
      'Where flags are checked: each call for itself, or one function for all that also refuses internal flags from callers.',
    values: [
      { value: 'perCall' },
      {
        value: 'isValidGupArgs',
        from: '6.3',
        commit: 'd64e2dbc33a1',
        title: 'mm/gup: simplify the external interface functions and consolidate invariants',
      },
    ],
    source: 'semantics.md A.2.2, B.1',
  },
  {
    id: 'S30',
    name: 'gup.overflowGuard',
    sentence: 'A reference is refused when the count is zero or has gone negative.',
    values: [
      { value: false },
      {
        value: true,
        from: '5.1',
        commit: '8fde12ca79af',
        title: 'mm: prevent get_user_pages() from overflowing page refcount',
      },
    ],
    source: 'semantics.md A.30 S30, A.9',
  },
  {
    id: 'S31',
    name: 'gup.stackGrow',
    sentence: 'A reference to an address below a stack mapping grows the stack.',
    values: [
      { value: true },
      {
        value: false,
        from: '6.5',
        commit: '8d7071af8907',
        title: 'mm: always expand the stack with the mmap write lock held',
      },
    ],
    source: 'semantics.md A.30 S31, A.4.2',
  },
  {
    id: 'S40',
    name: 'gup.numaDefault',
    sentence:
      'References fault on NUMA hinting entries unless forced; later only if the caller asks (FOLL_HONOR_NUMA_FAULT).',
    values: [
      { value: true },
      {
        value: false,
        from: '6.5',
        commit: 'd74943a2f3cd',
        title: 'mm/gup: reintroduce FOLL_NUMA as FOLL_HONOR_NUMA_FAULT',
      },
    ],
    source: 'semantics.md A.30 S40, A.6.3',
  },
  {
    id: 'S48',
    name: 'gup.splitPmdHugetlb',
    sentence: 'FOLL_SPLIT_PMD on a hugetlb mapping is ignored or refused with -EOPNOTSUPP.',
    values: [{ value: 'ignored' }, { value: 'refused', from: '6.15' }],
    source: 'semantics.md A.5.4',
  },
  {
    id: 'S49',
    name: 'gup.hugeBatch',
    sentence: 'The slow path takes the rest of a huge entry with one more grab, not page by page.',
    values: [
      { value: false },
      {
        value: true,
        from: '6.6',
        commit: '57edfcfd3419',
        title: 'mm/gup: accelerate thp gup even for "pages != NULL"',
      },
    ],
    source: 'semantics.md A.4.6; Fixes: line of a later commit ("6.6+")',
  },
  {
    id: 'S50',
    name: 'gup.completed',
    sentence:
      'A fault that dropped mmap_lock can tell that it is done (VM_FAULT_COMPLETED), so that the walk need not fault again.',
    values: [
      { value: false },
      {
        value: true,
        from: '6.0',
        commit: 'd92725256b4f',
        title: 'mm: avoid unnecessary page fault retires on shared memory types',
      },
    ],
    source: 'semantics.md A.7.3',
    unread: "The model's faults never drop mmap_lock and then say that they are done.",
  },
] as const satisfies readonly RuleData[];
