/** mmap(2) and its kind. Each function is `sys_` and the name of the call; error numbers come back negative. */
import { c, type Snippet, snippet } from './snippet.ts';

export const MEMORY: readonly Snippet[] = [
  snippet(
    'mmap',
    '',
    'errno.h sys/mman.h',
    c`
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
    c`
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
    c`
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
