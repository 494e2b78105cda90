/** Statements of bodies and of the initial block, with recovery at `;`, `}` and the next part of the file. */
import type { AssignOp, AssignStatement, DeclareStatement, Expr, Statement, Type } from './ast.ts';
import { constantValue } from './constant-value.ts';
import { parseBaseType, parseExpression, parseStars, refuseMissing } from './parse-expression.ts';
import { describe, type TokenStream, Unwind } from './stream.ts';
import { isTypeWord } from './types.ts';

const ASSIGN: readonly string[] = ['=', '+=', '-=', '*=', '&=', '|=', '^=', '<<=', '>>='];

/** `P0 ( ... {` or `exists`: what only stands between the blocks, so that a `}` is missing before it. */
export const atNextPart = (s: TokenStream): boolean => {
  const t = s.peek();
  if (t.kind !== 'name') return false;
  if (/^(exists|forall|filter|locations)$/.test(t.text)) return s.at('(', 1) || s.at('[', 1);
  if (!/^[PK]\d+$/.test(t.text) || !s.at('(', 1)) return false;
  return (s.at(')', 2) && s.at('{', 3)) || (s.at('void', 2) && s.at(')', 3) && s.at('{', 4));
};

const one = (s: TokenStream): Expr => ({ kind: 'number', value: 1, text: '1', span: s.last.span });

/** An expression, and behind it `= value`, `+= value`, `++` or nothing: an assignment or a call. */
const parseSimple = (s: TokenStream): AssignStatement | Extract<Statement, { kind: 'call' }> => {
  const first = s.peek();
  const target = parseExpression(s);
  const op = s.peek();
  const rest = { comments: s.takeComments(), after: [] };
  if (s.accept('++') || s.accept('--'))
    return { kind: 'assign', target, op: op.text === '++' ? '+=' : '-=', value: one(s), ...rest, span: s.spanFrom(first) };
  if (op.kind === 'punctuation' && ASSIGN.includes(op.text)) {
    s.next();
    const value = parseExpression(s);
    if (s.at('='))
      s.fail('L015', s.peek().span, 'assignments cannot be chained', 'write one assignment a statement');
    return { kind: 'assign', target, op: op.text as AssignOp, value, ...rest, span: s.spanFrom(first) };
  }
  if (op.text === '/=' || op.text === '%=')
    s.fail('L015', op.span, `\`${op.text}\` is not part of the language`, 'write `x = x / n`');
  if (target.kind === 'call') return { kind: 'call', call: target, ...rest, span: s.spanFrom(first) };
  if (s.peek().kind === 'name' && target.kind === 'name')
    s.fail('L014', target.span, `\`${target.name}\` is not a type`, 'types are char, short, int, long, their unsigned forms, `struct page *`');
  return s.fail('L011', s.spanFrom(first), 'this is neither a call nor an assignment', 'write `r0 = ...;` or call something');
};

const parseDeclarator = (s: TokenStream, base: Type): { type: Type; name: string; init: Expr | null } => {
  const stars = s.peek();
  let type = parseStars(s, base);
  const name = s.peek();
  if (name.kind !== 'name') s.fail('L011', name.span, `expected the name of a variable, found ${describe(name)}`);
  s.next();
  if (s.accept('[')) {
    const at = s.peek();
    const size = parseExpression(s);
    const length = constantValue(size);
    if (length === null || length < 1 || length > 1 << 20)
      s.fail('L014', s.spanFrom(at), 'the length of an array is a constant from 1 to 1048576');
    s.expect(']', 'after the length of the array');
    if (s.at('[')) s.fail('L014', s.peek().span, 'arrays have one dimension');
    type = { kind: 'array', of: type, length: length ?? 1 };
  }
  const element = type.kind === 'array' ? type.of : type;
  if (element.kind === 'void' || element.kind === 'struct')
    s.fail('L014', s.spanFrom(stars), `\`${name.text}\` cannot be of this type`, `declare a pointer: \`*${name.text}\``);
  if (!s.accept('=')) return { type, name: name.text, init: null };
  if (s.at('{')) s.fail('L015', s.peek().span, 'lists of values are not part of the language', 'assign the elements one by one');
  return { type, name: name.text, init: parseExpression(s) };
};

/** `int i = 0, *p;`: one statement for each name; the `;` is left. */
const parseDeclaration = (s: TokenStream): DeclareStatement[] => {
  const first = s.peek();
  const base = parseBaseType(s);
  const found: DeclareStatement[] = [];
  do {
    const start = found.length === 0 ? first : s.peek();
    const { type, name, init } = parseDeclarator(s, base);
    found.push({ kind: 'declare', type, name, init, comments: s.takeComments(), after: [], span: s.spanFrom(start) });
  } while (s.accept(','));
  return found;
};

const atDeclaration = (s: TokenStream): boolean => {
  const t = s.peek();
  return t.kind === 'name' && isTypeWord(t.text);
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
  return [...statements, { ...last, comments: [...last.comments, ...inside], after: s.takeAfter() }];
};

const parseFor = (s: TokenStream): Statement => {
  const first = s.next();
  s.expect('(', 'after `for`');
  let init: DeclareStatement | AssignStatement | null = null;
  const step = (): AssignStatement => {
    const at = s.peek();
    const found = parseSimple(s);
    if (found.kind === 'call') return s.fail('L015', at.span, 'the head of a `for` holds assignments only', 'put the call into the body');
    if (s.at(',')) return s.fail('L015', s.peek().span, 'the comma operator is not part of the language', 'put the second part into the body');
    return found;
  };
  if (!s.at(';')) {
    if (atDeclaration(s)) {
      const all = parseDeclaration(s);
      if (all.length > 1) s.fail('L015', s.spanFrom(first), 'the head of a `for` declares one variable', 'declare the others before the loop');
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
  const bare = <T extends AssignStatement | DeclareStatement>(x: T | null): T | null => (x === null ? null : { ...x, comments: [] });
  const body = parseSingle(s);
  return { kind: 'for', init: bare(init), test, step: bare(after), body, comments: own, after: [], span: s.spanFrom(first) };
};

/** The statement that hangs on `if`, `else`, `while`, `for`, `kernel:`: exactly one, no declaration. */
const parseSingle = (s: TokenStream): Statement => {
  if (atDeclaration(s)) s.fail('L015', s.peek().span, 'a declaration cannot stand here alone', 'put it into braces: `{ ... }`');
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
      return [{ kind: 'kernel', body: parseSingle(s), comments, after: [], span: s.spanFrom(first) }];
    }
    if (s.accept('if')) {
      s.expect('(', 'after `if`');
      const test = parseExpression(s);
      s.expect(')', 'after the test of `if`');
      const comments = s.takeComments();
      const consequent = parseSingle(s);
      const alternate = s.accept('else') ? parseSingle(s) : null;
      return [{ kind: 'if', test, consequent, alternate, comments, after: [], span: s.spanFrom(first) }];
    }
    if (s.accept('while')) {
      s.expect('(', 'after `while`');
      const test = parseExpression(s);
      s.expect(')', 'after the test of `while`');
      const comments = s.takeComments();
      return [{ kind: 'while', test, body: parseSingle(s), comments, after: [], span: s.spanFrom(first) }];
    }
    if (s.at('for')) return [parseFor(s)];
    if (s.accept(';')) return [{ kind: 'empty', comments: s.takeComments(), after: s.takeAfter(), span: first.span }];
    for (const kind of ['break', 'continue', 'return'] as const) {
      if (!s.accept(kind)) continue;
      if (kind === 'return' && !s.at(';'))
        s.fail('L015', s.peek().span, 'a body returns no value', 'assign it to a register: a condition can ask for it');
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

/** After an error: on behind the next `;`, or at `{`, `}` or the next part of the file. */
const recover = (s: TokenStream, began: number): void => {
  if (s.position === began && s.peek().kind !== 'end' && !s.at('}') && !atNextPart(s)) s.next();
  while (s.peek().kind !== 'end' && !s.at('}') && !s.at('{') && !atNextPart(s)) if (s.next().text === ';') break;
  s.lose(began);
};

/** Statements up to and with the closing brace. A brace that is missing is reported, and the file goes on. */
export const parseBody = (s: TokenStream): { body: Statement[]; trailing: string[] } => {
  const body: Statement[] = [];
  while (!s.at('}') && s.peek().kind !== 'end' && !atNextPart(s)) {
    const began = s.position;
    try {
      body.push(...parseStatement(s));
    } catch (e) {
      if (!(e instanceof Unwind)) throw e;
      recover(s, began);
    }
  }
  const open = s.peek();
  if (!s.accept('}')) s.report('L011', open.span, `expected \`}\` to close the block, found ${describe(open)}`);
  return { body, trailing: s.takeComments() };
};
