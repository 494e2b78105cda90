import { withOverrides } from './kernels.ts';
import type { RuleOverrides, Rules } from './types.ts';

/** A proposal that no release took over, as rules that differ from those of a mainline release. */
export interface Design {
  /** As `--design` and `Design:` lines name it. */
  readonly name: string;
  readonly sentence: string;
  /** Mainline release it was made for; the rest behaves as there unless a check asks for another. */
  readonly base: string;
  readonly overrides: RuleOverrides;
  /** What the discussion said for and against it, and what the model leaves out; one sentence each. */
  readonly notes: readonly string[];
  readonly source: string;
}

/** What the proposals of 2018 have in common: every page of get_user_pages() is tracked until put_user_page(). */
const TRACKED = {
  'design.cleanPinned': 'skip',
  'pin.impl': 'placeholder',
  'pin.putUserPage': 'unpin',
  'api.pageDmaPinned': true,
  'api.putUserPage': true,
} as const satisfies RuleOverrides;

/** The design variants that are rules and nothing else. */
export const DESIGNS: readonly Design[] = [
  {
    name: 'pg-dma-pinned',
    sentence:
      'The proposal of June 2018: get_user_pages() sets a page flag, counts in the place of the LRU links, and takes the page off its LRU list until put_user_page().',
    base: '4.18',
    overrides: { ...TRACKED, 'design.pins': 'flag' },
    notes: [
      'It never takes a page for pinned that is not, and struct page does not grow.',
      'Every place that puts pages on an LRU list has to look at the flag, for the links hold the count.',
      'Each pin and each unpin takes a lock that all pins of a zone share.',
      'A caller that still says put_page() leaves the page pinned: nothing can tell the two apart.',
      'fsync() waits for the end of the DMA, which for RDMA may be never.',
    ],
    source: 'semantics.md B.2 (seed2018); seeds.md C1',
  },
  {
    name: 'range-lock',
    sentence:
      "The other proposal of 2018: pinned ranges of a file are entries of the inode's interval tree, which writeback, reclaim and truncation ask.",
    base: '4.18',
    overrides: { ...TRACKED, 'design.pins': 'ranges' },
    notes: [
      'It is exact for pages of files, and no page changes; anonymous memory has no inode, and is not covered.',
      'Unpins come in any order and for part of a range, so that an entry must be split, in completion contexts too, where the memory for that may be missing.',
      'Truncation and fsync() wait for the device.',
      'The model has one lock for all trees, and a range is put together from pins of pages that follow each other.',
    ],
    source: 'semantics.md B.2 (seed2018); seeds.md C2',
  },
  {
    name: 'bias-2019',
    sentence:
      'FOLL_PIN as posted in November 2019: 1024 references a pin on every page, large ones too, and page_dma_pinned looks at the signed count.',
    base: '5.4',
    overrides: {
      'pin.impl': 'bias',
      'pin.largePincountMinOrder': 64,
      'pin.counters': true,
      'pin.counterNames': 'requested',
      'pin.pinnedCheck': 'signed',
      'pin.putUserPage': 'unpin',
      'design.layoutLease': 'exclusive',
      'api.pinUserPages': true,
      'api.pinLongtermPages': true,
      'api.pageDmaPinned': true,
      'api.putUserPage': true,
      'foll.pin': 0x40000,
      // WRITE, LONGTERM, PIN in the numbering of 6.3.
      'fast.flags': (1 << 0) | (1 << 8) | (1 << 19),
    },
    notes: [
      'A pin costs no lock and no byte; 1024 plain references look like one.',
      'A huge page pinned page by page overflows its count: a 1 GiB page after a few times.',
      'The counters are called nr_foll_pin_requested and nr_foll_pin_returned.',
      'Pins of DAX files for long need a layout lease, which was planned as a prerequisite (RFC of August 2019): truncation then fails with -ETXTBSY rather than wait.',
      'The model gives the lease back by F_UNLCK or when the file is evicted, not when its descriptor is closed.',
    ],
    source: 'semantics.md B.2, seed2019v3; seeds.md A',
  },
  {
    name: 'pin-longterm-only',
    sentence:
      'FOLL_PIN only where user space decides when the pin ends (RDMA, VFIO, io_uring, V4L2, AF_XDP); direct I/O and process_vm_readv take plain references.',
    // The release in which mainline went the other way.
    base: '6.5',
    overrides: {
      'design.pinFor': 'longterm',
      'dio.ref': 'get',
      'users.processVm': 'get',
    },
    notes: [
      'Requests that end by themselves cost a plain reference each.',
      'A fork while direct I/O is in flight may again part the buffer from the device: nothing tells the kernel that the page is written to.',
    ],
    source: 'seeds.md D3',
  },
  {
    name: 'enforce-coherency',
    sentence:
      'A process may not take away its own right to write to pages that it has pinned: mprotect, write protection by userfaultfd and fork answer -EBUSY.',
    base: '5.11',
    overrides: { 'design.coherency': 'refused' },
    notes: [
      'What the documentation asks of programs becomes an error that they see.',
      'Programs break that fork with pinned memory and never look at it again, as every shell command started from an RDMA program.',
      'The look is made before the change: a pin that comes later is not seen.',
      '1024 plain references refuse as well, for they look like a pin.',
    ],
    source: 'seeds.md D2',
  },
  {
    name: 'grab-once',
    sentence:
      'The walk takes all pages of a huge entry by one update of the count, on the fast and the slow path alike.',
    // The first release whose device-dax is made of compound pages, as the series that it was posted in made it.
    base: '5.17',
    overrides: {
      'gup.hugeBatch': true,
      'hugetlb.grabOnce': true,
      'devmap.walk': 'once',
      'devmap.insertCheck': true,
    },
    notes: [
      'Posted in 2021 for device memory; reached in 6.17 by deleting the special path.',
      'An entry over several compound pages would be counted on the wrong one: its insertion is refused.',
    ],
    source: 'seeds.md E1; semantics.md A.24.6',
  },
  {
    name: 'per-page',
    sentence: 'The walk takes every 4 KiB page of a huge entry by an update of its own.',
    base: '5.17',
    overrides: {
      'design.leafGrab': 'page',
      'gup.hugeBatch': false,
      'hugetlb.grabOnce': false,
      'devmap.walk': 'perPage',
    },
    notes: [
      'What the walk of device pages did up to 6.16, here for every kind of huge page.',
      'Others can see a part of the references.',
    ],
    source: 'seeds.md E1; semantics.md A.24.6',
  },
];

/** The design called `name`, or undefined. */
export function designNamed(name: string): Design | undefined {
  return DESIGNS.find((d) => d.name === name);
}

/** The rules of a design on top of mainline `version`. Frozen. Throws RangeError for an unknown release. */
export function designRules(design: Design, version: string = design.base): Rules {
  return withOverrides(version, design.overrides);
}
