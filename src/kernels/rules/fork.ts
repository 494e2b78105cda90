import type { RuleData } from '../types.ts';

/** fork: copy_page_range and its hugetlb twin (A.15, A.17.2). */
export const FORK_RULES = [
  {
    id: 'S13',
    name: 'fork.earlyCopy',
    sentence:
      'Which pinned pages fork copies for the child at once: none, every page that may be pinned, or of these the exclusive anonymous ones.',
    values: [
      { value: 'none' },
      {
        value: 'maybePinned',
        from: '5.9',
        commit: '70e806e4e645',
        title: 'mm: Do early cow for pinned pages during fork() for ptes',
      },
      {
        value: 'exclusive',
        from: '5.19',
        commit: 'fb3d824d1a46',
        title:
          'mm/rmap: split page_dup_rmap() into page_dup_file_rmap() and page_try_dup_anon_rmap()',
      },
    ],
    source: 'semantics.md A.30 S13, A.15.4',
  },
  {
    id: 'S13b',
    name: 'fork.hugetlbEarlyCopy',
    sentence: 'fork copies pinned hugetlb pages too.',
    values: [
      { value: false },
      {
        value: true,
        from: '5.12',
        commit: '4eae4efa2c29',
        title: 'hugetlb: do early cow when page pinned on src mm',
      },
    ],
    source: 'semantics.md A.30 S13, A.17.2',
  },
  {
    id: 'S14',
    name: 'fork.seq',
    sentence:
      'Where fork raises write_protect_seq, which makes gup-fast give up: nowhere, in normal mappings, in all (hugetlb too).',
    values: [
      { value: 'none' },
      {
        value: 'normal',
        from: '5.11',
        commit: '57efa1fe5957',
        title: 'mm/gup: prevent gup_fast from racing with COW during fork',
      },
      {
        value: 'all',
        from: '5.19',
        commit: '623a1ddfeb23',
        title: 'mm/hugetlb: take src_mm->write_protect_seq in copy_hugetlb_page_range()',
      },
    ],
    source: 'semantics.md A.30 S14, A.15.3',
  },
  {
    id: 'S36',
    name: 'fork.nonAnonCopyBug',
    sentence:
      'fork also copies early what is not anonymous in a private mapping (a pinned zero page or file page).',
    values: [
      { value: false },
      {
        value: true,
        from: '5.9',
        commit: '70e806e4e645',
        title: 'mm: Do early cow for pinned pages during fork() for ptes',
      },
      {
        value: false,
        from: '5.19',
        commit: 'fb3d824d1a46',
        title:
          'mm/rmap: split page_dup_rmap() into page_dup_file_rmap() and page_try_dup_anon_rmap()',
      },
    ],
    source: 'semantics.md A.30 S36',
  },
] as const satisfies readonly RuleData[];
