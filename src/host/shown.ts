/** What is shown of a final state: the terms of the condition, then those of `locations`, each once, as the model shows them. */
import type { Prop, Term } from '../litmus/ast.ts';
import type { CheckedTest } from '../litmus/checked.ts';
import { printTerm } from '../litmus/printer.ts';

export interface ShownTerm {
  /** As the test wrote it: `0:buf[0]`. */
  readonly text: string;
  readonly term: Term;
}

/** Terms that are compared or asked in a proposition, from left to right. */
export const termsOf = (p: Prop): readonly Term[] => {
  switch (p.kind) {
    case 'and':
    case 'or':
      return p.terms.flatMap(termsOf);
    case 'not':
      return termsOf(p.term);
    case 'holds':
      return [p.term];
    case 'compare':
      return [p.left, p.right];
    default:
      return [];
  }
};

/** The same terms, in the same order, as compile/condition.ts shows of a final state of the model. */
export const shownTerms = (checked: CheckedTest): ShownTerm[] => {
  const { condition, locations } = checked.test;
  const found = new Map<string, Term>();
  for (const term of [...termsOf(condition.prop), ...(locations?.terms ?? [])]) {
    if (term.kind === 'constant') continue;
    const text = printTerm(term);
    if (!found.has(text)) found.set(text, term);
  }
  return [...found].map(([text, term]) => ({ text, term }));
};
