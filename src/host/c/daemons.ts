/** What the kernel does on its own account, when user space can set it going. */
import { c, type Snippet, snippet } from './snippet.ts';

export const DAEMONS: readonly Snippet[] = [
  snippet(
    'write_text',
    '',
    'fcntl.h string.h unistd.h',
    c`
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
    c`
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
    'need give_up',
    'sys/mman.h',
    c`
/* MADV_COLLAPSE: the same work as khugepaged's, done at once. */
static long sys_khugepaged(volatile void *addr) {
  unsigned long start = (unsigned long)addr & ~((2ul << 20) - 1);
  if (madvise((void *)start, 0, 25) != 0) give_up("khugepaged: this kernel has no MADV_COLLAPSE");
  return need("khugepaged (MADV_COLLAPSE)", madvise((void *)start, 2ul << 20, 25));
}
`,
  ),
  snippet(
    'migrate',
    'fail give_up',
    'sys/stat.h sys/syscall.h unistd.h',
    c`
/* move_pages for one page; what happened to the page is its answer. */
static long sys_migrate(int pid, volatile void *addr, int node) {
  void *page = (void *)addr;
  int status = -1;
  long done = result(syscall(SYS_move_pages, pid, 1ul, &page, &node, &status, 2));
  if (done == -ENODEV) give_up("migrate(): this machine has no memory on node %d", node);
  if (done != 0) return done < 0 ? done : status;
  return status == node ? 0 : status;
}
`,
  ),
  snippet(
    'shrink',
    'write_text give_up',
    '',
    c`
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
    c`
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
