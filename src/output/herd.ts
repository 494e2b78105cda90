/** One verdict as herd7 prints it, so that existing eyes and scripts read it. */
import type { Verdict } from '../explore/check.ts';
import type { LitmusTest } from '../litmus/ast.ts';
import { printCondition } from '../litmus/printer.ts';

const KIND = { exists: 'Allowed', '~exists': 'Forbidden', forall: 'Required' } as const;

/** Whether the condition is answered yes. */
const ok = (verdict: Verdict, quantifier: LitmusTest['condition']['quantifier']): boolean => {
  const positive = verdict.states.filter((s) => s.holds).length;
  if (quantifier === 'exists') return positive > 0;
  return quantifier === '~exists' ? positive === 0 : positive === verdict.states.length;
};

/** What was expected, and whether it came so. */
const judgement = (v: Verdict): string => {
  if (v.expected === null) return 'Expected nothing (no Result: line covers this kernel)';
  if (v.agrees === null) return `Expected ${v.expected} (nothing can be said)`;
  return `Expected ${v.expected} ${v.agrees ? '(as expected)' : `but observed ${v.observation}`}`;
};

/** The lines of one test at one kernel, without a final newline; `hash` tells two tests of one name apart (`testHash`). */
export const herdText = (verdict: Verdict, test: LitmusTest, hash: string): string => {
  const { condition } = test;
  const condText = printCondition(condition).replace(/\s+/g, ' ').trim();
  const positive = verdict.states.filter((s) => s.holds).length;
  const negative = verdict.states.length - positive;
  const lines = [`Test ${verdict.test} ${KIND[condition.quantifier]}`, `Kernel ${verdict.kernel}`];
  if (verdict.observation === 'Unsupported' || verdict.observation === 'Incomplete') {
    lines.push(`${verdict.observation} ${verdict.reason ?? ''}`.trimEnd());
  }
  if (verdict.observation !== 'Unsupported') {
    lines.push(`States ${verdict.states.length}`);
    for (const s of [...verdict.states].sort((a, b) => (a.text < b.text ? -1 : 1)))
      lines.push(s.path === undefined ? s.text : `${s.text}  path ${s.path}`);
    for (const p of verdict.problems) lines.push(`Problem ${p}`);
    for (const n of verdict.notes) lines.push(`Note ${n}`);
    // A search that was cut short answers neither way.
    if (verdict.observation !== 'Incomplete') {
      if (verdict.states.length > 0) lines.push(ok(verdict, condition.quantifier) ? 'Ok' : 'No');
      lines.push(
        'Witnesses',
        `Positive: ${positive} Negative: ${negative}`,
        `Condition ${condText}`,
      );
    }
  }
  lines.push(
    `Observation ${verdict.test} ${verdict.observation} ${positive} ${negative}`,
    judgement(verdict),
  );
  lines.push(`Time ${verdict.test} ${(verdict.milliseconds / 1000).toFixed(2)}`, `Hash=${hash}`);
  return lines.join('\n');
};
