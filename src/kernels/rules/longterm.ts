import type { RuleData } from '../types.ts';

/** FOLL_LONGTERM and what came before it (A.12, A.5.3, A.5.6). */
export const LONGTERM_RULES = [
  {
    id: 'S19',
    name: 'slow.writeFileLongterm',
    sentence:
      'A longterm pin for writing is allowed in a shared mapping of a file whose dirtying the file system tracks.',
    values: [
      { value: true },
      {
        value: false,
        from: '6.5',
        commit: '8ac268436e6d',
        title: 'mm/gup: disallow FOLL_LONGTERM GUP-nonfast writing to file-backed mappings',
      },
    ],
    source: 'semantics.md A.30 S19, A.5.6',
  },
  {
    id: 'S20',
    name: 'longterm.fsdax',
    sentence:
      'When a longterm reference to file system DAX is refused: never, after the pages were taken, or before.',
    values: [
      { value: 'none' },
      {
        value: 'after',
        from: '4.15',
        commit: '2bb6d2837083',
        title: 'mm: introduce get_user_pages_longterm',
      },
      {
        value: 'before',
        from: '5.11',
        commit: '52650c8b466b',
        title: 'mm/gup: remove the vma allocation from gup_longterm_locked()',
      },
    ],
    source: 'semantics.md A.30 S20, A.5.3',
  },
  {
    id: 'S21',
    name: 'longterm.cma',
    sentence:
      'What a longterm reference does with a page in CMA: leaves it, moves it if it can, or moves it or fails.',
    values: [
      { value: 'none' },
      {
        value: 'migrateOrStay',
        from: '5.1',
        commit: '9a4e9f3b2d73',
        title: 'mm: update get_user_pages_longterm to migrate pages allocated from CMA region',
      },
      {
        value: 'migrateOrFail',
        from: '5.13',
        commit: 'f0f4463837da',
        title: 'mm/gup: return an error on migration failure',
      },
    ],
    source: 'semantics.md A.30 S21, A.12',
  },
  {
    id: 'S22',
    name: 'longterm.movable',
    sentence:
      'A longterm pin also leaves ZONE_MOVABLE, and pins again until every page lies where it may stay.',
    values: [
      { value: false },
      {
        value: true,
        from: '5.13',
        commit: 'd1e153fea2a8',
        title: 'mm/gup: migrate pinned pages out of movable zone',
      },
    ],
    source: 'semantics.md A.30 S22, A.12.4',
  },
  {
    id: 'S22b',
    name: 'longterm.unisolated',
    sentence:
      'A page that should move but cannot be taken off its LRU list stays where it is, or is tried again.',
    values: [
      { value: 'stays' },
      {
        value: 'retry',
        from: '5.13',
        commit: 'd1e153fea2a8',
        title: 'mm/gup: migrate pinned pages out of movable zone',
      },
      {
        value: 'stays',
        from: '6.14',
        commit: '1aaf8c122918',
        title: 'mm: gup: fix infinite loop within __get_longterm_locked',
      },
      {
        value: 'retry',
        from: '6.16',
        commit: '517f496e1e61',
        title: 'Revert "mm/gup: fix infinite loop within __get_longterm_locked"',
      },
    ],
    source: 'semantics.md A.30 S22, A.12.5',
  },
  {
    id: 'S23',
    name: 'longterm.get',
    sentence: 'LONGTERM is accepted with plain references (get_user_pages).',
    values: [
      { value: true },
      {
        value: false,
        from: '5.10',
        commit: '447f3e45c18a',
        title: "mm/gup: don't permit users to call get_user_pages with FOLL_LONGTERM",
      },
    ],
    source: 'semantics.md A.30 S23, A.2.2',
  },
  {
    id: 'S246',
    name: 'longterm.unlocked',
    sentence: 'The unlocked calls take FOLL_LONGTERM.',
    values: [
      { value: false },
      {
        value: true,
        from: '6.2',
        title: 'mm/gup: remove the restriction on locked with FOLL_LONGTERM',
      },
    ],
    source:
      '932f4a630a69 (5.2) refuses it; the release that takes it from the series that the change was part of',
  },
  {
    id: 'S54',
    name: 'longterm.remote',
    sentence: 'The calls on another address space take LONGTERM.',
    values: [
      { value: false },
      {
        value: true,
        from: '5.6',
        commit: 'c4237f8b1f4f',
        title: "mm: fix get_user_pages_remote()'s handling of FOLL_LONGTERM",
      },
    ],
    source: 'semantics.md B.2',
  },
  {
    id: 'S55',
    name: 'longterm.drain',
    sentence:
      'When collecting pages to move drains the LRU batches: never, when a page is not on its list, or when its references show that it is in a batch.',
    values: [
      { value: 'none' },
      {
        value: 'notLru',
        from: '5.1',
        commit: '9a4e9f3b2d73',
        title: 'mm: update get_user_pages_longterm to migrate pages allocated from CMA region',
      },
      {
        value: 'refcount',
        from: '6.17',
        commit: '98c6d259319e',
        title: 'mm/gup: check ref_count instead of lru before migration',
      },
    ],
    source: 'semantics.md A.12.3, B.1',
  },
  {
    id: 'S56',
    name: 'longterm.leakOnFailure',
    sentence:
      'A longterm pin that runs out of memory while it checks its pages never gives them back.',
    values: [
      { value: false },
      {
        value: true,
        from: '6.11',
        commit: '53ba78de064b',
        title: 'mm/gup: introduce check_and_migrate_movable_folios()',
      },
      {
        value: false,
        from: '6.12',
        commit: 'aa6f8b2593b5',
        title: 'mm/gup: stop leaking pinned pages in low memory conditions',
      },
    ],
    source: 'scenarios.md 60, users.md 16',
  },
  {
    id: 'S57',
    name: 'longterm.bigBatch',
    sentence:
      'One call can pin more than 2 GiB for long: no array over all its folios has to be allocated.',
    values: [
      { value: true },
      {
        value: false,
        from: '6.11',
        commit: '53ba78de064b',
        title: 'mm/gup: introduce check_and_migrate_movable_folios()',
      },
      {
        value: true,
        from: '6.13',
        commit: '94efde1d1539',
        title: 'mm/gup: avoid an unnecessary allocation call for FOLL_LONGTERM cases',
      },
    ],
    source: 'semantics.md B.1',
  },
  {
    id: 'S58',
    name: 'longterm.fsdaxFolio',
    sentence: 'Pages of file system DAX are refused for long also by looking at the folio alone.',
    values: [
      { value: false },
      {
        value: true,
        from: '6.15',
        commit: 'd5b3afea22a5',
        title: "mm/gup: don't allow FOLL_LONGTERM pinning of FS DAX pages",
      },
    ],
    source: 'semantics.md A.12.1, B.1',
  },
  {
    id: 'S59',
    name: 'memfd.repeatsFolio',
    sentence: 'memfd_pin_folios lists a folio again for each index of it that it meets.',
    values: [{ value: true }, { value: false, from: '6.17' }],
    source: 'semantics.md A.29',
    unread: "The model's memfd_pin_folios goes from folio to folio and lists each once.",
  },
] as const satisfies readonly RuleData[];
