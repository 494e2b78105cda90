/** Steps of random programs in C: `x` are the arguments, `me` the thread. The position is the number in an encoded program. */

const at = '(volatile signed char *)x[0]';
const place = '(void *)x[0]';

export const FUZZ_CALLS: Readonly<Record<string, string>> = {
  load: `*${at}`,
  store: `(*${at} = (signed char)x[1], 0)`,
  post: '(sys_post((int)x[0]), 0)',
  await: '(await_from((int)x[0], (int)x[1]), 0)',
  mmap: '(long)sys_mmap((void *)x[0], (unsigned long)x[1], (int)x[2], (int)x[3], (int)x[4], x[5])',
  munmap: `sys_munmap(${place}, (unsigned long)x[1])`,
  mprotect: `sys_mprotect(${place}, (unsigned long)x[1], (int)x[2])`,
  mremap:
    '(long)sys_mremap((void *)x[0], (unsigned long)x[1], (unsigned long)x[2], (int)x[3], (void *)x[4])',
  madvise: `sys_madvise(${place}, (unsigned long)x[1], (int)x[2])`,
  mlock: `sys_mlock(${place}, (unsigned long)x[1])`,
  munlock: `sys_munlock(${place}, (unsigned long)x[1])`,
  fork: 'sys_fork((int)x[0])',
  wait: 'sys_wait((int)x[0])',
  exit: '(sys_exit(me), 0)',
  ptrace_write: 'sys_ptrace_write((int)x[0], (void *)x[1], (int)x[2])',
  ptrace_read: 'sys_ptrace_read((int)x[0], (void *)x[1])',
  process_vm_readv:
    'sys_process_vm_readv((int)x[0], (void *)x[1], (void *)x[2], (unsigned long)x[3])',
  process_vm_writev:
    'sys_process_vm_writev((int)x[0], (void *)x[1], (void *)x[2], (unsigned long)x[3])',
  pipe: '(sys_pipe(ends), shared->process[0].var[3] = ends[0], shared->process[0].var[4] = ends[1], 0)',
  vmsplice: 'sys_vmsplice((int)x[0], (void *)x[1], (unsigned long)x[2], (unsigned)x[3])',
  read: 'sys_read((int)x[0], (void *)x[1], (unsigned long)x[2])',
  take: 'sys_read_value((int)x[0], (unsigned long)x[1])',
  write: 'sys_write((int)x[0], (void *)x[1], (unsigned long)x[2])',
  set_nr_hugepages: 'sys_set_nr_hugepages((int)x[0])',
  memfd_create: 'sys_memfd_create("f", (unsigned)x[1])',
  ftruncate: 'sys_ftruncate((int)x[0], x[1])',
  fallocate: 'sys_fallocate((int)x[0], (int)x[1], x[2], x[3])',
  pwrite: 'sys_pwrite((int)x[0], (void *)x[1], (unsigned long)x[2], x[3])',
  pread: 'sys_pread((int)x[0], (void *)x[1], (unsigned long)x[2], x[3])',
  open: 'sys_open("/ext4/f", O_RDWR | O_CREAT | O_DIRECT, 0600)',
  io_submit:
    '(hold_disk(1), sys_io_submit((int)x[0], (int)x[1], (void *)x[2], (unsigned long)x[3], x[4]))',
  io_getevents: '(hold_disk(0), sys_io_getevents())',
  io_uring_register_buffers: `sys_io_uring_register_buffers(${place}, (unsigned long)x[1])`,
  io_uring_unregister_buffers: 'sys_io_uring_unregister_buffers()',
  io_uring_read_fixed:
    'sys_io_uring_read_fixed((int)x[0], (void *)x[1], (unsigned long)x[2], x[3], (int)x[4])',
  io_uring_write_fixed:
    'sys_io_uring_write_fixed((int)x[0], (void *)x[1], (unsigned long)x[2], x[3], (int)x[4])',
};

/** Snippets of src/host/c that those need. */
export const CALL_SNIPPETS: readonly string[] = [
  ...Object.keys(FUZZ_CALLS).filter((n) => !['load', 'store', 'await', 'take'].includes(n)),
  'read_value',
  'wait_until',
];

/** Questions about the end, by position: how C answers for process `a` at address `x`. */
export const FUZZ_QUERIES: Readonly<Record<string, string>> = {
  reg: '(shared->is_set[a][x] ? (double)shared->reg[a][x] : NAN)',
  acquired: 'counter("nr_foll_pin_acquired") - counted[0]',
  released: 'counter("nr_foll_pin_released") - counted[1]',
  byte: 'peek(a, x, 1, 1)',
  present: 'present(a, x)',
  swapped: 'swapped(a, x)',
  huge: 'huge(a, x)',
  map_count: 'map_count(a, x)',
  same_page: 'same_page(a, x, b, y)',
};

export const QUERY_SNIPPETS: readonly string[] = [
  'counter',
  'peek',
  'present',
  'swapped',
  'huge',
  'map_count',
  'same_page',
];
