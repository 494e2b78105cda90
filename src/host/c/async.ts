/** io_uring's registered buffers and asynchronous direct I/O, by raw system calls. */
import { c, type Snippet, snippet } from './snippet.ts';

export const ASYNC: readonly Snippet[] = [
  snippet(
    'ring',
    'need',
    'errno.h fcntl.h pthread.h string.h linux/io_uring.h sys/mman.h sys/syscall.h sys/uio.h unistd.h',
    c`
#define RING_SLOTS 8
/* The ring of this process; a child makes its own. */
static struct {
  int pid, fd, table;
  unsigned used;
  unsigned *sq_tail, *sq_mask, *sq_array, *cq_head, *cq_tail, *cq_mask;
  struct io_uring_sqe *sqes;
  struct io_uring_cqe *cqes;
} ring;
static pthread_mutex_t ring_lock = PTHREAD_MUTEX_INITIALIZER;

static long ring_open(void) {
  if (ring.pid == getpid()) return 0;
  struct io_uring_params p;
  memset(&p, 0, sizeof p);
  memset(&ring, 0, sizeof ring);
  int fd = (int)syscall(SYS_io_uring_setup, 4, &p);
  if (need("io_uring_setup", fd) < 0) return -errno;
  ring.fd = fcntl(fd, F_DUPFD_CLOEXEC, 200);
  close(fd);
  unsigned long sq_size = p.sq_off.array + p.sq_entries * sizeof(unsigned);
  unsigned long cq_size = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
  char *sq = mmap(NULL, sq_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring.fd, IORING_OFF_SQ_RING);
  char *cq = mmap(NULL, cq_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring.fd, IORING_OFF_CQ_RING);
  ring.sqes = mmap(NULL, p.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_POPULATE, ring.fd, IORING_OFF_SQES);
  if (sq == MAP_FAILED || cq == MAP_FAILED || (void *)ring.sqes == MAP_FAILED) return -ENOMEM;
  ring.sq_tail = (unsigned *)(sq + p.sq_off.tail);
  ring.sq_mask = (unsigned *)(sq + p.sq_off.ring_mask);
  ring.sq_array = (unsigned *)(sq + p.sq_off.array);
  ring.cq_head = (unsigned *)(cq + p.cq_off.head);
  ring.cq_tail = (unsigned *)(cq + p.cq_off.tail);
  ring.cq_mask = (unsigned *)(cq + p.cq_off.ring_mask);
  ring.cqes = (struct io_uring_cqe *)(cq + p.cq_off.cqes);
  ring.pid = getpid();
  return 0;
}
`,
  ),
  snippet(
    'io_uring_register_buffers',
    'ring',
    '',
    c`
/* Registers one buffer: in a table of empty slots where the kernel has that (5.19), else as the only one. */
static long sys_io_uring_register_buffers(volatile void *addr, unsigned long length) {
  struct iovec buffer = {(void *)addr, length};
  pthread_mutex_lock(&ring_lock);
  long done = ring_open();
  if (done == 0 && ring.table == 0) {
    struct io_uring_rsrc_register empty = {.nr = RING_SLOTS, .flags = 1 /* IORING_RSRC_REGISTER_SPARSE */};
    if (syscall(SYS_io_uring_register, ring.fd, 15 /* IORING_REGISTER_BUFFERS2 */, &empty, sizeof empty) == 0)
      ring.table = 1;
  }
  if (done == 0 && ring.table == 1) {
    int slot = 0;
    while (slot < RING_SLOTS && (ring.used >> slot & 1)) slot++;
    struct io_uring_rsrc_update2 update = {.offset = (unsigned)slot, .data = (unsigned long)&buffer, .nr = 1};
    if (slot == RING_SLOTS) done = -EBUSY;
    else done = result(syscall(SYS_io_uring_register, ring.fd, 16 /* IORING_REGISTER_BUFFERS_UPDATE */, &update, sizeof update));
    if (done == 1) {
      ring.used |= 1u << slot;
      done = slot;
    }
  } else if (done == 0) {
    done = result(syscall(SYS_io_uring_register, ring.fd, 0 /* IORING_REGISTER_BUFFERS */, &buffer, 1));
    if (done == 0) ring.used = 1;
  }
  pthread_mutex_unlock(&ring_lock);
  return done;
}
`,
  ),
  snippet(
    'io_uring_unregister_buffers',
    'ring',
    '',
    c`
static long sys_io_uring_unregister_buffers(void) {
  pthread_mutex_lock(&ring_lock);
  long done = ring.pid != getpid() || ring.used == 0 ? -ENXIO : 0;
  if (done == 0) done = result(syscall(SYS_io_uring_register, ring.fd, 1 /* IORING_UNREGISTER_BUFFERS */, NULL, 0));
  if (done == 0) ring.used = 0, ring.table = 0;
  pthread_mutex_unlock(&ring_lock);
  return done;
}
`,
  ),
  snippet(
    'io_uring_fixed',
    'ring',
    '',
    c`
/* One READ_FIXED or WRITE_FIXED request, and its answer. */
static long io_uring_fixed(int opcode, int fd, volatile void *buf, unsigned length, long offset, int index) {
  pthread_mutex_lock(&ring_lock);
  long done = ring_open();
  if (done == 0) {
    unsigned tail = *ring.sq_tail, slot = tail & *ring.sq_mask;
    struct io_uring_sqe *sqe = &ring.sqes[slot];
    memset(sqe, 0, sizeof *sqe);
    sqe->opcode = (unsigned char)opcode;
    sqe->fd = fd;
    sqe->addr = (unsigned long)buf;
    sqe->len = length;
    sqe->off = (unsigned long)offset;
    sqe->buf_index = (unsigned short)index;
    ring.sq_array[slot] = slot;
    __atomic_store_n(ring.sq_tail, tail + 1, __ATOMIC_RELEASE);
    do done = result(syscall(SYS_io_uring_enter, ring.fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0));
    while (done == -EINTR);
    while (done >= 0 && __atomic_load_n(ring.cq_tail, __ATOMIC_ACQUIRE) == *ring.cq_head)
      syscall(SYS_io_uring_enter, ring.fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0);
    if (done >= 0) {
      unsigned head = *ring.cq_head;
      done = ring.cqes[head & *ring.cq_mask].res;
      __atomic_store_n(ring.cq_head, head + 1, __ATOMIC_RELEASE);
    }
  }
  pthread_mutex_unlock(&ring_lock);
  return done;
}
`,
  ),
  ...(['read', 'write'] as const).map((way) =>
    snippet(
      `io_uring_${way}_fixed`,
      'io_uring_fixed',
      '',
      c`
static long sys_io_uring_${way}_fixed(int fd, volatile void *buf, unsigned long length, long offset, int index) {
  return io_uring_fixed(IORING_OP_${way.toUpperCase()}_FIXED, fd, buf, (unsigned)length, offset, index);
}
`,
    ),
  ),
  snippet(
    'aio',
    'need',
    'errno.h linux/aio_abi.h sys/syscall.h unistd.h',
    c`
/* The context of asynchronous I/O of this process: requests by number, and the answers that came early. */
static struct {
  int pid;
  aio_context_t context;
  unsigned submitted, asked;
  struct { int come; long answer; } request[64];
} aio;
`,
  ),
  snippet(
    'io_submit',
    'aio',
    '',
    c`
static long sys_io_submit(int opcode, int fd, volatile void *buf, unsigned long length, long offset) {
  if (aio.pid != getpid()) {
    aio.context = 0;
    aio.submitted = aio.asked = 0;
    if (need("io_setup", syscall(SYS_io_setup, 64, &aio.context)) < 0) return -errno;
    aio.pid = getpid();
  }
  if (aio.submitted - aio.asked == 64) return -EAGAIN;
  aio.request[aio.submitted % 64].come = 0;
  struct iocb block = {.aio_data = aio.submitted,
                       .aio_lio_opcode = (unsigned short)opcode,
                       .aio_fildes = (unsigned)fd,
                       .aio_buf = (unsigned long)buf,
                       .aio_nbytes = length,
                       .aio_offset = offset};
  struct iocb *blocks[1] = {&block};
  long done = result(syscall(SYS_io_submit, aio.context, 1l, blocks));
  if (done == 1) aio.submitted++;
  return done;
}
`,
  ),
  snippet(
    'io_getevents',
    'aio',
    '',
    c`
/* The answer of the oldest request not asked for yet. */
static long sys_io_getevents(void) {
  if (aio.pid != getpid() || aio.asked == aio.submitted) return -EINVAL;
  while (!aio.request[aio.asked % 64].come) {
    struct io_event event;
    long done = result(syscall(SYS_io_getevents, aio.context, 1l, 1l, &event, NULL));
    if (done < 0) return done;
    aio.request[event.data % 64].come = 1;
    aio.request[event.data % 64].answer = (long)event.res;
  }
  return aio.request[aio.asked++ % 64].answer;
}
`,
  ),
];
