/** The final condition, compiled to a question that a machine at its end answers. */

import { fileOfFd } from '../../fs/fd.ts';
import type { MmId } from '../../machine/types.ts';
import { isDaxKind, isDiskKind } from '../../mm/file-tables.ts';
import { mediumByte } from '../../mm/medium.ts';
import { vmstatSum } from '../../mm/vmstat.ts';
import { VMSTAT } from '../../mm/vmstat-items.ts';
import type { Expr, LocatedTerm, Prop, Term, ThreadRef } from '../ast.ts';
import { threadName } from '../ast.ts';
import type { CheckedTest } from '../checked.ts';
import { constantValue } from '../constant-value.ts';
import { printTerm } from '../printer.ts';
import type { Eval, Lit } from '../run/program.ts';
import { getVar } from '../run/values.ts';
import { type Context, compileExpr } from './expression.ts';
import { isPage, type Layout } from './layout.ts';
import { peek } from './peek.ts';
import { ANSWERS, type Asked } from './queries.ts';

const PAGE_SIZE = 4096;

/** What is shown of a final state: a text as the test wrote it, and its value then. */
export interface Shown {
  readonly text: string;
  readonly value: Eval;
}

export interface CompiledCondition {
  readonly holds: (k: Lit) => boolean;
  readonly filter: (k: Lit) => boolean;
  readonly shown: readonly Shown[];
  /** Variables that it looks at. */
  readonly observed: ReadonlySet<number>;
  /** Some term is a counter of /proc/vmstat. */
  readonly counters: boolean;
}

/** Compiles the condition, with its filter and what is shown of a final state. */
export const compileCondition = (checked: CheckedTest, layout: Layout): CompiledCondition => {
  const observed = new Set<number>();
  let counters = false;
  const at = (thread: ThreadRef | null): number =>
    thread === null ? -1 : checked.threads.findIndex((t) => t.name === threadName(thread));

  /** Address space of a thread's process; the initial block's is that of process 0. */
  const mmOf =
    (thread: number) =>
    (k: Lit): MmId => {
      const index =
        thread >= 0
          ? thread
          : checked.threads.findIndex((t) => t.mode === 'P' && t.forkedBy === null);
      const task = index >= 0 ? (k.lit.task[index] ?? 0) : 1;
      return task === 0 ? 0 : (k.task.mm[task] ?? 0);
    };

  const contextOf = (thread: number): Context => {
    const mm = mmOf(thread);
    return {
      checked,
      layout,
      thread,
      reads: (index) => observed.add(index),
      escapes: (index) => observed.add(index),
      effects: {
        load: (address, size, signed) => (k) => peek(k, mm(k), address(k), size, signed),
        call: () => {
          throw new RangeError('a condition makes no calls');
        },
        // What a thread never came to assign has no value.
        shared: (place, read) =>
          place.kind === 'var'
            ? (k) => (k.lit.assigned[place.index] === 1 ? read(k) : Number.NaN)
            : read,
      },
    };
  };

  const exprValue = (thread: number, e: Expr): Eval => compileExpr(contextOf(thread), e);

  const termValue = (t: Term): Eval => {
    switch (t.kind) {
      case 'located':
        return exprValue(at(t.thread), t.expr);
      case 'constant':
        return exprValue(-1, t.expr);
      case 'counter':
        counters = true;
        return counter(t.name);
      case 'query': {
        const answer = ANSWERS[t.name];
        if (answer === undefined) throw new RangeError(`no answer for ${t.name}`);
        const [first, second] = t.args.map(askedOf);
        if (first === undefined) throw new RangeError(`${t.name} asks of nothing`);
        return (k) => answer(k, first(k), (second ?? first)(k));
      }
      case 'content': {
        // The checker has seen to it that it is a constant.
        const index = constantValue(t.index) ?? 0;
        const thread = at(t.thread);
        const variable =
          checked.threads[thread]?.variables.find((v) => v.name === t.name) ??
          checked.globals.find((g) => g.name === t.name);
        const place =
          variable === undefined ? undefined : layout.place(variable, Math.max(0, thread));
        if (place?.kind !== 'var') throw new RangeError(`${t.name} holds no descriptor`);
        observed.add(place.index);
        const mm = mmOf(thread);
        return (k) => {
          const file = fileOfFd(k, mm(k), getVar(k, place.index));
          const kind = k.file.kind[file] ?? 0;
          return isDiskKind(kind) || isDaxKind(kind) ? mediumByte(k, file, index) : Number.NaN;
        };
      }
    }
  };

  /** A page by what the test wrote: a page value names itself, an address what is mapped there. */
  const askedOf = (t: Term): ((k: Lit) => Asked) => {
    if (t.kind !== 'located') throw new RangeError('a page is asked of a thread');
    const value = termValue(t);
    if (isPageTerm(t)) return (k) => ({ mm: 0, vpn: 0, pfn: value(k) });
    const mm = mmOf(at(t.thread));
    return (k) => {
      const space = mm(k);
      return { mm: space, vpn: space === 0 ? 0 : Math.floor(value(k) / PAGE_SIZE), pfn: 0 };
    };
  };

  const isPageTerm = (t: LocatedTerm): boolean => {
    const type = checked.types.get(t.expr);
    return type !== undefined && isPage(type);
  };

  const propHolds = (p: Prop): ((k: Lit) => boolean) => {
    switch (p.kind) {
      case 'true':
        return () => true;
      case 'false':
        return () => false;
      case 'not': {
        const inner = propHolds(p.term);
        return (k) => !inner(k);
      }
      case 'and': {
        const terms = p.terms.map(propHolds);
        return (k) => terms.every((t) => t(k));
      }
      case 'or': {
        const terms = p.terms.map(propHolds);
        return (k) => terms.some((t) => t(k));
      }
      case 'holds': {
        const value = termValue(p.term);
        return (k) => value(k) !== 0;
      }
      case 'compare': {
        const left = termValue(p.left);
        const right = termValue(p.right);
        const compare = COMPARE[p.op];
        return (k) => compare(left(k), right(k));
      }
    }
  };

  const shown = new Map<string, Shown>();
  const show = (t: Term): void => {
    if (t.kind === 'constant') return;
    const text = printTerm(t);
    if (!shown.has(text)) shown.set(text, { text, value: termValue(t) });
  };
  const showProp = (p: Prop): void => {
    if (p.kind === 'and' || p.kind === 'or') for (const t of p.terms) showProp(t);
    if (p.kind === 'not') showProp(p.term);
    if (p.kind === 'holds') show(p.term);
    if (p.kind === 'compare') {
      show(p.left);
      show(p.right);
    }
  };
  const { condition, locations, filter } = checked.test;
  showProp(condition.prop);
  for (const t of locations?.terms ?? []) show(t);

  const holds = propHolds(condition.prop);
  const filtered = filter === null ? () => true : propHolds(filter.prop);
  return { holds, filter: filtered, shown: [...shown.values()], observed, counters };
};

const COMPARE: Readonly<
  Record<'=' | '!=' | '<' | '<=' | '>' | '>=', (a: number, b: number) => boolean>
> = {
  '=': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

const counter = (name: string): Eval => {
  const item = (VMSTAT as Readonly<Record<string, number>>)[name];
  if (item === undefined) throw new RangeError(`no counter ${name}`);
  return (k) => vmstatSum(k, item);
};
