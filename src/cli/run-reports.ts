/** What `pinfold run` prints of one kernel's tests, and the exit status that follows from them. */
import { Checker } from '../explore/check.ts';
import { compareWith } from '../host/compare.ts';
import { usesCounters } from '../host/needs.ts';
import { observed, type Report, reportLine, reportText, summaryOf } from '../host/report.ts';
import type { HostResult } from '../host/run-test.ts';
import type { CheckedTest } from '../litmus/checked.ts';
import { EXIT } from './errors.ts';
import { print } from './output.ts';

/** Beside what the model says at the modelled kernel that stands for `release`; null: none does. */
export const reportOf = (
  checked: CheckedTest,
  result: HostResult,
  release: string,
  kernel: string | null,
): Report => {
  const common = { test: checked.test, release, kernel, result };
  if (result.kind === 'skip' || kernel === null)
    return { ...common, model: null, comparison: null, expected: null };
  const model = new Checker(checked).check(kernel);
  const comparison = compareWith(result.histogram, model, usesCounters(checked));
  return { ...common, model, comparison, expected: model.expected };
};

/** One test in full; of several a line each, and in full those that disagree. */
export const printReports = (reports: readonly Report[]): void => {
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
export const statusOf = (reports: readonly Report[]): number => {
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
