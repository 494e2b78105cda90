/** The frame of an emitted program: runs the test again and again and says how each run ended. */

import { FRAME } from './frame.ts';
import { c } from './snippet.ts';

/** After the test's own part: one run, and the loop over runs. */
export const RUNS = c`
/* ---- one run ---- */
${FRAME}
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
`;

/** Headers of RUNS. */
export const RUN_HEADERS =
  'dirent.h errno.h math.h pthread.h sched.h signal.h stdint.h stdio.h stdlib.h string.h sys/mman.h sys/prctl.h sys/types.h sys/wait.h time.h unistd.h fcntl.h';

/** Snippets of RUNS. */
export const RUN_NEEDS = 'run_body futex gone give_up write_text enter_sandbox';
