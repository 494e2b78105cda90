/** A tree back to text: the canonical spelling. parse(print(t)) equals t but for spans. */
import type {
  Commented,
  Condition,
  Expr,
  LitmusTest,
  Prop,
  Statement,
  Term,
  Thread,
} from './ast.ts';
import { PRECEDENCE } from './parse-expression.ts';
import { formatType } from './types.ts';
import { wrapLine } from './wrap.ts';

const UNARY_LEVEL = 11;
const POSTFIX_LEVEL = 12;

const levelOf = (e: Expr): number => {
  if (e.kind === 'conditional') return 0;
  if (e.kind === 'binary') return PRECEDENCE[e.op];
  return e.kind === 'unary' || e.kind === 'cast' ? UNARY_LEVEL : POSTFIX_LEVEL;
};

/** At `least` this level, or in brackets. */
const at = (e: Expr, least: number): string => {
  const text = printExpr(e);
  return levelOf(e) >= least ? text : `(${text})`;
};

/** An expression in canonical spelling, on one line. */
export const printExpr = (e: Expr): string => {
  switch (e.kind) {
    case 'number':
      return e.text;
    case 'string':
      return `"${e.value}"`;
    case 'name':
      return e.name;
    case 'unary': {
      const operand = at(e.operand, UNARY_LEVEL);
      // `- -x` and `& &x` must not become one token.
      return operand.startsWith(e.op) && e.op !== '~' && e.op !== '!' && e.op !== '*'
        ? `${e.op}(${operand})`
        : `${e.op}${operand}`;
    }
    case 'binary':
      return `${at(e.left, PRECEDENCE[e.op])} ${e.op} ${at(e.right, PRECEDENCE[e.op] + 1)}`;
    case 'conditional':
      return `${at(e.test, 1)} ? ${printExpr(e.consequent)} : ${printExpr(e.alternate)}`;
    case 'index':
      return `${at(e.base, POSTFIX_LEVEL)}[${printExpr(e.index)}]`;
    case 'cast':
      return `(${formatType(e.type).replace(/(\w)(\*)/, '$1 $2')})${at(e.operand, UNARY_LEVEL)}`;
    case 'call':
      return `${e.name}(${e.args.map(printExpr).join(', ')})`;
  }
};

const declaration = (s: Extract<Statement, { kind: 'declare' }>): string =>
  `${formatType(s.type, s.name)}${s.init === null ? '' : ` = ${printExpr(s.init)}`}`;

const assignment = (s: Extract<Statement, { kind: 'assign' }>): string => {
  const target = printExpr(s.target);
  const isOne = s.value.kind === 'number' && s.value.text === '1';
  if (isOne && (s.op === '+=' || s.op === '-=')) return `${target}${s.op === '+=' ? '++' : '--'}`;
  return `${target} ${s.op} ${printExpr(s.value)}`;
};

const simple = (s: Extract<Statement, { kind: 'declare' | 'assign' }>): string =>
  s.kind === 'declare' ? declaration(s) : assignment(s);

const withAfter = (s: Commented, line: string): string => [line, ...s.after].join(' ');

/** A statement of one line, or of several where it is too long for one. */
const simpleLines = (s: Commented, line: string): string[] => {
  const lines = wrapLine(line);
  return [...lines.slice(0, -1), withAfter(s, lines.at(-1) ?? '')];
};

/** Comments keep their text; only the first line is indented anew. */
const commentLines = (comments: readonly string[], indent: string): string[] =>
  comments.map((c) => indent + c);

/** Lines of a statement that hangs on a head: a block opens on the head's line. */
const hanging = (head: string, body: Statement, indent: string): string[] => {
  if (body.kind === 'block' && body.comments.length === 0) {
    const [first = '', ...rest] = printStatement(body, indent);
    return [`${head} ${first.trimStart()}`, ...rest];
  }
  return [head, ...printStatement(body, `${indent}  `)];
};

const endsInIf = (s: Statement): boolean => {
  if (s.kind === 'if') return s.alternate === null || endsInIf(s.alternate);
  return (s.kind === 'while' || s.kind === 'for' || s.kind === 'kernel') && endsInIf(s.body);
};

const braced = (s: Statement): Statement => ({
  kind: 'block',
  body: [s],
  trailing: [],
  comments: [],
  after: [],
  span: s.span,
});

const printStatement = (s: Statement, indent: string): string[] => {
  const before = [...(s.blank === true ? [''] : []), ...commentLines(s.comments, indent)];
  switch (s.kind) {
    case 'declare':
    case 'assign':
      return [...before, ...simpleLines(s, `${indent}${simple(s)};`)];
    case 'call':
      return [...before, ...simpleLines(s, `${indent}${printExpr(s.call)};`)];
    case 'break':
    case 'continue':
    case 'return':
      return [...before, withAfter(s, `${indent}${s.kind};`)];
    case 'empty':
      return [...before, withAfter(s, `${indent};`)];
    case 'block':
      return [...before, `${indent}{`, ...printBody(s, `${indent}  `), withAfter(s, `${indent}}`)];
    case 'kernel':
      if (s.body.kind === 'block')
        return [...before, ...hanging(`${indent}kernel:`, s.body, indent)];
      if (s.body.comments.length > 0)
        return [...before, `${indent}kernel:`, ...printStatement(s.body, `${indent}  `)];
      if (s.body.kind === 'assign' || s.body.kind === 'call') {
        const text = s.body.kind === 'call' ? printExpr(s.body.call) : simple(s.body);
        return [...before, ...simpleLines(s.body, `${indent}kernel: ${text};`)];
      }
      return [
        ...before,
        ...printStatement(s.body, indent).map((l, i) =>
          i === 0 ? `${indent}kernel: ${l.trimStart()}` : l,
        ),
      ];
    case 'while':
      return [...before, ...hanging(`${indent}while (${printExpr(s.test)})`, s.body, indent)];
    case 'for': {
      const parts = [
        s.init === null ? '' : simple(s.init),
        s.test === null ? '' : ` ${printExpr(s.test)}`,
        s.step === null ? '' : ` ${simple(s.step)}`,
      ];
      return [...before, ...hanging(`${indent}for (${parts.join(';')})`, s.body, indent)];
    }
    case 'if': {
      const dangling = s.alternate !== null && endsInIf(s.consequent);
      const lines = [
        ...before,
        ...hanging(
          `${indent}if (${printExpr(s.test)})`,
          dangling ? braced(s.consequent) : s.consequent,
          indent,
        ),
      ];
      if (s.alternate === null) return lines;
      if (s.alternate.kind === 'if' && s.alternate.comments.length === 0) {
        const [first = '', ...rest] = printStatement(s.alternate, indent);
        return [...lines, `${indent}else ${first.trimStart()}`, ...rest];
      }
      return [...lines, ...hanging(`${indent}else`, s.alternate, indent)];
    }
  }
};

const printBody = (
  b: { body: readonly Statement[]; trailing: readonly string[] },
  indent: string,
): string[] => [
  ...b.body.flatMap((s) => printStatement(s, indent)),
  ...commentLines(b.trailing, indent),
];

const printThread = (t: Thread): string =>
  [...t.comments, `${t.name}()`, '{', ...printBody(t, '  '), withAfter(t, '}')].join('\n');

const threadPrefix = (t: { mode: 'P' | 'K'; index: number }): string =>
  t.mode === 'P' ? `${t.index}:` : `K${t.index}:`;

/** `1:r0`, `disk(fd)[0]`, `pinned(0:buf)`: also the head of a state's line in the output. */
export const printTerm = (t: Term): string => {
  switch (t.kind) {
    case 'located':
      return `${threadPrefix(t.thread)}${at(t.expr, PRECEDENCE['+'])}`;
    case 'constant':
      return at(t.expr, PRECEDENCE['+']);
    case 'counter':
      return t.name;
    case 'content':
      return `${t.of}(${t.thread === null ? '' : threadPrefix(t.thread)}${t.name})[${printExpr(t.index)}]`;
    case 'query':
      return `${t.name}(${t.args.map(printTerm).join(', ')})`;
  }
};

/** A proposition in canonical spelling, on one line. */
export const printProp = (p: Prop): string => {
  switch (p.kind) {
    case 'true':
    case 'false':
      return p.kind;
    case 'compare':
      return `${printTerm(p.left)}${p.op}${printTerm(p.right)}`;
    case 'holds':
      return printTerm(p.term);
    case 'not':
      return `~(${printProp(p.term)})`;
    case 'and':
    case 'or':
      return p.terms
        .map((t) => (t.kind === 'and' || t.kind === 'or' ? `(${printProp(t)})` : printProp(t)))
        .join(p.kind === 'and' ? ' /\\ ' : ' \\/ ');
  }
};

/** `exists (1:r0=2)`, as herd's `Condition` line has it. */
export const printCondition = (c: Condition): string => `${c.quantifier} (${printProp(c.prop)})`;

/** Locations, filter and condition, one below the other. */
const ending = (t: LitmusTest): string => {
  const { locations, filter, condition } = t;
  const lines: string[] = [];
  const add = (part: Commented, text: string): void => {
    lines.push(...part.comments, ...simpleLines(part, text));
  };
  if (locations !== null)
    add(locations, `locations [${locations.terms.map((x) => `${printTerm(x)};`).join(' ')}]`);
  if (filter !== null) add(filter, `filter (${printProp(filter.prop)})`);
  add(condition, printCondition(condition));
  return lines.join('\n');
};

/** The whole test as text, with a final newline. */
export const print = (t: LitmusTest): string => {
  const parts = [
    [...t.header, `C ${t.name}${t.title === null ? '' : `\n"${t.title}"`}`].join('\n'),
    ...(t.init.comments.length > 0 ? [t.init.comments.join('\n')] : []),
    ['{', ...printBody(t.init, '  '), withAfter(t.init, '}')].join('\n'),
    ...t.threads.map(printThread),
    ending(t),
    ...(t.footer.length > 0 ? [t.footer.join('\n')] : []),
  ];
  return `${parts.join('\n\n')}\n`;
};
