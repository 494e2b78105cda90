import type { RuleData } from '../types.ts';

/** 6.3 moved the flags: those for callers first, the internal ones from bit 16 on. */
const RENUMBERED = {
  from: '6.3',
  commit: 'd64e2dbc33a1',
  title: 'mm/gup: simplify the external interface functions and consolidate invariants',
} as const;

/**
 * Numeric value of each FOLL_ flag as callers of that kernel pass it (gup_test passes raw numbers);
 * 0: the flag does not exist there (A.1.1 to A.1.3). Code of the model uses the numbering of 6.3 (src/mm/foll.ts).
 */
export const FOLL_RULES = [
  {
    id: 'S131',
    name: 'foll.write',
    sentence: 'FOLL_WRITE: the caller will write to the page.',
    values: [{ value: 1 }],
    source: 'semantics.md A.1',
  },
  {
    id: 'S132',
    name: 'foll.touch',
    sentence: 'FOLL_TOUCH: mark the page accessed, and dirty when it is for writing.',
    values: [{ value: 2 }, { value: 1 << 16, ...RENUMBERED }],
    source: 'semantics.md A.1',
  },
  {
    id: 'S133',
    name: 'foll.get',
    sentence: 'FOLL_GET: a plain reference.',
    values: [{ value: 4 }, { value: 1 << 1, ...RENUMBERED }],
    source: 'semantics.md A.1',
  },
  {
    id: 'S134',
    name: 'foll.dump',
    sentence: 'FOLL_DUMP: holes and zero pages are errors.',
    values: [{ value: 8 }, { value: 1 << 2, ...RENUMBERED }],
    source: 'semantics.md A.1',
  },
  {
    id: 'S135',
    name: 'foll.force',
    sentence: 'FOLL_FORCE: ignore missing permissions.',
    values: [{ value: 0x10 }, { value: 1 << 3, ...RENUMBERED }],
    source: 'semantics.md A.1',
  },
  {
    id: 'S136',
    name: 'foll.nowait',
    sentence: 'FOLL_NOWAIT: start I/O, do not wait for it.',
    values: [{ value: 0x20 }, { value: 1 << 4, ...RENUMBERED }],
    source: 'semantics.md A.1',
  },
  {
    id: 'S137',
    name: 'foll.populate',
    sentence: 'FOLL_POPULATE: fault in for mlock and MAP_POPULATE.',
    values: [{ value: 0x40 }, { value: 0, from: '5.18' }],
    source: 'semantics.md A.1',
  },
  {
    id: 'S138',
    name: 'foll.split',
    sentence: 'FOLL_SPLIT: split the huge page.',
    values: [{ value: 0x80 }, { value: 0, from: '5.13' }],
    source: 'semantics.md A.1',
  },
  {
    id: 'S139',
    name: 'foll.nofault',
    sentence: 'FOLL_NOFAULT: never call the fault handler.',
    values: [
      { value: 0 },
      {
        value: 0x80,
        from: '5.16',
        title: 'gup: Introduce FOLL_NOFAULT flag to disable page faults',
      },
      { value: 1 << 5, ...RENUMBERED },
    ],
    source: 'semantics.md A.1',
  },
  {
    id: 'S140',
    name: 'foll.hwpoison',
    sentence: 'FOLL_HWPOISON: tell poisoned pages apart.',
    values: [{ value: 0x100 }, { value: 1 << 6, ...RENUMBERED }],
    source: 'semantics.md A.1',
  },
  {
    id: 'S141',
    name: 'foll.numa',
    sentence: 'FOLL_NUMA: fault on NUMA hinting entries.',
    values: [
      { value: 0x200 },
      {
        value: 0,
        from: '6.1',
        title: 'mm/gup: replace FOLL_NUMA by gup_can_follow_protnone()',
      },
    ],
    source: 'semantics.md A.1',
  },
  {
    id: 'S142',
    name: 'foll.migration',
    sentence: 'FOLL_MIGRATION: wait for migration.',
    values: [{ value: 0x400 }, { value: 0, from: '6.2' }],
    source: 'semantics.md A.1',
  },
  {
    id: 'S143',
    name: 'foll.tried',
    sentence: 'FOLL_TRIED: a second attempt.',
    values: [{ value: 0x800 }, { value: 1 << 17, ...RENUMBERED }],
    source: 'semantics.md A.1',
  },
  {
    id: 'S144',
    name: 'foll.mlock',
    sentence: 'FOLL_MLOCK: mlock the page.',
    values: [{ value: 0x1000 }, { value: 0, from: '5.18' }],
    source: 'semantics.md A.1',
  },
  {
    id: 'S145',
    name: 'foll.remote',
    sentence: 'FOLL_REMOTE: the memory of another process.',
    values: [
      { value: 0 },
      {
        value: 0x2000,
        from: '4.6',
        commit: '1e9877902dc7',
        title: 'mm/gup: Introduce get_user_pages_remote()',
      },
      { value: 1 << 18, ...RENUMBERED },
    ],
    source: 'semantics.md A.1',
  },
  {
    id: 'S146',
    name: 'foll.cow',
    sentence: 'FOLL_COW: copy-on-write was broken by an earlier fault.',
    values: [
      { value: 0 },
      {
        value: 0x4000,
        from: '4.9',
        commit: '19be0eaffa3a',
        title: 'mm: remove gup_flags FOLL_WRITE games from __get_user_pages()',
      },
      {
        value: 0,
        from: '6.0',
        commit: '5535be309971',
        title: 'mm/gup: fix FOLL_FORCE COW security issue and remove FOLL_COW',
      },
    ],
    source: 'semantics.md A.1',
  },
  {
    id: 'S147',
    name: 'foll.anon',
    sentence: 'FOLL_ANON: anonymous mappings only.',
    values: [
      { value: 0 },
      {
        value: 0x8000,
        from: '4.17',
        title: 'proc: do not access cmdline nor environ from file-backed areas',
      },
      { value: 1 << 7, ...RENUMBERED },
    ],
    source: 'semantics.md A.1',
  },
  {
    id: 'S148',
    name: 'foll.longterm',
    sentence: 'FOLL_LONGTERM: held for as long as the caller likes.',
    values: [
      { value: 0 },
      {
        value: 0x10000,
        from: '5.2',
        commit: '932f4a630a69',
        title: 'mm/gup: replace get_user_pages_longterm() with FOLL_LONGTERM',
      },
      { value: 1 << 8, ...RENUMBERED },
    ],
    source: 'semantics.md A.1',
  },
  {
    id: 'S149',
    name: 'foll.splitPmd',
    sentence: 'FOLL_SPLIT_PMD: split the huge entry.',
    values: [
      { value: 0 },
      {
        value: 0x20000,
        from: '5.4',
        title: 'mm, thp: introduce FOLL_SPLIT_PMD',
      },
      { value: 1 << 9, ...RENUMBERED },
    ],
    source: 'semantics.md A.1',
  },
  {
    id: 'S150',
    name: 'foll.pin',
    sentence: 'FOLL_PIN: a pin.',
    values: [
      { value: 0 },
      {
        value: 0x40000,
        from: '5.6',
        commit: 'eddb1c228f79',
        title: 'mm/gup: introduce pin_user_pages*() and FOLL_PIN',
      },
      { value: 1 << 19, ...RENUMBERED },
    ],
    source: 'semantics.md A.1',
  },
  {
    id: 'S151',
    name: 'foll.fastOnly',
    sentence: 'FOLL_FAST_ONLY: never fall back to the slow path.',
    values: [
      { value: 0 },
      {
        value: 0x80000,
        from: '5.8',
        commit: 'dadbb612f6e5',
        title: 'mm/gup.c: convert to use get_user_{page|pages}_fast_only()',
      },
      { value: 1 << 20, ...RENUMBERED },
    ],
    source: 'semantics.md A.1',
  },
  {
    id: 'S152',
    name: 'foll.pciP2pdma',
    sentence: 'FOLL_PCI_P2PDMA: memory of PCI devices is welcome.',
    values: [
      { value: 0 },
      {
        value: 0x100000,
        from: '6.2',
        commit: '4003f107fa2e',
        title: 'mm: introduce FOLL_PCI_P2PDMA to gate getting PCI P2PDMA pages',
      },
      { value: 1 << 10, ...RENUMBERED },
    ],
    source: 'semantics.md A.1',
  },
  {
    id: 'S153',
    name: 'foll.interruptible',
    sentence: 'FOLL_INTERRUPTIBLE: any signal ends the wait.',
    values: [
      { value: 0 },
      {
        value: 0x200000,
        from: '6.2',
        commit: '93c5c61d9e58',
        title: 'mm/gup: Add FOLL_INTERRUPTIBLE',
      },
      { value: 1 << 11, ...RENUMBERED },
    ],
    source: 'semantics.md A.1',
  },
  {
    id: 'S154',
    name: 'foll.honorNumaFault',
    sentence: 'FOLL_HONOR_NUMA_FAULT: fault on NUMA hinting entries.',
    values: [
      { value: 0 },
      {
        value: 1 << 12,
        from: '6.5',
        commit: 'd74943a2f3cd',
        title: 'mm/gup: reintroduce FOLL_NUMA as FOLL_HONOR_NUMA_FAULT',
      },
    ],
    source: 'semantics.md A.1',
  },
  {
    id: 'S155',
    name: 'foll.unlockable',
    sentence: 'FOLL_UNLOCKABLE: mmap_lock may be dropped.',
    values: [
      { value: 0 },
      { value: 1 << 21, from: '6.3', commit: 'f04740f54594', title: 'mm/gup: add FOLL_UNLOCKABLE' },
    ],
    source: 'semantics.md A.1',
  },
  {
    id: 'S156',
    name: 'foll.madvPopulate',
    sentence: 'FOLL_MADV_POPULATE: errors as MADV_POPULATE reports them.',
    values: [
      { value: 0 },
      {
        value: 1 << 22,
        from: '6.9',
        title: 'mm/madvise: make MADV_POPULATE_(READ|WRITE) handle VM_FAULT_RETRY properly',
      },
    ],
    source: 'semantics.md A.1',
  },
] as const satisfies readonly RuleData[];
