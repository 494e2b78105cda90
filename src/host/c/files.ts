/** Files and pipes. */
import { c, type Snippet, snippet } from './snippet.ts';

const buffer = (name: string, params: string, args: string): Snippet =>
  snippet(
    name,
    'fail',
    'unistd.h fcntl.h',
    `static long sys_${name}(int fd, volatile void *buf, unsigned long count${params}) { return result(${name}(fd, (void *)buf, count${args})); }`,
  );

const value = (name: string, params: string, args: string): Snippet =>
  snippet(
    `${name}_value`,
    'fail waits_for_others',
    'stdint.h unistd.h',
    c`
/* The short form: up to eight bytes as a number, little-endian. */
static long sys_${name}_value(int fd, unsigned long count${params}) {
  uint64_t number = 0;
  self->waits = waits_for_others(fd);
  long done = result(${name}(fd, &number, count < 8 ? count : 8${args}));
  self->waits = 0;
  return done < 0 ? done : (long)number;
}
`,
  );

export const FILES: readonly Snippet[] = [
  snippet(
    'waits_for_others',
    '',
    'sys/stat.h',
    c`
/* A read of a pipe may wait for ever, for a writer; one of a file is only slow. */
static int waits_for_others(int fd) {
  struct stat kind;
  return fstat(fd, &kind) == 0 && S_ISFIFO(kind.st_mode);
}
`,
  ),
  snippet(
    'open',
    'fail',
    'fcntl.h',
    'static long sys_open(const char *path, int flags, int mode) { return result(open(path, flags, mode)); }',
  ),
  snippet(
    'close',
    'fail',
    'unistd.h',
    'static long sys_close(int fd) { return result(close(fd)); }',
  ),
  snippet(
    'read',
    'fail waits_for_others',
    'unistd.h',
    c`
static long sys_read(int fd, volatile void *buf, unsigned long count) {
  self->waits = waits_for_others(fd);
  long done = result(read(fd, (void *)buf, count));
  self->waits = 0;
  return done;
}
`,
  ),
  value('read', '', ''),
  value('pread', ', long offset', ', offset'),
  buffer('write', '', ''),
  buffer('pread', ', long offset', ', offset'),
  buffer('pwrite', ', long offset', ', offset'),
  snippet(
    'lseek',
    'fail',
    'unistd.h',
    'static long sys_lseek(int fd, long offset, int whence) { return result(lseek(fd, offset, whence)); }',
  ),
  snippet(
    'ftruncate',
    'fail',
    'unistd.h',
    'static long sys_ftruncate(int fd, long length) { return result(ftruncate(fd, length)); }',
  ),
  snippet(
    'truncate',
    'fail',
    'unistd.h',
    'static long sys_truncate(int fd, long length) { return result(ftruncate(fd, length)); }',
  ),
  snippet(
    'fallocate',
    'fail',
    'fcntl.h',
    'static long sys_fallocate(int fd, int mode, long offset, long length) { return result(fallocate(fd, mode, offset, length)); }',
  ),
  snippet(
    'fsync',
    'fail',
    'unistd.h',
    'static long sys_fsync(int fd) { return result(fsync(fd)); }',
  ),
  snippet(
    'writeback',
    'fail',
    'unistd.h',
    'static long sys_writeback(int fd) { return result(fdatasync(fd)); }',
  ),
  snippet(
    'sync_file_range',
    'fail',
    'fcntl.h',
    'static long sys_sync_file_range(int fd, long offset, long nbytes, unsigned flags) { return result(sync_file_range(fd, offset, nbytes, flags)); }',
  ),
  snippet(
    'pipe',
    'fail',
    'unistd.h',
    'static long sys_pipe(int *ends) { return result(pipe(ends)); }',
  ),
  snippet(
    'splice',
    'fail',
    'fcntl.h',
    c`
/* A negative offset stands for NULL: where the file stands. */
static long sys_splice(int from, long off_from, int to, long off_to, unsigned long length, unsigned flags) {
  loff_t a = off_from, b = off_to;
  return result(splice(from, off_from < 0 ? NULL : &a, to, off_to < 0 ? NULL : &b, length, flags));
}
`,
  ),
  snippet(
    'vmsplice',
    'fail',
    'fcntl.h sys/uio.h',
    c`
static long sys_vmsplice(int fd, volatile void *addr, unsigned long length, unsigned flags) {
  struct iovec range = {(void *)addr, length};
  return result(vmsplice(fd, &range, 1, flags));
}
`,
  ),
  snippet(
    'memfd_create',
    'fail',
    'sys/mman.h',
    'static long sys_memfd_create(const char *name, unsigned flags) { return result(memfd_create(name, flags)); }',
  ),
  snippet(
    'memfd_secret',
    'need',
    'sys/syscall.h unistd.h',
    c`
#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif
static long sys_memfd_secret(unsigned flags) { return need("memfd_secret", syscall(SYS_memfd_secret, flags)); }
`,
  ),
  snippet(
    'fcntl',
    'fail',
    'fcntl.h',
    'static long sys_fcntl(int fd, int command, int argument) { return result(fcntl(fd, command, argument)); }',
  ),
];
