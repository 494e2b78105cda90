/** `pinfold run --kernel`: the tests on other kernels, in QEMU. */

import { KernelProblem } from '../host/qemu/problem.ts';
import { type KernelOptions, type KernelResult, runOnKernels } from '../host/qemu/run.ts';
import { type Kernel, kernelNamed } from '../host/qemu/store.ts';
import { modelledKernel } from '../host/release.ts';
import { type Report, runJson } from '../host/report.ts';
import type { CheckedTest } from '../litmus/checked.ts';
import { EXIT, userError } from './errors.ts';
import { print } from './output.ts';
import { Progress } from './progress.ts';
import { printReports, reportOf, statusOf } from './run-reports.ts';

/** `5.10,6.1,./vmlinuz`: what each part names. */
export const kernelsNamed = (list: string): Kernel[] => {
  const names = [...new Set(list.split(',').map((n) => n.trim()))].filter((n) => n !== '');
  if (names.length === 0)
    throw userError('C010', `--kernel '${list}': name versions such as 5.10,6.1, or vmlinuz files`);
  try {
    return names.map(kernelNamed);
  } catch (error) {
    throw asUserError(error);
  }
};

const asUserError = (error: unknown): unknown =>
  error instanceof KernelProblem ? userError('C041', error.message) : error;

/** Runs, prints, and gives the exit status: the worst of all kernels; one that does not boot gives 3. */
export const runKernels = async (
  tests: readonly CheckedTest[],
  kernels: readonly Kernel[],
  options: KernelOptions,
  json: boolean,
): Promise<number> => {
  const progress = new Progress();
  const running = new Set<() => void>();
  const leave = (): never => {
    for (const stop of running) stop();
    progress.done();
    return process.exit(EXIT.unfinished);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.once(signal, leave);
  let results: KernelResult[];
  try {
    results = await runOnKernels(tests, kernels, options, (text) => progress.update(text), running);
  } catch (error) {
    throw asUserError(error);
  } finally {
    progress.done();
    for (const signal of signals) process.removeListener(signal, leave);
  }
  const all = results.map((result) => ({ result, reports: reportsOf(tests, result) }));
  if (json)
    print(
      JSON.stringify(
        {
          schema: 'pinfold.run-kernels/1',
          kernels: all.map(({ result, reports }) => ({
            version: result.kernel.version,
            failure: result.failure,
            notes: result.notes,
            ...runJson(reports),
          })),
        },
        null,
        2,
      ),
    );
  else for (const [i, { result, reports }] of all.entries()) show(result, reports, i > 0);
  const worst = (a: number, b: number): number =>
    a === EXIT.differs || b === EXIT.differs ? EXIT.differs : Math.max(a, b);
  return all
    .map(({ result, reports }) =>
      result.failure === null ? statusOf(reports) : worst(statusOf(reports), EXIT.unfinished),
    )
    .reduce(worst, EXIT.ok);
};

/** Each test's outcome beside the model. */
export const reportsOf = (tests: readonly CheckedTest[], result: KernelResult): Report[] => {
  const release = result.release ?? result.kernel.version;
  const kernel = modelledKernel(
    result.kernel.debian ? result.kernel.version : release,
    result.kernel.debian,
  );
  return tests.flatMap((checked, i) => {
    const outcome = result.results[i];
    return outcome === undefined ? [] : [reportOf(checked, outcome, release, kernel)];
  });
};

const show = (result: KernelResult, reports: readonly Report[], again: boolean): void => {
  if (again) print('');
  if (result.release === null) {
    print(`Kernel ${result.kernel.version} did not boot: ${result.failure ?? 'no reason known'}`);
    return;
  }
  for (const note of result.notes) print(`Note ${result.kernel.version}: ${note}`);
  printReports(reports);
  if (result.failure !== null)
    print(`Kernel ${result.kernel.version} did not come to the end: ${result.failure}`);
};
