/** What `pinfold bisect` prints. */
import type { Flip } from '../explore/bisect.ts';
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

/** The flips of one test as text, without a final newline. */
export const bisectText = (
  test: string,
  first: string,
  last: string,
  flips: readonly Flip[],
): string => {
  if (flips.length === 0) return `${test}: the same from ${first} to ${last}`;
  const lines: string[] = [];
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

/** `pinfold bisect --json`: schema pinfold.bisect/1. */
export const bisectJson = (
  test: string,
  first: string,
  last: string,
  flips: readonly Flip[],
): object => ({
  schema: 'pinfold.bisect/1',
  test,
  from: first,
  to: last,
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
});
