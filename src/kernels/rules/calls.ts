import type { RuleData } from '../types.ts';

/** Which system calls and advice exist, and how some of them changed. */
export const CALL_RULES = [
  {
    id: 'S91',
    name: 'madvise.free',
    sentence: 'MADV_FREE exists.',
    values: [
      { value: false },
      { value: true, from: '4.5', title: 'mm: support madvise(MADV_FREE)' },
    ],
    source: 'madvise(2)',
  },
  {
    id: 'S92',
    name: 'madvise.wipeonfork',
    sentence: 'MADV_WIPEONFORK exists.',
    values: [
      { value: false },
      {
        value: true,
        from: '4.14',
        title: 'mm,fork: introduce MADV_WIPEONFORK',
      },
    ],
    source: 'madvise(2)',
  },
  {
    id: 'S93',
    name: 'madvise.pageout',
    sentence: 'MADV_PAGEOUT exists.',
    values: [{ value: false }, { value: true, from: '5.4', title: 'mm: introduce MADV_PAGEOUT' }],
    source: 'madvise(2)',
  },
  {
    id: 'S94',
    name: 'madvise.pageoutShared',
    sentence: 'MADV_PAGEOUT also takes pages that are mapped more than once.',
    values: [
      { value: true },
      {
        value: false,
        from: '5.6',
        title: 'mm: do not allow MADV_PAGEOUT for CoW pages',
      },
    ],
    source: 'commit 12e967fd8e4e',
  },
  {
    id: 'S95',
    name: 'madvise.populate',
    sentence: 'MADV_POPULATE_READ and MADV_POPULATE_WRITE exist.',
    values: [
      { value: false },
      {
        value: true,
        from: '5.14',
        title: 'mm/madvise: introduce MADV_POPULATE_(READ|WRITE) to prefault page tables',
      },
    ],
    source: 'madvise(2)',
  },
  {
    id: 'S96',
    name: 'madvise.collapse',
    sentence: 'MADV_COLLAPSE exists.',
    values: [
      { value: false },
      {
        value: true,
        from: '6.1',
        title: 'mm/madvise: introduce MADV_COLLAPSE sync hugepage collapse',
      },
    ],
    source: 'madvise(2)',
  },
  {
    id: 'S97',
    name: 'madvise.dontneedLocked',
    sentence: 'MADV_DONTNEED_LOCKED exists.',
    values: [
      { value: false },
      {
        value: true,
        from: '5.18',
        title: 'mm: madvise: MADV_DONTNEED_LOCKED',
      },
    ],
    source: 'madvise(2)',
  },
  {
    id: 'S244',
    name: 'madvise.guard',
    sentence:
      'Which memory can have guard regions (MADV_GUARD_INSTALL): none, writable private anonymous memory, or any that is of no special kind.',
    values: [
      { value: 'none' },
      {
        value: 'anon',
        from: '6.13',
        commit: '662df3e5c376',
        title: 'mm: madvise: implement lightweight guard page mechanism',
      },
      {
        value: 'any',
        from: '6.15',
        commit: 'f807123d578d',
        title: 'mm: allow guard regions in file-backed and read-only mappings',
      },
    ],
    source: 'madvise(2), MADV_GUARD_INSTALL',
  },
  {
    id: 'S98',
    name: 'call.memfdSecret',
    sentence: 'memfd_secret exists.',
    values: [
      { value: false },
      {
        value: true,
        from: '5.14',
        title: 'mm: introduce memfd_secret system call to create "secret" memory areas',
      },
    ],
    source: 'memfd_secret(2)',
  },
  {
    id: 'S99',
    name: 'call.ioUring',
    sentence: 'io_uring exists.',
    values: [{ value: false }, { value: true, from: '5.1', title: 'Add io_uring IO interface' }],
    source: 'io_uring_setup(2)',
  },
  {
    id: 'S101',
    name: 'call.mapFixedNoreplace',
    sentence: 'MAP_FIXED_NOREPLACE exists.',
    values: [
      { value: false },
      {
        value: true,
        from: '4.17',
        title: 'mm: introduce MAP_FIXED_NOREPLACE',
      },
    ],
    source: 'mmap(2)',
  },
  {
    id: 'S102',
    name: 'call.mremapDontunmap',
    sentence: 'MREMAP_DONTUNMAP exists.',
    values: [
      { value: false },
      {
        value: true,
        from: '5.7',
        title: 'mm/mremap: add MREMAP_DONTUNMAP to mremap()',
      },
    ],
    source: 'mremap(2)',
  },
  {
    id: 'S103',
    name: 'call.sealFutureWrite',
    sentence: 'F_SEAL_FUTURE_WRITE exists.',
    values: [
      { value: false },
      {
        value: true,
        from: '5.1',
        title: 'mm/memfd: add an F_SEAL_FUTURE_WRITE seal to memfd',
      },
    ],
    source: 'fcntl(2)',
  },
  {
    id: 'S198',
    name: 'madvise.hugetlbEnd',
    sentence:
      'MADV_DONTNEED of part of a huge page (hugetlb): the end of the range is rounded up, and the whole page is lost, or down.',
    values: [
      { value: 'up' },
      {
        value: 'down',
        from: '6.1',
        commit: '8ebe0a5eaaeb',
        title: 'mm,madvise,hugetlb: fix unexpected data loss with MADV_DONTNEED on hugetlbfs',
      },
    ],
    source: 'mm/madvise.c: madvise_dontneed_free_valid_vma()',
  },
  {
    id: 'S201',
    name: 'call.memfdHugetlb',
    sentence: 'memfd_create knows MFD_HUGETLB.',
    values: [
      { value: false },
      {
        value: true,
        from: '4.14',
        commit: '749df87bd7be',
        title: 'mm/shmem: add hugetlbfs support to memfd_create()',
      },
    ],
    source: 'memfd_create(2)',
  },
  {
    id: 'S202',
    name: 'call.memfdExec',
    sentence: 'memfd_create knows MFD_EXEC and MFD_NOEXEC_SEAL, and F_SEAL_EXEC exists.',
    values: [
      { value: false },
      {
        value: true,
        from: '6.3',
        commit: '105ff5339f49',
        title: 'mm/memfd: add MFD_NOEXEC_SEAL and MFD_EXEC',
      },
    ],
    source: 'memfd_create(2)',
  },
  {
    id: 'S203',
    name: 'call.tmpfsDirect',
    sentence: 'Files of tmpfs can be opened with O_DIRECT.',
    values: [
      { value: false },
      {
        value: true,
        from: '6.6',
        commit: 'e88e0d366f9c',
        title: 'tmpfs: trivial support for direct IO',
      },
    ],
    source: 'mm/shmem.c: shmem_file_open()',
  },
  {
    id: 'S178',
    name: 'call.mremapSeveral',
    sentence:
      'mremap that only moves (MREMAP_FIXED, size unchanged) may span several mappings; before, all must lie in one.',
    values: [
      { value: false },
      {
        value: true,
        from: '6.17',
        commit: 'd23cb648e365',
        title: 'mm/mremap: permit mremap() move of multiple VMAs',
      },
    ],
    source: 'mm/mremap.c: remap_move()',
  },
  {
    id: 'S183',
    name: 'mremap.dontunmapFiles',
    sentence:
      'MREMAP_DONTUNMAP takes mappings of files and of shared memory, not only private anonymous memory.',
    values: [
      { value: false },
      {
        value: true,
        from: '5.13',
        commit: 'a4609387859f',
        title: 'mm: extend MREMAP_DONTUNMAP to non-anonymous mappings',
      },
    ],
    source: 'mm/mremap.c: vma_to_resize()',
  },
  {
    id: 'S234',
    name: 'mremap.moveTables',
    sentence:
      'mremap moves a page table of 2 MiB as a whole to an empty place, so that none is left where it was (x86).',
    values: [
      { value: false },
      {
        value: true,
        from: '5.0',
        commit: '2c91bd4a4e2e',
        title: 'mm: speed up mremap by 20x on large regions',
      },
    ],
    source: 'mm/mremap.c: move_normal_pmd()',
  },
] as const satisfies readonly RuleData[];
