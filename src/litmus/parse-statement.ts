/** Statements of bodies and of the initial block, with recovery at `;`, `}` and the next part of the file. */
import type { AssignStatement, DeclareStatement, Statement } from './ast.ts';
import { atDeclaration, parseDeclaration, parseSimple } from './parse-declaration.ts';
import { parseExpression, refuseMissing } from './parse-expression.ts';
import { describe, type TokenStream, Unwind } from './stream.ts';

/** `P0 ( ... {` or `exists`: what only stands between the blocks, so that a `}` is missing before it. */
export const atNextPart = (s: TokenStream): boolean => {
  const t = s.peek();
  if (t.kind !== 'name') return false;
  if (/^(exists|forall|filter|locations)$/.test(t.text)) return s.at('(', 1) || s.at('[', 1);
  if (!/^[PK]\d+$/.test(t.text) || !s.at('(', 1)) return false;
  return (s.at(')', 2) && s.at('{', 3)) || (s.at('void', 2) && s.at(')', 3) && s.at('{', 4));
};

/** Takes the `;`, and the comments behind it for the last of the statements. */
const finish = (s: TokenStream, statements: Statement[]): Statement[] => {
  const next = s.peek();
  try {
    s.expect(';', 'after the statement');
  } catch (e) {
    // Where a new statement begins, nothing but the `;` is missing: the statement itself is good.
    if (!(e instanceof Unwind) || (!s.at('}') && next.span.line === s.last.span.line)) throw e;
  }
  const inside = s.takeComments();
  const last = statements.pop();
  if (last === undefined) return statements;
  return [
    ...statements,
    { ...last, comments: [...last.comments, ...inside], after: s.takeAfter() },
  ];
};

const parseFor = (s: TokenStream): Statement => {
  const first = s.next();
  s.expect('(', 'after `for`');
  let init: DeclareStatement | AssignStatement | null = null;
  const step = (): AssignStatement => {
    const at = s.peek();
    const found = parseSimple(s);
    if (found.kind === 'call')
      return s.fail(
        'L015',
        at.span,
        'the head of a `for` holds assignments only',
        'put the call into the body',
      );
    if (s.at(','))
      return s.fail(
        'L015',
        s.peek().span,
        'the comma operator is not part of the language',
        'put the second part into the body',
      );
    return found;
  };
  if (!s.at(';')) {
    if (atDeclaration(s)) {
      const all = parseDeclaration(s);
      if (all.length > 1)
        s.fail(
          'L015',
          s.spanFrom(first),
          'the head of a `for` declares one variable',
          'declare the others before the loop',
        );
      init = all[0] ?? null;
    } else init = step();
  }
  s.expect(';', 'after the first part of `for`');
  const test = s.at(';') ? null : parseExpression(s);
  s.expect(';', 'after the test of `for`');
  const after = s.at(')') ? null : step();
  s.expect(')', 'after the head of `for`');
  // Comments inside the head belong to the loop.
  const own = [...(init?.comments ?? []), ...(after?.comments ?? []), ...s.takeComments()];
  const bare = <T extends AssignStatement | DeclareStatement>(x: T | null): T | null =>
    x === null ? null : { ...x, comments: [] };
  const body = parseSingle(s);
  return {
    kind: 'for',
    init: bare(init),
    test,
    step: bare(after),
    body,
    comments: own,
    after: [],
    span: s.spanFrom(first),
  };
};

/** The statement that hangs on `if`, `else`, `while`, `for`, `kernel:`: exactly one, no declaration. */
const parseSingle = (s: TokenStream): Statement => {
  if (atDeclaration(s))
    s.fail(
      'L015',
      s.peek().span,
      'a declaration cannot stand here alone',
      'put it into braces: `{ ... }`',
    );
  const [found] = parseStatement(s);
  if (found === undefined) return s.fail('L011', s.peek().span, 'expected a statement');
  return found;
};

/** The next statement (several for `int i, j;`); unwinds on errors. */
const parseStatement = (s: TokenStream): Statement[] =>
  s.deeper(() => {
    refuseMissing(s);
    const first = s.peek();
    if (s.at('{')) return [parseBlock(s)];
    if (s.at('kernel') && s.at(':', 1)) {
      s.next();
      s.next();
      const comments = s.takeComments();
      return [
        { kind: 'kernel', body: parseSingle(s), comments, after: [], span: s.spanFrom(first) },
      ];
    }
    if (s.accept('if')) {
      s.expect('(', 'after `if`');
      const test = parseExpression(s);
      s.expect(')', 'after the test of `if`');
      const comments = s.takeComments();
      const consequent = parseSingle(s);
      const alternate = s.accept('else') ? parseSingle(s) : null;
      return [
        { kind: 'if', test, consequent, alternate, comments, after: [], span: s.spanFrom(first) },
      ];
    }
    if (s.accept('while')) {
      s.expect('(', 'after `while`');
      const test = parseExpression(s);
      s.expect(')', 'after the test of `while`');
      const comments = s.takeComments();
      return [
        { kind: 'while', test, body: parseSingle(s), comments, after: [], span: s.spanFrom(first) },
      ];
    }
    if (s.at('for')) return [parseFor(s)];
    if (s.accept(';'))
      return [
        { kind: 'empty', comments: s.takeComments(), after: s.takeAfter(), span: first.span },
      ];
    for (const kind of ['break', 'continue', 'return'] as const) {
      if (!s.accept(kind)) continue;
      if (kind === 'return' && !s.at(';'))
        s.fail(
          'L015',
          s.peek().span,
          'a body returns no value',
          'assign it to a register: a condition can ask for it',
        );
      return finish(s, [{ kind, comments: s.takeComments(), after: [], span: first.span }]);
    }
    if (atDeclaration(s)) return finish(s, parseDeclaration(s));
    return finish(s, [parseSimple(s)]);
  });

const parseBlock = (s: TokenStream): Extract<Statement, { kind: 'block' }> => {
  const first = s.expect('{', 'to open the block');
  const comments = s.takeComments();
  const { body, trailing } = parseBody(s);
  return { kind: 'block', body, trailing, comments, after: s.takeAfter(), span: s.spanFrom(first) };
};

/** After an error: on behind the next `;` that ends the statement with its `else` branches, or at `{`, `}` or the next part of the file. */
const recover = (s: TokenStream, began: number): void => {
  if (s.position === began && s.peek().kind !== 'end' && !s.at('}') && !atNextPart(s)) s.next();
  while (s.peek().kind !== 'end' && !s.at('}') && !s.at('{') && !atNextPart(s))
    if (s.next().text === ';' && !s.at('else')) break;
  s.lose(began);
};

/** Statements up to and with the closing brace. A brace that is missing is reported, and the file goes on. */
export const parseBody = (s: TokenStream): { body: Statement[]; trailing: string[] } => {
  const body: Statement[] = [];
  /** An `else` here belongs to an `if` that was given up. */
  let orphan = false;
  while (!s.at('}') && s.peek().kind !== 'end' && !atNextPart(s)) {
    if (orphan && s.accept('else')) continue;
    const began = s.position;
    try {
      const { blank } = s.peek();
      const [first, ...rest] = parseStatement(s);
      orphan &&= first?.kind === 'block';
      if (first !== undefined)
        body.push(blank && body.length > 0 ? { ...first, blank } : first, ...rest);
    } catch (e) {
      if (!(e instanceof Unwind)) throw e;
      recover(s, began);
      orphan = true;
    }
  }
  const open = s.peek();
  if (!s.accept('}'))
    s.report('L011', open.span, `expected \`}\` to close the block, found ${describe(open)}`);
  return { body, trailing: s.takeComments() };
};
