import type { RuleData } from '../types.ts';

/** Direct I/O, DAX, device memory, secret memory, /proc/PID/mem (A.23, A.24, A.28). */
export const FILE_RULES = [
  {
    id: 'S29',
    name: 'dio.ref',
    sentence: 'Direct I/O holds user pages by plain references or by pins.',
    values: [
      { value: 'get' },
      {
        value: 'pin',
        from: '6.5',
        commit: 'a7e689dd1c06',
        title: 'block: Convert bio_iov_iter_get_pages to use iov_iter_extract_pages',
      },
    ],
    source: 'semantics.md A.30 S29, A.28',
  },
  {
    id: 'S32',
    name: 'dax.busy',
    sentence:
      'What makes truncation of a DAX file wait: nothing, a reference count above one, or references beyond the mappings.',
    values: [
      { value: 'none' },
      {
        value: 'refcount',
        from: '4.18',
        commit: '5fac7408d828',
        title: 'mm, fs, dax: handle layout changes to pinned dax mappings',
      },
      {
        value: 'refcountMinusMapcount',
        from: '6.15',
        commit: '38607c62b34b',
        title: 'fs/dax: properly refcount fs dax pages',
      },
    ],
    source: 'semantics.md A.30 S32, A.24',
  },
  {
    id: 'S70',
    name: 'dax.ext4',
    sentence: 'ext4 too waits for pinned DAX pages before it frees blocks.',
    values: [
      { value: false },
      {
        value: true,
        from: '4.19',
        commit: '430657b6be89',
        title: 'ext4: handle layout changes to pinned DAX mappings',
      },
    ],
    source: 'semantics.md A.30 S32, B.1',
  },
  {
    id: 'S71',
    name: 'dax.breakFinal',
    sentence: 'DAX pages must be idle also before their inode is evicted (unmount, last unlink).',
    values: [
      { value: false },
      {
        value: true,
        from: '6.15',
        commit: '0e2f80afcfa6',
        title: 'fs/dax: ensure all pages are idle prior to filesystem unmount',
      },
    ],
    source: 'semantics.md A.24.3, B.1',
  },
  {
    id: 'S33',
    name: 'devmap.gup',
    sentence:
      'How device memory is referenced: not at all, under a reference to its device that gup-fast refuses for long, or as any other page.',
    values: [
      { value: 'none' },
      {
        value: 'pgmap',
        from: '4.5',
        commit: '3565fce3a659',
        title: 'mm, x86: get_user_pages() for dax mappings',
      },
      {
        value: 'plain',
        from: '6.17',
        commit: 'fd2825b0760a',
        title: 'mm/gup: remove pXX_devmap usage from get_user_pages()',
      },
    ],
    source: 'semantics.md A.30 S33, A.24',
  },
  {
    id: 'S72',
    name: 'devmap.compound',
    sentence: 'Pages of device-dax are compound, with one exact count of pins for each huge page.',
    values: [
      { value: false },
      {
        value: true,
        from: '5.17',
        commit: '14606001efb4',
        title: 'device-dax: compound devmap support',
      },
    ],
    source: 'semantics.md A.24.6, B.1',
  },
  {
    id: 'S220',
    name: 'devmap.mapRefs',
    sentence:
      'Page tables hold references on the device pages that they map, which are idle with none.',
    values: [
      { value: false },
      {
        value: true,
        from: '6.15',
        commit: '38607c62b34b',
        title: 'fs/dax: properly refcount fs dax pages',
      },
    ],
    source:
      'semantics.md A.24.2, B.1; the series, lkml.iu.edu/hypermail/linux/kernel/2502.1/02561.html',
  },
  {
    id: 'S221',
    name: 'devmap.teardown',
    sentence:
      'Who keeps a page map from being taken away: every page that still has references, or lookups under way alone.',
    values: [
      { value: 'pages' },
      {
        value: 'lookups',
        from: '5.18',
        commit: '27674ef6c73f',
        title: 'mm: remove the extra ZONE_DEVICE struct page refcount',
      },
    ],
    source:
      'repo.jachan.dev/linux.git/object/27674ef6c73f: memunmap_pages() gives all references of the page map back at once',
  },
  {
    id: 'S222',
    name: 'devmap.walk',
    sentence:
      'How a fast walk takes the pages of a large entry of device memory: one by one, or by one count on the first page.',
    values: [
      { value: 'perPage' },
      {
        value: 'once',
        from: '6.17',
        commit: 'fd2825b0760a',
        title: 'mm/gup: remove pXX_devmap usage from get_user_pages()',
      },
    ],
    source: 'semantics.md A.24.6, B.1',
  },
  {
    id: 'S223',
    name: 'devmap.insertCheck',
    sentence: 'An entry larger than the compound page that it would map is refused.',
    values: [{ value: false }],
    also: [true],
    source: 'seeds.md E3: proposed for insert_pfn_pmd() in October 2021, never merged',
  },
  {
    id: 'S240',
    name: 'devmap.pud',
    sentence: 'Device-dax maps 1 GiB by one entry.',
    values: [
      { value: false },
      {
        value: true,
        from: '4.11',
        commit: 'a00cc7d9dd93',
        title: 'mm, x86: add support for PUD-sized transparent hugepages',
      },
    ],
    source: 'the commit and its series, "1G transparent hugepage support for device dax"',
  },
  {
    id: 'S243',
    name: 'devmap.writePud',
    sentence:
      'The slow walk knows whether an entry of 1 GiB may be written; before, it is a BUG to ask.',
    values: [
      { value: false },
      {
        value: true,
        from: '4.15',
        commit: '1501899a898d',
        title: 'mm: fix device-dax pud write-faults triggered by get_user_pages()',
      },
    ],
    source: 'the commit',
  },
  {
    id: 'S241',
    name: 'devmap.protectPud',
    sentence:
      'mprotect changes an entry of 1 GiB of device memory; before, it takes it for a broken one and clears it, without a flush.',
    values: [
      { value: false },
      {
        value: true,
        from: '6.12',
        title: 'mm/mprotect: Fix dax puds (series of August 2024)',
      },
    ],
    source:
      'spinics.net/lists/linux-mm/msg390087.html: mprotect() of such memory "used to throw bad pud"',
  },
  {
    id: 'S242',
    name: 'devmap.split',
    sentence:
      'Mappings of device-dax are cut at the alignment of the device only; elsewhere -EINVAL.',
    values: [
      { value: false },
      {
        value: true,
        from: '4.15',
        commit: '9702cffdbf21',
        title: 'device-dax: implement ->split() to catch invalid munmap attempts',
      },
    ],
    source: 'the commit, seen in a mirror; before, the kernel met a BUG with 1 GiB entries',
  },
  {
    id: 'S224',
    name: 'call.deviceDax',
    sentence: 'Device-dax exists.',
    values: [
      { value: false },
      {
        value: true,
        from: '4.7',
        commit: 'dee410792419',
        title: '/dev/dax, core: file operations and dax-mmap',
      },
    ],
    source: 'the patch, seen with its Patch-mainline line',
  },
  {
    id: 'S225',
    name: 'call.intervalNotifiers',
    sentence: 'Interval notifiers and hmm_range_fault() under them exist.',
    values: [
      { value: false },
      {
        value: true,
        from: '5.5',
        commit: '99cb252f5e68',
        title: 'mm/mmu_notifier: add an interval tree notifier',
      },
    ],
    source:
      'its fixes name it so: "mm/mmu_notifier.c: fix race in mmu_interval_notifier_remove()"; described as v5.4-rc5-19 by drivers that ask for it',
  },
  {
    id: 'S226',
    name: 'call.migrateVma',
    sentence: 'Pages can be moved to memory that only a device can reach (migrate_vma, HMM).',
    values: [
      { value: false },
      {
        value: true,
        from: '4.14',
        commit: '8763cb45ab96',
        title: 'mm/migrate: new memory migration helper for use with device memory',
      },
    ],
    source: 'named so by its fixes; merged with HMM for 4.14',
  },
  {
    id: 'S34',
    name: 'secretmem.gup',
    sentence:
      'References to secret memory: it does not exist, the slow path refuses while gup-fast can succeed, or all refuse.',
    values: [
      { value: 'none' },
      {
        value: 'fastHole',
        from: '5.14',
        title: 'mm: introduce memfd_secret system call to create "secret" memory areas',
      },
      {
        value: 'refused',
        from: '6.9',
        commit: '65291dcfcf89',
        title: 'mm/secretmem: fix GUP-fast succeeding on secretmem folios',
      },
    ],
    source: 'semantics.md A.30 S34, B.1',
  },
  {
    id: 'S73',
    name: 'proc.memForceOption',
    sentence: 'Forced access through /proc/PID/mem can be restricted (proc_mem.force_override).',
    values: [
      { value: false },
      {
        value: true,
        from: '6.12',
        commit: '41e8149c8892',
        title: 'proc: add config & param to block forcing mem writes',
      },
    ],
    source: 'semantics.md A.28, B.1',
    unread: 'The boot parameter is at its default, which changes nothing.',
  },
  {
    id: 'S74',
    name: 'proc.memForce',
    sentence:
      'Who may force writes through /proc/PID/mem as the kernel is configured: everybody, or a tracer only.',
    values: [{ value: 'always' }],
    also: ['ptrace'],
    source: 'semantics.md A.28; conformance.md 2',
  },
  {
    id: 'S182',
    name: 'file.beginFirst',
    sentence:
      'A write to a file makes the page of the file before it faults in memory that the bytes come from; before, the other way round.',
    values: [
      { value: false },
      {
        value: true,
        from: '6.15',
        commit: '665575cff098',
        title: 'filemap: move prefaulting out of hot write path',
      },
    ],
    source: 'mm/filemap.c: generic_perform_write()',
  },
] as const satisfies readonly RuleData[];
