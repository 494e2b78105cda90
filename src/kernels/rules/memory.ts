import type { RuleData } from '../types.ts';

/** What reclaim, swap, NUMA balancing, KSM, soft-dirty and mprotect do with a pinned page (A.18 to A.22). */
export const MEMORY_RULES = [
  {
    id: 'S24',
    name: 'swap.pinCheck',
    sentence:
      'Reclaim leaves an anonymous page that may be pinned where it is, and does not put it into the swap cache.',
    values: [
      { value: false },
      {
        value: true,
        from: '5.11',
        commit: 'feb889fb40fa',
        title: "mm: don't put pinned pages into the swap cache",
      },
    ],
    source: 'semantics.md A.30 S24, A.18.1',
  },
  {
    id: 'S25',
    name: 'reclaim.pinCheckFile',
    sentence:
      "Reclaim does not write back a page that may be pinned, nor take its file system's private data.",
    values: [
      { value: false },
      {
        value: true,
        from: '6.4',
        commit: 'd824ec2a1546',
        title: 'mm: do not reclaim private data from pinned page',
      },
    ],
    source: 'semantics.md A.30 S25, A.18.3',
  },
  {
    id: 'S89',
    name: 'reclaim.lazyfreeRefCheck',
    sentence:
      'Reclaim throws a clean MADV_FREE page away only if nobody holds a reference to it beside its mappings.',
    values: [
      { value: false },
      {
        value: true,
        from: '5.18',
        title: 'mm: fix race between MADV_FREE reclaim and blkdev direct IO read',
      },
    ],
    source: 'semantics.md A.18.4',
  },
  {
    id: 'S26',
    name: 'softdirty.pinSkip',
    sentence:
      'Clearing soft-dirty bits leaves the writable entry of a page that may be pinned alone.',
    values: [
      { value: false },
      {
        value: true,
        from: '5.11',
        commit: '9348b73c2e1b',
        title: "mm: don't play games with pinned pages in clear_page_refs",
      },
    ],
    source: 'semantics.md A.30 S26, A.22.3',
  },
  {
    id: 'S27',
    name: 'numa.pinSkip',
    sentence:
      'Which pages of private mappings NUMA balancing leaves alone: those mapped more than once, with more than one reference, or maybe pinned or shared.',
    values: [
      { value: 'mapcount' },
      {
        value: 'refcount',
        from: '5.17',
        commit: '80d47f5de5e3',
        title: "mm: don't try to NUMA-migrate COW pages that have other uses",
      },
      {
        value: 'pinned',
        from: '6.10',
        commit: 'd2136d749d76',
        title: 'mm: support multi-size THP numa balancing',
      },
    ],
    source: 'semantics.md A.30 S27, A.19.6',
  },
  {
    id: 'S28',
    name: 'ksm.reuse',
    sentence: 'A write fault keeps a KSM page that is mapped once and has one reference.',
    values: [
      { value: false },
      {
        value: true,
        from: '5.1',
        title: 'mm: reuse only-pte-mapped KSM page in do_wp_page()',
      },
      {
        value: false,
        from: '5.9',
        commit: '1a0cf26323c8',
        title: 'mm/ksm: Remove reuse_ksm_page()',
      },
    ],
    source: 'semantics.md A.30 S28',
  },
  {
    id: 'S63',
    name: 'mprotect.writableUpgrade',
    sentence:
      'mprotect that gives write permission maps an exclusive, dirty anonymous page writable at once, without a fault.',
    values: [
      { value: false },
      {
        value: true,
        from: '6.0',
        commit: '64fe24a3e05e',
        title:
          'mm/mprotect: try avoiding write faults for exclusive anonymous pages when changing protection',
      },
    ],
    source: 'semantics.md A.22.1; conformance.md 2',
  },
  {
    id: 'S64',
    name: 'mprotect.upgradeClean',
    sentence: 'The same for exclusive anonymous pages whose entry is clean.',
    values: [
      { value: false },
      {
        value: true,
        from: '6.2',
        commit: 'd84887739d5c',
        title: 'mm/mprotect: allow clean exclusive anon pages to be writable',
      },
    ],
    source: 'semantics.md A.22.1; docs/findings.md',
  },
  {
    id: 'S37',
    name: 'uffd.move',
    sentence:
      'userfaultfd can move pages (UFFDIO_MOVE); a pinned or shared page is refused with -EBUSY.',
    values: [
      { value: false },
      { value: true, from: '6.8', commit: 'adef440691ba', title: 'userfaultfd: UFFDIO_MOVE uABI' },
    ],
    source: 'semantics.md A.30 S37, A.22.5',
  },
  {
    id: 'S251',
    name: 'uffd.endsWithMove',
    sentence:
      'A mapping that mremap moves is no longer registered with userfaultfd (without UFFD_FEATURE_EVENT_REMAP, which tests do not ask for).',
    values: [
      { value: false },
      {
        value: true,
        from: '5.0',
        commit: '3cfd22be0ad6',
        title: 'userfaultfd: clear flag if remap event not enabled',
      },
    ],
    source: 'fs/userfaultfd.c: mremap_userfaultfd_prep',
  },
  {
    id: 'S65',
    name: 'uffd.continueDirty',
    sentence: 'UFFDIO_CONTINUE and UFFDIO_COPY on shared memory install dirty entries.',
    values: [
      { value: false },
      {
        value: true,
        from: '5.16',
        commit: '9ae0f87d009c',
        title: 'mm/shmem: unconditionally set pte dirty in mfill_atomic_install_pte',
      },
    ],
    source: 'semantics.md B.4 (window of CVE-2022-2590)',
  },
  {
    id: 'S195',
    name: 'stack.belowPointer',
    sentence:
      'A program may touch memory far below its stack pointer and have a MAP_GROWSDOWN mapping grow there (x86).',
    values: [
      { value: false },
      {
        value: true,
        from: '5.0',
        commit: '1d8ca3be86eb',
        title: 'x86/mm/fault: Allow stack access below %rsp',
      },
    ],
    source: 'arch/x86/mm/fault.c: do_user_addr_fault()',
  },
  {
    id: 'S196',
    name: 'mremap.hugetlb',
    sentence: 'mremap can move mappings of huge pages (hugetlb).',
    values: [
      { value: false },
      {
        value: true,
        from: '5.16',
        commit: '550a7d60bd5e',
        title: 'mm, hugepages: add mremap() support for hugepage backed vma',
      },
    ],
    source: 'mm/mremap.c: move_page_tables()',
  },
  {
    id: 'S197',
    name: 'mremap.zeroPrivate',
    sentence:
      'mremap with an old size of 0 makes a second mapping of private memory too, with new pages.',
    values: [
      { value: true },
      {
        value: false,
        from: '4.14',
        commit: 'dba58d3b8c50',
        title: 'mm/mremap: fail map duplication attempts for private mappings',
      },
    ],
    source: 'mm/mremap.c: vma_to_resize()',
  },
  {
    id: 'S175',
    name: 'vma.mergeIntoUntouched',
    sentence:
      'A mapping with anonymous pages of its own merges into a neighbour that has none yet; before, only the other way round.',
    values: [
      { value: false },
      {
        value: true,
        from: '6.16',
        commit: '879bca0a2c4f',
        title: 'mm/vma: fix incorrectly disallowed anonymous VMA merges',
      },
    ],
    source: 'mm/vma.c: is_mergeable_anon_vma()',
  },
  {
    id: 'S176',
    name: 'mprotect.unaccount',
    sentence:
      'mprotect that takes write permission from anonymous memory without pages gives its commit charge (VM_ACCOUNT) back, so that it merges with memory that was never writable.',
    values: [
      { value: false },
      {
        value: true,
        from: '6.7',
        commit: '9b9143298583',
        title: 'mm/mprotect: allow unfaulted VMAs to be unaccounted on mprotect()',
      },
    ],
    source: 'mm/mprotect.c: mprotect_fixup()',
  },
  {
    id: 'S177',
    name: 'madvise.freeTables',
    sentence:
      'MADV_DONTNEED of a whole 2 MiB range frees the page table that it has emptied, so that a huge page can be mapped there again.',
    values: [
      { value: false },
      {
        value: true,
        from: '6.14',
        commit: '6375e95f381e',
        title: 'mm: pgtable: reclaim empty PTE page in madvise(MADV_DONTNEED)',
      },
    ],
    source: 'mm/memory.c: zap_pte_range()',
  },
] as const satisfies readonly RuleData[];
