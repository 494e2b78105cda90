import type { RuleData } from '../types.ts';

/** What a FOLL_PIN reference is and counts as (A.9 to A.11). */
export const PIN_RULES = [
  {
    id: 'S10',
    name: 'pin.impl',
    sentence:
      'What a pin is: unknown, a plain reference under a new name, or 1024 references on a small page and an exact count on a large one.',
    values: [
      { value: 'none' },
      {
        value: 'placeholder',
        from: '5.6',
        commit: 'eddb1c228f79',
        title: 'mm/gup: introduce pin_user_pages*() and FOLL_PIN',
      },
      { value: 'bias', from: '5.7', commit: '3faa52c03f44', title: 'mm/gup: track FOLL_PIN pages' },
    ],
    source: 'semantics.md A.30 S10, A.9',
  },
  {
    id: 'S51',
    name: 'pin.largePincountMinOrder',
    sentence: 'Folios of this order and above keep an exact count of pins; 64: none does.',
    values: [
      { value: 64 },
      {
        value: 2,
        from: '5.7',
        commit: '47e29d32afba',
        title: 'mm/gup: page->hpage_pinned_refcount: exact pin counts for huge pages',
      },
      {
        value: 1,
        from: '5.18',
        commit: '5232c63f46fd',
        title: 'mm: Make compound_pincount always available',
      },
    ],
    source: 'semantics.md A.30 S10, A.9.4',
  },
  {
    id: 'S11',
    name: 'pin.zeroPage',
    sentence: 'A pin of the zero page is counted as on any page, or leaves it untouched.',
    values: [
      { value: 'counted' },
      {
        value: 'untouched',
        from: '6.5',
        commit: 'c8070b787519',
        title: "mm: Don't pin ZERO_PAGE in pin_user_pages()",
      },
    ],
    source: 'semantics.md A.30 S11, A.9',
  },
  {
    id: 'S12',
    name: 'pin.hasPinned',
    sentence:
      'How an address space remembers that it was ever pinned: not at all, in a field of its own, or in a flag bit.',
    values: [
      { value: 'none' },
      {
        value: 'atomic',
        from: '5.9',
        commit: '008cfe4418b3',
        title: 'mm: Introduce mm_struct.has_pinned',
      },
      {
        value: 'flag',
        from: '5.14',
        commit: 'a458b76a4171',
        title: 'mm: gup: pack has_pinned in MMF_HAS_PINNED',
      },
    ],
    source: 'semantics.md A.30 S12, A.2.5',
  },
  {
    id: 'S245',
    name: 'pin.arrayCheck',
    sentence: 'The slow pinning calls refuse a missing array; before, they pin and tell nobody.',
    values: [
      { value: false },
      {
        value: true,
        from: '5.19',
        commit: '0768c8de1b74',
        title: 'mm/gup: fix comments to pin_user_pages_*()',
      },
    ],
    source: 'the commit; mm/gup.c of 5.10',
  },
  {
    id: 'S35',
    name: 'pin.badArgRet',
    sentence: 'What pin_user_pages and its relatives (except _fast) return for bad flags.',
    values: [
      { value: 'einval' },
      {
        value: 'zero',
        from: '6.3',
        commit: 'd64e2dbc33a1',
        title: 'mm/gup: simplify the external interface functions and consolidate invariants',
      },
    ],
    source: 'semantics.md A.30 S35, A.2.1',
  },
  {
    id: 'S52',
    name: 'pin.counters',
    sentence: '/proc/vmstat has nr_foll_pin_acquired and nr_foll_pin_released.',
    values: [
      { value: false },
      {
        value: true,
        from: '5.7',
        commit: '1970dc6f5226',
        title: 'mm/gup: /proc/vmstat support for get_user_pages() and pin_user_pages()',
      },
    ],
    source: 'semantics.md A.27, B.1',
  },
  {
    id: 'S53',
    name: 'pin.debugExclusive',
    sentence:
      'What a kernel with CONFIG_DEBUG_VM does when an anonymous page that is not exclusive is pinned or unpinned.',
    values: [
      { value: 'none' },
      {
        value: 'bug',
        from: '5.19',
        commit: 'b6a2619c60b4',
        title:
          'mm/gup: sanity-check with CONFIG_DEBUG_VM that anonymous pages are exclusive when (un)pinning',
      },
      { value: 'warn', from: '6.17' },
    ],
    source: 'semantics.md A.10.7, B.1',
  },
  {
    id: 'S85',
    name: 'pin.pinnedCheck',
    sentence:
      'Whether the look for pins takes the count of a small page as unsigned (a count that overflowed says yes) or signed.',
    values: [{ value: 'unsigned' }],
    also: ['signed'],
    source: 'semantics.md A.11.1, B.2',
  },
  {
    id: 'S86',
    name: 'pin.putUserPage',
    sentence: 'What put_user_page does: what put_page does, or an unpin.',
    values: [{ value: 'putPage' }],
    also: ['unpin'],
    source: 'semantics.md B.1, B.2',
  },
] as const satisfies readonly RuleData[];
