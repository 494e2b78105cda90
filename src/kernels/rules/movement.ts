import type { RuleData } from '../types.ts';

/** Memory that moves, merges, breaks or is answered by user space: CMA, offline, KSM, hwpoison, userfaultfd. */
export const MOVEMENT_RULES = [
  {
    id: 'S160',
    name: 'longterm.isolated',
    sentence:
      'A longterm pin keeps out of blocks of memory that somebody has isolated; before, such a block of CMA does not look like CMA.',
    values: [
      { value: false },
      {
        value: true,
        from: '5.19',
        commit: '1c563432588d',
        title: 'mm: fix is_pinnable_page against a cma page',
      },
    ],
    source: 'semantics.md A.12.1, users.md 38',
  },
  {
    id: 'S161',
    name: 'offline.givesUp',
    sentence:
      'Memory offline gives up after some attempts; later it goes on until the memory is empty or a signal comes.',
    values: [
      { value: true },
      {
        value: false,
        from: '4.15',
        commit: '72b39cfc4d75',
        title: 'mm, memory_hotplug: do not fail offlining too early',
      },
    ],
    source: 'semantics.md A.19.5; also ecde0f3e7f9e',
  },
  {
    id: 'S162',
    name: 'ksm.breakUnshares',
    sentence:
      'A KSM page is given up (MADV_UNMERGEABLE) by a fault that only unshares it, not by one that writes.',
    values: [
      { value: false },
      {
        value: true,
        from: '6.2',
        title: 'mm/ksm: fix KSM COW breaking with userfaultfd-wp via FAULT_FLAG_UNSHARE',
      },
    ],
    source: 'patch of October 2022',
  },
  {
    id: 'S163',
    name: 'hwpoison.softOfflineErrno',
    sentence: 'The error of soft offline where a page cannot be moved.',
    values: [
      { value: 'EIO' },
      {
        value: 'EBUSY',
        from: '5.11',
        commit: '3f4b815a439a',
        title: 'mm,hwpoison: return -EBUSY when migration fails',
      },
    ],
    source: 'semantics.md A.19.7',
  },
  {
    id: 'S164',
    name: 'uffd.wp',
    sentence: 'userfaultfd can write-protect private anonymous memory.',
    values: [
      { value: false },
      {
        value: true,
        from: '5.7',
        title: 'userfaultfd: wp: support write protection for userfault vma range',
      },
    ],
    source: 'ioctl_userfaultfd(2)',
  },
  {
    id: 'S165',
    name: 'uffd.shmem',
    sentence: 'userfaultfd serves missing pages of tmpfs and shared anonymous memory.',
    values: [
      { value: false },
      {
        value: true,
        from: '4.11',
        title: 'userfaultfd: shmem: allow registration of shared memory ranges',
      },
    ],
    source: 'ioctl_userfaultfd(2)',
  },
  {
    id: 'S166',
    name: 'uffd.minor',
    sentence:
      'userfaultfd serves pages of tmpfs that the file has and the process has not (UFFDIO_CONTINUE).',
    values: [
      { value: false },
      {
        value: true,
        from: '5.14',
        title: 'userfaultfd/shmem: support minor fault registration for shmem',
      },
    ],
    source: 'ioctl_userfaultfd(2)',
  },
] as const satisfies readonly RuleData[];
