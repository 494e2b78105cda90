/** Calls of user space: memory, processes, files and pipes, asynchronous I/O, and order between threads. */
import { type CallEntry, rows } from './call-entry.ts';

const memory = rows('memory', 'user', [
  [
    'int setrlimit(RLIMIT resource, size limit)',
    'Sets RLIMIT_MEMLOCK, in bytes; the process has no CAP_IPC_LOCK then. Without it there is no limit.',
    'EINVAL',
  ],
  ['int proc_status(STATUS field)', 'A line of /proc/self/status: VmLck or VmPin, in kB.'],
  [
    'pointer mmap(address addr, size length, PROT prot, MAP flags, fd fd, int offset)',
    'Maps length bytes of the file fd (-1 with MAP_ANONYMOUS) and returns the address.',
    'EACCES EAGAIN EBADF EEXIST EINVAL ENODEV ENOMEM EOPNOTSUPP',
  ],
  ['int munmap(address addr, size length)', 'Removes the mappings of the range.', 'EINVAL ENOMEM'],
  [
    'int mprotect(address addr, size length, PROT prot)',
    'Changes the protection of the range.',
    'EACCES EINVAL ENOMEM',
  ],
  [
    [
      'pointer mremap(address old_address, size old_size, size new_size, MREMAP flags)',
      'pointer mremap(address old_address, size old_size, size new_size, MREMAP flags, address new_address)',
    ],
    'Resizes or moves a mapping; its pages go along and stay the same pages.',
    'EAGAIN EFAULT EINVAL ENOMEM',
  ],
  [
    'int madvise(address addr, size length, MADV advice)',
    'Gives advice about the range, or does what MADV_PAGEOUT, MADV_DONTNEED and their kind ask for.',
    'EACCES EAGAIN EBADF EBUSY EFAULT EINVAL EIO ENOMEM EPERM',
  ],
  [
    'int mlock(address addr, size length)',
    'Makes the range resident and keeps it from being swapped out (it may still be migrated).',
    'EAGAIN EINVAL ENOMEM EPERM',
  ],
  ['int munlock(address addr, size length)', 'Ends mlock for the range.', 'EINVAL ENOMEM'],
  [
    'int msync(address addr, size length, MS flags)',
    'Writes a shared file mapping back and waits (MS_SYNC); MS_ASYNC starts nothing.',
    'EBUSY EINVAL ENOMEM',
  ],
  [
    'int clear_refs(int value)',
    'Writes value to /proc/self/clear_refs; 4 clears the soft-dirty bits and write-protects.',
    'EINVAL',
  ],
  [
    'int uffdio_register(address start, size len, UFFD mode)',
    'Registers the range with a userfaultfd of the process (made at the first call).',
    'EINVAL ENOMEM EBUSY',
  ],
  [
    'int uffdio_copy(address dst, address src, size len, UFFD mode)',
    'UFFDIO_COPY: fills missing pages at dst with copies of src; returns the bytes copied.',
    'EAGAIN EEXIST EFAULT EINVAL ENOENT ENOMEM',
  ],
  [
    'int uffdio_continue(address start, size len, UFFD mode)',
    'UFFDIO_CONTINUE: maps the pages of the cache that are already there.',
    'EAGAIN EEXIST EFAULT EINVAL ENOENT',
  ],
  [
    'int uffdio_writeprotect(address start, size len, UFFD mode)',
    'UFFDIO_WRITEPROTECT: write-protects the range, or ends it with mode 0.',
    'EAGAIN EFAULT EINVAL ENOENT',
  ],
  [
    'int uffdio_move(address dst, address src, size len, UFFD mode)',
    'UFFDIO_MOVE: moves pages to dst without a copy; refused with EBUSY for a pinned page.',
    'EAGAIN EBUSY EEXIST EINVAL ENOENT',
  ],
]);

const process = rows('process', 'user', [
  [
    'int fork(thread child)',
    'Starts the thread as the only one of a new process with a copy of the address space; returns its number.',
    'EAGAIN ENOMEM',
  ],
  [
    'int wait(thread child)',
    'Waits until the thread of the child has ended, and takes its process away.',
    'ECHILD',
  ],
  ['void exit()', 'Ends the process: its address space is taken down. Nothing after it runs.'],
  [
    'int kill(thread process, SIG sig)',
    'Sends a signal; SIGKILL stops the process at its next check.',
    'ESRCH',
  ],
  [
    'int ptrace_write(thread process, address addr, int byte)',
    'Writes one byte through /proc/PID/mem (FOLL_FORCE); returns 1.',
    'EIO EFAULT ESRCH',
  ],
  [
    'byte ptrace_read(thread process, address addr)',
    'Reads one byte through /proc/PID/mem (FOLL_FORCE).',
    'EIO EFAULT ESRCH',
  ],
  [
    'int process_vm_readv(thread process, address local, address remote, size length)',
    'Copies length bytes from the other process at remote to local; returns the bytes copied.',
    'EFAULT EINVAL ENOMEM EPERM ESRCH',
  ],
  [
    'int process_vm_writev(thread process, address local, address remote, size length)',
    'Copies length bytes from local to the other process at remote; returns the bytes copied.',
    'EFAULT EINVAL ENOMEM EPERM ESRCH',
  ],
]);

const files = rows('files', 'user', [
  [
    ['fd open(string path, O flags)', 'fd open(string path, O flags, int mode)'],
    'Opens a file; the file system is the prefix: /tmpfs, /ext4, /xfs, /btrfs, /hugetlbfs, /dax, /dev/dax (one entry maps 2 MiB of it where the test names HPAGE_SIZE, 1 GiB where it names PUD_SIZE). O_TMPFILE takes the prefix alone.',
    'EACCES EEXIST EINVAL EISDIR EMFILE ENOENT ENOMEM ENOSPC ENXIO',
  ],
  ['int close(fd fd)', 'Closes the descriptor.', 'EBADF'],
  [
    ['byte read(fd fd, size count)', 'int read(fd fd, address buf, size count)'],
    'Reads; the short form reads count (1 to 8) bytes into a number and returns it, little-endian.',
    'EAGAIN EBADF EFAULT EINTR EINVAL EIO',
  ],
  [
    'int write(fd fd, address buf, size count)',
    'Writes count bytes and returns how many were written.',
    'EAGAIN EBADF EFAULT EFBIG EINVAL EIO ENOSPC EPERM EPIPE',
  ],
  [
    [
      'byte pread(fd fd, size count, int offset)',
      'int pread(fd fd, address buf, size count, int offset)',
    ],
    'Reads at an offset; the short form returns the value as read(fd, count) does.',
    'EBADF EFAULT EINVAL EIO ESPIPE',
  ],
  [
    'int pwrite(fd fd, address buf, size count, int offset)',
    'Writes at an offset.',
    'EBADF EFAULT EFBIG EINVAL EIO ENOSPC EPERM ESPIPE',
  ],
  [
    'int lseek(fd fd, int offset, SEEK whence)',
    'Moves the file offset and returns it.',
    'EBADF EINVAL ESPIPE',
  ],
  [
    'int ftruncate(fd fd, size length)',
    'Sets the size of the file.',
    'EBADF EFBIG EINVAL EPERM ETXTBSY',
  ],
  [
    'int fallocate(fd fd, FALLOC mode, int offset, size len)',
    'Allocates space, or punches a hole with FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE.',
    'EBADF EFBIG EINVAL ENODEV ENOSPC EOPNOTSUPP EPERM',
  ],
  [
    'int fsync(fd fd)',
    'Writes the dirty pages of the file to the medium and waits.',
    'EBADF EINVAL EIO ENOSPC',
  ],
  [
    'int sync_file_range(fd fd, int offset, size nbytes, SYNC_FILE_RANGE flags)',
    'Writes a range of the file back, without its metadata; 0 bytes are all to the end.',
    'EBADF EINVAL EIO ENOMEM ENOSPC ESPIPE',
  ],
  [
    ['fds pipe()', 'int pipe(fds pipefd)'],
    'Makes a pipe: p[0] reads, p[1] writes. Written `int p[2] = pipe();` or `pipe(p)`.',
    'EMFILE ENFILE',
  ],
  [
    'int splice(fd fd_in, offset off_in, fd fd_out, offset off_out, size len, SPLICE flags)',
    'Moves pages between a file and a pipe; offsets are numbers, NULL for none.',
    'EAGAIN EBADF EINVAL ENOMEM ESPIPE',
  ],
  [
    'int vmsplice(fd fd, address addr, size length, SPLICE flags)',
    'Takes the pages of one range into a pipe (or copies a pipe into it); returns the bytes.',
    'EAGAIN EBADF EFAULT EINVAL ENOMEM',
  ],
  [
    'fd memfd_create(string name, MFD flags)',
    'Makes an anonymous file in memory; MFD_HUGETLB takes huge pages.',
    'EFAULT EINVAL EMFILE ENFILE ENOMEM EPERM',
  ],
  [
    'fd memfd_secret(int flags)',
    'Makes a file whose pages the kernel itself does not map (5.14 and later).',
    'EINVAL EMFILE ENFILE ENOMEM ENOSYS',
  ],
  [
    'int fcntl(fd fd, F cmd, F_LEASE|F_SEAL|SIZE arg)',
    'Seals of a memfd (F_ADD_SEALS), bytes that a pipe holds (F_GETPIPE_SZ, F_SETPIPE_SZ), the layout lease of a DAX file (F_SETLEASE with F_LAYOUT | F_EXCLUSIVE, or F_UNLCK; a proposal).',
    'EBADF EBUSY EINVAL EPERM',
  ],
]);

const asyncIo = rows('async-io', 'user', [
  [
    'int io_uring_register_buffers(address addr, size length)',
    'Registers one buffer with the ring of the process (longterm pins); returns its index.',
    'EBUSY EFAULT EINVAL ENOMEM EOPNOTSUPP',
  ],
  [
    'int io_uring_unregister_buffers()',
    'Gives the registered buffers back once requests have ended.',
    'EINVAL ENXIO',
  ],
  [
    'int io_uring_read_fixed(fd fd, address buf, size nbytes, int offset, int buf_index)',
    'Reads from a file into a registered buffer, waits, and returns the result of the request.',
    'EBADF EFAULT EINVAL EIO',
  ],
  [
    'int io_uring_write_fixed(fd fd, address buf, size nbytes, int offset, int buf_index)',
    'Writes from a registered buffer to a file, waits, and returns the result of the request.',
    'EBADF EFAULT EINVAL EIO',
  ],
  [
    'int io_submit(IOCB opcode, fd fd, address buf, size nbytes, int offset)',
    'Starts a read or write (IOCB_CMD_PREAD, IOCB_CMD_PWRITE) and returns 1; the data moves later.',
    'EAGAIN EBADF EFAULT EINVAL',
  ],
  [
    'int io_getevents()',
    'Waits for the oldest request of io_submit and returns its result.',
    'EINTR EINVAL',
  ],
]);

const order = rows('order', 'any', [
  ['void post(event name)', 'Marks the event as having happened, for good.'],
  ['void await(event name)', 'Waits until somebody has posted the event.'],
  [
    'void barrier(barrier name)',
    'Waits until every thread whose body names this barrier has come to it.',
  ],
]);

export const USER_CALLS: readonly CallEntry[] = [
  ...memory,
  ...process,
  ...files,
  ...asyncIo,
  ...order,
];
