/*
 * This machine's kernel as a peer: io_uring registers a buffer (which pins its pages for long, and
 * keeps a list of them) and unregisters it. System calls by hand, so that nothing has to be installed.
 *
 * Arguments: `small` (4 KiB pages) or `huge` (2 MiB pages if the kernel gives them), and a number of
 * pages, at most 262144: a registered buffer has at most 1 GiB. Then one round for each line on
 * standard input; answers `<ns of the registration> <ns of taking it back>` for all pages together.
 * Exit status 3, with the reason on standard error: this kernel doesn't let us.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void refuse(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(3);
}

int main(int argc, char **argv) {
  if (argc != 3) { fprintf(stderr, "usage: ring small|huge PAGES\n"); return 2; }
  size_t nr = strtoul(argv[2], NULL, 10), bytes = nr * 4096, align = 1 << 21;
  char *p = mmap(NULL, bytes + align, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) refuse("mmap");
  p = (char *)(((uintptr_t)p + align - 1) & ~(align - 1));
  int huge = strcmp(argv[1], "huge") == 0;
  if (madvise(p, bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) != 0 && huge) refuse("madvise");
  memset(p, 1, bytes);
  struct io_uring_params params = {0};
  int fd = syscall(SYS_io_uring_setup, 1, &params);
  if (fd < 0) refuse("io_uring_setup");
  struct iovec buffer = {p, bytes};
  int inner = nr < 4096 ? 16 : 1;
  char line[16];
  while (fgets(line, sizeof line, stdin) != NULL) {
    uint64_t pinned = 0, released = 0;
    for (int q = 0; q < inner; q++) {
      uint64_t t0 = now();
      if (syscall(SYS_io_uring_register, fd, IORING_REGISTER_BUFFERS, &buffer, 1) < 0) refuse("register");
      uint64_t t1 = now();
      if (syscall(SYS_io_uring_register, fd, IORING_UNREGISTER_BUFFERS, NULL, 0) < 0) refuse("unregister");
      pinned += t1 - t0, released += now() - t1;
    }
    printf("%.3f %.3f\n", (double)pinned / inner, (double)released / inner);
    fflush(stdout);
  }
  return 0;
}
