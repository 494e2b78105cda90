/** A C program that reads random programs as lines of numbers, runs each in processes of its own, and prints the answers. */
import { ASYNC } from '../c/async.ts';
import { FRAME } from '../c/frame.ts';
import { RUN_HEADERS, RUN_NEEDS } from '../c/main.ts';
import { c } from '../c/snippet.ts';
import { closure } from '../emit.ts';
import { CALL_SNIPPETS, FUZZ_CALLS, FUZZ_QUERIES, QUERY_SNIPPETS } from './calls.ts';
import { VARIABLES } from './program.ts';

const STATE = c`
#define THREADS 3
#define PROCESSES 3
#define RACES 0
#define EVENTS 128
#define VARIABLES COUNT
#define MAX_OPS 160
#define MAX_ASKED 512
static const int process_of[] = {0, 1, 2};
struct globals { long var[VARIABLES]; };
struct thread { volatile int started, ended, killed, waits, line; };
/* All processes of a program see this; the judge reads the answers here. */
struct shared {
  struct globals process[PROCESSES];
  long reg[THREADS][32];
  int is_set[THREADS][32];
  struct thread thread[THREADS + 1];
  volatile int event[EVENTS], pid[PROCESSES], leave[PROCESSES], ends, stuck;
  uint64_t seed;
  char gave_up[200];
};
static struct shared *shared;
static __thread struct thread *self;
static int judging = 1, seconds = 3600, run_limit = 2000, cpu_count, cpus[64];
static char root[128] = "/tmp/pinfold-XXXXXX";
static const char *cgroup, *image, *throttle;
static int medium __attribute__((unused)) = -1;
/* The counters of pins before the program that runs; asked for only with --counters. */
static long counted[2];
static int counting;
static void (*const body_of[])(void);

struct arg { long base, value; };
struct op { int code, reg, args; struct arg arg[6]; };
struct asked { int query; long a, base, value, b, base_2, value_2; };
/* Bodies of three threads, then the initial block. */
static struct op ops[THREADS + 1][MAX_OPS];
static int ops_of[THREADS + 1];
static struct asked asked[MAX_ASKED];
`;

const MAIN = c`${FRAME}
/* Holds what is sent to the disk, for a second at most, or lets it go: a request stays in flight until it is waited for. */
static void hold_disk(int hold) {
  char line[32];
  int n = snprintf(line, sizeof line, "%u:%u %d", major(slow_device), minor(slow_device), hold);
  if (slow_read < 0 || slow_write < 0) give_up("no throttle of block devices here: nothing is held in flight");
  if (write(slow_read, line, (size_t)n) < 0 || write(slow_write, line, (size_t)n) < 0)
    give_up("the disk cannot be held: %s", strerror(errno));
}

static void count_all(void) {
  if (!counting) return;
  /* The last program's rings give their pages back a little later. */
  usleep(20000);
  counted[0] = counter("nr_foll_pin_acquired");
  counted[1] = counter("nr_foll_pin_released");
}

static void clear_away(void) {
  if (image != NULL) hold_disk(0);
  end_all();
  if (image != NULL) unlink("/ext4/f");
}

/* Waits for an event that only thread "from" may still post. */
static void await_from(int event, int from) {
  self->waits = 1;
  for (int i = 0; i < 50 && !shared->event[event]; i++) sched_yield();
  while (!shared->event[event]) {
    if (shared->thread[from].ended && !shared->event[event]) {
      shared->stuck = 1;
      futex_wake(&shared->ends);
    }
    futex_wait(&shared->event[event], 0, 2);
  }
  self->waits = 0;
  __sync_synchronize();
}

static long call(int code, int me, const long *x) {
  int ends[2];
  (void)ends;
  switch (code) {
CASES
  }
  return 0;
}

static void run_ops(int me) {
  int process = me == THREADS ? 0 : me;
  for (int i = 0; i < ops_of[me]; i++) {
    const struct op *o = &ops[me][i];
    long x[6] = {0}, *var = shared->process[process].var;
    for (int n = 0; n < o->args; n++)
      x[n] = o->arg[n].base < 0 ? o->arg[n].value : var[o->arg[n].base] + o->arg[n].value;
    self->line = i;
    long done = call(o->code, me, x);
    if (o->reg >= 0) shared->reg[me][o->reg] = done, shared->is_set[me][o->reg] = 1;
    if (o->reg <= -2) var[-2 - o->reg] = done;
  }
}

static void body_0(void) { run_ops(0); }
static void body_1(void) { run_ops(1); }
static void body_2(void) { run_ops(2); }
static void initial_block(void) { run_ops(THREADS); }
static void (*const body_of[])(void) = {body_0, body_1, body_2};

static long next_number(char **text) { return strtol(*text, text, 10); }

static int read_program(char *line) {
  for (int t = 0; t <= THREADS; t++) {
    ops_of[t] = (int)next_number(&line);
    if (ops_of[t] > MAX_OPS) return -1;
    for (int i = 0; i < ops_of[t]; i++) {
      struct op *o = &ops[t][i];
      o->code = (int)next_number(&line);
      o->reg = (int)next_number(&line);
      o->args = (int)next_number(&line);
      for (int n = 0; n < o->args; n++) {
        o->arg[n].base = next_number(&line);
        o->arg[n].value = next_number(&line);
      }
    }
  }
  int terms = (int)next_number(&line);
  if (terms > MAX_ASKED) return -1;
  for (int i = 0; i < terms; i++) {
    struct asked *q = &asked[i];
    q->query = (int)next_number(&line);
    q->a = next_number(&line), q->base = next_number(&line), q->value = next_number(&line);
    q->b = next_number(&line), q->base_2 = next_number(&line), q->value_2 = next_number(&line);
  }
  return terms;
}

static double answer(const struct asked *q) {
  int a = (int)q->a, b = (int)q->b;
  const long *v = shared->process[a].var, *w = shared->process[b].var;
  unsigned long x = (unsigned long)((q->base < 0 ? 0 : v[q->base]) + q->value);
  unsigned long y = (unsigned long)((q->base_2 < 0 ? 0 : w[q->base_2]) + q->value_2);
  (void)b, (void)y;
  switch (q->query) {
QUERIES
  }
  return NAN;
}

static void process_0(void) {
  judging = 0;
  drop_rights(0);
  write_text("/proc/self/oom_score_adj", "900");
  shared->pid[0] = getpid();
  run_body(THREADS, initial_block);
  if (!self->killed) run_body(0, body_0);
  stay(0);
}

/* How the program ended: "ok", or why not. */
static const char *wait_for_end(void) {
  int still = 0;
  for (int waited = 0;;) {
    int ends = shared->ends, left = 0, waiting = 0;
    for (int n = 0; n < THREADS; n++)
      if (!ended(n)) left++, waiting += shared->thread[n].waits != 0;
    if (shared->thread[THREADS].killed) return "init";
    if (shared->thread[THREADS].ended && left == 0) return "ok";
    if (shared->gave_up[0] != 0) return "skip";
    if (shared->stuck) return "deadlock";
    futex_wait(&shared->ends, ends, 5);
    if (shared->ends != ends) continue;
    waited += 5;
    still = left > 0 && left == waiting ? still + 5 : 0;
    if (still >= 100) return "deadlock";
    if (waited >= run_limit) return "timeout";
    if (!shared->leave[0] && gone(shared->pid[0], 0)) return "died";
  }
}

static int judge_all(void) {
  static char line[1 << 18];
  cpu_set_t one;
  if (!judge_begins()) return 3;
  /* One CPU: what another one keeps back in its batches would differ from run to run. */
  CPU_ZERO(&one);
  CPU_SET(cpus[cpu_count - 1], &one);
  sched_setaffinity(0, sizeof one, &one);
  judge_enters();
  while (fgets(line, sizeof line, stdin) != NULL) {
    char *rest = line;
    long id = next_number(&rest);
    int terms = read_program(rest);
    if (terms < 0) {
      printf("%ld refused\n", id);
      fflush(stdout);
      continue;
    }
    memset(shared, 0, sizeof *shared);
    shared->thread[0].started = 1;
    count_all();
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
      process_0();
      _exit(0);
    }
    if (child < 0) return 3;
    shared->pid[0] = child;
    const char *how = wait_for_end();
    printf("%ld %s", id, how);
    /* A ring whose process has ended goes a little later. */
    if (counting && (shared->leave[1] || shared->leave[2])) usleep(20000);
    if (strcmp(how, "ok") == 0)
      for (int i = 0; i < terms; i++) {
        double v = answer(&asked[i]);
        if (isnan(v)) printf(" -");
        else printf(" %.0f", v);
      }
    else if (strcmp(how, "skip") == 0) printf(" %s", shared->gave_up);
    printf("\n");
    fflush(stdout);
    clear_away();
  }
  return 0;
}

int main(int argc, char **argv) {
  static struct shared first;
  shared = &first;
  for (int i = 1; i + 1 < argc; i += 2)
    if (strcmp(argv[i], "--image") == 0) image = argv[i + 1];
    else if (strcmp(argv[i], "--throttle") == 0) throttle = argv[i + 1];
    else if (strcmp(argv[i], "--counters") == 0) counting = atoi(argv[i + 1]);
    else common_option(argv[i], argv[i + 1]);
  return run_judge(judge_all);
}
`;

/** The tree that programs see has one more folder where an image of a file system is given. */
const MOUNT = c`
static void mount_file_systems(void) {
  if (image != NULL) mount_image(image, "ext4");
}
`;

/** The source. */
export const interpreterSource = (): string => {
  const used = closure([
    ...RUN_NEEDS.split(' '),
    ...CALL_SNIPPETS,
    ...QUERY_SNIPPETS,
    'slow_disk',
    ...ASYNC.filter((s) => s.name === 'ring').map((s) => s.name),
  ]);
  const headers = new Set([...RUN_HEADERS.split(' '), ...used.flatMap((s) => s.headers)]);
  const late = new Set(['enter_sandbox']);
  const code = (sandbox: boolean): string[] =>
    used.filter((s) => late.has(s.name) === sandbox).map((s) => s.code);
  const main = MAIN.replace(
    'CASES',
    Object.values(FUZZ_CALLS)
      .map((e, i) => `  case ${i}: return ${e};`)
      .join('\n'),
  ).replace(
    'QUERIES',
    Object.values(FUZZ_QUERIES)
      .map((e, i) => `  case ${i}: return ${e};`)
      .join('\n'),
  );
  return [
    ...[...headers].sort().map((h) => `#include <${h}>`),
    STATE.replace('COUNT', String(VARIABLES.length)),
    ...code(false),
    MOUNT,
    ...code(true),
    main,
  ].join('\n');
};
