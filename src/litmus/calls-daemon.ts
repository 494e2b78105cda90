/**
 * What the kernel does on its own account: writeback, reclaim, migration and their kind. Any thread
 * may set one going, in either mode; a Kn that does is the daemon. An address means the caller's own
 * address space; a Kn, which has none, and whoever means another process, names a thread first.
 */
import type { CallEntry } from './call-entry.ts';

const daemon = (forms: readonly string[], doc: string, errors = ''): CallEntry => ({
  group: 'daemon',
  where: 'any',
  forms,
  doc,
  errors: errors === '' ? [] : errors.split(' '),
});

export const DAEMON_CALLS: readonly CallEntry[] = [
  daemon(
    ['int writeback(fd fd)'],
    'Writes the dirty pages of the file to the medium, as the flusher does; pages that are being written already are passed by. In a Kn, fd is one of process 0.',
    'EIO',
  ),
  daemon(['int shrink()'], 'Reclaims what can be reclaimed; returns the number of pages freed.'),
  daemon(['int swapoff()'], 'Brings every swapped page back and turns swap off.', 'ENOMEM'),
  daemon(
    ['int swap_in(address addr)', 'int swap_in(thread process, address addr)'],
    'Brings a swapped page back into the swap cache (swap readahead) without mapping it.',
    'EFAULT ENOMEM',
  ),
  daemon(
    ['int migrate(address addr, int node)', 'int migrate(thread process, address addr, int node)'],
    'move_pages: moves the page at addr to another page of that node; returns 0.',
    'EACCES EAGAIN EBUSY EFAULT EINVAL ENOENT ENOMEM',
  ),
  daemon(
    ['int compact()'],
    'Compacts memory: moves movable pages together; returns how many moved.',
  ),
  daemon(
    ['page cma_alloc(int n)'],
    'Takes n pages in a row from CMA (the machine has 128 there), moving away what is inside; NULL if it can not.',
  ),
  daemon(
    ['int place_in_cma(address addr)', 'int place_in_cma(thread process, address addr)'],
    'Moves the page at addr to CMA, where the allocator puts movable pages when it likes: a state to begin with.',
    'EAGAIN EBUSY EFAULT ENOMEM',
  ),
  daemon(
    ['int offline_memory()'],
    'Takes ZONE_MOVABLE out of use: moves its pages elsewhere, until none is left or a signal comes; returns 0.',
    'EBUSY EINTR EINVAL',
  ),
  daemon(
    ['void fail_kmalloc(int n)'],
    'The next n allocations of kernel memory for arrays of pages fail, as when memory is short (failslab).',
  ),
  daemon(
    ['int khugepaged(address addr)', 'int khugepaged(thread process, address addr)'],
    'Tries to collapse the huge range around addr; 0 when it did.',
    'EAGAIN EBUSY EINVAL ENOMEM',
  ),
  daemon(
    ['int ksm(address a, address b)', 'int ksm(thread process, address a, address b)'],
    'Merges the two pages if they are equal and nobody else holds them; 0 when it did.',
    'EBUSY EFAULT EINVAL',
  ),
  daemon(
    ['int numa_balance(address addr)', 'int numa_balance(thread process, address addr)'],
    'Makes the entry PROT_NONE so that the next access tells its node; 1 when it did.',
  ),
  daemon(
    ['int split_huge_page(address addr)', 'int split_huge_page(thread process, address addr)'],
    'Splits the large folio at addr into small ones.',
    'EAGAIN EBUSY EFAULT EINVAL',
  ),
  daemon(
    ['int truncate(fd fd, size n)'],
    'Truncates the file to n bytes, as another program would. In a Kn, fd is one of process 0.',
    'EINVAL ETXTBSY',
  ),
  daemon(
    ['int dax_teardown(fd dev)'],
    'Takes the DAX device away; waits for its pages to be free of references.',
    'EBUSY',
  ),
  daemon(
    ['int migrate_to_device(address addr)', 'int migrate_to_device(thread process, address addr)'],
    'migrate_vma: moves the page at addr to memory of a device that processors cannot reach (HMM); 0 when it did.',
    'EBUSY EFAULT EINVAL ENOMEM',
  ),
  daemon(
    ['int set_nr_hugepages(int n)'],
    'Writes n to /proc/sys/vm/nr_hugepages; returns the size of the pool.',
    'ENOMEM',
  ),
];
