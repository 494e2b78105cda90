/**
 * Where a test runs: namespaces of its own (mounts, processes, IPC, network), a root that holds nothing but what the
 * language names, limits, and an end that takes everything with it. The kernel undoes mounts and loop devices itself
 * when the last process has gone, however it went.
 */
import { c, type Snippet, snippet } from './snippet.ts';

export const SANDBOX: readonly Snippet[] = [
  snippet(
    'disk_image',
    'mount_at give_up',
    'fcntl.h linux/loop.h stdio.h string.h sys/ioctl.h sys/stat.h sys/sysmacros.h unistd.h',
    c`
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
`,
  ),
  snippet(
    'slow_disk',
    'disk_image',
    'stdio.h unistd.h',
    c`
/* Less than one request in a slice of 100 ms, so that each waits for the next slice; or as fast as it goes. */
static void slow_disk(int slow) {
  char line[32];
  int n = snprintf(line, sizeof line, "%u:%u %d", major(slow_device), minor(slow_device), slow ? 9 : 0);
  if (slow_read >= 0 && write(slow_read, line, (size_t)n) < 0) slow_read = -1;
  if (slow_write >= 0 && write(slow_write, line, (size_t)n) < 0) slow_write = -1;
}
`,
  ),
  snippet(
    'mount_at',
    'give_up',
    'errno.h stdio.h string.h sys/mount.h sys/stat.h',
    c`
static void mount_at(const char *where, const char *device, const char *type, const char *options) {
  mkdir(where, 0700);
  if (mount(device, where, type, MS_NOSUID | MS_NODEV, options) != 0)
    give_up("cannot mount %s for %s: %s", type, where, strerror(errno));
}
`,
  ),
  snippet(
    'enter_sandbox',
    'mount_at give_up write_text',
    'errno.h fcntl.h sched.h signal.h stdio.h stdlib.h string.h linux/capability.h sys/mount.h sys/prctl.h sys/resource.h sys/stat.h sys/syscall.h unistd.h',
    c`
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
`,
  ),
];
