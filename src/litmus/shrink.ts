/**
 * Smaller tests than a given one, for delta debugging: each pass proposes edits of one kind, from coarse to fine. A proposal
 * need not be a valid test (a name may have lost its declaration); whoever asks prints, parses and tries it.
 */
import type {
  BlockStatement,
  Expr,
  LitmusTest,
  NumberExpr,
  Prop,
  Span,
  Statement,
  Type,
} from './ast.ts';

/** Makes one proposal; not made before it is its turn. */
export type Shrink = () => LitmusTest;

/** All edits of one kind that a test allows. */
export type ShrinkPass = (test: LitmusTest) => Shrink[];

import { edited, isNode, isStatement, mentions, nodesOf } from './tree.ts';

const NOWHERE: Span = { start: 0, end: 0, line: 1, column: 1 };
const NO_COMMENTS = { comments: [], after: [] } as const;
const EMPTY: Statement = { kind: 'empty', ...NO_COMMENTS, span: NOWHERE };

/** The tree with one node, known by identity, replaced. */
const replaced = (test: LitmusTest, from: object, to: object): LitmusTest =>
  edited(test, (node) => (node === from ? to : null));

/** Lists of statements: the initial block, bodies of threads, blocks. */
const bodiesOf = (test: LitmusTest): (readonly Statement[])[] => {
  const bodies: (readonly Statement[])[] = [test.init.body, ...test.threads.map((t) => t.body)];
  for (const node of nodesOf(bodies.slice()))
    if (isNode(node) && node.kind === 'block') bodies.push((node as BlockStatement).body);
  return bodies;
};

const kindsOf = <N extends { readonly kind: string }>(
  root: unknown,
  ...kinds: readonly N['kind'][]
): N[] => [...nodesOf(root)].filter((n): n is N => isNode(n) && kinds.includes(n.kind));

/** Without each statement, and each term of the condition, that mentions the name. */
const withoutName = (test: LitmusTest, name: string): LitmusTest => {
  const gone = (s: Statement): boolean => mentions(ownParts(s), name);
  const kept = (body: readonly Statement[]): Statement[] =>
    body
      .filter((s) => !gone(s))
      .map((s) =>
        edited(s, (n) => {
          if (Array.isArray(n) && n.some(isStatement)) return kept(n as Statement[]);
          return isStatement(n) && gone(n) ? EMPTY : null;
        }),
      );
  const { locations, filter, condition } = test;
  return {
    ...test,
    init: { ...test.init, body: kept(test.init.body) },
    threads: test.threads.map((t) => ({ ...t, body: kept(t.body) })),
    locations:
      locations === null
        ? null
        : { ...locations, terms: locations.terms.filter((t) => !mentions(t, name)) },
    filter: filter !== null && mentions(filter, name) ? null : filter,
    condition: { ...condition, prop: propWithout(condition.prop, (p) => mentions(p, name)) },
  };
};

/** What belongs to a statement itself, not to a statement that it holds. */
const ownParts = (s: Statement): unknown => {
  if (s.kind === 'if' || s.kind === 'while') return s.test;
  if (s.kind === 'for') return [s.init, s.test, s.step];
  return s.kind === 'block' || s.kind === 'kernel' ? null : s;
};

/** Without the terms of joins that `gone` says yes to; at least one stays. */
const propWithout = (prop: Prop, gone: (p: Prop) => boolean): Prop => {
  if (prop.kind !== 'and' && prop.kind !== 'or') return prop;
  const terms = prop.terms.filter((t) => !gone(t));
  if (terms.length === prop.terms.length || terms.length === 0) return prop;
  const [only] = terms;
  return terms.length === 1 && only !== undefined ? only : { ...prop, terms };
};

/** Whole threads, with every statement that names them and every term about them. */
const threads: ShrinkPass = (test) =>
  test.threads.map((thread) => () => {
    const rest = withoutName(
      { ...test, threads: test.threads.filter((t) => t !== thread) },
      thread.name,
    );
    const about = (p: unknown): boolean =>
      [...nodesOf(p)].some(
        (n) => 'mode' in n && 'index' in n && n.mode === thread.mode && n.index === thread.index,
      );
    return {
      ...rest,
      locations:
        rest.locations === null
          ? null
          : { ...rest.locations, terms: rest.locations.terms.filter((t) => !about(t)) },
      filter: rest.filter !== null && about(rest.filter) ? null : rest.filter,
      condition: { ...rest.condition, prop: propWithout(rest.condition.prop, about) },
    };
  });

/** Variables, registers and events, each with all that mentions it. */
const names: ShrinkPass = (test) => {
  const found = new Set<string>();
  for (const node of nodesOf(bodiesOf(test)))
    if (isNode(node) && (node.kind === 'declare' || node.kind === 'name') && 'name' in node)
      found.add(node.name as string);
  return [...found].map((name) => () => withoutName(test, name));
};

/** Runs of statements, the longest first. */
const statements: ShrinkPass = (test) =>
  bodiesOf(test).flatMap((body) => {
    const shrinks: Shrink[] = [];
    for (let size = body.length; size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
      for (let from = 0; from < body.length; from += size)
        shrinks.push(() =>
          replaced(test, body, [...body.slice(0, from), ...body.slice(from + size)]),
        );
    return shrinks;
  });

/** Branches and loops become what they hold, blocks their statements, a call whose result is kept a plain call. */
const structure: ShrinkPass = (test) => {
  const shrinks: Shrink[] = [];
  for (const s of [...nodesOf(bodiesOf(test))].filter(isStatement)) {
    const become = (to: Statement): void => void shrinks.push(() => replaced(test, s, to));
    if (s.kind === 'if') {
      become(s.consequent);
      if (s.alternate !== null) {
        become(s.alternate);
        become({ ...s, alternate: null });
      }
    }
    if (s.kind === 'while' || s.kind === 'for') become(s.body);
    if (s.kind === 'kernel' && s.body.kind === 'block' && s.body.body.length === 1)
      become({ ...s, body: s.body.body[0] as Statement });
    if (s.kind === 'assign' && s.value.kind === 'call')
      become({ kind: 'call', call: s.value, ...NO_COMMENTS, span: s.span });
    if (s.kind === 'declare' && s.init !== null) become({ ...s, init: null });
  }
  for (const body of bodiesOf(test))
    body.forEach((s, i) => {
      if (s.kind === 'block')
        shrinks.push(() =>
          replaced(test, body, [...body.slice(0, i), ...s.body, ...body.slice(i + 1)]),
        );
    });
  return shrinks;
};

/** What is shown or asked besides the one thing that matters. */
const condition: ShrinkPass = (test) => {
  const shrinks: Shrink[] = [];
  if (test.locations !== null) shrinks.push(() => ({ ...test, locations: null }));
  if (test.filter !== null) shrinks.push(() => ({ ...test, filter: null }));
  for (const prop of kindsOf<Extract<Prop, { kind: 'and' | 'or' }>>(
    [test.condition, test.filter],
    'and',
    'or',
  ))
    for (const term of prop.terms) {
      shrinks.push(() => replaced(test, prop, term));
      if (prop.terms.length > 2)
        shrinks.push(() =>
          replaced(test, prop, { ...prop, terms: prop.terms.filter((t) => t !== term) }),
        );
    }
  for (const prop of kindsOf<Extract<Prop, { kind: 'not' }>>([test.condition, test.filter], 'not'))
    if (prop.term.kind === 'not')
      shrinks.push(() => replaced(test, prop, (prop.term as typeof prop).term));
  return shrinks;
};

const number = (value: number): NumberExpr => ({
  kind: 'number',
  value,
  text: String(value),
  span: NOWHERE,
});

/** Sums, products and flags become one of their parts; offsets go; huge pages become small; numbers become smaller. */
const expressions: ShrinkPass = (test) => {
  const shrinks: Shrink[] = [];
  const nodes = [...nodesOf(test)].filter(isNode) as unknown as Expr[];
  // -1 is one number, not a minus before one that could be smaller.
  const negated = new Set(
    nodes.map((e) => (e.kind === 'unary' && e.op === '-' ? e.operand : null)),
  );
  for (const e of nodes) {
    if (negated.has(e)) continue;
    const become = (...to: Expr[]): void => {
      for (const x of to) shrinks.push(() => replaced(test, e, x));
    };
    // `3 * PAGE_SIZE` is better off as PAGE_SIZE than as 3.
    if (e.kind === 'binary')
      become(...(e.left.kind === 'number' ? [e.right, e.left] : [e.left, e.right]));
    if (e.kind === 'conditional') become(e.consequent, e.alternate);
    if (e.kind === 'cast' || (e.kind === 'unary' && e.op === '!')) become(e.operand);
    if (e.kind === 'name') {
      if (e.name === 'HPAGE_SIZE') become({ ...e, name: 'PAGE_SIZE' });
      if (/^[A-Z]+_[A-Z_]+$/.test(e.name) && e.name !== 'PAGE_SIZE') become(number(0));
    }
    if (e.kind === 'number' && e.value > 1)
      become(...[...new Set([0, 1, e.value >> 1, e.value - 1])].map(number));
    else if (e.kind === 'number' && (e.value === 1 || e.text !== String(e.value)))
      become(number(0), ...(e.text === '1' ? [] : [number(e.value)]));
  }
  return shrinks;
};

/** Arrays become shorter. */
const types: ShrinkPass = (test) =>
  kindsOf<Extract<Type, { kind: 'array' }>>(test, 'array').flatMap((type) =>
    [...new Set([1, type.length >> 1, type.length - 1])]
      .filter((length) => length >= 1 && length < type.length)
      .map((length) => () => replaced(test, type, { ...type, length })),
  );

/** A thread takes a free number below its own. */
const numbers: ShrinkPass = (test) =>
  test.threads.flatMap((thread) => {
    const taken = test.threads.filter((t) => t.mode === thread.mode).map((t) => t.index);
    const free = taken.findIndex((_, i) => !taken.includes(i));
    if (free < 0 || free > thread.index) return [];
    const name = `${thread.mode}${free}`;
    const same = (n: object): boolean =>
      'mode' in n && 'index' in n && n.mode === thread.mode && n.index === thread.index;
    return [
      () =>
        edited(
          {
            ...test,
            threads: test.threads.map((t) => (t === thread ? { ...t, name, index: free } : t)),
          },
          (n) => {
            if (same(n) && !('body' in n)) return { ...n, index: free };
            return isNode(n) && n.kind === 'name' && 'name' in n && n.name === thread.name
              ? { ...n, name }
              : null;
          },
        ),
    ];
  });

/** Coarse to fine. */
export const SHRINK_PASSES: readonly ShrinkPass[] = [
  threads,
  names,
  statements,
  structure,
  condition,
  expressions,
  types,
  numbers,
];
