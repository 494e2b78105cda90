import { expect, test } from 'vitest';
import { CALLS, CONSTANTS } from '../../src/litmus/index.ts';
import * as errno from '../../src/machine/errno.ts';
import { FOLL } from '../../src/mm/foll.ts';

/** Every call of the table in the language page, and those its issues name. */
const NAMES = `mmap munmap mprotect mremap madvise mlock munlock msync fork wait exit ptrace_write
process_vm_readv process_vm_writev open close read write pread pwrite ftruncate fallocate fsync
sync_file_range pipe splice vmsplice memfd_create memfd_secret io_uring_register_buffers
io_uring_unregister_buffers io_uring_read_fixed io_uring_write_fixed io_submit ibv_reg_mr ibv_dereg_mr
rdma_read rdma_write vfio_dma_map vfio_dma_unmap dma_read dma_write get_user_pages get_user_pages_fast
get_user_pages_remote get_user_pages_unlocked get_user_pages_fast_only pin_user_pages pin_user_pages_fast
pin_user_pages_remote pin_user_pages_unlocked pin_longterm_pages pin_longterm_pages_fast
pin_longterm_pages_remote unpin_user_page unpin_user_pages unpin_user_pages_dirty_lock
unpin_user_page_range_dirty_lock unpin_folio unpin_folios folio_add_pin put_page put_user_page
put_user_pages page_maybe_dma_pinned page_dma_pinned page_ref_count page_mapcount set_page_dirty
set_page_dirty_lock memfd_pin_folios page_read page_write writeback shrink swapoff swap_in migrate compact
cma_alloc khugepaged ksm numa_balance split_huge_page truncate dax_teardown post await barrier`.split(
  /\s+/,
);

const TYPES = [
  'int',
  'size',
  'offset',
  'flags',
  'address',
  'fd',
  'handle',
  'fds',
  'page',
  'pages',
  'out',
  'string',
  'thread',
  'event',
  'barrier',
  'lock',
];
const RETURNS = ['void', 'int', 'fd', 'handle', 'pointer', 'page', 'byte', 'fds'];

test('the table has every call of the language page', () => {
  expect(NAMES.filter((n) => !CALLS.has(n))).toEqual([]);
});

test.each([...CALLS.values()])('$name is well described', (spec) => {
  const families = new Set([...CONSTANTS.values()].map((c) => c.family));
  expect(spec.doc).toMatch(/\.$/);
  for (const form of spec.forms) {
    expect(form.signature).toContain(` ${spec.name}(`);
    expect(RETURNS).toContain(form.returns);
    for (const p of form.params) {
      expect(TYPES).toContain(p.type);
      expect(p.name).not.toBe('');
      expect(p.type === 'flags').toBe(p.families.length > 0);
      for (const f of p.families) expect(families).toContain(f);
    }
  }
  expect(new Set(spec.forms.map((f) => f.params.length)).size).toBe(spec.forms.length);
  for (const e of spec.errors) expect(CONSTANTS.get(e)?.family).toBe('E');
});

test('constants agree with the model', () => {
  for (const [name, value] of Object.entries(errno))
    if (/^E[A-Z0-9]+$/.test(name)) expect(CONSTANTS.get(name)?.value, name).toBe(value);
  expect(CONSTANTS.get('FOLL_WRITE')?.value).toBe(FOLL.write);
  expect(CONSTANTS.get('FOLL_LONGTERM')?.value).toBe(FOLL.longterm);
  expect(CONSTANTS.get('FOLL_PIN')?.value).toBe(FOLL.pin);
  expect(CONSTANTS.get('FOLL_HONOR_NUMA_FAULT')?.value).toBe(FOLL.honorNumaFault);
});
