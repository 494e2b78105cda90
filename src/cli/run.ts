/** `pinfold run`: the same tests on the kernel of this machine, compared with the model. */
import type { Command } from '@commander-js/extra-typings';
import { Checker } from '../explore/check.ts';
import { type Comparison, compareWith } from '../host/compare.ts';
import { emitProgram } from '../host/emit.ts';
import { Host } from '../host/machine.ts';
import { usesCounters } from '../host/needs.ts';
import { modelledRelease, runningRelease } from '../host/release.ts';
import {
  observed,
  type Report,
  reportLine,
  reportText,
  runJson,
  summaryOf,
} from '../host/report.ts';
import { type HostResult, type RunOptions, runTest } from '../host/run-test.ts';
import { staticSkip } from '../host/skip.ts';
import type { CheckedTest } from '../litmus/checked.ts';
import { EXIT, UserError } from './errors.ts';
import { litmusFiles, readTests } from './litmus-files.ts';
import { print } from './output.ts';
import { Progress } from './progress.ts';

const EXAMPLES = `
Examples:
  pinfold run library/vmsplice/vmsplice-child.litmus   one test: its histogram, the model's states, the comparison
  pinfold run --runs 100000 t.litmus                   look longer for a rare outcome
  pinfold run --emit-c t.litmus > t.c                  the C program only
  pinfold run --json library | jq .summary             a folder

The program runs in namespaces, a root folder and control groups of its own; what it changes on the machine (the pool
of huge pages) is put back, also when it is killed.

Exit status: 0 every outcome that was seen is allowed by the model; 1 one is not; 2 bad input or usage; 3 some test
could not run here (SKIP says why) or did not come to its end.`;

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
    .option('--run-limit <ms>', 'time for one run', '3000')
    .option('--seed <n>', 'seed of the delays', '1')
    .option('--emit-c', 'print the C program instead of running it')
    .option('--allow-system', 'may give the machine swap (zram) while a test needs it')
    .option('--json', 'print one JSON document (schema pinfold.run/1)')
    .addHelpText('after', EXAMPLES)
    .action(async (paths, options) => {
      const tests = readTests(litmusFiles(paths));
      if (options.emitC === true) {
        print(tests.map(sourceOf).join('\n').trimEnd());
        return;
      }
      const reports = await runAll(tests, {
        runs: options.runs === undefined ? null : whole('--runs', options.runs),
        seed: whole('--seed', options.seed),
        seconds: whole('--seconds', options.seconds),
        runLimit: whole('--run-limit', options.runLimit),
        allowSystem: options.allowSystem === true,
      });
      if (options.json === true) print(JSON.stringify(runJson(reports), null, 2));
      else printReports(reports);
      process.exitCode = statusOf(reports);
    });
};

const whole = (option: string, text: string): number => {
  const n = Number(text);
  if (!Number.isSafeInteger(n) || n <= 0)
    throw new UserError(`${option} ${text}: write a whole number above 0`);
  return n;
};

const sourceOf = (checked: CheckedTest): string => {
  const why = staticSkip(checked);
  if (why !== null) throw new UserError(`${checked.test.file}: cannot be a C program: ${why}`, 3);
  return emitProgram(checked);
};

const runAll = async (tests: readonly CheckedTest[], options: RunOptions): Promise<Report[]> => {
  const host = new Host();
  const progress = new Progress();
  const reports: Report[] = [];
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
      reports.push(reportOf(checked, await runTest(host, checked, options)));
    }
  } finally {
    progress.done();
    host.close();
    for (const signal of SIGNALS) process.removeListener(signal, leave);
  }
  return reports;
};

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Beside what the model says at the modelled release that stands for the running kernel. */
const reportOf = (checked: CheckedTest, result: HostResult): Report => {
  const release = runningRelease();
  const kernel = modelledRelease(release);
  if (result.kind === 'skip' || kernel === null)
    return {
      test: checked.test,
      release,
      kernel,
      result,
      model: null,
      comparison: null,
      expected: null,
    };
  const model = new Checker(checked).check(kernel);
  const comparison: Comparison = compareWith(result.histogram, model, usesCounters(checked));
  return {
    test: checked.test,
    release,
    kernel,
    result,
    model,
    comparison,
    expected: model.expected,
  };
};

const printReports = (reports: readonly Report[]): void => {
  if (reports.length === 1) {
    for (const r of reports) print(reportText(r));
    return;
  }
  const width = Math.max(...reports.map((r) => r.test.name.length));
  const { agree, disagree, alone, undecided, skipped } = summaryOf(reports);
  print(
    [
      ...reports.map((r) => reportLine(r, width)),
      ...reports
        .filter((r) => r.comparison?.verdict === 'disagrees')
        .map((r) => `\n${reportText(r)}`),
      '',
      `Kernel ${reports[0]?.release}, model ${reports[0]?.kernel ?? 'none'}: ${agree} agree, ${disagree} disagree, ` +
        `${alone} without a model, ${undecided} undecided, ${skipped} skipped`,
    ].join('\n'),
  );
};

/** Without a model, the test's own Result: lines judge; without those, nothing does. */
const statusOf = (reports: readonly Report[]): number => {
  const contradicts = (r: Report): boolean => {
    const saw = observed(r.result);
    if (r.comparison?.verdict !== 'alone' || saw === null) return false;
    return (
      (r.expected === 'Never' && saw !== 'Never') || (r.expected === 'Always' && saw !== 'Always')
    );
  };
  if (reports.some((r) => r.comparison?.verdict === 'disagrees' || contradicts(r)))
    return EXIT.differs;
  const whole = (r: Report): boolean =>
    r.comparison?.verdict === 'agrees' ||
    (r.comparison?.verdict === 'alone' && r.expected !== null);
  return reports.every(whole) ? EXIT.ok : EXIT.unfinished;
};
