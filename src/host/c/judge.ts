/** What the end of a run is asked: registers, memory as each process sees it, pages, counters, the medium. */
import { c, type Snippet, snippet } from './snippet.ts';

export const JUDGE: readonly Snippet[] = [
  snippet(
    'alive',
    'gone',
    'unistd.h',
    c`
static int alive(int process) { return shared->pid[process] != 0 && !gone(shared->pid[process], 0); }
`,
  ),
  snippet(
    'peek',
    'alive trace_mem',
    'fcntl.h math.h stdint.h stdio.h unistd.h',
    c`
/* An integer in the memory of a process, whatever the protection; NAN where nothing can be read. */
static double peek(int process, unsigned long addr, int size, int is_signed) {
  char path[40];
  uint64_t bits = 0;
  if (!alive(process)) return NAN;
  snprintf(path, sizeof path, "/proc/%d/mem", shared->pid[process]);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  long done = fd < 0 ? -1 : pread(fd, &bits, (size_t)size, (off_t)addr);
  close(fd);
  if (done != size) done = trace_mem(shared->pid[process], 0, &bits, (size_t)size, addr);
  if (done != size) return NAN;
  if (is_signed && size < 8) return (double)((int64_t)(bits << (64 - 8 * size)) >> (64 - 8 * size));
  return is_signed ? (double)(int64_t)bits : (double)bits;
}
`,
  ),
  snippet(
    'proc_word',
    'give_up',
    'errno.h fcntl.h stdint.h stdio.h string.h unistd.h',
    c`
/* One 64-bit word of a file of /proc. */
static uint64_t proc_word(const char *path, unsigned long index) {
  uint64_t word = 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || pread(fd, &word, sizeof word, (off_t)(index * sizeof word)) < 0) give_up("%s: %s", path, strerror(errno));
  close(fd);
  return word;
}
`,
  ),
  snippet(
    'page_entry',
    'alive proc_word',
    '',
    c`
/* /proc/PID/pagemap: bit 63 present, 62 swapped, 0 to 54 the page frame. */
static uint64_t page_entry(int process, unsigned long addr) {
  char path[40];
  if (!alive(process)) return 0;
  snprintf(path, sizeof path, "/proc/%d/pagemap", shared->pid[process]);
  return proc_word(path, addr / 4096);
}
`,
  ),
  snippet(
    'page_frame',
    'page_entry',
    '',
    c`
/* The page mapped there; 0 when none is. */
static uint64_t page_frame(int process, unsigned long addr) {
  uint64_t entry = page_entry(process, addr);
  if (!(entry >> 63)) return 0;
  uint64_t frame = entry & ((1ull << 55) - 1);
  if (frame == 0) give_up("/proc/PID/pagemap shows no page frames to this user (CAP_SYS_ADMIN)");
  return frame;
}
`,
  ),
  snippet(
    'present',
    'page_entry',
    '',
    'static double present(int process, unsigned long addr) { return (double)(page_entry(process, addr) >> 63); }',
  ),
  snippet(
    'swapped',
    'page_entry',
    '',
    'static double swapped(int process, unsigned long addr) { return (double)(page_entry(process, addr) >> 62 & 1); }',
  ),
  snippet(
    'same_page',
    'page_frame',
    '',
    c`
static double same_page(int process, unsigned long addr, int other, unsigned long there) {
  uint64_t frame = page_frame(process, addr);
  return frame != 0 && frame == page_frame(other, there);
}
`,
  ),
  snippet(
    'map_count',
    'page_frame',
    '',
    c`
static double map_count(int process, unsigned long addr) {
  uint64_t frame = page_frame(process, addr);
  return frame == 0 ? 0 : (double)proc_word("/proc/kpagecount", frame);
}
`,
  ),
  snippet(
    'page_flags',
    'page_frame',
    '',
    c`
#define KPF_DIRTY 4
#define KPF_COMPOUND_HEAD 15
#define KPF_COMPOUND_TAIL 16
static uint64_t page_flags(uint64_t frame) { return proc_word("/proc/kpageflags", frame); }

/* The first page of the folio that a page belongs to. */
static uint64_t page_head(uint64_t frame) {
  while (page_flags(frame) >> KPF_COMPOUND_TAIL & 1) frame--;
  return frame;
}
`,
  ),
  snippet(
    'dirty',
    'page_flags',
    '',
    c`
static double dirty(int process, unsigned long addr) {
  uint64_t frame = page_frame(process, addr);
  return frame == 0 ? 0 : (double)(page_flags(page_head(frame)) >> KPF_DIRTY & 1);
}
`,
  ),
  snippet(
    'page_order',
    'page_flags',
    '',
    c`
static double page_order(int process, unsigned long addr) {
  uint64_t frame = page_frame(process, addr), pages = 1;
  int order = 0;
  if (frame == 0) return 0;
  frame = page_head(frame);
  if (page_flags(frame) >> KPF_COMPOUND_HEAD & 1)
    while (page_flags(frame + pages) >> KPF_COMPOUND_TAIL & 1) pages++;
  while (pages > 1) pages /= 2, order++;
  return order;
}
`,
  ),
  snippet(
    'huge_by_smaps',
    'give_up page_entry',
    'stdio.h string.h',
    c`
/* Before PAGEMAP_SCAN: smaps says how much of a mapping huge entries map; none or all of it says it of each page. */
static double huge_by_smaps(int process, unsigned long addr) {
  char path[40], line[512];
  unsigned long start = 0, end = 0, size, huge = 0;
  int here = 0, hugetlb = 0;
  snprintf(path, sizeof path, "/proc/%d/smaps", shared->pid[process]);
  FILE *file = fopen(path, "re");
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    unsigned long from, to;
    if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
      if (here) break;
      here = from <= addr && addr < to;
      start = from, end = to;
    } else if (here && (sscanf(line, "AnonHugePages: %lu", &size) == 1 || sscanf(line, "ShmemPmdMapped: %lu", &size) == 1 ||
                        sscanf(line, "FilePmdMapped: %lu", &size) == 1)) huge += size * 1024;
    else if (here && strncmp(line, "VmFlags:", 8) == 0) hugetlb = strstr(line, " ht") != NULL;
  }
  if (file != NULL) fclose(file);
  if (!here) return 0;
  if (hugetlb) return (double)(page_entry(process, addr) >> 63);
  start = (start + (2ul << 20) - 1) & ~((2ul << 20) - 1);
  end &= ~((2ul << 20) - 1);
  if (huge == 0 || addr < start || addr >= end) return 0;
  if (huge != end - start) give_up("huge(): this kernel has no PAGEMAP_SCAN, and smaps does not say which part of the mapping is huge");
  return 1;
}
`,
  ),
  snippet(
    'huge',
    'alive give_up huge_by_smaps',
    'errno.h fcntl.h stdint.h stdio.h string.h sys/ioctl.h unistd.h',
    c`
/* PAGEMAP_SCAN (6.7): whether the entry that maps the page is a huge one. */
static double huge(int process, unsigned long addr) {
  struct { uint64_t start, end, categories; } found = {0, 0, 0};
  struct {
    uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
    uint64_t inverted, all_of, any_of, returned;
  } scan = {sizeof scan, 0, addr & ~4095ul, (addr & ~4095ul) + 4096, 0, (unsigned long)&found, 1, 0, 0, 1 << 6, 0, 1 << 6};
  char path[40];
  if (!alive(process)) return 0;
  snprintf(path, sizeof path, "/proc/%d/pagemap", shared->pid[process]);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  long done = fd < 0 ? -1 : ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 'f', 16, sizeof scan), &scan);
  if (done < 0 && errno != ENOTTY) give_up("huge(): PAGEMAP_SCAN: %s", strerror(errno));
  close(fd);
  return done < 0 ? huge_by_smaps(process, addr) : done > 0;
}
`,
  ),
  snippet(
    'writable',
    'page_entry futex run_body',
    'sys/mman.h sys/resource.h',
    c`
/* Stores what is there already; 2 when no fault came of it, else 3. */
static void store_again(int process) {
  struct thread nobody = {0}, *before_this = self;
  struct rusage before, after;
  volatile int faults = 1;
  if (shared->asked[process] != 1) return;
  self = &nobody;
  if (sigsetjmp(escape, 1) == 0) {
    /* What the processor remembers of the table may be stricter: to take so much away makes it forget everything. */
    char *much = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (much != MAP_FAILED) munmap(much, 1 << 20);
    getrusage(RUSAGE_THREAD, &after);
    getrusage(RUSAGE_THREAD, &before);
    __asm__ volatile("lock orb $0, %0" : "+m"(*(volatile char *)shared->asked_at[process]));
    getrusage(RUSAGE_THREAD, &after);
    faults = after.ru_minflt != before.ru_minflt || after.ru_majflt != before.ru_majflt;
  }
  self = before_this;
  shared->asked[process] = faults ? 3 : 2;
  futex_wake(&shared->asked[process]);
}
__attribute__((constructor)) static void may_ask(void) { asked_for = store_again; }

/*
 * Whether the entry allows writing: the process itself stores there, and has no fault. This is asked after all that
 * it could change. A store that waits for somebody (userfaultfd) has faulted as well.
 */
static double writable(int process, unsigned long addr) {
  if (!(page_entry(process, addr) >> 63)) return 0;
  shared->asked_at[process] = addr;
  shared->asked[process] = 1;
  futex_wake(&shared->leave[process]);
  for (int i = 0; shared->asked[process] == 1 && i < 1000 && alive(process); i++) futex_wait(&shared->asked[process], 1, 2);
  return shared->asked[process] == 2;
}
`,
  ),
  snippet(
    'page_node',
    'alive',
    'sys/syscall.h unistd.h',
    c`
static double page_node(int process, unsigned long addr) {
  void *page = (void *)addr;
  int status = 0;
  if (alive(process)) syscall(SYS_move_pages, shared->pid[process], 1ul, &page, NULL, &status, 0);
  return status < 0 ? 0 : status;
}
`,
  ),
  snippet(
    'counter',
    'write_text give_up',
    'errno.h stdio.h string.h stdlib.h',
    c`
/* A counter of /proc/vmstat, with what the CPUs still hold back folded in first. */
static long counter(const char *name) {
  char line[128];
  long number = -1;
  size_t length = strlen(name);
  if (write_text("/proc/sys/vm/stat_refresh", "1") < 0 && (errno == EACCES || errno == EPERM))
    give_up("%s: only root may have what each CPU counted added up (/proc/sys/vm/stat_refresh)", name);
  FILE *file = fopen("/proc/vmstat", "re");
  while (file != NULL && fgets(line, sizeof line, file) != NULL)
    if (strncmp(line, name, length) == 0 && line[length] == ' ') number = atol(line + length);
  if (file != NULL) fclose(file);
  if (number < 0) give_up("/proc/vmstat has no %s", name);
  return number;
}
`,
  ),
  snippet(
    'disk',
    'alive give_up',
    'fcntl.h linux/fiemap.h linux/fs.h math.h stdio.h string.h sys/ioctl.h unistd.h',
    c`
/* A byte of a file as the medium has it: by its place there, as a read through the file would first write the cache out. */
static double disk(int process, int fd, long index) {
  static unsigned char block[4096] __attribute__((aligned(4096)));
  static union {
    struct fiemap map;
    char room[sizeof(struct fiemap) + sizeof(struct fiemap_extent)];
  } found;
  char path[48];
  if (!alive(process)) return NAN;
  snprintf(path, sizeof path, "/proc/%d/fd/%d", shared->pid[process], fd);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return NAN;
  memset(&found, 0, sizeof found);
  found.map.fm_start = (uint64_t)index / 4096 * 4096;
  found.map.fm_length = 4096;
  found.map.fm_extent_count = 1;
  int known = ioctl(file, FS_IOC_FIEMAP, &found.map);
  close(file);
  if (known < 0) give_up("disk(): this file system does not say where a file lies");
  struct fiemap_extent *extent = found.map.fm_extents;
  unsigned nowhere = FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_UNWRITTEN;
  if (found.map.fm_mapped_extents == 0 || (extent->fe_flags & nowhere) != 0) return 0;
  if ((extent->fe_flags & FIEMAP_EXTENT_NOT_ALIGNED) != 0) give_up("disk(): the data is no block of its own");
  long at = (long)(extent->fe_physical + found.map.fm_start - extent->fe_logical);
  if (pread(medium, block, sizeof block, at) != (long)sizeof block) give_up("disk(): the device cannot be read");
  return block[index % 4096];
}
`,
  ),
];
