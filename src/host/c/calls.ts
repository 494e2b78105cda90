/** One C function a call of the language: `sys_` and its name; error numbers come back negative. */
import { type Snippet, snippet } from './snippet.ts';

const MEMORY: readonly Snippet[] = [
  snippet(
    'mmap',
    '',
    'errno.h sys/mman.h',
    String.raw`
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#define MMAP_BASE 0x70000000000ul
/* The highest free place below a base of the test's own, so that no stack or ring of this program comes between. */
static unsigned long free_place(unsigned long length, unsigned long align) {
  unsigned long start = (MMAP_BASE - length) & ~(align - 1);
  unsigned char seen;
  for (unsigned long page = (start + length - 1) & ~4095ul; page + 4096 > start; page -= 4096)
    if (mincore((void *)page, 4096, &seen) == 0) {
      start = (page - length) & ~(align - 1);
      page = (start + length + 4095) & ~4095ul;
    }
  return start;
}

/* mmap; memory of 2 MiB and more begins at a multiple of 2 MiB, so that huge pages can map it. */
static void *sys_mmap(volatile void *addr, unsigned long length, int prot, int flags, int fd, long offset) {
  void *got;
  int chosen = addr == NULL && length > 0 && !(flags & MAP_FIXED);
  do {
    unsigned long align = (flags & MAP_HUGETLB) && (unsigned)flags >> 26 == 30 ? 1ul << 30 : length >= 2ul << 20 || (flags & MAP_HUGETLB) ? 2ul << 20 : 4096;
    void *where = chosen ? (void *)free_place(length, align) : (void *)addr;
    got = mmap(where, length, prot, chosen ? flags | MAP_FIXED_NOREPLACE : flags, fd, offset);
  } while (chosen && got == MAP_FAILED && errno == EEXIST);
  return got == MAP_FAILED ? (void *)(long)-errno : got;
}
`,
  ),
  ...(
    [
      ['munmap', 'unsigned long length', 'length'],
      ['mlock', 'unsigned long length', 'length'],
      ['munlock', 'unsigned long length', 'length'],
      ['mprotect', 'unsigned long length, int prot', 'length, prot'],
      ['madvise', 'unsigned long length, int advice', 'length, advice'],
      ['msync', 'unsigned long length, int flags', 'length, flags'],
    ] as const
  ).map(([name, params, args]) =>
    snippet(
      name,
      'fail',
      'sys/mman.h',
      `static long sys_${name}(volatile void *addr, ${params}) { return result(${name}((void *)addr, ${args})); }`,
    ),
  ),
  snippet(
    'mremap',
    '',
    'errno.h sys/mman.h',
    String.raw`
static void *sys_mremap(volatile void *from, unsigned long size, unsigned long new_size, int flags, volatile void *to) {
  void *got = mremap((void *)from, size, new_size, flags, (void *)to);
  return got == MAP_FAILED ? (void *)(long)-errno : got;
}
`,
  ),
  snippet(
    'clear_refs',
    'need',
    'fcntl.h stdio.h unistd.h',
    String.raw`
static long sys_clear_refs(int value) {
  char text[16];
  int n = snprintf(text, sizeof text, "%d", value);
  int fd = open("/proc/self/clear_refs", O_WRONLY);
  long done = need("clear_refs", fd < 0 ? -1 : write(fd, text, (size_t)n));
  close(fd);
  return done < 0 ? done : 0;
}
`,
  ),
];

const PROCESS: readonly Snippet[] = [
  snippet(
    'fork',
    'run_body fail',
    'unistd.h',
    String.raw`
/* A real fork; the child runs the body of thread n and stays. */
static long sys_fork(int n) {
  if (!__sync_bool_compare_and_swap(&shared->thread[n].started, 0, 1)) return -EAGAIN;
  int me = (int)(self - shared->thread);
  shared->process[process_of[n]] = shared->process[me == THREADS ? 0 : process_of[me]];
  pid_t child = fork();
  if (child == 0) {
    shared->pid[process_of[n]] = getpid();
    run_body(n, body_of[n]);
    stay(process_of[n]);
  }
  if (child < 0) {
    shared->thread[n].started = 0;
    return -errno;
  }
  shared->pid[process_of[n]] = child;
  return n;
}
`,
  ),
  snippet(
    'wait',
    'wait_until gone',
    'sys/wait.h',
    String.raw`
/* Waits for the end of the thread's body, lets its process go, and sees it off. */
static long sys_wait(int n) {
  int process = process_of[n];
  self->waits = 1;
  while (shared->thread[n].ended == 0 && shared->leave[process] == 0)
    futex_wait(&shared->thread[n].ended, 0, 1000);
  self->waits = 0;
  shared->leave[process] = 1;
  futex_wake(&shared->leave[process]);
  while (!gone(shared->pid[process], 1000)) {}
  waitpid(shared->pid[process], NULL, WNOHANG);
  return n;
}
`,
  ),
  snippet(
    'gone',
    '',
    'poll.h sys/syscall.h unistd.h',
    String.raw`
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
/* Whether a process has ended, within so many milliseconds. Its memory is gone by then. */
static int gone(int pid, int milliseconds) {
  int fd = (int)syscall(SYS_pidfd_open, pid, 0);
  if (fd < 0) return 1;
  struct pollfd wanted = {fd, POLLIN, 0};
  int ready = poll(&wanted, 1, milliseconds);
  close(fd);
  return ready == 1;
}
`,
  ),
  snippet(
    'exit',
    'run_body',
    'unistd.h',
    String.raw`
static void sys_exit(int process) {
  shared->leave[process] = 1;
  __sync_synchronize();
  __sync_add_and_fetch(&shared->ends, 1);
  futex_wake(&shared->ends);
  futex_wake(&self->ended);
  _exit(0);
}
`,
  ),
  snippet(
    'open_mem',
    '',
    'fcntl.h stdio.h',
    String.raw`
/* /proc/PID/mem of the process that thread n belongs to. */
static int open_mem(int n, int flags) {
  char path[40];
  snprintf(path, sizeof path, "/proc/%d/mem", shared->pid[process_of[n]]);
  return open(path, flags | O_CLOEXEC);
}
`,
  ),
  snippet(
    'ptrace_write',
    'open_mem fail',
    'unistd.h',
    String.raw`
static long sys_ptrace_write(int n, volatile void *addr, int byte) {
  char c = (char)byte;
  int fd = open_mem(n, O_WRONLY);
  if (fd < 0) return -ESRCH;
  long done = result(pwrite(fd, &c, 1, (off_t)(unsigned long)addr));
  close(fd);
  return done;
}
`,
  ),
  snippet(
    'ptrace_read',
    'open_mem fail',
    'unistd.h',
    String.raw`
static long sys_ptrace_read(int n, volatile void *addr) {
  unsigned char c = 0;
  int fd = open_mem(n, O_RDONLY);
  if (fd < 0) return -ESRCH;
  long done = result(pread(fd, &c, 1, (off_t)(unsigned long)addr));
  close(fd);
  return done < 0 ? done : c;
}
`,
  ),
  ...(['readv', 'writev'] as const).map((way) =>
    snippet(
      `process_vm_${way}`,
      'fail',
      'sys/uio.h',
      String.raw`
static long sys_process_vm_${way}(int n, volatile void *local, volatile void *remote, unsigned long length) {
  struct iovec here = {(void *)local, length}, there = {(void *)remote, length};
  return result(process_vm_${way}(shared->pid[process_of[n]], &here, 1, &there, 1, 0));
}
`,
    ),
  ),
];

const buffer = (name: string, params: string, args: string): Snippet =>
  snippet(
    name,
    'fail',
    'unistd.h fcntl.h',
    `static long sys_${name}(int fd, volatile void *buf, unsigned long count${params}) { return result(${name}(fd, (void *)buf, count${args})); }`,
  );

const value = (name: string, params: string, args: string): Snippet =>
  snippet(
    `${name}_value`,
    'fail',
    'stdint.h unistd.h',
    String.raw`
/* The short form: up to eight bytes as a number, little-endian. */
static long sys_${name}_value(int fd, unsigned long count${params}) {
  uint64_t number = 0;
  self->waits = 1;
  long done = result(${name}(fd, &number, count < 8 ? count : 8${args}));
  self->waits = 0;
  return done < 0 ? done : (long)number;
}
`,
  );

const FILES: readonly Snippet[] = [
  snippet(
    'open',
    'fail',
    'fcntl.h',
    'static long sys_open(const char *path, int flags, int mode) { return result(open(path, flags, mode)); }',
  ),
  snippet(
    'close',
    'fail',
    'unistd.h',
    'static long sys_close(int fd) { return result(close(fd)); }',
  ),
  snippet(
    'read',
    'fail',
    'unistd.h',
    String.raw`
static long sys_read(int fd, volatile void *buf, unsigned long count) {
  self->waits = 1;
  long done = result(read(fd, (void *)buf, count));
  self->waits = 0;
  return done;
}
`,
  ),
  value('read', '', ''),
  value('pread', ', long offset', ', offset'),
  buffer('write', '', ''),
  buffer('pread', ', long offset', ', offset'),
  buffer('pwrite', ', long offset', ', offset'),
  snippet(
    'lseek',
    'fail',
    'unistd.h',
    'static long sys_lseek(int fd, long offset, int whence) { return result(lseek(fd, offset, whence)); }',
  ),
  snippet(
    'ftruncate',
    'fail',
    'unistd.h',
    'static long sys_ftruncate(int fd, long length) { return result(ftruncate(fd, length)); }',
  ),
  snippet(
    'truncate',
    'fail',
    'unistd.h',
    'static long sys_truncate(int fd, long length) { return result(ftruncate(fd, length)); }',
  ),
  snippet(
    'fallocate',
    'fail',
    'fcntl.h',
    'static long sys_fallocate(int fd, int mode, long offset, long length) { return result(fallocate(fd, mode, offset, length)); }',
  ),
  snippet(
    'fsync',
    'fail',
    'unistd.h',
    'static long sys_fsync(int fd) { return result(fsync(fd)); }',
  ),
  snippet(
    'writeback',
    'fail',
    'unistd.h',
    'static long sys_writeback(int fd) { return result(fdatasync(fd)); }',
  ),
  snippet(
    'sync_file_range',
    'fail',
    'fcntl.h',
    'static long sys_sync_file_range(int fd, long offset, long nbytes, unsigned flags) { return result(sync_file_range(fd, offset, nbytes, flags)); }',
  ),
  snippet(
    'pipe',
    'fail',
    'unistd.h',
    'static long sys_pipe(int *ends) { return result(pipe(ends)); }',
  ),
  snippet(
    'splice',
    'fail',
    'fcntl.h',
    String.raw`
/* A negative offset stands for NULL: where the file stands. */
static long sys_splice(int from, long off_from, int to, long off_to, unsigned long length, unsigned flags) {
  loff_t a = off_from, b = off_to;
  return result(splice(from, off_from < 0 ? NULL : &a, to, off_to < 0 ? NULL : &b, length, flags));
}
`,
  ),
  snippet(
    'vmsplice',
    'fail',
    'fcntl.h sys/uio.h',
    String.raw`
static long sys_vmsplice(int fd, volatile void *addr, unsigned long length, unsigned flags) {
  struct iovec range = {(void *)addr, length};
  return result(vmsplice(fd, &range, 1, flags));
}
`,
  ),
  snippet(
    'memfd_create',
    'fail',
    'sys/mman.h',
    'static long sys_memfd_create(const char *name, unsigned flags) { return result(memfd_create(name, flags)); }',
  ),
  snippet(
    'memfd_secret',
    'need',
    'sys/syscall.h unistd.h',
    String.raw`
#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif
static long sys_memfd_secret(unsigned flags) { return need("memfd_secret", syscall(SYS_memfd_secret, flags)); }
`,
  ),
  snippet(
    'fcntl',
    'fail',
    'fcntl.h',
    'static long sys_fcntl(int fd, int command, int argument) { return result(fcntl(fd, command, argument)); }',
  ),
];

const DAEMONS: readonly Snippet[] = [
  snippet(
    'write_text',
    '',
    'fcntl.h string.h unistd.h',
    String.raw`
static long write_text(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  long done = write(fd, text, strlen(text));
  close(fd);
  return done;
}
`,
  ),
  snippet(
    'set_nr_hugepages',
    'write_text give_up',
    'stdio.h stdlib.h string.h errno.h',
    String.raw`
/* The pool is put back by whoever started this program, and by judge_all() when it ends by itself. */
static long sys_set_nr_hugepages(int n) {
  char text[24] = "";
  snprintf(text, sizeof text, "%d", n);
  if (write_text("/proc/sys/vm/nr_hugepages", text) < 0) give_up("set_nr_hugepages: %s", strerror(errno));
  int fd = open("/proc/sys/vm/nr_hugepages", O_RDONLY | O_CLOEXEC);
  long done = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  close(fd);
  int got = done > 0 ? atoi(text) : 0;
  if (got < n) give_up("set_nr_hugepages(%d): only %d huge pages could be found", n, got);
  return got;
}
`,
  ),
  snippet(
    'khugepaged',
    'need',
    'sys/mman.h',
    String.raw`
/* MADV_COLLAPSE: the same work as khugepaged's, done at once. */
static long sys_khugepaged(volatile void *addr) {
  unsigned long start = (unsigned long)addr & ~((2ul << 20) - 1);
  return need("khugepaged (MADV_COLLAPSE)", madvise((void *)start, 2ul << 20, 25));
}
`,
  ),
  snippet(
    'migrate',
    'fail',
    'sys/syscall.h unistd.h',
    String.raw`
/* move_pages for one page; what happened to the page is its answer. */
static long sys_migrate(int pid, volatile void *addr, int node) {
  void *page = (void *)addr;
  int status = -1;
  long done = result(syscall(SYS_move_pages, pid, 1ul, &page, &node, &status, 2));
  if (done != 0) return done < 0 ? done : status;
  return status == node ? 0 : status;
}
`,
  ),
  snippet(
    'shrink',
    'write_text give_up',
    '',
    String.raw`
/* Reclaims all that this test's control group has. */
static long sys_shrink(void) {
  if (write_text("/cgroup/memory.force_empty", "0") < 0 && write_text("/cgroup/memory.reclaim", "1G") < 0 && errno != EAGAIN)
    give_up("shrink: no memory control group to reclaim (%s)", strerror(errno));
  return 0;
}
`,
  ),
  snippet(
    'split_huge_page',
    'write_text give_up',
    'errno.h stdio.h string.h unistd.h',
    String.raw`
/* The kernel's own test of splitting; whether it split, page_order() tells. */
static long sys_split_huge_page(volatile void *addr) {
  char text[64];
  snprintf(text, sizeof text, "%d,0x%lx,0x%lx", getpid(), (unsigned long)addr, (unsigned long)addr + 4096);
  if (write_text("/debug/split_huge_pages", text) < 0)
    give_up("split_huge_page(): /sys/kernel/debug/split_huge_pages: %s", strerror(errno));
  return 0;
}
`,
  ),
  snippet(
    'swap_in',
    'fail',
    'sys/mman.h',
    'static long sys_swap_in(volatile void *addr) { return result(madvise((void *)addr, 4096, MADV_WILLNEED)); }',
  ),
];

export const CALL_SNIPPETS: readonly Snippet[] = [...MEMORY, ...PROCESS, ...FILES, ...DAEMONS];
