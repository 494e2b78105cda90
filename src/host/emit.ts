/** A litmus test as one C program. */
import type { CheckedTest } from '../litmus/checked.ts';
import { CONSTANTS } from '../litmus/constants.ts';
import { ASYNC } from './c/async.ts';
import { DAEMONS } from './c/daemons.ts';
import { FILES } from './c/files.ts';
import { JUDGE } from './c/judge.ts';
import { RUN_HEADERS, RUN_NEEDS, RUNS } from './c/main.ts';
import { MEMORY } from './c/memory.ts';
import { ORDER } from './c/order.ts';
import { PROCESS } from './c/process.ts';
import { SANDBOX } from './c/sandbox.ts';
import type { Snippet } from './c/snippet.ts';
import { USERFAULT } from './c/userfault.ts';
import { emitBody, members } from './emit-body.ts';
import { emitCondition } from './emit-condition.ts';
import { beforeRun, mountFileSystems, quiet } from './emit-frame.ts';
import { diskFileSystem, usesHugetlb, usesHugetlbfs, usesKsm } from './needs.ts';
import { processesOf, races } from './processes.ts';
import { shownTerms } from './shown.ts';

const SNIPPETS: ReadonlyMap<string, Snippet> = new Map(
  [
    ...ORDER,
    ...MEMORY,
    ...PROCESS,
    ...FILES,
    ...DAEMONS,
    ...ASYNC,
    ...JUDGE,
    ...SANDBOX,
    ...USERFAULT,
  ].map((s) => [s.name, s]),
);

/** Calls that a C program can make. */
export const canEmit = (call: string): boolean => SNIPPETS.has(call);

/** Snippets with all they need, each after what it needs. */
export const closure = (names: readonly string[]): Snippet[] => {
  const done = new Map<string, Snippet>();
  const add = (name: string): void => {
    if (done.has(name)) return;
    const s = SNIPPETS.get(name);
    if (s === undefined) throw new RangeError(`there is no C for ${name}`);
    for (const need of s.needs) add(need);
    done.set(name, s);
  };
  for (const name of names) add(name);
  return [...done.values()];
};

/** The C program of a test whose calls and questions are all expressible (skip.ts says so). */
export const emitProgram = (checked: CheckedTest): string => {
  const { test } = checked;
  const processes = processesOf(checked);
  const bodies = [
    emitBody(checked, processes, -1, test.init.body),
    ...test.threads.map((t, i) => emitBody(checked, processes, i, t.body)),
  ];
  const condition = emitCondition(checked, processes);
  const disk = diskFileSystem(checked);
  const hugetlb = usesHugetlb(checked);
  const flight = disk !== null && checked.callNames.includes('io_submit');
  const used = closure([
    'at',
    ...RUN_NEEDS.split(' '),
    ...bodies.flatMap((b) => b.snippets),
    ...condition.snippets,
    ...(disk === null ? [] : ['disk_image']),
    ...(flight ? ['slow_disk'] : []),
    'mount_at',
  ]);
  const headers = new Set([...RUN_HEADERS.split(' '), ...used.flatMap((s) => s.headers)]);
  const names = checked.threads.map((t) => t.name);
  const barriers = checked.barriers.map((b) => comers(checked, b));
  const sandboxed = new Set(SANDBOX.map((s) => s.name));
  const code = (which: readonly Snippet[]): string[] => which.flatMap((s) => [s.code, '']);

  const lines = [
    '/*',
    ` * ${test.name}: a litmus test as a program for the real kernel.`,
    ` * Made from ${test.file} by pinfold run --emit-c.`,
    ' *',
    ' * cc -O1 -std=c11 -D_GNU_SOURCE -pthread -o test test.c && ./test --runs 1000',
    ' *',
    " * Prints a line a run: `outcome', whether the condition holds, and the final state.",
    ' */',
    ...[...headers].sort().map((h) => `#include <${h}>`),
    '',
    ...constants(checked),
    '',
    '/* ---- the test: its threads, processes and variables ---- */',
    '',
    `enum { ${names.map((n) => `THREAD_${n}`).join(', ')}, THREADS };`,
    enumeration('EVENT', checked.events),
    enumeration('BARRIER', checked.barriers),
    `#define PROCESSES ${processes.count}`,
    `#define FIRST_THREADS ${processes.first.length}`,
    `#define RACES ${races(checked) ? 1 : 0}`,
    `#define TERMS ${shownTerms(checked).length}`,
    `static const int process_of[] = {${processes.of.join(', ')}};`,
    `static const int is_first[] = {${names.map((_, i) => (processes.first.includes(i) ? 1 : 0)).join(', ')}};`,
    `static const char *const name_of[] = {${names.map((n) => `"${n}"`).join(', ')}};`,
    ...(barriers.length > 0 ? [`static const int barrier_size[] = {${barriers.join(', ')}};`] : []),
    '',
    '/* Variables of the initial block: each process has its own, copied at the fork. */',
    'struct globals {',
    ...members(checked.globals),
    '};',
    '',
    ...checked.threads.flatMap((t) => [
      `/* Registers and locals of ${t.name}. */`,
      `struct ${t.name} {`,
      ...members(t.variables),
      '};',
      '',
    ]),
    '/* How far a thread has come. The last one is the initial block. */',
    'struct thread {',
    '  volatile int started, ended, killed, waits, line;',
    '};',
    '',
    '/* All processes of a run see this page; the judge reads the answers here. */',
    'struct shared {',
    '  struct globals process[PROCESSES];',
    ...names.map((n) => `  struct ${n} ${n};`),
    '  struct thread thread[THREADS + 1];',
    '  volatile int event[EVENTS + 1], arrived[BARRIERS + 1], open[BARRIERS + 1];',
    '  volatile int pid[PROCESSES], leave[PROCESSES], ends, ready;',
    '  volatile int asked[PROCESSES];',
    '  volatile unsigned long asked_at[PROCESSES];',
    '  uint64_t seed;',
    '  char gave_up[200];',
    '};',
    'static struct shared *shared;',
    'static __thread struct thread *self;',
    'static int judging = 1, seconds = 5, run_limit = 3000, cpu_count, cpus[64];',
    'static char root[128] = "/tmp/pinfold-XXXXXX";',
    'static const char *cgroup;',
    'static const char *image __attribute__((unused)), *throttle __attribute__((unused));',
    '/* The device below the file system, for disk(): what it holds, whatever the page cache says. */',
    'static int medium __attribute__((unused)) = -1;',
    'static void (*const body_of[])(void);',
    '',
    '/* ---- what the test calls ---- */',
    '',
    ...code(used.filter((s) => !sandboxed.has(s.name))),
    '/* ---- the test ---- */',
    '',
    'static void initial_block(void) {',
    '  struct globals *const g = &shared->process[0];',
    '  (void)g;',
    ...(bodies[0]?.lines ?? []),
    '}',
    '',
    ...checked.threads.flatMap((t, i) => [
      `static void ${t.name}(void) {`,
      `  struct globals *const g = &shared->process[${processes.of[i]}];`,
      `  struct ${t.name} *const my = &shared->${t.name};`,
      '  (void)g, (void)my;',
      ...(bodies[i + 1]?.lines ?? []),
      '}',
      '',
    ]),
    `static void (*const body_of[])(void) = {${names.join(', ')}};`,
    '',
    ...(condition.counters.length > 0
      ? ['/* Counters before the run. */', `static long counted[${condition.counters.length}];`, '']
      : []),
    ...condition.lines,
    '',
    ...quiet(condition.counters),
    '',
    '/* ---- where it runs ---- */',
    '',
    ...code(
      used.filter(
        (s) => s.name === 'mount_at' || s.name === 'disk_image' || s.name === 'slow_disk',
      ),
    ),
    ...mountFileSystems(
      disk,
      usesHugetlbfs(checked),
      checked.callNames.includes('split_huge_page'),
      usesKsm(checked),
    ),
    '',
    ...code(used.filter((s) => s.name === 'enter_sandbox')),
    ...beforeRun(
      condition.counters,
      hugetlb,
      flight,
      checked.callNames.some((n) => n.startsWith('io_uring')),
    ),
    '',
    RUNS.trim(),
  ];
  return `${lines.join('\n').replace(/\n{3,}/g, '\n\n')}\n`;
};

const enumeration = (prefix: string, names: readonly string[]): string =>
  `enum { ${[...names.map((n) => `${prefix}_${n}`), `${prefix}S`].join(', ')} };`;

/** What every libc's headers have had for long. */
const OLD =
  /^(PROT_|O_|E[A-Z0-9]+$|SEEK_|MS_|SPLICE_F_|SYNC_FILE_|FALLOC_|MAP_(SHARED|PRIVATE|ANONYMOUS|FIXED|HUGETLB)$|MREMAP_(MAYMOVE|FIXED)$|MADV_(DONTNEED|DONTFORK|DOFORK|HUGEPAGE|NOHUGEPAGE)$|NULL$|true$|false$)/;

/** Constants that older headers lack. */
const constants = (checked: CheckedTest): string[] => {
  const used = new Set<string>();
  for (const binding of checked.bindings.values())
    if (binding.kind === 'constant' && !OLD.test(binding.name)) used.add(binding.name);
  return [...used]
    .sort()
    .flatMap((name) => [
      `#ifndef ${name}`,
      `#define ${name} ${CONSTANTS.get(name)?.value ?? 0}`,
      '#endif',
    ]);
};

/** How many threads name the barrier. */
const comers = (checked: CheckedTest, barrier: string): number =>
  checked.test.threads.filter((t) =>
    [...checked.calls.keys()].some(
      (c) =>
        c.name === 'barrier' &&
        c.args[0]?.kind === 'name' &&
        c.args[0].name === barrier &&
        c.span.start >= t.span.start &&
        c.span.end <= t.span.end,
    ),
  ).length;
