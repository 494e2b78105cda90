import type { RuleData } from '../types.ts';

/*
 * Flags that the fast entry accepts, in the numbering of 6.3 and later whatever the kernel (A.1.1, A.1.2),
 * so that one mask test serves every version.
 */
const WRITE = 1 << 0;
const GET = 1 << 1;
const FORCE = 1 << 3;
const NOFAULT = 1 << 5;
const LONGTERM = 1 << 8;
const PCI_P2PDMA = 1 << 10;
const HONOR_NUMA_FAULT = 1 << 12;
const PIN = 1 << 19;
const FAST_ONLY = 1 << 20;

const FLAGS_5_2 = WRITE | LONGTERM;
// f4000fdf435b of the same release lets FORCE through.
const FLAGS_5_6 = FLAGS_5_2 | FORCE | PIN;
const FLAGS_5_7 = FLAGS_5_6 | GET;
const FLAGS_5_8 = FLAGS_5_7 | FAST_ONLY;
const FLAGS_5_16 = FLAGS_5_8 | NOFAULT;
const FLAGS_6_2 = FLAGS_5_16 | PCI_P2PDMA;
const FLAGS_6_5 = FLAGS_6_2 | HONOR_NUMA_FAULT;

/** The lockless walk, gup-fast (A.13). */
export const FAST_RULES = [
  {
    id: 'S15',
    name: 'fast.recheckPte',
    sentence:
      'gup-fast reads the small entry again after it took the reference (x86: with the generic code).',
    values: [
      { value: false },
      {
        value: true,
        from: '4.13',
        commit: 'e585513b76f7',
        title: 'x86/mm/gup: Switch GUP to the generic get_user_page_fast() implementation',
      },
    ],
    source: 'semantics.md A.30 S15 (corrected, docs/findings.md), A.13.4',
  },
  {
    id: 'S16',
    name: 'fast.recheckPmd',
    sentence:
      'gup-fast also reads the middle entry again, so that a page table taken away under it is noticed.',
    values: [
      { value: false },
      {
        value: true,
        from: '6.1',
        commit: '70cbc3cc78a9',
        title: 'mm: gup: fix the fast GUP race against THP collapse',
      },
    ],
    source: 'semantics.md A.30 S16, A.13.4',
  },
  {
    id: 'S17',
    name: 'fast.recheckFolio',
    sentence:
      'gup-fast asks again which folio the page belongs to after it took the reference; a change makes it stop or try again.',
    values: [
      { value: 'none' },
      {
        value: 'fail',
        from: '5.14',
        commit: 'c24d37322548',
        title: 'mm/gup: fix try_grab_compound_head() race with split_huge_page()',
      },
      {
        value: 'retry',
        from: '5.18',
        commit: 'ece1ed7bfa12',
        title: 'mm/gup: Add try_get_folio() and try_grab_folio()',
      },
    ],
    source: 'semantics.md A.30 S17, A.9.2',
  },
  {
    id: 'S18',
    name: 'fast.writeFileLongterm',
    sentence: 'gup-fast pins a page of an ordinary file for long and for writing.',
    values: [
      { value: true },
      {
        value: false,
        from: '6.5',
        commit: 'a6e79df92e4a',
        title: 'mm/gup: disallow FOLL_LONGTERM GUP-fast writing to file-backed mappings',
      },
    ],
    source: 'semantics.md A.30 S18, A.13',
  },
  {
    id: 'S60',
    name: 'fast.longtermCheck',
    sentence:
      'Which pages gup-fast leaves to the slow path for a longterm reference: none, those in CMA, all that may not be pinned for long.',
    values: [
      { value: 'none' },
      {
        value: 'cma',
        from: '5.7',
        title: 'mm/gup: fix omission of check on FOLL_LONGTERM in gup fast path',
      },
      {
        value: 'pinnable',
        from: '5.13',
        commit: 'd1e153fea2a8',
        title: 'mm/gup: migrate pinned pages out of movable zone',
      },
    ],
    source: 'semantics.md A.12.6',
  },
  {
    id: 'S61',
    name: 'fast.flags',
    sentence: 'Mask of the flags that the fast entry accepts (numbering of 6.3).',
    values: [
      { value: WRITE },
      {
        value: FLAGS_5_2,
        from: '5.2',
        title: 'mm/gup: change GUP fast to use flags rather than a write "bool"',
      },
      {
        value: FLAGS_5_6,
        from: '5.6',
        commit: 'eddb1c228f79',
        title: 'mm/gup: introduce pin_user_pages*() and FOLL_PIN',
      },
      {
        value: FLAGS_5_7,
        from: '5.7',
        title: 'mm/gup: require FOLL_GET for get_user_pages_fast()',
      },
      {
        value: FLAGS_5_8,
        from: '5.8',
        commit: 'dadbb612f6e5',
        title: 'mm/gup.c: convert to use get_user_{page|pages}_fast_only()',
      },
      {
        value: FLAGS_5_16,
        from: '5.16',
        title: 'gup: Introduce FOLL_NOFAULT flag to disable page faults',
      },
      {
        value: FLAGS_6_2,
        from: '6.2',
        commit: '4003f107fa2e',
        title: 'mm: introduce FOLL_PCI_P2PDMA to gate getting PCI P2PDMA pages',
      },
      {
        value: FLAGS_6_5,
        from: '6.5',
        commit: 'd74943a2f3cd',
        title: 'mm/gup: reintroduce FOLL_NUMA as FOLL_HONOR_NUMA_FAULT',
      },
    ],
    source: 'semantics.md A.2.4, A.1',
  },
  {
    id: 'S62',
    name: 'fast.overflowRet',
    sentence: 'What the fast entry returns when start plus length wraps around.',
    values: [{ value: 'zero' }, { value: 'eoverflow', from: '6.5' }],
    source: 'semantics.md A.2.4',
  },
] as const satisfies readonly RuleData[];
