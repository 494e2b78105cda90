/** What is printed of a run: litmus7's histogram, the model's final states, and the comparison. */
import { createHash } from 'node:crypto';
import type { LitmusTest } from '../litmus/ast.ts';
import { print, printCondition } from '../litmus/printer.ts';
import type { Allowed, Comparison } from './compare.ts';
import type { HostResult } from './run-test.ts';

export interface Report {
  readonly test: LitmusTest;
  /** `uname -r`. */
  readonly release: string;
  /** The modelled kernel that it is compared with; null: there is none. */
  readonly kernel: string | null;
  readonly result: HostResult;
  readonly model: Allowed | null;
  readonly comparison: Comparison | null;
  /** What the test's `Result:` lines expect at that kernel. */
  readonly expected: string | null;
}

const KIND = { exists: 'Allowed', '~exists': 'Forbidden', forall: 'Required' } as const;

/** Names the test's meaning, whatever its layout: logs of different machines compare by it. */
export const testHash = (test: LitmusTest): string =>
  createHash('md5')
    .update(
      print(test)
        .replace(/\(\*[\s\S]*?\*\)/g, '')
        .replace(/\s+/g, ' '),
    )
    .digest('hex');

/** What was observed on the kernel. `Never` only means: in none of the runs. */
export const observed = (
  result: HostResult,
): 'Always' | 'Sometimes' | 'Never' | 'Deadlock' | null => {
  if (result.kind === 'skip') return null;
  const { states, problem } = result.histogram;
  if (problem?.kind === 'deadlock') return 'Deadlock';
  const positive = states.filter((s) => s.holds).length;
  if (states.length === 0) return null;
  if (positive === 0) return 'Never';
  return positive === states.length ? 'Always' : 'Sometimes';
};

/** One test in full: the kernel's histogram, the model's states, the comparison. */
export const reportText = (r: Report): string => {
  const { test, result } = r;
  const lines = [`Test ${test.name} ${KIND[test.condition.quantifier]}`];
  if (result.kind === 'skip') {
    lines.push(`Kernel ${r.release}`, `SKIP ${result.reason}`);
    return lines.join('\n');
  }
  const { states, problem, cut, filtered, disturbed } = result.histogram;
  lines.push(`Histogram (${states.length} state${states.length === 1 ? '' : 's'})`);
  const width = Math.max(0, ...states.map((s) => String(s.count).length));
  for (const s of states)
    lines.push(`${String(s.count).padEnd(width)}${s.holds ? '*' : ':'}>${s.text}`);
  if (filtered > 0) lines.push(`Filtered ${filtered}`);
  if (disturbed > 0)
    lines.push(`Disturbed ${disturbed} (others moved the machine's counters beside these runs)`);
  if (problem !== null) lines.push(`Problem ${problem.kind}: ${problem.text}`);
  if (cut !== null) lines.push(`Cut short: ${cut}`);
  const positive = states.reduce((n, s) => n + (s.holds ? s.count : 0), 0);
  const all = states.reduce((n, s) => n + s.count, 0);
  lines.push(
    `Witnesses`,
    `Positive: ${positive} Negative: ${all - positive}`,
    `Condition ${printCondition(test.condition).replace(/\s+/g, ' ').trim()}`,
    `Hash=${testHash(test)}`,
    `Observation ${test.name} ${observed(result) ?? 'Vacuous'} ${positive} ${all - positive}`,
    `Kernel ${r.release}`,
  );
  lines.push(...modelLines(r));
  return lines.join('\n');
};

const modelLines = (r: Report): string[] => {
  const { model, comparison } = r;
  if (model === null || comparison === null || r.kernel === null)
    return [`Model none: no modelled kernel is as old as ${r.release}`];
  if (comparison.verdict === 'alone')
    return [
      `Model ${r.kernel} says nothing (${model.reason ?? 'not explored'}): the kernel's outcome stands alone`,
    ];
  const lines = [
    `Model ${r.kernel} (${model.states.length} state${model.states.length === 1 ? '' : 's'})`,
  ];
  if (model.reason !== null) lines.push(`${model.observation}: ${model.reason}`);
  for (const s of [...model.states].sort((a, b) => (a.text < b.text ? -1 : 1)))
    lines.push(`${s.holds ? '*' : ' '}>${s.text}`);
  for (const p of model.problems) lines.push(` >${p}`);
  for (const t of comparison.unseen) lines.push(`Unseen ${t}`);
  for (const t of comparison.stray)
    lines.push(`Stray ${t} (seldom, and counters are the whole machine's)`);
  for (const t of comparison.forbidden) lines.push(`Forbidden by the model ${t}`);
  lines.push(
    comparison.verdict === 'disagrees'
      ? 'Disagreement: the kernel did what the model does not allow'
      : comparison.verdict === 'cut'
        ? 'Undecided: the runs did not come to their end'
        : 'Agreement: all that was seen is allowed',
  );
  return lines;
};

/** One line for many tests. */
export const reportLine = (r: Report, width: number): string => {
  const name = r.test.name.padEnd(width);
  if (r.result.kind === 'skip') return `${name}  SKIP      ${r.result.reason}`;
  const { states, runs } = r.result.histogram;
  const verdict = { agrees: 'agrees', disagrees: 'DISAGREES', alone: 'alone', cut: 'undecided' }[
    r.comparison?.verdict ?? 'alone'
  ];
  const positive = states.reduce((n, s) => n + (s.holds ? s.count : 0), 0);
  const unseen = r.comparison?.unseen.length ?? 0;
  return `${name}  ${verdict.padEnd(9)} ${observed(r.result) ?? 'Vacuous'} ${positive}/${runs}${unseen > 0 ? `, ${unseen} allowed but unseen` : ''}`;
};

/** `pinfold run --json`: schema pinfold.run/1. Fields are only ever added to it. */
export const runJson = (reports: readonly Report[]): object => ({
  schema: 'pinfold.run/1',
  release: reports[0]?.release ?? null,
  kernel: reports[0]?.kernel ?? null,
  tests: reports.map((r) => ({
    test: r.test.name,
    file: r.test.file,
    hash: testHash(r.test),
    skipped: r.result.kind === 'skip' ? r.result.reason : null,
    observation: observed(r.result),
    runs: r.result.kind === 'ran' ? r.result.histogram.runs : 0,
    states:
      r.result.kind === 'ran'
        ? r.result.histogram.states.map((s) => ({ state: s.text, holds: s.holds, count: s.count }))
        : [],
    filtered: r.result.kind === 'ran' ? r.result.histogram.filtered : 0,
    disturbed: r.result.kind === 'ran' ? r.result.histogram.disturbed : 0,
    stray: r.comparison?.stray ?? [],
    problem: r.result.kind === 'ran' ? r.result.histogram.problem : null,
    cut: r.result.kind === 'ran' ? r.result.histogram.cut : null,
    expected: r.expected,
    model:
      r.model === null
        ? null
        : {
            observation: r.model.observation,
            reason: r.model.reason,
            problems: r.model.problems,
            states: r.model.states.map((s) => ({ state: s.text, holds: s.holds })),
          },
    verdict: r.comparison?.verdict ?? null,
    forbidden: r.comparison?.forbidden ?? [],
    unseen: r.comparison?.unseen ?? [],
  })),
  summary: summaryOf(reports),
});

/** How many reports ended how. */
export const summaryOf = (reports: readonly Report[]) => {
  const count = (wanted: (r: Report) => boolean): number => reports.filter(wanted).length;
  return {
    agree: count((r) => r.comparison?.verdict === 'agrees'),
    disagree: count((r) => r.comparison?.verdict === 'disagrees'),
    alone: count((r) => r.comparison?.verdict === 'alone'),
    undecided: count((r) => r.comparison?.verdict === 'cut'),
    skipped: count((r) => r.result.kind === 'skip'),
  };
};
