/** Expressions and types: C's own grammar and precedence, less what the language leaves out. */
import type { BinaryOp, Expr, Type, UnaryOp } from './ast.ts';
import { describe, type TokenStream } from './stream.ts';
import type { Token } from './tokens.ts';
import { INT_TYPES, intFromWords, isCWord, isTypeWord } from './types.ts';
import { isReserved, MISSING, PART_WORDS } from './words.ts';

/** Operators in a row at most: what walks the tree is recursive. */
const MAX_CHAIN = 500;
const TOO_LONG = `this expression has more than ${MAX_CHAIN} operators in a row`;

/** Precedence of the binary operators; higher binds tighter. */
export const PRECEDENCE: Readonly<Record<BinaryOp, number>> = {
  '||': 1,
  '&&': 2,
  '|': 3,
  '^': 4,
  '&': 5,
  '==': 6,
  '!=': 6,
  '<': 7,
  '<=': 7,
  '>': 7,
  '>=': 7,
  '<<': 8,
  '>>': 8,
  '+': 9,
  '-': 9,
  '*': 10,
  '/': 10,
  '%': 10,
};

/** Terms of a condition stop before comparisons: sums and products only. */
export const ADDITIVE = 9;

const UNARY: readonly UnaryOp[] = ['-', '~', '!', '*', '&'];

/** Reports a construct of C that the language lacks, if the next token starts one. */
export const refuseMissing = (s: TokenStream): void => {
  const t = s.peek();
  if (t.kind === 'name' && Object.hasOwn(MISSING, t.text))
    s.fail('L015', t.span, `\`${t.text}\` is not part of the language`, MISSING[t.text]);
};

/** Takes a name; words that are none are refused, whatever they mean elsewhere. */
export const takeName = (s: TokenStream, what: string, hint?: string): Token => {
  refuseMissing(s);
  const t = s.peek();
  if (t.kind !== 'name' || isReserved(t.text))
    return s.fail('L011', t.span, `expected ${what}, found ${describe(t)}`, hint);
  if (PART_WORDS.has(t.text) && (s.at('(', 1) || s.at('[', 1)))
    return s.fail('L011', t.span, `\`${t.text}\` begins a part behind the threads`);
  return s.next();
};

/** The type before a declarator: words and qualifiers, without stars. */
export const parseBaseType = (s: TokenStream): Type => {
  const first = s.peek();
  while (s.accept('const') || s.accept('volatile'));
  let type: Type | undefined;
  if (s.accept('struct')) {
    const tag = s.peek();
    if (tag.text !== 'page' && tag.text !== 'folio')
      return s.fail(
        'L014',
        tag.span,
        `\`struct ${tag.text}\` is not a type of the language`,
        'only `struct page *` and `struct folio *` exist',
      );
    s.next();
    type = { kind: 'struct', tag: tag.text };
  } else if (s.accept('void')) type = { kind: 'void' };
  else if (isCWord(s.peek().text)) {
    const words: string[] = [];
    while (s.peek().kind === 'name' && isCWord(s.peek().text)) words.push(s.next().text);
    type = intFromWords(words);
    if (type === undefined)
      return s.fail('L014', s.spanFrom(first), `\`${words.join(' ')}\` is not a type`);
  } else type = INT_TYPES.get(s.peek().text);
  if (type === undefined)
    return s.fail('L014', s.peek().span, `expected a type, found ${describe(s.peek())}`);
  if (type.kind === 'int' && !isCWord(s.last.text)) s.next();
  while (s.accept('const') || s.accept('volatile'));
  return type;
};

/** Stars of a declarator. */
export const parseStars = (s: TokenStream, base: Type): Type => {
  let type = base;
  while (s.accept('*')) {
    type = { kind: 'pointer', to: type };
    while (s.accept('const') || s.accept('volatile'));
  }
  return type;
};

const parseArguments = (s: TokenStream): Expr[] => {
  const args: Expr[] = [];
  s.expect('(', 'before the arguments');
  if (s.accept(')')) return args;
  do args.push(parseExpression(s));
  while (s.accept(','));
  s.expect(')', 'after the arguments');
  return args;
};

const parsePrimary = (s: TokenStream): Expr => {
  refuseMissing(s);
  const t = s.peek();
  if (t.kind === 'number') {
    s.next();
    return { kind: 'number', value: t.value, text: t.text, span: t.span };
  }
  if (t.kind === 'string') {
    s.next();
    return { kind: 'string', value: t.text, span: t.span };
  }
  if (t.kind === 'name') {
    takeName(s, 'an expression');
    if (s.at('('))
      return { kind: 'call', name: t.text, args: parseArguments(s), span: s.spanFrom(t) };
    return { kind: 'name', name: t.text, span: t.span };
  }
  if (s.accept('(')) {
    const inner = parseExpression(s);
    s.expect(')', 'to close the bracket');
    return inner;
  }
  return s.fail('L011', t.span, `expected an expression, found ${describe(t)}`);
};

const parsePostfix = (s: TokenStream): Expr => {
  const first = s.peek();
  let e = parsePrimary(s);
  let links = 0;
  for (;;) {
    if (++links > MAX_CHAIN) s.fail('L018', s.peek().span, TOO_LONG);
    if (s.accept('[')) {
      const index = parseExpression(s);
      s.expect(']', 'after the index');
      e = { kind: 'index', base: e, index, span: s.spanFrom(first) };
    } else if (s.at('->') || s.at('.'))
      return s.fail(
        'L015',
        s.peek().span,
        `\`${s.peek().text}\` is not part of the language`,
        'there are no structures: ask with calls such as page_ref_count(page)',
      );
    else return e;
  }
};

const parseUnary = (s: TokenStream): Expr =>
  s.deeper(() => {
    const t = s.peek();
    if (s.at('++') || s.at('--'))
      return s.fail(
        'L015',
        t.span,
        `\`${t.text}\` before a name, or inside an expression, is not part of the language`,
        'write `i++;` as a statement of its own',
      );
    const op = UNARY.find((o) => s.at(o));
    if (op !== undefined) {
      s.next();
      const operand = parseUnary(s);
      return { kind: 'unary', op, operand, span: s.spanFrom(t) };
    }
    if (s.at('(') && s.peek(1).kind === 'name' && isTypeWord(s.peek(1).text)) {
      s.next();
      const type = parseStars(s, parseBaseType(s));
      s.expect(')', 'after the type of the cast');
      const operand = parseUnary(s);
      return { kind: 'cast', type, operand, span: s.spanFrom(t) };
    }
    return parsePostfix(s);
  });

const binaryAt = (s: TokenStream, least: number): BinaryOp | undefined => {
  const t = s.peek();
  if (t.kind !== 'punctuation' || !Object.hasOwn(PRECEDENCE, t.text)) return undefined;
  const op = t.text as BinaryOp;
  return PRECEDENCE[op] >= least ? op : undefined;
};

/** Binary operators from precedence `least` up, left to right. */
export const parseBinary = (s: TokenStream, least: number): Expr => {
  const first = s.peek();
  let left = parseUnary(s);
  let links = 0;
  for (let op = binaryAt(s, least); op !== undefined; op = binaryAt(s, least)) {
    if (++links > MAX_CHAIN) s.fail('L018', s.peek().span, TOO_LONG);
    s.next();
    const right = parseBinary(s, PRECEDENCE[op] + 1);
    left = { kind: 'binary', op, left, right, span: s.spanFrom(first) };
  }
  return left;
};

/** A whole expression without assignment or comma. */
export const parseExpression = (s: TokenStream): Expr =>
  s.deeper(() => {
    const first = s.peek();
    const test = parseBinary(s, 1);
    if (!s.accept('?')) return test;
    const consequent = parseExpression(s);
    s.expect(':', 'between the branches of `?`');
    const alternate = parseExpression(s);
    return { kind: 'conditional', test, consequent, alternate, span: s.spanFrom(first) };
  });
