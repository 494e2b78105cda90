import type { RuleData } from '../types.ts';

const FOLL_PIN_USERS = { from: '5.6' } as const;

/** Which kind of reference each user of pages takes (A.28). */
export const USER_RULES = [
  {
    id: 'S75',
    name: 'users.rdma',
    sentence: 'How an RDMA memory region holds its pages.',
    values: [
      { value: 'get' },
      {
        value: 'getLongterm',
        from: '4.15',
        title: 'IB/core: disable memory registration of filesystem-dax vmas',
      },
      {
        value: 'pinLongterm',
        ...FOLL_PIN_USERS,
        title: 'IB/{core,hw,umem}: set FOLL_PIN via pin_user_pages*(), fix up ODP',
      },
    ],
    source: 'semantics.md A.28',
  },
  {
    id: 'S76',
    name: 'users.rdmaFast',
    sentence: 'An RDMA memory region takes its pages by the fast path first.',
    values: [
      { value: false },
      {
        value: true,
        from: '5.6',
        title: 'IB/umem: use get_user_pages_fast() to pin DMA pages',
      },
    ],
    source: 'semantics.md A.28',
  },
  {
    id: 'S77',
    name: 'users.rdmaForce',
    sentence: 'A read-only RDMA memory region is pinned with WRITE and FORCE, later without.',
    values: [
      { value: true },
      {
        value: false,
        from: '6.2',
        commit: 'b40656aa7d55',
        title: 'RDMA/umem: remove FOLL_FORCE usage',
      },
    ],
    source: 'semantics.md A.28, B.1',
  },
  {
    id: 'S78',
    name: 'users.rdmaOdp',
    sentence:
      'How on-demand paging finds pages: short references under a notifier, or hmm_range_fault.',
    values: [
      { value: 'gup' },
      {
        value: 'hmm',
        from: '5.10',
        commit: '36f30e486dce',
        title: 'IB/core: Improve ODP to use hmm_range_fault()',
      },
    ],
    source: 'semantics.md A.28, A.25.5',
  },
  {
    id: 'S79',
    name: 'users.vfio',
    sentence: 'How a VFIO DMA mapping holds its pages.',
    values: [
      { value: 'get' },
      {
        value: 'getLongterm',
        from: '4.16',
        title: 'vfio: disable filesystem-dax page pinning',
      },
      {
        value: 'pinLongterm',
        ...FOLL_PIN_USERS,
        title: 'vfio, mm: pin_user_pages (FOLL_PIN) and put_user_page() conversion',
      },
    ],
    source: 'semantics.md A.28',
  },
  {
    id: 'S80',
    name: 'users.v4l2',
    sentence: 'How a V4L2 user pointer buffer (videobuf2, its frame vector) holds its pages.',
    values: [
      { value: 'get' },
      {
        value: 'pin',
        from: '5.8',
        commit: '55a650c35fea',
        title: 'mm/gup: frame_vector: convert get_user_pages() --> pin_user_pages()',
      },
      {
        value: 'pinLongterm',
        from: '5.12',
        commit: '04769cb1c45a',
        title: 'mm/frame-vector: Use FOLL_LONGTERM',
      },
    ],
    source: 'semantics.md A.28',
  },
  {
    id: 'S81',
    name: 'users.xdp',
    sentence: 'How an AF_XDP umem holds its pages.',
    values: [
      { value: 'none' },
      {
        value: 'get',
        from: '4.18',
        title: 'xsk: add user memory registration support sockopt',
      },
      {
        value: 'getLongterm',
        from: '5.1',
        title: 'xsk: share the mmap_sem for page pinning',
      },
      {
        value: 'pinLongterm',
        ...FOLL_PIN_USERS,
        title: 'net/xdp: set FOLL_PIN via pin_user_pages()',
      },
    ],
    source: 'semantics.md A.28',
  },
  {
    id: 'S82',
    name: 'users.ioUring',
    sentence: 'How io_uring holds registered buffers.',
    values: [
      { value: 'none' },
      {
        value: 'getLongterm',
        from: '5.1',
        title: 'io_uring: add support for pre-mapped user IO buffers',
      },
      {
        value: 'pinLongterm',
        ...FOLL_PIN_USERS,
        title: 'fs/io_uring: set FOLL_PIN via pin_user_pages()',
      },
    ],
    source: 'semantics.md A.28',
  },
  {
    id: 'S167',
    name: 'users.ioUringFast',
    sentence:
      'io_uring pins registered buffers by the fast call, without mmap_lock: a fault may wait for userfaultfd.',
    values: [
      { value: false },
      {
        value: true,
        from: '6.10',
        commit: '1943f96b3816',
        title: 'io_uring: unify io_pin_pages()',
      },
    ],
    source: 'io_uring/rsrc.c, io_uring/memmap.c: io_pin_pages()',
  },
  {
    id: 'S239',
    name: 'users.ioUringCoalesce',
    sentence:
      'io_uring keeps registered pages that follow each other in one folio as one piece, and gives all pins of it back but one: not at all, where the whole buffer lies in one folio, or also over several folios of one size.',
    values: [
      { value: 'no' },
      {
        value: 'folio',
        from: '6.3',
        commit: '57bebf807e2a',
        title: 'io_uring/rsrc: optimise registered huge pages',
      },
      {
        value: 'folios',
        from: '6.12',
        commit: 'a8edbb424b13',
        title: 'io_uring/rsrc: enable multi-hugepage buffer coalescing',
      },
    ],
    source: 'io_uring/rsrc.c: io_sqe_buffer_register(); seen on 6.18.44 (pinfold fuzz)',
  },
  {
    id: 'S83',
    name: 'users.processVm',
    sentence: 'How process_vm_readv and process_vm_writev hold the pages of the other process.',
    values: [
      { value: 'get' },
      {
        value: 'pin',
        ...FOLL_PIN_USERS,
        title: 'mm/process_vm_access: set FOLL_PIN via pin_user_pages_remote()',
      },
    ],
    source: 'semantics.md A.28',
  },
  {
    id: 'S84',
    name: 'users.ioUringFileBacked',
    sentence:
      'Who refuses file mappings as io_uring buffers: io_uring itself with -EOPNOTSUPP, or only the pinning code with -EFAULT.',
    values: [
      { value: 'eopnotsupp' },
      {
        value: 'gup',
        from: '6.5',
        commit: '34ed8d0dcd69',
        title: 'io_uring: rsrc: delegate VMA file-backed check to GUP',
      },
    ],
    source: 'conformance.md 2',
  },
  {
    id: 'S210',
    name: 'users.iommufd',
    sentence: 'How an iommufd I/O address space holds its pages.',
    values: [
      { value: 'none' },
      {
        value: 'pinLongterm',
        from: '6.2',
        title: 'iommufd: PFN handling for iopt_pages',
      },
    ],
    source: 'semantics.md A.28',
  },
  {
    id: 'S211',
    name: 'users.goldfish',
    sentence: 'How the goldfish pipe holds the buffer of a transfer.',
    values: [
      { value: 'get' },
      {
        value: 'pin',
        ...FOLL_PIN_USERS,
        title: 'goldish_pipe: convert to pin_user_pages() and put_user_page()',
      },
    ],
    source: 'seeds.md A11',
  },
  {
    id: 'S212',
    name: 'users.mmIommu',
    sentence: 'How memory that is preregistered for the TCE tables of powerpc is held.',
    values: [
      { value: 'get' },
      {
        value: 'getLongterm',
        from: '5.1',
        title: 'powerpc/mm/iommu: allow migration of cma allocated pages during mm_iommu_do_alloc',
      },
      {
        value: 'pinLongterm',
        ...FOLL_PIN_USERS,
        title: 'powerpc: book3s64: convert to pin_user_pages() and put_user_page()',
      },
    ],
    source: 'seeds.md A11',
  },
  {
    id: 'S213',
    name: 'users.v4l2Force',
    sentence: 'A V4L2 user pointer buffer is taken by force, also where it is mapped read-only.',
    values: [
      { value: true },
      {
        value: false,
        from: '6.2',
        title: 'mm/frame-vector: remove FOLL_FORCE usage',
      },
    ],
    source: 'semantics.md B.1',
  },
  {
    id: 'S214',
    name: 'users.ioUringPinnedVm',
    sentence: 'io_uring counts registered buffers in mm->pinned_vm too, for VmPin to show.',
    values: [
      { value: false },
      { value: true, from: '5.8', title: 'io_uring: report pinned memory usage' },
    ],
    source: 'users.md 4',
  },
] as const satisfies readonly RuleData[];
