/*
 * read-counts: a litmus test as a program for the real kernel.
 * Made from library/direct-io/read-counts.litmus by pinfold run --emit-c.
 *
 * cc -O1 -std=c11 -D_GNU_SOURCE -pthread -o test test.c && ./test --runs 1000
 *
 * Prints a line a run: `outcome', whether the condition holds, and the final state.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <linux/loop.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef PAGE_SIZE
#define PAGE_SIZE 4096
#endif

/* ---- the test: its threads, processes and variables ---- */

enum { THREAD_P0, THREADS };
enum { EVENTS };
enum { BARRIERS };
#define PROCESSES 1
#define FIRST_THREADS 1
#define RACES 0
#define TERMS 3
static const int process_of[] = {0};
static const int is_first[] = {1};
static const char *const name_of[] = {"P0"};

/* Variables of the initial block: each process has its own, copied at the fork. */
struct globals {
  volatile char *buf;
  int fd;
};

/* Registers and locals of P0. */
struct P0 {
  long r0;
  char has_r0;
};

/* How far a thread has come. The last one is the initial block. */
struct thread {
  volatile int started, ended, killed, waits, line;
};

/* All processes of a run see this page; the judge reads the answers here. */
struct shared {
  struct globals process[PROCESSES];
  struct P0 P0;
  struct thread thread[THREADS + 1];
  volatile int event[EVENTS + 1], arrived[BARRIERS + 1], open[BARRIERS + 1];
  volatile int pid[PROCESSES], leave[PROCESSES], ends, ready;
  volatile int asked[PROCESSES];
  volatile unsigned long asked_at[PROCESSES];
  uint64_t seed;
  char gave_up[200];
};
static struct shared *shared;
static __thread struct thread *self;
static int judging = 1, seconds = 5, run_limit = 3000, cpu_count, cpus[64];
static char root[128] = "/tmp/pinfold-XXXXXX";
static const char *cgroup;
static const char *image __attribute__((unused)), *throttle __attribute__((unused));
/* The device below the file system, for disk(): what it holds, whatever the page cache says. */
static int medium __attribute__((unused)) = -1;
static void (*const body_of[])(void);

/* ---- what the test calls ---- */

/* xorshift64: the same seed gives the same delays. */
static __thread uint64_t random_state = 1;
static unsigned random_number(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return (unsigned)(random_state >> 20);
}

/* Every statement of the test begins here: notes its line, and in a racing test waits a little now and then. */
static void at(int line) {
  self->line = line;
  if (RACES && random_number() % 4 == 0)
    for (unsigned n = random_number() % (1u << random_number() % 13); n > 0; n--)
      __asm__ volatile("" ::: "memory");
  if (RACES && random_number() % 32 == 0) sched_yield();
  __asm__ volatile("" ::: "memory");
}

/* Sleeps while *word is old, at most so many milliseconds. */
static void futex_wait(volatile int *word, int old, int milliseconds) {
  struct timespec limit = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
  syscall(SYS_futex, word, FUTEX_WAIT, old, &limit, NULL, 0);
}

static void futex_wake(volatile int *word) {
  syscall(SYS_futex, word, FUTEX_WAKE, 1000, NULL, NULL, 0);
}

/* How a thread has ended: its body has come to its end, or takes its process with it. */
enum { RETURNED = 1, LEAVES };

/* Where a thread goes on after SIGSEGV or SIGBUS: it has ended there. */
static __thread sigjmp_buf escape;
static void on_fault(int signal) {
  self->killed = signal;
  siglongjmp(escape, 1);
}

/* A thread of the test, on some CPU, from its first statement to its last. */
static void run_body(int n, void (*body)(void)) {
  self = &shared->thread[n];
  random_state = shared->seed * 31 + (uint64_t)n * 0x9e3779b97f4a7c15u + 1;
  if (RACES && n < THREADS) {
    cpu_set_t where;
    CPU_ZERO(&where);
    int one = random_number() % 4 != 0, chosen = (int)(random_number() % (unsigned)cpu_count);
    for (int i = 0; i < cpu_count; i++)
      if (!one || i == chosen) CPU_SET(cpus[i], &where);
    sched_setaffinity(0, sizeof where, &where);
  }
  if (sigsetjmp(escape, 1) == 0) {
    struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_NODEFER};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    body();
  }
  __sync_synchronize();
  self->ended = RETURNED;
  __sync_add_and_fetch(&shared->ends, 1);
  futex_wake(&self->ended);
  futex_wake(&shared->ends);
}

/* How many threads of a process wait in a fault for somebody (userfaultfd). */
static int (*wait_in_faults)(int pid) __attribute__((unused));

/* What the judge wants of a process that stays (writable() of the judge). */
static void (*asked_for)(int process);

/* The end of a body is not the end of its process: its memory can still be asked about. */
static void stay(int process) {
  while (shared->leave[process] == 0) {
    futex_wait(&shared->leave[process], 0, asked_for == NULL ? 1000 : 2);
    if (asked_for != NULL) asked_for(process);
  }
  _exit(0);
}

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

/* This machine cannot run the test. */
static void give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void give_up(const char *format, ...) {
  va_list list;
  va_start(list, format);
  if (shared->gave_up[0] == 0) vsnprintf(shared->gave_up, sizeof shared->gave_up, format, list);
  va_end(list);
  if (judging) {
    printf("skip\t%s\n", shared->gave_up);
    fflush(stdout);
    _exit(0);
  }
  _exit(3);
}

static long write_text(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  long done = write(fd, text, strlen(text));
  close(fd);
  return done;
}

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

/* What a system call returned, as the test sees it: a value, or a negative error number. */
static long result(long value) { return value < 0 ? -errno : value; }

static long sys_open(const char *path, int flags, int mode) { return result(open(path, flags, mode)); }

static long sys_pwrite(int fd, volatile void *buf, unsigned long count, long offset) { return result(pwrite(fd, (void *)buf, count, offset)); }

static long sys_pread(int fd, volatile void *buf, unsigned long count, long offset) { return result(pread(fd, (void *)buf, count, offset)); }

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

/* ---- the test ---- */

static void initial_block(void) {
  struct globals *const g = &shared->process[0];
  (void)g;
  /* 15: char *buf = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); */
  at(15);
  g->buf = sys_mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  /* 16: int fd = open("/ext4/f", O_RDWR | O_CREAT | O_DIRECT, 0600); */
  at(16);
  g->fd = sys_open("/ext4/f", (O_RDWR | O_CREAT) | O_DIRECT, 384);
  /* 17: buf[0] = 1; */
  at(17);
  g->buf[0] = 1;
}

static void P0(void) {
  struct globals *const g = &shared->process[0];
  struct P0 *const my = &shared->P0;
  (void)g, (void)my;
  /* 22: pwrite(fd, buf, 512, 0); */
  at(22);
  sys_pwrite(g->fd, g->buf, 512, 0);
  /* 23: r0 = pread(fd, buf, 512, 0); */
  at(23);
  my->r0 = sys_pread(g->fd, g->buf, 512, 0), my->has_r0 = 1;
}

static void (*const body_of[])(void) = {P0};

/* Counters before the run. */
static long counted[2];

/* What is asked of the end; memory last, since to look at a page may bring it in. */
static void answer(double *v) {
  (void)v;
  v[1] = (double)(counter("nr_foll_pin_acquired") - counted[0]); /* nr_foll_pin_acquired */
  v[2] = (double)(counter("nr_foll_pin_released") - counted[1]); /* nr_foll_pin_released */
  v[0] = shared->P0.has_r0 ? (double)(shared->P0.r0) : NAN; /* 0:r0 */
}

/* exists */
static int holds(const double *v) {
  (void)v;
  return (v[0] == (512)) && (v[1] == (2)) && (v[2] == (2));
}

static int wanted(const double *v) {
  (void)v;
  return 1;
}

static const char *const term[] = {"0:r0", "nr_foll_pin_acquired", "nr_foll_pin_released"};

static void count_all(void) {
  counted[0] = counter("nr_foll_pin_acquired");
  counted[1] = counter("nr_foll_pin_released");
}

/* Whether somebody else on this machine moves the counters just now. */
static int disturbed(void) {
  count_all();
  usleep(2000);
  return counter("nr_foll_pin_acquired") != counted[0] || counter("nr_foll_pin_released") != counted[1];
}

/* ---- where it runs ---- */

static void mount_at(const char *where, const char *device, const char *type, const char *options) {
  mkdir(where, 0700);
  if (mount(device, where, type, MS_NOSUID | MS_NODEV, options) != 0)
    give_up("cannot mount %s for %s: %s", type, where, strerror(errno));
}

#ifndef LOOP_CONFIGURE
#define LOOP_CONFIGURE 0x4C0A
struct loop_config {
  uint32_t fd, block_size;
  struct loop_info64 info;
  uint64_t reserved[8];
};
#endif
/* What makes the disk slow, so that a request stays in flight while the test goes on; see slow_disk(). */
static int slow_read = -1, slow_write = -1;
static dev_t slow_device;
static void open_throttle(const char *device) {
  char path[256];
  struct stat disk;
  if (stat(device, &disk) == 0) slow_device = disk.st_rdev;
  if (throttle == NULL) return;
  snprintf(path, sizeof path, "%s/blkio.throttle.read_iops_device", throttle);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  slow_read = fcntl(fd, F_DUPFD_CLOEXEC, 210);
  close(fd);
  snprintf(path, sizeof path, "%s/blkio.throttle.write_iops_device", throttle);
  fd = open(path, O_WRONLY | O_CLOEXEC);
  slow_write = fcntl(fd, F_DUPFD_CLOEXEC, 210);
  close(fd);
}

static void mount_device(const char *device, const char *type) {
  mount_at(type, device, type, NULL);
  open_throttle(device);
  int below = open(device, O_RDONLY | O_DIRECT | O_CLOEXEC);
  medium = fcntl(below, F_DUPFD_CLOEXEC, 210);
  close(below);
}

/* Mounts a disk, or an image through a loop device that detaches itself with the mount. */
static void mount_image(const char *image, const char *type) {
  char device[32];
  struct stat kind;
  if (stat(image, &kind) == 0 && S_ISBLK(kind.st_mode)) {
    mount_device(image, type);
    return;
  }
  int backing = open(image, O_RDWR | O_CLOEXEC), control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
  if (backing < 0 || control < 0) give_up("/%s: no loop device for this user (%s)", type, strerror(errno));
  for (int tries = 0; tries < 20; tries++) {
    int number = ioctl(control, LOOP_CTL_GET_FREE);
    snprintf(device, sizeof device, "/dev/loop%d", number);
    int loop = number < 0 ? -1 : open(device, O_RDWR | O_CLOEXEC);
    struct loop_config config;
    memset(&config, 0, sizeof config);
    config.fd = (unsigned)backing;
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
    if (loop >= 0 && ioctl(loop, LOOP_CONFIGURE, &config) == 0) {
      mount_device(device, type);
      close(loop);
      close(backing);
      close(control);
      return;
    }
    close(loop);
    usleep(10000);
  }
  give_up("/%s: no loop device is free (%s)", type, strerror(errno));
}

static const char *const folders[] = {"/tmpfs", "/ext4"};
static void mount_file_systems(void) {
  if (image == NULL) give_up("/ext4: no image of a file system was given (--image FILE)");
  mount_image(image, "ext4");
}

static void limit(int what, unsigned long most) {
  struct rlimit both = {most, most};
  setrlimit(what, &both);
}

/* New namespaces; a user who is not root becomes root of a user namespace first. */
static void new_namespaces(void) {
  char map[64];
  unsigned user = geteuid(), group = getegid();
  int kinds = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWNET;
  if (unshare(kinds) == 0) return;
  if (unshare(kinds | CLONE_NEWUSER) != 0) give_up("no namespaces to run in: unshare: %s", strerror(errno));
  write_text("/proc/self/setgroups", "deny");
  snprintf(map, sizeof map, "0 %u 1", user);
  write_text("/proc/self/uid_map", map);
  snprintf(map, sizeof map, "0 %u 1", group);
  write_text("/proc/self/gid_map", map);
}

/* A root of its own: /tmpfs, /proc and what else the test names. The machine's own tree is out of reach. */
static void new_root(void) {
  mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL);
  if (strstr(root, "XXXXXX") != NULL && mkdtemp(root) == NULL) give_up("/tmp: %s", strerror(errno));
  mount_at(root, "pinfold", "tmpfs", "size=16m,mode=700");
  if (chdir(root) != 0) give_up("%s: %s", root, strerror(errno));
  mount_at("tmpfs", "pinfold", "tmpfs", "size=64m,mode=700");
  mount_at("proc", "proc", "proc", NULL);
  mount_file_systems();
  mkdir("cgroup", 0700);
  if (cgroup != NULL) mount(cgroup, "cgroup", NULL, MS_BIND, NULL);
  mkdir("old", 0700);
  if (syscall(SYS_pivot_root, ".", "old") != 0 || chdir("/tmpfs") != 0) give_up("pivot_root: %s", strerror(errno));
  umount2("/old", MNT_DETACH);
  rmdir("/old");
}

/* Of a root's rights the judge keeps what page questions need, the test only what its own calls need. */
static void drop_rights(int judge) {
  static const int kept[] = {CAP_IPC_LOCK, CAP_SYS_PTRACE, CAP_SYS_NICE, CAP_SYS_ADMIN, CAP_KILL};
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  memset(data, 0, sizeof data);
  for (unsigned i = 0; i < sizeof kept / sizeof *kept; i++) {
    if (kept[i] == CAP_SYS_ADMIN && !judge) continue;
    data[0].effective |= 1u << kept[i];
    data[0].permitted |= 1u << kept[i];
  }
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  struct __user_cap_data_struct now[2];
  if (syscall(SYS_capget, &header, now) != 0) return;
  for (int i = 0; i < 2; i++) {
    data[i].effective &= now[i].permitted;
    data[i].permitted &= now[i].permitted;
  }
  syscall(SYS_capset, &header, data);
}

static void set_limits(void) {
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_NOFILE, 256);
  limit(RLIMIT_FSIZE, 64ul << 20);
  limit(RLIMIT_AS, 4ul << 30);
  limit(RLIMIT_NPROC, 64);
  limit(RLIMIT_CPU, (unsigned long)seconds + 30);
}

static void after_initial_block(void) {
}

/* Before each run: what the last one left must have gone. */
static void before_run(void) {
  count_all();
}

/* ---- one run ---- */

/* Whether thread n does nothing more. */
static int ended(int n) {
  struct thread *t = &shared->thread[n];
  if (!t->started || t->ended == RETURNED) return 1;
  return shared->leave[process_of[n]] && shared->pid[process_of[n]] && gone(shared->pid[process_of[n]], 0);
}

/* Ends every process of the run: all that live in this namespace. */
static void end_all(void) {
  kill(-1, SIGKILL);
  while (waitpid(-1, NULL, 0) > 0 || errno == EINTR) {}
}

/* The memory that judge and test share, signals, and the processors that there are. */
static int judge_begins(void) {
  cpu_set_t set;
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return 0;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGINT, SIG_IGN);
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    for (int i = 0; i < 64; i++)
      if (CPU_ISSET(i, &set)) cpus[cpu_count++] = i;
  return 1;
}

static void judge_enters(void) {
  new_root();
  drop_rights(1);
  set_limits();
}

/* --root and --cgroup: the first control group is the one that the test sees; the process joins each. */
static void common_option(const char *name, char *value) {
  char path[256];
  if (strcmp(name, "--root") == 0) snprintf(root, sizeof root, "%s", value);
  if (strcmp(name, "--cgroup") != 0) return;
  cgroup = cgroup == NULL ? value : cgroup;
  snprintf(path, sizeof path, "%s/cgroup.procs", value);
  write_text(path, "0");
}

/* Runs the judge in namespaces of its own, and gives its exit status. */
static int run_judge(int (*judge)(void)) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  write_text("/proc/self/oom_score_adj", "-900"); /* whoever runs out of memory, it is the test that ends */
  new_namespaces();
  pid_t child = fork();
  if (child == 0) _exit(judge());
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  return child < 0 ? 3 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Process 0: the initial block, then the threads that no fork starts. */
static void *start(void *number) {
  int n = (int)(long)number;
  self = &shared->thread[n];
  __sync_add_and_fetch(&shared->ready, 1);
  for (int i = 0; shared->ready < FIRST_THREADS; i++)
    if (i > 1000) sched_yield();
  run_body(n, body_of[n]);
  return NULL;
}

static void process_0(void) {
  pthread_t id;
  int only = -1;
  judging = 0;
  drop_rights(0);
  write_text("/proc/self/oom_score_adj", "900");
  shared->pid[0] = getpid();
  run_body(THREADS, initial_block);
  after_initial_block();
  if (!self->killed)
    for (int n = 0; n < THREADS; n++) {
      if (!is_first[n]) continue;
      if (FIRST_THREADS == 1) only = n;
      else if (pthread_create(&id, NULL, start, (void *)(long)n) != 0) give_up("pthread_create: %s", strerror(errno));
    }
  if (only >= 0) run_body(only, body_of[only]);
  stay(0);
}

enum { DONE, DEADLOCK, TIMEOUT, DIED };

/* Waits for the end of all threads that were started. */
static int wait_for_end(void) {
  struct thread *init = &shared->thread[THREADS];
  int still = 0;
  for (int waited = 0;;) {
    int ends = shared->ends, left = !init->ended, waiting = 0;
    for (int n = 0; n < THREADS; n++)
      if (!ended(n)) left++, waiting += shared->thread[n].waits != 0;
    for (int p = 0; wait_in_faults != NULL && p < PROCESSES; p++)
      if (shared->pid[p] != 0) waiting += wait_in_faults(shared->pid[p]);
    if (init->killed || left == 0) return DONE;
    if (shared->gave_up[0] != 0) return DIED;
    futex_wait(&shared->ends, ends, 5);
    if (shared->ends != ends) continue;
    waited += 5;
    still = left <= waiting ? still + 5 : 0;
    if (still >= 400) return DEADLOCK;
    if (waited >= run_limit) return TIMEOUT;
    if (!shared->leave[0] && gone(shared->pid[0], 0)) return DIED;
  }
}

static void empty_folder(const char *path) {
  DIR *folder = opendir(path);
  if (folder == NULL) return;
  for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
    if (entry->d_name[0] != '.') unlinkat(dirfd(folder), entry->d_name, 0);
  closedir(folder);
}

static void show_threads(const char *how) {
  printf("%s\t", how);
  if (!shared->thread[THREADS].ended) printf("initial block at line %d; ", shared->thread[THREADS].line);
  for (int n = 0; n < THREADS; n++)
    if (!ended(n)) printf("%s at line %d; ", name_of[n], shared->thread[n].line);
  printf("\n");
}

static void show(int noisy) {
  double v[TERMS + 1];
  answer(v);
  if (noisy || disturbed()) {
    printf("disturbed\n");
    return;
  }
  if (!wanted(v)) {
    printf("filtered\n");
    return;
  }
  printf("outcome\t%d\t", holds(v));
  for (int i = 0; i < TERMS; i++)
    if (isnan(v[i])) printf("%s%s=-;", i ? " " : "", term[i]);
    else printf("%s%s=%.0f;", i ? " " : "", term[i], v[i]);
  printf("\n");
}

/* One run; whether another may follow. */
static int one_run(unsigned long number) {
  memset(shared, 0, sizeof *shared);
  shared->seed = number;
  for (int n = 0; n < THREADS; n++) shared->thread[n].started = is_first[n];
  int noisy = disturbed();
  before_run();
  fflush(stdout);
  pid_t child = fork();
  if (child < 0) return 0;
  if (child == 0) {
    process_0();
    _exit(0);
  }
  shared->pid[0] = child;
  int how = wait_for_end();
  if (shared->gave_up[0] != 0) printf("skip\t%s\n", shared->gave_up);
  else if (shared->thread[THREADS].killed) printf("skip\tline %d: the initial block cannot run here (signal %d)\n", shared->thread[THREADS].line, shared->thread[THREADS].killed);
  else if (how == DONE) show(noisy);
  else show_threads(how == DEADLOCK ? "deadlock" : how == TIMEOUT ? "timeout" : "died");
  fflush(stdout);
  end_all();
  for (unsigned i = 0; i < sizeof folders / sizeof *folders; i++) empty_folder(folders[i]);
  return how == DONE && shared->gave_up[0] == 0 && !shared->thread[THREADS].killed;
}

/* ---- all runs ---- */

static unsigned long seed = 1;
static long runs = 1000;

static int judge_all(void) {
  struct timespec now, start_time;
  if (!judge_begins()) return 3;
  judge_enters();
  clock_gettime(CLOCK_MONOTONIC, &start_time);
  long n = 0;
  while (n < runs) {
    n++;
    if (!one_run(seed + (unsigned long)n)) break;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec - start_time.tv_sec >= seconds) break;
  }
  printf("end\t%ld\n", n);
  fflush(stdout);
  return 0;
}

int main(int argc, char **argv) {
  static struct shared first;
  shared = &first;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--runs") == 0) runs = atol(argv[i + 1]);
    else if (strcmp(argv[i], "--seed") == 0) seed = strtoul(argv[i + 1], NULL, 0);
    else if (strcmp(argv[i], "--seconds") == 0) seconds = atoi(argv[i + 1]);
    else if (strcmp(argv[i], "--run-limit") == 0) run_limit = atoi(argv[i + 1]);
    else if (strcmp(argv[i], "--image") == 0) image = argv[i + 1];
    else if (strcmp(argv[i], "--throttle") == 0) throttle = argv[i + 1];
    else common_option(argv[i], argv[i + 1]);
  }
  return run_judge(judge_all);
}
