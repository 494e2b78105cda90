/** Conditions, filter and locations: threads, names, questions, what can be compared. */
import type { Expr, Prop, QueryTerm, Span, Term, ThreadRef, Type } from './ast.ts';
import { threadName } from './ast.ts';
import type { Body, Context, Variable } from './check-context.ts';
import { checkExpr, decay } from './check-expression.ts';
import { constantValue } from './constant-value.ts';
import { CONSTANTS } from './constants.ts';
import { firstCall, namesIn } from './expression-walk.ts';
import { COUNTERS, QUERIES } from './queries.ts';
import { didYouMean } from './suggest.ts';
import { formatType, isInt, isPage, isUserPointer } from './types.ts';

/** The variables of each thread by the thread's name. */
export type ThreadVariables = ReadonlyMap<string, ReadonlyMap<string, Variable>>;

/** Whether the expression reads user memory. */
const loads = (cx: Context, e: Expr): boolean => {
  if (e.kind === 'unary' && e.op === '*') return true;
  if (e.kind === 'index') return cx.types.get(e.base)?.kind !== 'array' || loads(cx, e.index);
  if (e.kind === 'unary') return e.op !== '&' && loads(cx, e.operand);
  if (e.kind === 'cast') return loads(cx, e.operand);
  if (e.kind === 'binary') return loads(cx, e.left) || loads(cx, e.right);
  return false;
};

class ConditionChecker {
  readonly cx: Context;
  readonly threads: ThreadVariables;

  constructor(cx: Context, threads: ThreadVariables) {
    this.cx = cx;
    this.threads = threads;
  }

  #thread(ref: ThreadRef, span: Span): ReadonlyMap<string, Variable> | null {
    const name = threadName(ref);
    const variables = this.threads.get(name);
    if (variables === undefined) {
      const written = ref.mode === 'P' ? `${ref.index}:` : `${name}:`;
      this.cx.report(
        'L070',
        span,
        `\`${written}\` means ${name}, and there is no such thread`,
        `threads of this test: ${[...this.threads.keys()].join(', ')}`,
      );
      return null;
    }
    return variables;
  }

  /** Constants alone, or names of a thread too. Reports what is unknown; true if all is known. */
  #names(e: Expr, variables: ReadonlyMap<string, Variable>, who: string): boolean {
    const call = firstCall(e);
    if (call !== null) {
      this.cx.report(
        'L074',
        call.span,
        'a condition calls nothing and holds no strings',
        'assign the result to a register in a thread, and ask for the register',
      );
      return false;
    }
    let good = true;
    for (const { name, span } of namesIn(e)) {
      if (variables.has(name) || this.cx.globals.has(name) || CONSTANTS.has(name)) continue;
      const names = [...variables.keys(), ...this.cx.globals.keys(), ...CONSTANTS.keys()];
      this.cx.report(
        'L071',
        span,
        `${who} has no \`${name}\``,
        didYouMean(name, names, `nothing in ${who} assigns it`),
      );
      good = false;
    }
    return good;
  }

  /** The type of an expression as a thread sees it at the end, when everything has been assigned. */
  #located(ref: ThreadRef, e: Expr, span: Span): Type | null {
    const variables = this.#thread(ref, span);
    if (variables === null || !this.#names(e, variables, threadName(ref))) return null;
    const everything = new Map(variables);
    const body: Body = {
      cx: this.cx,
      thread: threadName(ref),
      mode: 'P',
      variables: everything,
      scopes: [new Set(everything.keys())],
      assigned: new Set(everything.values()),
      kernel: false,
      loops: 0,
    };
    const type = checkExpr(body, e);
    if (ref.mode === 'K' && loads(this.cx, e))
      this.cx.report(
        'L052',
        span,
        `${threadName(ref)} has no address space to look into`,
        'ask as a thread of a process sees it: `0:buf[0]`',
      );
    return type;
  }

  #query(t: QueryTerm): void {
    const spec = QUERIES.get(t.name);
    const { report } = this.cx;
    if (spec === undefined) {
      report(
        'L071',
        t.span,
        `there is no question \`${t.name}\``,
        didYouMean(t.name, [...QUERIES.keys(), 'disk', 'device']),
      );
      return;
    }
    const form = `${t.name}(${spec.pages === 1 ? '0:buf' : '0:buf, 1:buf'})`;
    if (t.args.length !== spec.pages) {
      report(
        'L072',
        t.span,
        `\`${t.name}\` is asked of ${spec.pages === 1 ? 'one page' : 'two pages'}, here are ${t.args.length}`,
        `write \`${form}\``,
      );
      return;
    }
    for (const a of t.args) {
      if (a.kind !== 'located') {
        report(
          'L072',
          a.span,
          `\`${t.name}\` is asked of an address or page that a thread has`,
          `write \`${form}\``,
        );
        continue;
      }
      const type = this.#located(a.thread, a.expr, a.span);
      if (type !== null && !isPage(decay(type)) && !isUserPointer(decay(type)) && !isInt(type))
        report(
          'L072',
          a.span,
          `\`${t.name}\` is asked of an address or a page, this is a \`${formatType(type)}\``,
          `name one: \`${form}\``,
        );
      else if (type?.kind === 'array')
        report(
          'L072',
          a.span,
          `\`${t.name}\` is asked of one page, this is an array`,
          'name an element: `0:pages[0]`',
        );
    }
  }

  /** `compared`: the term stands on a side of a comparison, so it must be a number or an address. */
  term(t: Term, compared: boolean): void {
    const { report } = this.cx;
    switch (t.kind) {
      case 'located': {
        const type = this.#located(t.thread, t.expr, t.span);
        if (compared && type?.kind === 'array')
          report('L074', t.span, 'an array cannot be compared', 'name an element');
        return;
      }
      case 'constant': {
        if (!this.#names(t.expr, new Map(), 'the language')) return;
        if (constantValue(t.expr) === null) {
          report(
            'L074',
            t.span,
            'this is no constant',
            'write a number, a constant such as `-EFAULT`, or a thread before the name',
          );
          return;
        }
        const body: Body = {
          cx: this.cx,
          thread: null,
          mode: 'P',
          variables: new Map(),
          scopes: [],
          assigned: new Set(),
          kernel: false,
          loops: 0,
        };
        checkExpr(body, t.expr);
        return;
      }
      case 'query':
        this.#query(t);
        return;
      case 'counter':
        if (!COUNTERS.has(t.name))
          report(
            'L071',
            t.span,
            `there is no counter \`${t.name}\``,
            didYouMean(
              t.name,
              [...COUNTERS, ...QUERIES.keys()],
              `counters: ${[...COUNTERS].join(', ')}`,
            ),
          );
        return;
      case 'content': {
        const variables = t.thread === null ? this.cx.globals : this.#thread(t.thread, t.span);
        if (variables === null) return;
        const found = variables.get(t.name) ?? this.cx.globals.get(t.name);
        if (found === undefined)
          report(
            'L071',
            t.span,
            `${t.thread === null ? 'the initial block' : threadName(t.thread)} has no \`${t.name}\``,
            didYouMean(
              t.name,
              variables.keys(),
              'name the variable that holds it; before a name of a thread goes its number: `disk(0:fd)[0]`',
            ),
          );
        else if (!isInt(found.type))
          report(
            'L074',
            t.span,
            `\`${t.name}\` is a \`${formatType(found.type)}\`, not ${t.of === 'disk' ? 'a file descriptor' : 'what a device call returned'}`,
          );
        if (constantValue(t.index) === null)
          report('L074', t.index.span, 'the place in the contents is a constant');
      }
    }
  }

  prop(p: Prop): void {
    switch (p.kind) {
      case 'and':
      case 'or':
        for (const t of p.terms) this.prop(t);
        return;
      case 'not':
        this.prop(p.term);
        return;
      case 'holds':
        this.term(p.term, false);
        if (QUERIES.get(p.term.name)?.gives === 'number')
          this.cx.report(
            'L074',
            p.span,
            `\`${p.term.name}\` is a number`,
            `compare it: \`${p.term.name}(...)=1\``,
          );
        return;
      case 'compare':
        this.term(p.left, true);
        this.term(p.right, true);
        return;
      default:
    }
  }
}

/** Checks filter, locations and the final condition. */
export const checkConditions = (cx: Context, threads: ThreadVariables): void => {
  const checker = new ConditionChecker(cx, threads);
  for (const t of cx.test.locations?.terms ?? []) checker.term(t, false);
  if (cx.test.filter !== null) checker.prop(cx.test.filter.prop);
  checker.prop(cx.test.condition.prop);
};
