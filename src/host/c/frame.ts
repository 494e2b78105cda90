/** What the frame of an emitted program and the one of random programs have in common: how a run ends, and how the judge comes to its place. */
import { c } from './snippet.ts';

/** Needs `shared`, `root`, `cgroup`, `cpus`, `process_of` and the snippets of RUN_NEEDS. */
export const FRAME = c`
/* Whether thread n does nothing more. */
static int ended(int n) {
  struct thread *t = &shared->thread[n];
  if (!t->started || t->ended == RETURNED) return 1;
  return shared->leave[process_of[n]] && shared->pid[process_of[n]] && gone(shared->pid[process_of[n]], 0);
}

/* Ends every process of the run: all that live in this namespace. */
static void end_all(void) {
  kill(-1, SIGKILL);
  while (waitpid(-1, NULL, 0) > 0 || errno == EINTR) {}
}

/* The memory that judge and test share, signals, and the processors that there are. */
static int judge_begins(void) {
  cpu_set_t set;
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return 0;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGINT, SIG_IGN);
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    for (int i = 0; i < 64; i++)
      if (CPU_ISSET(i, &set)) cpus[cpu_count++] = i;
  return 1;
}

static void judge_enters(void) {
  new_root();
  drop_rights(1);
  set_limits();
}

/* --root and --cgroup: the first control group is the one that the test sees; the process joins each. */
static void common_option(const char *name, char *value) {
  char path[256];
  if (strcmp(name, "--root") == 0) snprintf(root, sizeof root, "%s", value);
  if (strcmp(name, "--cgroup") != 0) return;
  cgroup = cgroup == NULL ? value : cgroup;
  snprintf(path, sizeof path, "%s/cgroup.procs", value);
  write_text(path, "0");
}

/* Runs the judge in namespaces of its own, and gives its exit status. */
static int run_judge(int (*judge)(void)) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  write_text("/proc/self/oom_score_adj", "-900"); /* whoever runs out of memory, it is the test that ends */
  new_namespaces();
  pid_t child = fork();
  if (child == 0) _exit(judge());
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  return child < 0 ? 3 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
`;
