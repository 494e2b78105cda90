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
    c`
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
    c`
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
    c`
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
      c`
static long sys_process_vm_${way}(int n, volatile void *local, volatile void *remote, unsigned long length) {
  struct iovec here = {(void *)local, length}, there = {(void *)remote, length};
  return result(process_vm_${way}(shared->pid[process_of[n]], &here, 1, &there, 1, 0));
}
`,
    ),
  ),
];
