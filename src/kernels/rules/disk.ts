import type { RuleData } from '../types.ts';

/** File systems on a medium: page cache, writeback, direct I/O beside it (A.23). */
export const DISK_RULES = [
  {
    id: 'S185',
    name: 'ext4.dirtyNoBuffers',
    sentence:
      'What ext4 does when it shall write a dirty page that has no buffers: a BUG, or a warning and the data is thrown away.',
    values: [
      { value: 'bug' },
      {
        value: 'discard',
        from: '5.18',
        commit: 'cc5095747edf',
        title: "ext4: don't BUG if someone dirty pages without asking ext4 first",
      },
    ],
    source: 'semantics.md A.23.3; users.md row 42',
  },
  {
    id: 'S186',
    name: 'ext4.faultsGuarded',
    sentence:
      'On ext4, page faults and those who take blocks away (hole punching, truncation) exclude each other.',
    values: [
      { value: false },
      {
        value: true,
        from: '4.5',
        commit: 'ea3d7209ca01',
        title: 'ext4: fix races between page faults and hole punching',
      },
    ],
    source: 'CVE-2015-8839; semantics.md A.31 T1 to T4',
  },
  {
    id: 'S187',
    name: 'filemap.readsGuarded',
    sentence: 'read(2) that brings a page into the cache is kept apart from hole punching too.',
    values: [
      { value: false },
      {
        value: true,
        from: '5.15',
        commit: '730633f0b7f9',
        title: 'mm: Protect operations adding pages to page cache with invalidate_lock',
      },
    ],
    source: 'semantics.md A.31 T1 to T4',
  },
  {
    id: 'S188',
    name: 'xfs.bufferHeads',
    sentence:
      'XFS keeps buffer heads with the pages that it writes, and stops at a dirty page without them.',
    values: [
      { value: true },
      {
        value: false,
        from: '4.19',
        commit: '82cb14175e7d',
        title: 'xfs: add support for sub-pagesize writeback without buffer_heads',
      },
    ],
    source: 'semantics.md A.23.3',
  },
  {
    id: 'S189',
    name: 'dio.aioInvalidates',
    sentence:
      'An asynchronous direct write takes the pages of its range out of the cache once more when it is complete.',
    values: [
      { value: false },
      {
        value: true,
        from: '4.14',
        commit: '332391a9935d',
        title: 'fs: Fix page cache inconsistency when mixing buffered and AIO DIO',
      },
    ],
    source: 'semantics.md A.23.7',
  },
  {
    id: 'S190',
    name: 'dio.ext4Iomap',
    sentence: 'ext4 does direct I/O through iomap, as XFS does.',
    values: [
      { value: false },
      {
        value: true,
        from: '5.5',
        commit: 'b1b4705d54ab',
        title: 'ext4: introduce direct I/O read using iomap infrastructure',
      },
    ],
    source: 'semantics.md A.23.7',
  },
  {
    id: 'S191',
    name: 'dio.readInvalidates',
    sentence:
      'A direct read through iomap takes the pages of its range out of the cache, although it changes nothing.',
    values: [
      { value: true },
      {
        value: false,
        from: '5.9',
        commit: '54752de928c4',
        title: 'iomap: Only invalidate page cache pages on direct IO writes',
      },
    ],
    source: 'semantics.md A.23.7',
  },
  {
    id: 'S192',
    name: 'dio.iomapFallsBack',
    sentence:
      'A direct write through iomap goes through the cache when a page of its range could not be taken out of it.',
    values: [
      { value: false },
      {
        value: true,
        from: '5.9',
        commit: '60263d5889e6',
        title: 'iomap: fall back to buffered writes for invalidation failures',
      },
    ],
    source: 'semantics.md A.23.7',
  },
  {
    id: 'S193',
    name: 'btrfs.directBuffered',
    sentence:
      'A direct write to btrfs goes through the page cache wherever data has checksums, so that nobody changes it meanwhile.',
    values: [
      { value: false },
      {
        value: true,
        from: '6.15',
        commit: '968f19c5b1b7',
        title: 'btrfs: always fallback to buffered write if the inode requires checksum',
      },
    ],
    source: 'users.md row 43; xfstests generic/761',
  },
] as const satisfies readonly RuleData[];
