/** Conditions, filters and locations: propositions over what the threads see at the end. */
import type {
  CompareOp,
  Condition,
  Expr,
  Filter,
  Locations,
  Prop,
  Quantifier,
  QueryTerm,
  Term,
  ThreadRef,
} from './ast.ts';
import { ADDITIVE, parseBinary, takeName } from './parse-expression.ts';
import { describe, type TokenStream } from './stream.ts';

const COMPARE: readonly string[] = ['=', '!=', '<', '<=', '>', '>='];

/** `1:` (the thread P1), `P1:`, `K0:`; null when no thread is written. */
const parseThread = (s: TokenStream): ThreadRef | null => {
  if (!s.at(':', 1)) return null;
  const t = s.peek();
  const m =
    t.kind === 'number'
      ? /^()(\d+)$/.exec(t.text)
      : t.kind === 'name'
        ? /^([PK])(\d+)$/.exec(t.text)
        : null;
  if (m === null)
    return s.fail(
      'L011',
      t.span,
      `expected a thread before \`:\`, found ${describe(t)}`,
      'write `1:r0` for P1, `K0:r0` for K0',
    );
  s.next();
  s.next();
  return { mode: m[1] === 'K' ? 'K' : 'P', index: Number(m[2]) };
};

const parseContent = (s: TokenStream, of: 'disk' | 'device'): Term => {
  const first = s.next();
  s.expect('(', `after \`${of}\``);
  const thread = parseThread(s);
  const name = takeName(s, 'a name', `write \`${of}(fd)[0]=1\``);
  s.expect(')', `after the name in \`${of}\``);
  s.expect(
    '[',
    `: which byte of \`${of}(${name.text})\` is meant`,
    `write \`${of}(${name.text})[0]\``,
  );
  const index = parseBinary(s, ADDITIVE);
  s.expect(']', 'after the index');
  return { kind: 'content', of, thread, name: name.text, index, span: s.spanFrom(first) };
};

const parseQuery = (s: TokenStream): QueryTerm => {
  if (s.at('true') || s.at('false'))
    s.fail('L011', s.peek().span, `\`${s.peek().text}\` is no question`);
  const name = takeName(s, 'a question');
  s.expect('(', 'after the question');
  const args: Term[] = [];
  if (!s.at(')'))
    do args.push(parseTerm(s));
    while (s.accept(','));
  s.expect(')', 'after the question');
  return { kind: 'query', name: name.text, args, span: s.spanFrom(name) };
};

/** The names in an expression that are no constants by their looks: `r0`, not `EFAULT`. */
const looksVariable = (e: Expr): boolean => {
  if (e.kind === 'name') return !/^[A-Z][A-Z0-9_]*$/.test(e.name);
  if (e.kind === 'unary' || e.kind === 'cast') return looksVariable(e.operand);
  if (e.kind === 'binary') return looksVariable(e.left) || looksVariable(e.right);
  return e.kind === 'index' || e.kind === 'string' || e.kind === 'call';
};

/** One side of a comparison, an argument of a question, or an entry of `locations`. */
export const parseTerm = (s: TokenStream): Term =>
  s.deeper(() => {
    const first = s.peek();
    const thread = parseThread(s);
    if (thread !== null) {
      const expr = parseBinary(s, ADDITIVE);
      return { kind: 'located', thread, expr, span: s.spanFrom(first) };
    }
    if ((s.at('disk') || s.at('device')) && s.at('(', 1))
      return parseContent(s, s.at('disk') ? 'disk' : 'device');
    if (first.kind === 'name' && s.at('(', 1)) return parseQuery(s);
    if (first.kind === 'name' && /^[a-z]+_\w+$/.test(first.text) && !s.at('[', 1)) {
      s.next();
      return { kind: 'counter', name: first.text, span: first.span };
    }
    const expr = parseBinary(s, ADDITIVE);
    if (looksVariable(expr))
      s.fail(
        'L073',
        s.spanFrom(first),
        'which thread sees this? It names none',
        first.kind === 'name' ? `write the thread before it: \`0:${first.text}\`` : undefined,
      );
    return { kind: 'constant', expr, span: s.spanFrom(first) };
  });

const parseAtom = (s: TokenStream): Prop =>
  s.deeper(() => {
    const first = s.peek();
    if (s.accept('(')) {
      const inner = parseProp(s);
      s.expect(')', 'to close the bracket');
      return inner;
    }
    if (s.accept('~') || s.accept('!')) {
      const term = parseAtom(s);
      return { kind: 'not', term, span: s.spanFrom(first) };
    }
    for (const kind of ['true', 'false'] as const)
      if (s.at(kind) && !COMPARE.includes(s.peek(1).text)) {
        s.next();
        return { kind, span: first.span };
      }
    const left = parseTerm(s);
    const op = s.peek();
    if (op.kind === 'punctuation' && op.text === '==')
      s.fail('L011', op.span, 'conditions compare with a single `=`', 'write `=`');
    if (op.kind === 'punctuation' && COMPARE.includes(op.text)) {
      s.next();
      const right = parseTerm(s);
      return { kind: 'compare', op: op.text as CompareOp, left, right, span: s.spanFrom(first) };
    }
    if (left.kind === 'query') return { kind: 'holds', term: left, span: left.span };
    return s.fail(
      'L011',
      op.span,
      `expected a comparison, found ${describe(op)}`,
      'write `1:r0=2`, also `!=`, `<`, `<=`, `>`, `>=`',
    );
  });

const parseJoin = (
  s: TokenStream,
  kind: 'and' | 'or',
  mark: string,
  wrong: string,
  part: () => Prop,
): Prop => {
  const first = s.peek();
  const terms = [part()];
  for (;;) {
    if (s.at(wrong))
      s.fail('L011', s.peek().span, `\`${wrong}\` does not join conditions`, `write \`${mark}\``);
    if (!s.accept(mark)) break;
    terms.push(part());
  }
  const [only] = terms;
  if (terms.length === 1 && only !== undefined) return only;
  return { kind, terms, span: s.spanFrom(first) };
};

/** `\/` of `/\` of atoms. */
export const parseProp = (s: TokenStream): Prop =>
  parseJoin(s, 'or', '\\/', '||', () => parseJoin(s, 'and', '/\\', '&&', () => parseAtom(s)));

/** Whether a final condition starts here. */
export const atCondition = (s: TokenStream): boolean =>
  s.at('exists') || s.at('forall') || (s.at('~') && s.at('exists', 1));

/** `exists (...)`, `~exists (...)` or `forall (...)`; its first word is next. */
export const parseCondition = (s: TokenStream): Condition => {
  const first = s.next();
  const negated = first.text === '~';
  if (negated) s.next();
  const quantifier: Quantifier =
    first.text === 'forall' ? 'forall' : negated ? '~exists' : 'exists';
  const prop = parseProp(s);
  return {
    quantifier,
    prop,
    comments: s.takeComments(),
    after: s.takeAfter(),
    span: s.spanFrom(first),
  };
};

/** `filter (...)`; the word is next. */
export const parseFilter = (s: TokenStream): Filter => {
  const first = s.next();
  const prop = parseProp(s);
  return { prop, comments: s.takeComments(), after: s.takeAfter(), span: s.spanFrom(first) };
};

/** `locations [...]`; the word is next. */
export const parseLocations = (s: TokenStream): Locations => {
  const first = s.next();
  s.expect('[', 'after `locations`');
  const terms: Term[] = [];
  while (!s.at(']')) {
    terms.push(parseTerm(s));
    if (!s.accept(';') && !s.at(']')) s.expect(';', 'between locations');
  }
  s.expect(']', 'after the locations');
  return { terms, comments: s.takeComments(), after: s.takeAfter(), span: s.spanFrom(first) };
};
