/** Declarations, assignments and calls, up to their `;`. */
import type { AssignOp, AssignStatement, DeclareStatement, Expr, Statement, Type } from './ast.ts';
import { constantValue } from './constant-value.ts';
import { parseBaseType, parseExpression, parseStars, takeName } from './parse-expression.ts';
import type { TokenStream } from './stream.ts';
import { isTypeWord } from './types.ts';

const ASSIGN: readonly string[] = ['=', '+=', '-=', '*=', '&=', '|=', '^=', '<<=', '>>='];

const one = (s: TokenStream): Expr => ({ kind: 'number', value: 1, text: '1', span: s.last.span });

/** An expression, and behind it `= value`, `+= value`, `++` or nothing: an assignment or a call. */
export const parseSimple = (
  s: TokenStream,
): AssignStatement | Extract<Statement, { kind: 'call' }> => {
  const first = s.peek();
  const target = parseExpression(s);
  const op = s.peek();
  const rest = { comments: s.takeComments(), after: [] };
  if (s.accept('++') || s.accept('--'))
    return {
      kind: 'assign',
      target,
      op: op.text === '++' ? '+=' : '-=',
      value: one(s),
      ...rest,
      span: s.spanFrom(first),
    };
  if (op.kind === 'punctuation' && ASSIGN.includes(op.text)) {
    s.next();
    const value = parseExpression(s);
    if (s.at('='))
      s.fail(
        'L015',
        s.peek().span,
        'assignments cannot be chained',
        'write one assignment a statement',
      );
    return {
      kind: 'assign',
      target,
      op: op.text as AssignOp,
      value,
      ...rest,
      span: s.spanFrom(first),
    };
  }
  if (op.text === '/=' || op.text === '%=')
    s.fail('L015', op.span, `\`${op.text}\` is not part of the language`, 'write `x = x / n`');
  if (target.kind === 'call')
    return { kind: 'call', call: target, ...rest, span: s.spanFrom(first) };
  if (s.peek().kind === 'name' && target.kind === 'name')
    s.fail(
      'L014',
      target.span,
      `\`${target.name}\` is not a type`,
      'types are char, short, int, long, their unsigned forms, `struct page *`',
    );
  return s.fail(
    'L011',
    s.spanFrom(first),
    'this is neither a call nor an assignment',
    'write `r0 = ...;` or call something',
  );
};

const parseDeclarator = (
  s: TokenStream,
  base: Type,
): { type: Type; name: string; init: Expr | null } => {
  const stars = s.peek();
  let type = parseStars(s, base);
  const name = takeName(s, 'the name of a variable');
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
    s.fail(
      'L014',
      s.spanFrom(stars),
      `\`${name.text}\` cannot be of this type`,
      `declare a pointer: \`*${name.text}\``,
    );
  if (!s.accept('=')) return { type, name: name.text, init: null };
  if (s.at('{'))
    s.fail(
      'L015',
      s.peek().span,
      'lists of values are not part of the language',
      'assign the elements one by one',
    );
  return { type, name: name.text, init: parseExpression(s) };
};

/** `int i = 0, *p;`: one statement for each name; the `;` is left. */
export const parseDeclaration = (s: TokenStream): DeclareStatement[] => {
  const first = s.peek();
  const base = parseBaseType(s);
  const found: DeclareStatement[] = [];
  do {
    const start = found.length === 0 ? first : s.peek();
    const { type, name, init } = parseDeclarator(s, base);
    found.push({
      kind: 'declare',
      type,
      name,
      init,
      comments: s.takeComments(),
      after: [],
      span: s.spanFrom(start),
    });
  } while (s.accept(','));
  return found;
};

/** Whether a type begins here. */
export const atDeclaration = (s: TokenStream): boolean => {
  const t = s.peek();
  return t.kind === 'name' && isTypeWord(t.text);
};
