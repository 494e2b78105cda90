/**
 * The first program of a booted kernel. It is linked with every test of the call: each test's `main` has a name of its
 * own and stands in a table (programs.ts). Reads /plan, runs one test after the other, and says on the second serial
 * line what they printed (serial.ts), the same lines once with their count: the line is slow.
 */
import { c } from '../c/snippet.ts';

/**
 * A line of /plan: number of the test, its entry in the table, seconds until it is killed, what it needs of the machine
 * (letters: `e` ext4, `x` xfs, `b` btrfs, `s` swap), then its arguments, apart by tabs.
 */
export interface Planned {
  readonly test: number;
  readonly entry: number;
  readonly limit: number;
  readonly needs: string;
  readonly args: readonly string[];
}

/** The text of /plan. */
export const planText = (plan: readonly Planned[]): string =>
  plan.map((p) => `${[p.test, p.entry, p.limit, `-${p.needs}`, ...p.args].join('\t')}\n`).join('');

export const INIT = c`
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

typedef int program(int, char **);
extern program *const programs[];

static int serial = 1;

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...) {
  char line[2048];
  va_list list;
  va_start(list, format);
  int n = vsnprintf(line, sizeof line - 1, format, list);
  va_end(list);
  if (n > (int)sizeof line - 2) n = (int)sizeof line - 2;
  line[n++] = '\n';
  for (int at = 0; at < n;) {
    long done = write(serial, line + at, (size_t)(n - at));
    if (done < 0 && errno != EINTR && errno != EAGAIN) return;
    if (done > 0) at += (int)done;
  }
}

static void open_serial(void) {
  struct termios raw;
  int fd = open("/dev/ttyS1", O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) return;
  if (tcgetattr(fd, &raw) == 0) {
    cfmakeraw(&raw);
    cfsetspeed(&raw, B115200);
    tcsetattr(fd, TCSANOW, &raw);
  }
  serial = fd;
}

static int write_text(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  long done = write(fd, text, strlen(text));
  close(fd);
  return done < 0 ? -1 : 0;
}

static int read_all(int fd, char *to, long count) {
  for (long at = 0; at < count;) {
    long done = read(fd, to + at, (size_t)(count - at));
    if (done <= 0) return -1;
    at += done;
  }
  return 0;
}

static void load_modules(void) {
  struct dirent **names;
  int n = scandir("/modules", &names, NULL, alphasort);
  for (int i = 0; i < n; i++) {
    char path[300];
    if (names[i]->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "/modules/%s", names[i]->d_name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    /* What this processor or kernel has no use for refuses; a test that misses it says so. */
    syscall(SYS_finit_module, fd, "", 0);
    close(fd);
  }
}

/* The first file system cannot be left by pivot_root, which every test does: go on in another one. */
static void enter_tmpfs(void) {
  mkdir("/next", 0755);
  mount("tmpfs", "/next", "tmpfs", 0, "size=80%");
  chdir("/next");
  static const char *const folders[] = {"proc", "sys", "dev", "tmp", "start", "cg", "cg/memory", "cg/pids", "cg/blkio", "cg/one"};
  for (unsigned i = 0; i < sizeof folders / sizeof *folders; i++) mkdir(folders[i], 0755);
  mount("/start", "start", NULL, MS_BIND, NULL);
  mount("/proc", "proc", NULL, MS_MOVE, NULL);
  mount("/sys", "sys", NULL, MS_MOVE, NULL);
  mount("/dev", "dev", NULL, MS_MOVE, NULL);
  if (mount(".", "/", NULL, MS_MOVE, NULL) != 0 || chroot(".") != 0 || chdir("/") != 0) say("note\tno second file system: %s", strerror(errno));
}

/* Folders of control groups as a test takes them: memory first. */
static const char *groups[4];
static const char *throttle;
static int group_count;
static void add_group(const char *folder) {
  if (mkdir(folder, 0755) == 0 || errno == EEXIST) groups[group_count++] = folder;
}

static void mount_groups(void) {
  if (mount("cgroup", "/cg/memory", "cgroup", 0, "memory") == 0) {
    add_group("/cg/memory/test");
    write_text("/cg/memory/test/memory.limit_in_bytes", "268435456");
  } else if (mount("cgroup", "/cg/one", "cgroup2", 0, NULL) == 0) {
    write_text("/cg/one/cgroup.subtree_control", "+memory");
    add_group("/cg/one/test");
    write_text("/cg/one/test/memory.max", "268435456");
  }
  if (mount("cgroup", "/cg/blkio", "cgroup", 0, "blkio") == 0) {
    add_group("/cg/blkio/test");
    if (access("/cg/blkio/test/blkio.throttle.read_iops_device", F_OK) == 0) throttle = "/cg/blkio/test";
  }
  if (throttle == NULL) say("note\tno throttle of block devices here: nothing is held in flight");
}

/* The NVMe disk of that serial number, or an empty string; they are found in any order, and a little late. */
static const char *disk(const char *serial_number) {
  static char path[280];
  for (int tries = 0; tries < 150; tries++, usleep(20000)) {
    DIR *folder = opendir("/sys/class/nvme");
    if (folder == NULL) break;
    path[0] = 0;
    for (struct dirent *entry; path[0] == 0 && (entry = readdir(folder)) != NULL;) {
      char text[64] = "", file[300];
      snprintf(file, sizeof file, "/sys/class/nvme/%s/serial", entry->d_name);
      int fd = open(file, O_RDONLY | O_CLOEXEC);
      if (fd >= 0 && read(fd, text, sizeof text - 1) > 0 && strncmp(text, serial_number, strlen(serial_number)) == 0)
        snprintf(path, sizeof path, "/dev/%sn1", entry->d_name);
      if (fd >= 0) close(fd);
    }
    closedir(folder);
    if (path[0] != 0 && access(path, F_OK) == 0) return path;
  }
  return "";
}

/* An image without its zeros: length, then number and bytes of each block. */
static int unpack_image(const char *from, const char *to) {
  static char block[4096];
  uint64_t number;
  struct stat kind;
  int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  int done = in < 0 || out < 0 || fstat(out, &kind) != 0 || read_all(in, (char *)&number, 8) != 0 ? -1 : 0;
  if (done == 0) {
    uint64_t range[2] = {0, number};
    done = S_ISBLK(kind.st_mode) ? ioctl(out, BLKZEROOUT, range) : ftruncate(out, (off_t)number);
  }
  while (done == 0 && read_all(in, (char *)&number, 8) == 0)
    if (read_all(in, block, sizeof block) != 0 || pwrite(out, block, sizeof block, (off_t)(number * sizeof block)) < 0) done = -1;
  if (out >= 0) fsync(out);
  if (in >= 0) close(in);
  if (out >= 0) close(out);
  return done;
}

/* Where a test's file system lies: on the disk, or where this kernel finds none in a file for a loop device. */
static const char *fresh_image(const char *type) {
  static char place[280];
  char from[64];
  if (place[0] == 0) {
    snprintf(place, sizeof place, "%s", disk("pinfold-fs"));
    if (place[0] == 0) snprintf(place, sizeof place, "/tmp/fs.img");
  }
  snprintf(from, sizeof from, "/start/%s.sparse", type);
  return unpack_image(from, place) == 0 ? place : NULL;
}

/* The header is what mkswap writes: version, last page, and the name at the end. */
static int swap_on(const char *device, unsigned pages) {
  static char page[4096];
  uint32_t head[2] = {1, pages - 1};
  memcpy(page + 1024, head, sizeof head);
  memcpy(page + sizeof page - 10, "SWAPSPACE2", 10);
  int fd = open(device, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, page, sizeof page) != sizeof page) return 0;
  fsync(fd);
  close(fd);
  return swapon(device, 0) == 0;
}

/* Swap on a disk, as the model's is slow, or in compressed memory, which answers at once; one of them a boot. */
static int have_swap(void) {
  static int known = -1;
  if (known < 0) known = swap_on(disk("pinfold-swap"), 64 * 256);
  if (known == 0) known = write_text("/sys/block/zram0/disksize", "64M") == 0 && swap_on("/dev/zram0", 64 * 256);
  return known;
}

static long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Lines that the running test printed, each once. */
enum { MOST = 512 };
static struct { char text[400]; long count; } lines[MOST];
static int line_count;

static void note_line(const char *text) {
  char kept[sizeof lines[0].text];
  snprintf(kept, sizeof kept, "%s", text);
  for (int i = 0; i < line_count; i++)
    if (strcmp(lines[i].text, kept) == 0) {
      lines[i].count++;
      return;
    }
  if (line_count == MOST) return;
  memcpy(lines[line_count].text, kept, sizeof kept);
  lines[line_count++].count = 1;
}

/* Reads the test's lines until it ends or its time is over; why it was stopped, or an empty string. */
static const char *collect(int fd, pid_t child, long limit) {
  static char buffer[4096], line[sizeof lines[0].text];
  static char reason[80];
  unsigned at = 0;
  long end = now() + limit * 1000;
  reason[0] = 0;
  for (;;) {
    struct pollfd wanted = {fd, POLLIN, 0};
    long left = end - now();
    if (left <= 0) {
      snprintf(reason, sizeof reason, "killed after %ld seconds", limit);
      break;
    }
    if (poll(&wanted, 1, (int)left) <= 0) continue;
    long got = read(fd, buffer, sizeof buffer);
    if (got <= 0) break;
    for (long i = 0; i < got; i++)
      if (buffer[i] == '\n') {
        line[at] = 0;
        note_line(line);
        at = 0;
      } else if (at < sizeof line - 1) line[at++] = buffer[i];
  }
  /* Its end of the pipe is closed: it is about to end, if it was not told to. */
  int status = 0;
  if (reason[0] == 0)
    for (long last = now() + 3000; waitpid(child, &status, WNOHANG) == 0 && now() < last;) usleep(1000);
  if (WIFSIGNALED(status)) snprintf(reason, sizeof reason, "the program ended early (signal %d)", WTERMSIG(status));
  else if (WEXITSTATUS(status) != 0) snprintf(reason, sizeof reason, "the program ended early (status %d)", WEXITSTATUS(status));
  kill(child, SIGKILL);
  return reason;
}

/* All children of this boot's tests have ended, or three seconds are over. */
static void reap(void) {
  for (long end = now() + 3000; now() < end;) {
    pid_t gone = waitpid(-1, NULL, WNOHANG);
    if (gone < 0 && errno == ECHILD) return;
    if (gone == 0) usleep(2000);
  }
}

/* Whether the kernel itself has failed (taint 7), and where, as its log says it. */
static const char *kernel_failed(void) {
  static char reason[200];
  char record[1024], bug[100] = "", where[80] = "";
  FILE *file = fopen("/proc/sys/kernel/tainted", "re");
  unsigned long taint = 0;
  if (file != NULL && fscanf(file, "%lu", &taint) != 1) taint = 0;
  if (file != NULL) fclose(file);
  if (!(taint >> 7 & 1)) return NULL;
  int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  for (long n; log >= 0 && ((n = read(log, record, sizeof record - 1)) > 0 || errno == EPIPE);) {
    record[n < 0 ? 0 : n] = 0;
    record[strcspn(record, "\n")] = 0;
    char *text = strchr(record, ';');
    if (text == NULL) continue;
    if (bug[0] == 0 && (strstr(text, "BUG: ") != NULL || strstr(text, "Oops: ") != NULL)) snprintf(bug, sizeof bug, "%s", text + 1);
    char *rip = strstr(text, "RIP: 0010:");
    if (where[0] == 0 && rip != NULL) snprintf(where, sizeof where, "%s", rip + 10);
  }
  if (log >= 0) close(log);
  snprintf(reason, sizeof reason, "the kernel failed: %s in %s", bug, where);
  return reason;
}

/* Whether another test can follow. */
static int run_test(int number, char **field, int fields) {
  char *args[64], entry[16];
  int ends[2], count = 0;
  const char *needs = field[2];
  say("begin\t%d", number);
  if (strchr(needs, 's') != NULL && !have_swap()) {
    say("line\t%d\t1\tskip\tswap: this kernel has neither zram nor an NVMe disk", number);
    say("end\t%d\t", number);
    return 1;
  }
  args[count++] = "test";
  snprintf(entry, sizeof entry, "%s", field[0]);
  args[count++] = entry;
  for (int i = 3; i < fields && count < 40; i++) args[count++] = field[i];
  for (int i = 0; i < group_count; i++) {
    args[count++] = "--cgroup";
    args[count++] = (char *)groups[i];
  }
  if (throttle != NULL) {
    args[count++] = "--throttle";
    args[count++] = (char *)throttle;
  }
  static const struct { char letter; const char *type; } kinds[] = {{'e', "ext4"}, {'x', "xfs"}, {'b', "btrfs"}};
  for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    const char *image = strchr(needs, kinds[i].letter) == NULL ? NULL : fresh_image(kinds[i].type);
    if (image == NULL) continue;
    args[count++] = "--image";
    args[count++] = (char *)image;
  }
  args[count] = NULL;
  line_count = 0;
  if (pipe2(ends, O_CLOEXEC) != 0) return 0;
  pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], 1);
    dup2(ends[1], 2);
    execv("/proc/self/exe", args);
    _exit(127);
  }
  close(ends[1]);
  const char *reason = collect(ends[0], child, atol(field[1]));
  close(ends[0]);
  reap();
  unlink("/tmp/fs.img");
  write_text("/proc/sys/vm/nr_hugepages", "0");
  for (int i = 0; i < line_count; i++) say("line\t%d\t%ld\t%s", number, lines[i].count, lines[i].text);
  const char *failure = kernel_failed();
  say("end\t%d\t%s", number, failure == NULL ? reason : failure);
  return failure == NULL;
}

/* Tests whose number is smaller ran in an earlier boot. */
static int first_test(void) {
  char text[1024] = "";
  int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
  if (fd >= 0 && read(fd, text, sizeof text - 1) < 0) text[0] = 0;
  close(fd);
  char *at = strstr(text, "pinfold.from=");
  return at == NULL ? 0 : atoi(at + 13);
}

/* Whether it came to its end: a kernel that has failed is not to be trusted with the next test. */
static int run_plan(int first) {
  char text[4096];
  FILE *plan = fopen("/start/plan", "re");
  while (plan != NULL && fgets(text, sizeof text, plan) != NULL) {
    char *field[40];
    int fields = 0;
    text[strcspn(text, "\n")] = 0;
    for (char *word = strtok(text, "\t"); word != NULL && fields < 40; word = strtok(NULL, "\t")) field[fields++] = word;
    if (fields < 4 || atoi(field[0]) < first) continue;
    int number = atoi(field[0]);
    mkdir("/tmp/root", 0755);
    if (!run_test(number, field + 1, fields - 1)) return 0;
  }
  return 1;
}

int main(int argc, char **argv) {
  struct utsname name;
  if (getpid() != 1) {
    int entry = argc > 1 ? atoi(argv[1]) : -1;
    if (entry < 0) return 3;
    argv[1] = argv[0];
    return programs[entry](argc - 1, argv + 1);
  }
  static const char *const folders[] = {"/proc", "/sys", "/dev", "/start"};
  for (unsigned i = 0; i < sizeof folders / sizeof *folders; i++) mkdir(folders[i], 0755);
  mount("proc", "/proc", "proc", 0, NULL);
  mount("sysfs", "/sys", "sysfs", 0, NULL);
  mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
  open_serial();
  uname(&name);
  say("hello\t%s", name.release);
  load_modules();
  int first = first_test();
  enter_tmpfs();
  mount_groups();
  /* As on the machines that tests are written for: huge pages where a program asks for them. */
  write_text("/sys/kernel/mm/transparent_hugepage/enabled", "madvise");
  if (run_plan(first)) say("done");
  tcdrain(serial);
  reboot(RB_AUTOBOOT);
  for (;;) pause();
}
`.trimStart();
