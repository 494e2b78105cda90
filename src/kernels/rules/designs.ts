import type { RuleData } from '../types.ts';

/** What mainline never did, in the words of the proposals that would have done it. */
export const DESIGN_RULES = [
  {
    id: 'S204',
    name: 'design.pins',
    sentence:
      'How the kernel knows that a page that it handed out is under DMA: by counts, by a page flag and a count in the place of the LRU links, or by ranges in the interval tree of the inode.',
    values: [{ value: 'counts' }],
    also: ['flag', 'ranges'],
    source: 'semantics.md B.2 (seed2018); seeds.md C1, C2',
  },
  {
    id: 'S205',
    name: 'design.cleanPinned',
    sentence:
      'Whether writeback and reclaim clean and unmap pages under DMA as all others, or leave them out (and wait for the end of the DMA where data must reach the medium).',
    values: [{ value: 'clean' }],
    also: ['skip'],
    source: 'semantics.md B.2 (seed2018), A.23.2; seeds.md A6',
  },
  {
    id: 'S206',
    name: 'pin.counterNames',
    sentence:
      'The two counters of pins are called acquired and released, or requested and returned.',
    values: [{ value: 'acquired' }],
    also: ['requested'],
    source: 'semantics.md B.2 (seed2019v3); seeds.md A9',
  },
  {
    id: 'S207',
    name: 'design.pinFor',
    sentence:
      'FOLL_PIN is for every use of the data, or only for pins whose end user space decides.',
    values: [{ value: 'all' }],
    also: ['longterm'],
    source: 'seeds.md D3',
  },
  {
    id: 'S208',
    name: 'design.coherency',
    sentence:
      'What becomes of a change of the mapping that would part a process from its pinned pages (mprotect, write protection, fork): it is made, or refused with -EBUSY.',
    values: [{ value: 'allowed' }],
    also: ['refused'],
    source: 'seeds.md D2',
  },
  {
    id: 'S209',
    name: 'design.leafGrab',
    sentence:
      'The fast walk takes the pages of a huge entry by one update of the count, or one update a page.',
    values: [{ value: 'once' }],
    also: ['page'],
    source: 'semantics.md A.24.6; seeds.md E1',
  },
  {
    id: 'S238',
    name: 'design.layoutLease',
    sentence:
      'Whether the layout of a file on persistent memory can be leased: who has the lease may pin its pages for long, and what takes blocks away fails with -ETXTBSY meanwhile.',
    values: [{ value: 'none' }],
    also: ['exclusive'],
    source:
      'seeds.md A8; lkml.org/lkml/2019/8/9/1074 (RFC v2 of the RDMA/FS DAX truncate proposal, items 1 to 9)',
  },
] as const satisfies readonly RuleData[];
