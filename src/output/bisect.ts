/** What `pinfold bisect` prints. */
import type { Flips } from '../explore/bisect.ts';
import type { Bisected } from '../explore/bisect-run.ts';
import type { Minimised } from '../explore/minimise.ts';
import type { RuleDifference } from '../kernels/index.ts';

const showValue = (value: unknown): string => String(value);

const cause = (set: readonly RuleDifference[]): string[] =>
  set.flatMap((d) => {
    const lines = [
      `  ${d.rule.name} (${d.rule.id}): ${showValue(d.from)} -> ${showValue(d.to)}`,
      `    ${d.rule.sentence}`,
    ];
    for (const step of d.steps) {
      const commit = step.commit === undefined ? '' : `${step.commit} `;
      const title = step.title === undefined ? '' : `("${step.title}") `;
      lines.push(`    ${commit}${title}in ${step.from ?? ''}`);
    }
    for (const b of d.backports) lines.push(`    ${b}`);
    return lines;
  });

/** Kernels of which nothing is known, neighbours with the same reason in one line. */
const unknownLines = (test: string, unknown: Flips['unknown']): string[] => {
  const byReason = new Map<string, string[]>();
  for (const { kernel, reason } of unknown)
    byReason.set(reason, [...(byReason.get(reason) ?? []), kernel]);
  return [...byReason].map(([reason, kernels]) => {
    const where = kernels.length > 3 ? `${kernels[0]} .. ${kernels.at(-1)}` : kernels.join(', ');
    return `${test}: Incomplete at ${where} (${kernels.length} ${kernels.length === 1 ? 'kernel' : 'kernels'}): ${reason}`;
  });
};

/** The flips of one test as text, without a final newline. */
export const bisectText = (
  test: string,
  first: string,
  last: string,
  { flips, unknown }: Flips,
): string => {
  const lines = unknownLines(test, unknown);
  if (flips.length === 0)
    lines.push(
      unknown.length === 0
        ? `${test}: the same from ${first} to ${last}`
        : `${test}: no change between the other kernels from ${first} to ${last}`,
    );
  for (const flip of flips) {
    if (lines.length > 0) lines.push('');
    lines.push(`${test}: ${flip.before} at ${flip.from}, ${flip.after} at ${flip.to}`);
    if (flip.before === flip.after) {
      lines.push(
        `  states at ${flip.from}: ${flip.statesBefore.join(' | ')}`,
        `  states at ${flip.to}: ${flip.statesAfter.join(' | ')}`,
      );
    }
    if (flip.reason !== null) lines.push(`  ${flip.reason}`);
    flip.causes.forEach((set, i) => {
      if (flip.causes.length > 1) lines.push(i === 0 ? '  either' : '  or');
      lines.push(...cause(set));
    });
  }
  return lines.join('\n');
};

/** What shrinking came to, in a line. */
export const minimisedText = (test: string, { before, after, tries, cut }: Minimised): string => {
  const size = ([statements, threads]: Minimised['before']): string =>
    `${statements} ${statements === 1 ? 'statement' : 'statements'} in ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
  const end = cut === null ? '' : `; ${cut}, a smaller one may exist`;
  return `${test}: ${size(before)} -> ${size(after)} (${tries} tried${end})`;
};

/** `pinfold bisect --json`: schema pinfold.bisect/1. */
export const bisectJson = (
  test: string,
  first: string,
  last: string,
  { flips, unknown, minimised, interrupted }: Bisected,
): object => ({
  schema: 'pinfold.bisect/1',
  test,
  from: first,
  to: last,
  complete: !interrupted && unknown.length === 0 && (minimised === null || minimised.cut === null),
  flips: flips.map((f) => ({
    from: f.from,
    to: f.to,
    before: f.before,
    after: f.after,
    statesBefore: f.statesBefore,
    statesAfter: f.statesAfter,
    reason: f.reason,
    causes: f.causes.map((set) =>
      set.map((d) => ({
        rule: d.rule.name,
        id: d.rule.id,
        from: d.from,
        to: d.to,
        sentence: d.rule.sentence,
        steps: d.steps,
        backports: d.backports,
      })),
    ),
  })),
  unknown,
  minimised:
    minimised === null
      ? null
      : {
          text: minimised.text,
          before: { statements: minimised.before[0], threads: minimised.before[1] },
          after: { statements: minimised.after[0], threads: minimised.after[1] },
          tries: minimised.tries,
          cut: minimised.cut,
        },
});
