import type { RuleData } from '../types.ts';

/** Which calls of the pinning API exist. */
export const API_RULES = [
  {
    id: 'S111',
    name: 'api.getUserPagesRemote',
    sentence:
      'get_user_pages_remote exists; before, get_user_pages takes the task and the address space.',
    values: [
      { value: false },
      {
        value: true,
        from: '4.6',
        commit: '1e9877902dc7',
        title: 'mm/gup: Introduce get_user_pages_remote()',
      },
    ],
    source: 'semantics.md B.1',
  },
  {
    id: 'S112',
    name: 'api.getUserPagesLongterm',
    sentence: 'get_user_pages_longterm exists.',
    values: [
      { value: false },
      {
        value: true,
        from: '4.15',
        commit: '2bb6d2837083',
        title: 'mm: introduce get_user_pages_longterm',
      },
      {
        value: false,
        from: '5.2',
        commit: '932f4a630a69',
        title: 'mm/gup: replace get_user_pages_longterm() with FOLL_LONGTERM',
      },
    ],
    source: 'semantics.md B.1',
  },
  {
    id: 'S113',
    name: 'api.getUserPagesFastOnly',
    sentence: 'get_user_pages_fast_only exists; before it was called __get_user_pages_fast.',
    values: [
      { value: false },
      {
        value: true,
        from: '5.8',
        commit: 'dadbb612f6e5',
        title: 'mm/gup.c: convert to use get_user_{page|pages}_fast_only()',
      },
    ],
    source: 'semantics.md A.2.1, B.1',
  },
  {
    id: 'S114',
    name: 'api.pinUserPages',
    sentence: 'pin_user_pages, pin_user_pages_fast and pin_user_pages_remote exist.',
    values: [
      { value: false },
      {
        value: true,
        from: '5.6',
        commit: 'eddb1c228f79',
        title: 'mm/gup: introduce pin_user_pages*() and FOLL_PIN',
      },
    ],
    source: 'semantics.md B.1',
  },
  {
    id: 'S115',
    name: 'api.pinUserPagesUnlocked',
    sentence: 'pin_user_pages_unlocked exists.',
    values: [
      { value: false },
      {
        value: true,
        from: '5.8',
        title: 'mm/gup: introduce pin_user_pages_unlocked',
      },
    ],
    source: 'semantics.md A.2.1',
  },
  {
    id: 'S116',
    name: 'api.pinUserPagesFastOnly',
    sentence: 'pin_user_pages_fast_only exists.',
    values: [
      { value: false },
      {
        value: true,
        from: '5.8',
        title: 'mm/gup: introduce pin_user_pages_fast_only()',
      },
      { value: false, from: '6.3' },
    ],
    source: 'semantics.md A.2.1',
  },
  {
    id: 'S117',
    name: 'api.unpinUserPage',
    sentence: 'unpin_user_page, unpin_user_pages and unpin_user_pages_dirty_lock exist.',
    values: [
      { value: false },
      {
        value: true,
        from: '5.6',
        commit: 'f1f6a7dd9b53',
        title: 'mm, tree-wide: rename put_user_page*() to unpin_user_page*()',
      },
    ],
    source: 'semantics.md B.1',
  },
  {
    id: 'S118',
    name: 'api.putUserPage',
    sentence:
      'put_user_page, put_user_pages and put_user_pages_dirty_lock exist, as other names of put_page.',
    values: [
      { value: false },
      {
        value: true,
        from: '5.2',
        commit: 'fc1d8e7cca2d',
        title: 'mm: introduce put_user_page*(), placeholder versions',
      },
      {
        value: false,
        from: '5.6',
        commit: 'f1f6a7dd9b53',
        title: 'mm, tree-wide: rename put_user_page*() to unpin_user_page*()',
      },
    ],
    source: 'semantics.md B.1',
  },
  {
    id: 'S119',
    name: 'api.unpinUserPageRangeDirtyLock',
    sentence: 'unpin_user_page_range_dirty_lock exists.',
    values: [
      { value: false },
      {
        value: true,
        from: '5.13',
        title: 'mm/gup: add a range variant of unpin_user_pages_dirty_lock()',
      },
    ],
    source: 'semantics.md A.10.3; users.md 1.2',
  },
  {
    id: 'S120',
    name: 'api.pageMaybeDmaPinned',
    sentence: 'page_maybe_dma_pinned exists.',
    values: [
      { value: false },
      { value: true, from: '5.7', commit: '3faa52c03f44', title: 'mm/gup: track FOLL_PIN pages' },
    ],
    source: 'semantics.md A.11, B.1',
  },
  {
    id: 'S38',
    name: 'api.memfdPinFolios',
    sentence: 'memfd_pin_folios exists.',
    values: [
      { value: false },
      {
        value: true,
        from: '6.11',
        commit: '89c1905d9c14',
        title: 'mm/gup: introduce memfd_pin_folios() for pinning memfd folios',
      },
    ],
    source: 'semantics.md A.30 S38, A.29',
  },
  {
    id: 'S121',
    name: 'api.unpinFolio',
    sentence: 'unpin_folio and unpin_folios exist.',
    values: [
      { value: false },
      {
        value: true,
        from: '6.11',
        commit: '6cc040542ba7',
        title: 'mm/gup: introduce unpin_folio/unpin_folios helpers',
      },
    ],
    source: 'semantics.md A.29',
  },
  {
    id: 'S122',
    name: 'api.folioAddPin',
    sentence: 'folio_add_pin exists.',
    values: [
      { value: false },
      {
        value: true,
        from: '6.5',
        commit: '1101fb8f89e5',
        title: 'mm: Provide a function to get an additional pin on a page',
      },
    ],
    source: 'semantics.md A.9.5, B.1',
  },
  {
    id: 'S123',
    name: 'api.pinLongtermPages',
    sentence: 'pin_longterm_pages, _fast and _remote exist: only in the series of 2019.',
    values: [{ value: false }],
    source: 'semantics.md B.2',
  },
  {
    id: 'S124',
    name: 'api.pageDmaPinned',
    sentence: 'page_dma_pinned exists: only in the series of 2019.',
    values: [{ value: false }],
    source: 'semantics.md B.2',
  },
] as const satisfies readonly RuleData[];
