import fc from 'fast-check';
import { expect, test } from 'vitest';
import { reporter } from '../../src/litmus/errors.ts';
import type {
  Expr,
  LitmusTest,
  Prop,
  Span,
  Statement,
  Term,
  Type,
} from '../../src/litmus/index.ts';
import { parse, print } from '../../src/litmus/index.ts';
import { parseFile } from '../../src/litmus/parse-file.ts';
import { INT_TYPES, PAGE_POINTER } from '../../src/litmus/types.ts';
import { bare, withBody } from './helpers.ts';

const span: Span = { start: 0, end: 0, line: 1, column: 1 };
const name = fc.constantFrom('r0', 'r1', 'buf', 'i', 'PAGE_SIZE', 'EFAULT', 'p', 'kernelish');
const number = fc.constantFrom('0', '1', '42', '0x1f', '017', "'a'", '4096UL').map((text): Expr => {
  const digits = text.replace('UL', '');
  const value = text === "'a'" ? 97 : text === '017' ? 15 : Number(digits);
  return { kind: 'number', value, text, span };
});

const baseType = fc.constantFrom<Type>(...INT_TYPES.values(), { kind: 'void' });
const pointer = baseType.map((to): Type => ({ kind: 'pointer', to }));
const scalar = fc.oneof(
  fc.constantFrom<Type>(...INT_TYPES.values()),
  pointer,
  fc.constant<Type>(PAGE_POINTER),
  pointer.map((to): Type => ({ kind: 'pointer', to })),
);

const { expr } = fc.letrec<{ expr: Expr; call: Expr }>((tie) => {
  const e = tie('expr');
  return {
    call: fc.record({
      kind: fc.constant('call' as const),
      name: fc.constantFrom('f', 'munmap'),
      args: fc.array(e, { maxLength: 3 }),
      span: fc.constant(span),
    }),
    expr: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      number,
      name.map((n): Expr => ({ kind: 'name', name: n, span })),
      fc.record({
        kind: fc.constant('unary' as const),
        op: fc.constantFrom('-', '~', '!', '*', '&'),
        operand: e,
        span: fc.constant(span),
      }),
      fc.record({
        kind: fc.constant('binary' as const),
        op: fc.constantFrom(
          '+',
          '-',
          '*',
          '/',
          '%',
          '&',
          '|',
          '^',
          '<<',
          '>>',
          '==',
          '!=',
          '<',
          '<=',
          '>',
          '>=',
          '&&',
          '||',
        ),
        left: e,
        right: e,
        span: fc.constant(span),
      }),
      fc.record({
        kind: fc.constant('conditional' as const),
        test: e,
        consequent: e,
        alternate: e,
        span: fc.constant(span),
      }),
      fc.record({
        kind: fc.constant('index' as const),
        base: e,
        index: e,
        span: fc.constant(span),
      }),
      fc.record({
        kind: fc.constant('cast' as const),
        type: scalar,
        operand: e,
        span: fc.constant(span),
      }),
      fc.constant<Expr>({ kind: 'string', value: '/tmpfs/f', span }),
      tie('call'),
    ),
  };
});

const call = fc.record({
  kind: fc.constant('call' as const),
  name: fc.constantFrom('f', 'g'),
  args: fc.array(expr, { maxLength: 2 }),
  span: fc.constant(span),
});
const comments = fc.array(
  fc.constantFrom('// one', '(* two *)', '/* three\n   lines */', '(*four*)'),
  { maxLength: 2 },
);
const after = fc.constantFrom<string[]>(
  [],
  [],
  [],
  ['// behind'],
  ['/* a */', '// b'],
  ['(* c *)'],
);
const none = fc.constant<string[]>([]);
const op = fc.constantFrom('=', '+=', '-=', '*=', '&=', '|=', '^=', '<<=', '>>=');
const at = fc.constant(span);

const declare = fc.oneof(
  fc.record({
    kind: fc.constant('declare' as const),
    type: scalar,
    name,
    init: fc.option(expr),
    comments,
    after,
    span: at,
  }),
  fc.record({
    kind: fc.constant('declare' as const),
    type: fc
      .tuple(scalar, fc.integer({ min: 1, max: 9 }))
      .map(([of, length]): Type => ({ kind: 'array', of, length })),
    name,
    init: fc.constant(null),
    comments,
    after,
    span: at,
  }),
);
const assign = fc.record({
  kind: fc.constant('assign' as const),
  target: expr,
  op,
  value: expr,
  comments,
  after,
  span: at,
});
const quiet = <T extends object>(a: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  a.map((x) => ({ ...x, comments: [], after: [] }));

/** Whether an `else` behind it would be taken by an `if` inside it. */
const open = (s: Statement): boolean =>
  (s.kind === 'if' && (s.alternate === null || open(s.alternate))) ||
  ((s.kind === 'while' || s.kind === 'for' || s.kind === 'kernel') && open(s.body));

const { statement, single } = fc.letrec<{ statement: Statement; single: Statement }>((tie) => ({
  statement: fc.oneof({ maxDepth: 3 }, declare, tie('single')),
  single: fc.oneof(
    { maxDepth: 3 },
    assign,
    fc.record({ kind: fc.constant('call' as const), call, comments, after, span: at }),
    fc.record({
      kind: fc.constantFrom('break', 'continue', 'return', 'empty'),
      comments,
      after,
      span: at,
    }),
    fc.record({
      kind: fc.constant('block' as const),
      body: fc.array(tie('statement'), { maxLength: 3 }),
      trailing: comments,
      comments,
      after,
      span: at,
    }),
    fc.record({
      kind: fc.constant('kernel' as const),
      body: tie('single'),
      comments,
      after: none,
      span: at,
    }),
    fc.record({
      kind: fc.constant('while' as const),
      test: expr,
      body: tie('single'),
      comments,
      after: none,
      span: at,
    }),
    fc.record({
      kind: fc.constant('for' as const),
      init: fc.option(fc.oneof(quiet(assign), quiet(declare))),
      test: fc.option(expr),
      step: fc.option(quiet(assign)),
      body: tie('single'),
      comments,
      after: none,
      span: at,
    }),
    fc
      .record({
        kind: fc.constant('if' as const),
        test: expr,
        consequent: tie('single'),
        alternate: fc.option(tie('single')),
        comments,
        after: none,
        span: at,
      })
      .map((s): Statement => (open(s.consequent) ? { ...s, alternate: null } : s)),
  ),
}));
void single;

const thread = fc.record({ mode: fc.constantFrom('P', 'K'), index: fc.nat(3) });
/** Without strings and calls at the head, which a condition reads as questions. */
const located = fc.record({ kind: fc.constant('located' as const), thread, expr, span: at });
const { term } = fc.letrec<{ term: Term }>((tie) => ({
  term: fc.oneof(
    { maxDepth: 2 },
    located,
    number.map((n): Term => ({ kind: 'constant', expr: n, span })),
    fc.constant<Term>({
      kind: 'constant',
      expr: { kind: 'unary', op: '-', operand: { kind: 'name', name: 'EFAULT', span }, span },
      span,
    }),
    fc.record({
      kind: fc.constant('query' as const),
      name: fc.constantFrom('pinned', 'ref_count'),
      args: fc.array(tie('term'), { maxLength: 2 }),
      span: at,
    }),
    fc.record({
      kind: fc.constant('content' as const),
      of: fc.constantFrom('disk', 'device'),
      thread: fc.option(thread),
      name: fc.constant('fd'),
      index: number,
      span: at,
    }),
    fc.constant<Term>({ kind: 'counter', name: 'nr_foll_pin_acquired', span }),
  ),
}));
const { prop } = fc.letrec<{ prop: Prop }>((tie) => ({
  prop: fc.oneof(
    { maxDepth: 3 },
    fc.record({
      kind: fc.constant('compare' as const),
      op: fc.constantFrom('=', '!=', '<', '<=', '>', '>='),
      left: term,
      right: term,
      span: at,
    }),
    fc.record({ kind: fc.constantFrom('true', 'false'), span: at }),
    fc.record({
      kind: fc.constantFrom('and', 'or'),
      terms: fc.array(tie('prop'), { minLength: 2, maxLength: 3 }),
      span: at,
    }),
    fc.record({ kind: fc.constant('not' as const), term: tie('prop'), span: at }),
    fc.constant<Prop>({
      kind: 'holds',
      term: { kind: 'query', name: 'pinned', args: [], span },
      span,
    }),
  ),
}));

/** Empty lines stand between statements, never before the first. */
const body = fc
  .array(fc.tuple(statement, fc.boolean()), { maxLength: 4 })
  .map((list) =>
    list.map(([s, blank], i): Statement => (blank && i > 0 ? { ...s, blank: true } : s)),
  );
const litmus: fc.Arbitrary<LitmusTest> = fc.record({
  file: fc.constant('t'),
  name: fc.constantFrom('t', 'MP+po.1-x'),
  title: fc.option(fc.constant('A title')),
  header: comments,
  init: fc.record({ body, trailing: comments, comments, after, span: at }),
  threads: fc
    .array(
      fc.record({
        mode: fc.constantFrom('P', 'K'),
        index: fc.nat(9),
        body,
        trailing: comments,
        comments,
        after,
        span: at,
        nameSpan: at,
      }),
      { minLength: 1, maxLength: 2 },
    )
    .map((ts) => ts.map((t) => ({ ...t, name: `${t.mode}${t.index}` }))),
  locations: fc.option(
    fc.record({ terms: fc.array(term, { maxLength: 3 }), comments, after, span: at }),
  ),
  filter: fc.option(fc.record({ prop, comments, after, span: at })),
  condition: fc.record({
    quantifier: fc.constantFrom('exists', '~exists', 'forall'),
    prop,
    comments,
    after,
    span: at,
  }),
  footer: comments,
  expectations: fc.constant([]),
  designs: fc.constant([]),
  span: at,
});

test('parse(print(t)) is t, for every tree', () => {
  fc.assert(
    fc.property(litmus, (t) => {
      const text = print(t);
      const { diagnostics, report } = reporter('t');
      const { test: back } = parseFile(text, 't', report, new Set());
      expect(
        diagnostics.map((d) => `${d.span.line}:${d.span.column} ${d.message}`),
        text,
      ).toEqual([]);
      expect(bare(back), text).toEqual(bare(t));
    }),
    { numRuns: 400 },
  );
});

const GOOD = withBody(
  '  fork(P1); // c\n  kernel: { r0 = pin_user_pages(buf, 1, FOLL_WRITE, pages); }\n  if (r0 < 0) { n = 2; } else n = *buf + 3;',
  'P1() { buf[0] = 1; }',
  'exists (0:r0=1 /\\ ~(pinned(0:buf) \\/ 1:buf[0]=2))',
);

test('a mutated text never throws, and gives a test or a reason', () => {
  const edit = fc.record({
    at: fc.nat(GOOD.length),
    drop: fc.nat(8),
    add: fc.oneof(
      fc.string({ maxLength: 4 }),
      fc.constantFrom('(', '{', '}', '(*', '"', '/*', "'", ';', 'P1() {', ')', 'exists'),
    ),
  });
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
      let text = GOOD;
      for (const e of edits) text = text.slice(0, e.at) + e.add + text.slice(e.at + e.drop);
      const r = parse(text, 't');
      expect(r.test !== undefined || r.diagnostics.some((d) => d.severity === 'error')).toBe(true);
      for (const d of r.diagnostics) {
        expect(d.span.line).toBeGreaterThan(0);
        expect(d.span.line).toBeLessThanOrEqual(text.split('\n').length);
        expect(d.span.column).toBeGreaterThan(0);
      }
    }),
    { numRuns: 1500 },
  );
});

test('any text at all', () => {
  fc.assert(
    fc.property(
      fc.string({ maxLength: 60, unit: 'binary' }),
      (text) => parse(text, 't').diagnostics.length > 0,
    ),
    { numRuns: 500 },
  );
});
