/** Threads, the shared page, events and barriers. */
import { c, type Snippet, snippet } from './snippet.ts';

export const ORDER: readonly Snippet[] = [
  snippet(
    'futex',
    '',
    'stdint.h sys/syscall.h linux/futex.h unistd.h time.h',
    c`
/* Sleeps while *word is old, at most so many milliseconds. */
static void futex_wait(volatile int *word, int old, int milliseconds) {
  struct timespec limit = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
  syscall(SYS_futex, word, FUTEX_WAIT, old, &limit, NULL, 0);
}

static void futex_wake(volatile int *word) {
  syscall(SYS_futex, word, FUTEX_WAKE, 1000, NULL, NULL, 0);
}
`,
  ),
  snippet(
    'random',
    '',
    'stdint.h',
    c`
/* xorshift64: the same seed gives the same delays. */
static __thread uint64_t random_state = 1;
static unsigned random_number(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return (unsigned)(random_state >> 20);
}
`,
  ),
  snippet(
    'at',
    'random',
    'sched.h',
    c`
/* Every statement of the test begins here: notes its line, and in a racing test waits a little now and then. */
static void at(int line) {
  self->line = line;
  if (RACES && random_number() % 4 == 0)
    for (unsigned n = random_number() % (1u << random_number() % 13); n > 0; n--)
      __asm__ volatile("" ::: "memory");
  if (RACES && random_number() % 32 == 0) sched_yield();
  __asm__ volatile("" ::: "memory");
}
`,
  ),
  snippet(
    'wait_until',
    'futex',
    'sched.h',
    c`
/* Waits until somebody sets *word. What waits so, and for what, is known to the judge: that is how it tells a deadlock. */
static void wait_until(volatile int *word) {
  self->waits = 1;
  for (int i = 0; i < 200 && *word == 0; i++) sched_yield();
  while (*word == 0) futex_wait(word, 0, 1000);
  self->waits = 0;
  __sync_synchronize();
}
`,
  ),
  snippet(
    'post',
    'futex',
    '',
    c`
static void sys_post(int event) {
  __sync_synchronize();
  shared->event[event] = 1;
  futex_wake(&shared->event[event]);
}
`,
  ),
  snippet(
    'await',
    'wait_until',
    '',
    'static void sys_await(int event) { wait_until(&shared->event[event]); }',
  ),
  snippet(
    'barrier',
    'wait_until',
    '',
    c`
static void sys_barrier(int n) {
  if (__sync_add_and_fetch(&shared->arrived[n], 1) == barrier_size[n]) {
    shared->open[n] = 1;
    futex_wake(&shared->open[n]);
  }
  wait_until(&shared->open[n]);
}
`,
  ),
  snippet(
    'run_body',
    'futex random',
    'setjmp.h signal.h sched.h stdlib.h',
    c`
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
`,
  ),
  snippet(
    'fail',
    '',
    'errno.h',
    c`
/* What a system call returned, as the test sees it: a value, or a negative error number. */
static long result(long value) { return value < 0 ? -errno : value; }
`,
  ),
  snippet(
    'give_up',
    '',
    'stdarg.h stdio.h unistd.h stdlib.h',
    c`
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
`,
  ),
  snippet(
    'need',
    'fail give_up',
    'string.h',
    c`
/* As result(), for a call that a kernel may lack or keep from this user. */
static long need(const char *call, long value) {
  if (value < 0 && (errno == ENOSYS || errno == EPERM)) give_up("%s: %s", call, strerror(errno));
  return result(value);
}
`,
  ),
];
