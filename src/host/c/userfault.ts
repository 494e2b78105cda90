/** userfaultfd as its monitor uses it, and KSM set going by hand. */
import { c, type Snippet, snippet } from './snippet.ts';

/** Parameters of addresses; the others are numbers. */
const ADDRESSES = new Set(['start', 'dst', 'src']);

/**
 * A request of the monitor, and the struct that it takes: the parameters, then what the kernel answers in it, if anything. `done`:
 * the bytes that were done or an error, which is the result where it is not 0.
 */
const uffdio = (
  name: string,
  number: string,
  parameters: string,
  answer: 'done' | 'ioctls' | null,
): Snippet => {
  const names = parameters.split(' ');
  const types = names.map((p) => `${ADDRESSES.has(p) ? 'volatile void *' : 'unsigned long '}${p}`);
  const fields = answer === 'ioctls' ? [...names, answer] : names;
  const members = `uint64_t ${fields.join(', ')};${answer === 'done' ? ' int64_t done;' : ''}`;
  const values = [
    ...names.map((p) => (ADDRESSES.has(p) ? `(uint64_t)${p}` : p)),
    ...(answer === null ? [] : ['0']),
  ];
  const call = `result(ioctl(uffd_of(), _IOWR(0xAA, ${number}, struct uffd_${name}), &arg))`;
  const last =
    answer === 'done'
      ? [`  long status = ${call};`, '  return arg.done != 0 ? (long)arg.done : status;']
      : [`  return ${call};`];
  return snippet(
    `uffdio_${name}`,
    'uffd_of fail',
    '',
    [
      `static long sys_uffdio_${name}(${types.join(', ')}) {`,
      `  struct uffd_${name} { ${members} } arg = {${values.join(', ')}};`,
      ...last,
      '}',
    ].join('\n'),
  );
};

export const USERFAULT: readonly Snippet[] = [
  snippet(
    'uffd_of',
    'give_up run_body',
    'errno.h fcntl.h stdint.h stdio.h string.h sys/ioctl.h sys/syscall.h unistd.h',
    c`
/* The userfaultfd of this process, with every feature that changes nothing until it is asked for. */
struct uffd_api { uint64_t api, features, ioctls; };
#define UFFD_API_CALL _IOWR(0xAA, 0x3F, struct uffd_api)
/* UFFD_FEATURE_: PAGEFAULT_FLAG_WP, MISSING_SHMEM, MINOR_SHMEM, MOVE. */
#define UFFD_WANTED (1ull << 0 | 1ull << 5 | 1ull << 10 | 1ull << 16)
#define UFFD_NUMBER 199
static int uffd_fd, uffd_pid;

/* How many threads of a process wait in a fault: the judge takes them for waiting ones when it looks for a deadlock. */
static int uffd_waiting(int pid) {
  char path[64], line[80];
  int total = 0;
  snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", pid, UFFD_NUMBER);
  FILE *file = fopen(path, "re");
  while (file != NULL && fgets(line, sizeof line, file) != NULL) sscanf(line, "total: %d", &total);
  if (file != NULL) fclose(file);
  return total;
}
__attribute__((constructor)) static void may_wait_in_faults(void) { wait_in_faults = uffd_waiting; }

static int uffd_of(void) {
  struct uffd_api asked = {0xAA, 0, 0};
  if (uffd_pid == getpid()) return uffd_fd;
  int probe = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
  if (probe < 0 || ioctl(probe, UFFD_API_CALL, &asked) != 0) give_up("userfaultfd: %s", strerror(errno));
  close(probe);
  asked.features &= UFFD_WANTED;
  probe = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
  uffd_fd = fcntl(probe, F_DUPFD_CLOEXEC, UFFD_NUMBER);
  close(probe);
  if (uffd_fd < 0 || ioctl(uffd_fd, UFFD_API_CALL, &asked) != 0) give_up("userfaultfd: %s", strerror(errno));
  uffd_pid = getpid();
  return uffd_fd;
}
`,
  ),
  uffdio('register', '0x00', 'start len mode', 'ioctls'),
  uffdio('copy', '0x03', 'dst src len mode', 'done'),
  uffdio('continue', '0x07', 'start len mode', 'done'),
  uffdio('writeprotect', '0x06', 'start len mode', null),
  uffdio('move', '0x05', 'dst src len mode', 'done'),
  snippet(
    'ksm',
    'write_text give_up',
    'errno.h fcntl.h stdint.h stdio.h stdlib.h string.h time.h unistd.h',
    c`
#define KSM "/sys/kernel/mm/ksm/"
static long ksm_number(const char *path) {
  char text[24] = "";
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || read(fd, text, sizeof text - 1) < 0) give_up("ksm: %s: %s", path, strerror(errno));
  close(fd);
  return atol(text);
}

/* pagemap as the process itself may see it: bit 63 present, 56 mapped once; page frames are hidden. */
static int own_entry(volatile void *addr, int bit) {
  uint64_t entry = 0;
  int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  if (fd < 0 || pread(fd, &entry, 8, (long)((unsigned long)addr / 4096 * 8)) != 8) entry = 0;
  close(fd);
  return (int)(entry >> bit & 1);
}

static int ksm_merged(volatile void *a, volatile void *b) {
  return ksm_number("/proc/self/ksm_merging_pages") >= 2 && !own_entry(a, 56) && !own_entry(b, 56);
}

/* Lets the daemon scan all mergeable memory until the pages are one, or five times. */
static long sys_ksm(volatile void *a, volatile void *b) {
  if (!own_entry(a, 63) || !own_entry(b, 63)) return -EFAULT;
  if (ksm_merged(a, b)) return 0;
  write_text(KSM "smart_scan", "0");
  write_text(KSM "sleep_millisecs", "1");
  write_text(KSM "pages_to_scan", "100000");
  long before = ksm_number(KSM "full_scans");
  if (write_text(KSM "run", "1") < 0) give_up("ksm: %s", strerror(errno));
  struct timespec pause = {0, 1000000};
  for (int i = 0; i < 2000 && !ksm_merged(a, b) && ksm_number(KSM "full_scans") < before + 5; i++)
    nanosleep(&pause, NULL);
  long scans = ksm_number(KSM "full_scans");
  write_text(KSM "run", "0");
  write_text(KSM "smart_scan", "1");
  write_text(KSM "sleep_millisecs", "20");
  write_text(KSM "pages_to_scan", "100");
  if (ksm_merged(a, b)) return 0;
  if (scans < before + 3) give_up("ksm: the daemon has too much memory to scan here");
  return memcmp((void *)a, (void *)b, 4096) == 0 ? -EBUSY : -EINVAL;
}
`,
  ),
];
