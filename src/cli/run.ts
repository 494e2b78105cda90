/** `pinfold run`: the same tests on the kernel of this machine, compared with the model. */
import type { Command } from '@commander-js/extra-typings';
import { emitProgram } from '../host/emit.ts';
import { Host } from '../host/machine.ts';
import { modelledRelease, runningRelease } from '../host/release.ts';
import { type Report, runJson } from '../host/report.ts';
import { type RunOptions, runTest } from '../host/run-test.ts';
import { staticSkip } from '../host/skip.ts';
import type { CheckedTest } from '../litmus/checked.ts';
import { EXIT, userError } from './errors.ts';
import { litmusFiles, readTests } from './litmus-files.ts';
import { whole } from './options.ts';
import { print } from './output.ts';
import { Progress } from './progress.ts';
import { kernelsNamed, runKernels } from './run-kernels.ts';
import { printReports, reportOf, statusOf } from './run-reports.ts';

const EXAMPLES = `
Examples:
  pinfold run library/vmsplice/vmsplice-child.litmus   one test: its histogram, the model's states, the comparison
  pinfold run --runs 100000 t.litmus                   look longer for a rare outcome
  pinfold run --emit-c t.litmus > t.c                  the C program only
  pinfold run --json library | jq .summary             a folder
  pinfold run --kernel 5.10,6.12 library               on other kernels, in QEMU (pinfold kernels fetch 5.10 6.12)

The program runs in namespaces, a root folder and control groups of its own; what it changes on the machine (the pool
of huge pages) is put back, also when it is killed.

Exit status: 0 every outcome that was seen is allowed by the model; 1 one is not; 2 bad input or usage; 3 some test
could not run here (SKIP says why) or did not come to its end, or a kernel did not boot.`;

export const addRun = (program: Command): void => {
  program
    .command('run')
    .summary('run litmus tests on the kernel of this machine')
    .description(
      'Makes a C program of each litmus test, runs it many times on the kernel of this machine, and compares what was\n' +
        'seen with what the model allows.',
    )
    .argument('<FILE...>', 'litmus files, or folders that hold some')
    .option('--runs <n>', 'times to run each test (default: 1000 where threads race, else 20)')
    .option('--seconds <n>', 'begin no further run of a test after this many seconds', '5')
    .option('--run-limit <ms>', 'time for one run (default: 3000; 10000 on other kernels)')
    .option('--seed <n>', 'seed of the delays', '1')
    .option('--emit-c', 'print the C program instead of running it')
    .option('--allow-system', 'may give the machine swap (zram) while a test needs it')
    .option(
      '--kernel <list>',
      'boot these instead: fetched versions, vmlinuz files or folders, apart by commas',
    )
    .option('--jobs <n>', 'with --kernel: kernels at a time (default: half the processors)')
    .option('--kvm', 'with --kernel: let the processor run them itself (default: QEMU emulates it)')
    .option(
      '--json',
      'print one JSON document (schema pinfold.run/1; of several kernels pinfold.run-kernels/1)',
    )
    .addHelpText('after', EXAMPLES)
    .action(async (paths, options) => {
      const tests = readTests(litmusFiles(paths));
      if (options.emitC === true) {
        print(tests.map(sourceOf).join('\n').trimEnd());
        return;
      }
      const common = {
        runs: options.runs === undefined ? null : whole('--runs', options.runs, 1),
        seed: whole('--seed', options.seed, 1),
        seconds: whole('--seconds', options.seconds, 1),
      };
      const limit =
        options.runLimit === undefined ? null : whole('--run-limit', options.runLimit, 1);
      if (options.kernel !== undefined) {
        const chosen = {
          ...common,
          runLimit: limit ?? 10_000,
          accel: options.kvm === true ? ('kvm' as const) : ('tcg' as const),
          jobs: options.jobs === undefined ? null : whole('--jobs', options.jobs, 1),
        };
        const kernels = kernelsNamed(options.kernel);
        process.exitCode = await runKernels(tests, kernels, chosen, options.json === true);
        return;
      }
      for (const name of ['jobs', 'kvm'] as const)
        if (options[name] !== undefined)
          throw userError('C006', `--${name} goes with --kernel only`);
      const reports = await runAll(tests, {
        ...common,
        runLimit: limit ?? 3000,
        allowSystem: options.allowSystem === true,
      });
      if (options.json === true) print(JSON.stringify(runJson(reports), null, 2));
      else printReports(reports);
      process.exitCode = statusOf(reports);
    });
};

const sourceOf = (checked: CheckedTest): string => {
  const why = staticSkip(checked);
  if (why !== null) throw userError('C032', `cannot be a C program: ${why}`, checked.test.file);
  return emitProgram(checked);
};

const runAll = async (tests: readonly CheckedTest[], options: RunOptions): Promise<Report[]> => {
  const host = new Host();
  const progress = new Progress();
  const reports: Report[] = [];
  const release = runningRelease();
  const kernel = modelledRelease(release);
  // What was done so far is worth having.
  const leave = (): never => {
    progress.done();
    host.close();
    if (reports.length > 0) printReports(reports);
    return process.exit(EXIT.unfinished);
  };
  for (const signal of SIGNALS) process.once(signal, leave);
  try {
    for (const [i, checked] of tests.entries()) {
      progress.update(`${i + 1}/${tests.length} ${checked.test.name}`);
      reports.push(reportOf(checked, await runTest(host, checked, options), release, kernel));
    }
  } finally {
    progress.done();
    host.close();
    for (const signal of SIGNALS) process.removeListener(signal, leave);
  }
  return reports;
};

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
