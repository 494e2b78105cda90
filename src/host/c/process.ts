/** fork, wait, exit, and what one process does to another. */
import { c, type Snippet, snippet } from './snippet.ts';

export const PROCESS: readonly Snippet[] = [
  snippet(
    'fork',
    'run_body',
    'errno.h unistd.h',
    c`
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
    'futex gone',
    'sys/wait.h',
    c`
/* Waits for the end of the thread's body, lets its process go, and sees it off. */
static long sys_wait(int n) {
  int process = process_of[n];
  self->waits = 1;
  while (shared->thread[n].ended == 0) futex_wait(&shared->thread[n].ended, 0, 1000);
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
    c`
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
    c`
/* Whoever waits for this body goes on; the judge waits until the process has gone, too. */
static void sys_exit(int process) {
  shared->leave[process] = 1;
  self->ended = LEAVES;
  __sync_synchronize();
  __sync_add_and_fetch(&shared->ends, 1);
  futex_wake(&shared->ends);
  futex_wake(&self->ended);
  _exit(0);
}
`,
  ),
  snippet(
    'trace_mem',
    '',
    'errno.h fcntl.h sched.h signal.h stdio.h sys/ptrace.h sys/wait.h unistd.h',
    c`
/* An access to /proc/PID/mem. */
struct mem_access {
  int pid, writes;
  void *bytes;
  size_t count;
  unsigned long addr;
  long done;
};

/* As the tracer of that process, since some kernels let nobody else past a page's protection. What traces lets go as it ends. */
static int tracer(void *what) {
  struct mem_access *a = what;
  char path[40];
  snprintf(path, sizeof path, "/proc/%d/mem", a->pid);
  int fd = open(path, (a->writes ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
  if (a->pid != getppid()) ptrace(PTRACE_SEIZE, a->pid, NULL, NULL); /* nobody is the tracer of itself */
  a->done = fd < 0 ? -1 : a->writes ? pwrite(fd, a->bytes, a->count, (off_t)a->addr) : pread(fd, a->bytes, a->count, (off_t)a->addr);
  if (a->done < 0) a->done = fd < 0 ? -ESRCH : -errno;
  close(fd);
  _exit(0);
}

/* By a process beside this one in the same memory: it lets go by ending, and a fork would share pages. */
static long trace_mem(int pid, int writes, void *bytes, size_t count, unsigned long addr) {
  static __thread char stack[16384] __attribute__((aligned(16)));
  struct mem_access a = {pid, writes, bytes, count, addr, -ESRCH};
  pid_t child = clone(tracer, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &a);
  if (child < 0) return -errno;
  while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
  return a.done;
}
`,
  ),
  snippet(
    'ptrace_write',
    'trace_mem',
    '',
    c`
static long sys_ptrace_write(int n, volatile void *addr, int byte) {
  unsigned char c = (unsigned char)byte;
  return trace_mem(shared->pid[process_of[n]], 1, &c, 1, (unsigned long)addr);
}
`,
  ),
  snippet(
    'ptrace_read',
    'trace_mem',
    '',
    c`
static long sys_ptrace_read(int n, volatile void *addr) {
  unsigned char c = 0;
  long done = trace_mem(shared->pid[process_of[n]], 0, &c, 1, (unsigned long)addr);
  return done < 0 ? done : c;
}
`,
  ),
  ...(['readv', 'writev'] as const).map((way) =>
    snippet(
      `process_vm_${way}`,
      'fail',
      'sys/uio.h',
      c`
static long sys_process_vm_${way}(int n, volatile void *local, volatile void *remote, unsigned long length) {
  struct iovec here = {(void *)local, length}, there = {(void *)remote, length};
  return result(process_vm_${way}(shared->pid[process_of[n]], &here, 1, &there, 1, 0));
}
`,
    ),
  ),
];
