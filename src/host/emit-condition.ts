/** The condition in C: an array of answers, and whether the proposition holds of them. */
import type { Expr, LocatedTerm, Prop, Term } from '../litmus/ast.ts';
import { threadName } from '../litmus/ast.ts';
import type { CheckedTest } from '../litmus/checked.ts';
import { printTerm } from '../litmus/printer.ts';
import { isRegister } from './emit-body.ts';
import { emitExpr, type Place, peekShape } from './emit-expression.ts';
import type { Processes } from './processes.ts';
import { shownTerms, termsOf } from './shown.ts';

export interface EmittedCondition {
  readonly lines: readonly string[];
  readonly snippets: readonly string[];
  readonly counters: readonly string[];
  readonly terms: number;
}

/** What looks at a page must not come after what touches it: counters, pages, the medium, memory; writable() stores. */
const ORDER = ['counter', 'query', 'content', 'located', 'writable'] as const;

/** C that answers the terms that are shown, and the condition and filter over them. */
export const emitCondition = (checked: CheckedTest, processes: Processes): EmittedCondition => {
  const { condition, filter } = checked.test;
  const snippets = new Set<string>();
  const shown = shownTerms(checked);
  const answers = new Map(shown.map(({ text }, i) => [text, i]));
  const all = [...shown];
  for (const term of filter === null ? [] : termsOf(filter.prop)) {
    const text = printTerm(term);
    if (term.kind === 'constant' || answers.has(text)) continue;
    answers.set(text, all.length);
    all.push({ text, term });
  }
  const counters = [
    ...new Set(all.flatMap(({ term }) => (term.kind === 'counter' ? [term.name] : []))),
  ];

  const placeOf = (process: number, thread: string): Place => ({
    global: (n) => `shared->process[${process}].${n}`,
    own: (n) => `shared->${thread}.${n}`,
    load: (address, type) => {
      snippets.add('peek');
      return `peek(${process}, (unsigned long)(${address}), ${peekShape(type)})`;
    },
    call: () => {
      throw new RangeError('a condition makes no calls');
    },
  });

  const located = (t: LocatedTerm): string =>
    emitExpr(checked, placeOf(processes.named(t.thread), threadName(t.thread)), t.expr);
  const constant = (e: Expr): string => emitExpr(checked, placeOf(0, 'P0'), e);

  const value = (t: Term): string => {
    switch (t.kind) {
      case 'located': {
        const text = located(t);
        if (isRegister(checked, t.expr))
          return `${text.replace(/(\w+)$/, 'has_$1')} ? (double)(${text}) : NAN`;
        return text.startsWith('peek(') ? text : `(double)(${text})`;
      }
      case 'constant':
        return constant(t.expr);
      case 'counter':
        return `(double)(counter("${t.name}") - counted[${counters.indexOf(t.name)}])`;
      case 'query': {
        snippets.add(t.name);
        const asked = t.args.map((a) =>
          a.kind === 'located'
            ? `${processes.named(a.thread)}, (unsigned long)(${located(a)})`
            : '0, 0',
        );
        return `${t.name}(${asked.join(', ')})`;
      }
      case 'content': {
        snippets.add('disk');
        const own =
          t.thread !== null &&
          checked.threads[processes.index(threadName(t.thread))]?.variables.some(
            (v) => v.name === t.name,
          );
        const process = processes.named(t.thread);
        const fd =
          own === true && t.thread !== null
            ? `shared->${threadName(t.thread)}.${t.name}`
            : `shared->process[${process}].${t.name}`;
        return `disk(${process}, ${fd}, ${constant(t.index)})`;
      }
    }
  };

  const operand = (t: Term): string =>
    t.kind === 'constant' ? `(${constant(t.expr)})` : `v[${answers.get(printTerm(t))}]`;

  const prop = (p: Prop): string => {
    switch (p.kind) {
      case 'true':
        return '1';
      case 'false':
        return '0';
      case 'not':
        return `!(${prop(p.term)})`;
      case 'and':
        return p.terms.map((t) => `(${prop(t)})`).join(' && ');
      case 'or':
        return p.terms.map((t) => `(${prop(t)})`).join(' || ');
      case 'holds':
        return `${operand(p.term)} != 0`;
      case 'compare':
        return `${operand(p.left)} ${p.op === '=' ? '==' : p.op} ${operand(p.right)}`;
    }
  };

  const asked = [...all.entries()].sort(([i, a], [j, b]) => rank(a.term) - rank(b.term) || i - j);
  const lines = [
    '/* What is asked of the end; memory last, since to look at a page may bring it in. */',
    'static void answer(double *v) {',
    '  (void)v;',
    ...asked.map(([i, { text, term }]) => `  v[${i}] = ${value(term)}; /* ${text} */`),
    '}',
    '',
    `/* ${condition.quantifier} */`,
    'static int holds(const double *v) {',
    '  (void)v;',
    `  return ${prop(condition.prop)};`,
    '}',
    '',
    'static int wanted(const double *v) {',
    '  (void)v;',
    `  return ${filter === null ? '1' : prop(filter.prop)};`,
    '}',
    '',
    `static const char *const term[] = {${shown.map(({ text }) => JSON.stringify(text)).join(', ') || '""'}};`,
  ];
  if (counters.length > 0) snippets.add('counter');
  return { lines, snippets: [...snippets], counters, terms: all.length };
};

const rank = (t: Term): number =>
  (ORDER as readonly string[]).indexOf(
    t.kind === 'query' && t.name === 'writable' ? t.name : t.kind,
  );
