/**
 * Calls of the kernel itself: the pinning API, page state, the context a driver runs in.
 * Signatures are the kernel's current ones without `locked` and task pointers; where the kernel takes
 * an mm, a test names a thread of that process (`P0`). The calls that want mmap_lock held
 * (get_user_pages, pin_user_pages, *_remote) run under mmap_read_lock, which is taken and dropped
 * around them. They work on `current->mm`; in a Kn, which has none, only the remote forms do.
 */
import { type CallEntry, rows } from './call-entry.ts';

const GUP = 'EAGAIN EBUSY EEXIST EFAULT EHWPOISON EINTR EINVAL ENOMEM EOPNOTSUPP EREMOTEIO';
const FAST = `${GUP} EOVERFLOW`;

const get = rows('get', 'kernel', [
  [
    'int get_user_pages(address start, int nr_pages, FOLL gup_flags, pages pages)',
    'Takes a plain reference on each page; returns how many, or an error when none.',
    GUP,
  ],
  [
    'int get_user_pages_unlocked(address start, int nr_pages, pages pages, FOLL gup_flags)',
    'get_user_pages that takes mmap_lock itself and may drop it while it waits.',
    GUP,
  ],
  [
    'int get_user_pages_fast(address start, int nr_pages, FOLL gup_flags, pages pages)',
    'Walks the page tables without a lock first, then falls back to the slow path.',
    FAST,
  ],
  [
    'int get_user_pages_fast_only(address start, int nr_pages, FOLL gup_flags, pages pages)',
    'The lockless walk alone; may be called with interrupts off.',
    'EINVAL',
  ],
  [
    'int get_user_pages_remote(thread mm, address start, int nr_pages, FOLL gup_flags, pages pages)',
    'get_user_pages on the address space of the process that the named thread belongs to.',
    GUP,
  ],
  [
    'int get_user_pages_longterm(address start, int nr_pages, FOLL gup_flags, pages pages)',
    'get_user_pages that refuses fsdax (4.15 to 5.1).',
    GUP,
  ],
  [
    'page get_dump_page(address addr)',
    'A reference for a core dump; NULL for holes and zero pages.',
  ],
]);

const PIN_ARGS = 'address start, int nr_pages, FOLL gup_flags, pages pages';

const pin = rows('pin', 'kernel', [
  [
    `int pin_user_pages(${PIN_ARGS})`,
    'Pins each page (FOLL_PIN); release with unpin_user_page.',
    GUP,
  ],
  [
    'int pin_user_pages_unlocked(address start, int nr_pages, pages pages, FOLL gup_flags)',
    'pin_user_pages that takes mmap_lock itself.',
    GUP,
  ],
  [
    `int pin_user_pages_fast(${PIN_ARGS})`,
    'Pins by the lockless walk first, then by the slow path.',
    FAST,
  ],
  [
    `int pin_user_pages_fast_only(${PIN_ARGS})`,
    'Pins by the lockless walk alone (5.8 to 6.2).',
    'EINVAL',
  ],
  [
    `int pin_user_pages_remote(thread mm, ${PIN_ARGS})`,
    "pin_user_pages on another process's memory.",
    GUP,
  ],
  [
    `int pin_longterm_pages(${PIN_ARGS})`,
    'FOLL_PIN and FOLL_LONGTERM at once; the design of 2019, never merged.',
    GUP,
  ],
  [
    `int pin_longterm_pages_fast(${PIN_ARGS})`,
    'The fast form of pin_longterm_pages; never merged.',
    FAST,
  ],
  [
    `int pin_longterm_pages_remote(thread mm, ${PIN_ARGS})`,
    'The remote form of pin_longterm_pages; never merged.',
    GUP,
  ],
  [
    [
      'int memfd_pin_folios(fd memfd, int start, int end, pages folios, int max_folios)',
      'int memfd_pin_folios(fd memfd, int start, int end, pages folios, int max_folios, out offset)',
    ],
    'Pins the folios of a memfd between two offsets (end included), each once; returns how many.',
    'EINVAL ENOMEM',
  ],
  [
    'void folio_add_pin(page folio)',
    'One more pin on a folio that is pinned already (6.5 and later).',
  ],
]);

const release = rows('release', 'kernel', [
  ['void put_page(page page)', 'Drops one plain reference.'],
  ['void folio_put(page folio)', 'Drops one plain reference of a folio.'],
  ['void unpin_user_page(page page)', 'Drops one pin.'],
  ['void unpin_user_pages(pages pages, int npages)', 'Drops one pin of each page.'],
  [
    ['void unpin_user_pages_dirty_lock(pages pages, int npages, int make_dirty)'],
    'Marks each page dirty under its lock if make_dirty, then drops its pin.',
  ],
  [
    'void unpin_user_page_range_dirty_lock(page page, int npages, int make_dirty)',
    'The same for npages pages that follow each other physically (5.13 and later).',
  ],
  ['void unpin_folio(page folio)', 'Drops one pin of a folio (6.11 and later).'],
  ['void unpin_folios(pages folios, int nfolios)', 'Drops one pin of each folio (6.11 and later).'],
  [
    'void unpin_user_folio(page folio, int npages)',
    'Drops npages pins of one folio (6.11 and later).',
  ],
  ['void put_user_page(page page)', 'The name of unpin_user_page before 5.6: a plain put.'],
  ['void put_user_pages(pages pages, int npages)', 'The name of unpin_user_pages before 5.6.'],
  [
    'void put_user_pages_dirty_lock(pages pages, int npages, int make_dirty)',
    'The name of unpin_user_pages_dirty_lock before 5.6.',
  ],
]);

const page = rows('page', 'kernel', [
  ['void get_page(page page)', 'One more plain reference.'],
  ['int page_maybe_dma_pinned(page page)', '1 if the counts look as if the page is pinned.'],
  ['int folio_maybe_dma_pinned(page folio)', 'The same, asked of a folio.'],
  ['int page_dma_pinned(page page)', 'The question of the 2019 and 2018 designs; never merged.'],
  ['int page_ref_count(page page)', 'The reference count of the folio of the page.'],
  ['int folio_ref_count(page folio)', 'The same, asked of a folio.'],
  ['int page_mapcount(page page)', 'How many page table entries map the page.'],
  ['int folio_mapcount(page folio)', 'How many page table entries map any page of the folio.'],
  ['page page_folio(page page)', 'The folio of a page: its first page.'],
  ['int page_to_pfn(page page)', 'The number of the page frame.'],
  ['int PageDirty(page page)', '1 if the page is marked dirty.'],
  [
    'int PageAnonExclusive(page page)',
    '1 if one process alone may write the anonymous page (5.19 and later).',
  ],
  ['int PageSwapCache(page page)', '1 if the page is in the swap cache.'],
  ['int set_page_dirty(page page)', 'Marks the page dirty; the caller should hold its lock.'],
  ['int set_page_dirty_lock(page page)', 'Marks the page dirty under the page lock.'],
  ['void lock_page(page page)', 'Takes the page lock; waits.'],
  ['void unlock_page(page page)', 'Drops the page lock.'],
  ['byte page_read(page page, int off)', 'Reads one byte of the page as a device or kmap does.'],
  [
    'void page_write(page page, int off, int v)',
    'Writes one byte of the page as a device or kmap does.',
  ],
]);

const context = rows('context', 'kernel', [
  [
    'void local_irq_disable()',
    'Turns interrupts off on this CPU; what sleeps after it is reported.',
  ],
  ['void local_irq_enable()', 'Turns interrupts on again.'],
  ['void spin_lock(lock name)', 'Takes a spin lock of the test; what sleeps under it is reported.'],
  ['void spin_unlock(lock name)', 'Drops it.'],
]);

export const KERNEL_CALLS: readonly CallEntry[] = [...get, ...pin, ...release, ...page, ...context];
