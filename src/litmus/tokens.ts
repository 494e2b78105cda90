/**
 * Text to tokens. Comments are kept: each hangs on the token it stands before, or, when it ends its
 * line, on the token it stands behind.
 */
import type { Span } from './ast.ts';
import type { Report } from './errors.ts';

export interface Comment {
  readonly text: string;
  readonly span: Span;
}

export interface Token {
  /** `header` is the whole `C name` of the first line, with the name as text. */
  readonly kind: 'header' | 'name' | 'number' | 'string' | 'punctuation' | 'end';
  /** As written; for strings the content, for the header the name. */
  readonly text: string;
  /** Of numbers and characters. */
  readonly value: number;
  readonly span: Span;
  readonly comments: readonly Comment[];
  /** Filled while the next token is read. */
  readonly after: Comment[];
  /** An empty line stands between the token before it and this one, or the first of its comments. */
  readonly blank: boolean;
}

/** Longest first. `/\` and `\/` belong to conditions. */
const PUNCTUATION = (
  '<<= >>= ... /\\ \\/ -> ++ -- && || == != <= >= << >> += -= *= /= %= &= |= ^= ' +
  '+ - * / % & | ^ ~ ! < > = ? : ; , . ( ) [ ] { }'
).split(' ');

const ESCAPES: Readonly<Record<string, number>> = {
  n: 10,
  t: 9,
  r: 13,
  '0': 0,
  '\\': 92,
  "'": 39,
  '"': 34,
  a: 7,
  b: 8,
  f: 12,
  v: 11,
};

/**
 * `(*` opens a comment when a blank follows it, or when a `*)` comes before the bracket would close:
 * `(* text *)` and `(*text*)` are comments, `(*p)` and `f(*p, (char *)q)` are C.
 */
const opensComment = (text: string, at: number): boolean => {
  const next = text[at + 2];
  if (next === undefined || /\s/.test(next)) return true;
  let depth = 0;
  for (let i = at + 2; i < text.length; i++) {
    if (depth === 0 && text.startsWith('*)', i)) return true;
    if (text[i] === '(') depth++;
    else if (text[i] === ')' && depth-- === 0) return false;
  }
  return false;
};

/** All tokens, the last of kind `end`, and all comments in the order of the text. Never throws. */
export const tokenize = (
  text: string,
  report: Report,
): { tokens: Token[]; comments: Comment[] } => {
  const tokens: Token[] = [];
  const comments: Comment[] = [];
  let at = text.startsWith('\uFEFF') ? 1 : 0;
  let line = 1;
  let lineStart = at;
  let pending: Comment[] = [];

  /** The span from `at`, all on this line, of `length` characters. */
  const spanOf = (length: number): Span => ({
    start: at,
    end: at + length,
    line,
    column: at - lineStart + 1,
  });
  const advance = (length: number): void => {
    for (const end = at + length; at < end; at++)
      if (text[at] === '\n') {
        line++;
        lineStart = at + 1;
      }
  };
  const push = (kind: Token['kind'], length: number, content: string, value = 0): void => {
    const last = tokens.at(-1);
    const gap = text.slice(
      (last?.after.at(-1) ?? last)?.span.end ?? at,
      pending[0]?.span.start ?? at,
    );
    tokens.push({
      kind,
      text: content,
      value,
      span: spanOf(length),
      comments: pending,
      after: [],
      blank: /\n[^\S\n]*\n/.test(gap),
    });
    pending = [];
    advance(length);
  };
  /** Comments that end the line of the last token belong to it. */
  const settle = (): void => {
    const last = tokens.at(-1);
    if (last === undefined) return;
    while (
      pending.length > 0 &&
      pending[0]?.span.line === last.span.line &&
      !pending[0].text.includes('\n')
    )
      last.after.push(...pending.splice(0, 1));
  };
  const comment = (closer: string, what: string): void => {
    const from = text.indexOf(closer, at + 2);
    const closed = from >= 0;
    const end = closed ? from + (closer === '\n' ? 0 : closer.length) : text.length;
    if (!closed && closer !== '\n') report('L002', spanOf(2), `this ${what} is never closed`);
    const found: Comment = { text: text.slice(at, end).replace(/\r$/, ''), span: spanOf(end - at) };
    comments.push(found);
    pending.push(found);
    advance(end - at);
  };

  while (at < text.length) {
    const c = text[at] ?? '';
    if (c === '\n') {
      settle();
      advance(1);
    } else if (/\s/.test(c)) advance(1);
    else if (text.startsWith('(*', at) && opensComment(text, at)) comment('*)', 'comment `(*`');
    else if (text.startsWith('/*', at)) comment('*/', 'comment `/*`');
    else if (text.startsWith('//', at)) comment('\n', 'comment');
    else {
      const rest = text.slice(at, at + 400);
      const header =
        tokens.length === 0 ? /^C[ \t]+([\w.+:@=-]+)(?=\s|$|"|\(\*|\/)/.exec(rest) : null;
      const name = /^[A-Za-z_]\w*/.exec(rest);
      const number = /^\d\w*/.exec(rest);
      if (header !== null) push('header', header[0].length, header[1] ?? '');
      else if (name !== null) push('name', name[0].length, name[0]);
      else if (number !== null) {
        const written = number[0];
        const digits = written.replace(/[uUlL]+$/, '');
        const good = /^(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)$/.test(digits);
        const value = good
          ? Number(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits)
          : Number.NaN;
        if (!Number.isSafeInteger(value))
          report('L004', spanOf(written.length), `\`${written}\` is no number here`);
        push('number', written.length, written, Number.isSafeInteger(value) ? value : 0);
      } else if (c === "'") {
        const m = /^'(?:\\x([0-9a-fA-F]{1,2})|\\(.)|([^'\\\n]))'/.exec(rest);
        const value =
          m === null
            ? undefined
            : m[1] !== undefined
              ? Number.parseInt(m[1], 16)
              : m[2] !== undefined
                ? ESCAPES[m[2]]
                : m[3]?.charCodeAt(0);
        if (m === null || value === undefined) {
          report(
            'L003',
            spanOf(1),
            'this character literal cannot be read',
            "write one character: 'a', '\\n', '\\x41'",
          );
          push('number', m?.[0].length ?? 1, '0');
        } else push('number', m[0].length, m[0], value);
      } else if (c === '"') {
        const m = /^"([^"\n]*)"/.exec(text.slice(at, at + 4096));
        if (m === null) {
          const length = /^[^\n]*/.exec(text.slice(at))?.[0].length ?? 1;
          report('L003', spanOf(1), 'this string is never closed');
          push('string', length, text.slice(at + 1, at + length));
        } else push('string', m[0].length, m[1] ?? '');
      } else {
        const mark = PUNCTUATION.find((p) => text.startsWith(p, at));
        if (mark !== undefined) push('punctuation', mark.length, mark);
        else {
          const odd = String.fromCodePoint(text.codePointAt(at) ?? 0);
          report('L001', spanOf(odd.length), `the character \`${odd}\` has no meaning here`);
          advance(odd.length);
        }
      }
    }
  }
  settle();
  push('end', 0, 'the end of the file');
  return { tokens, comments };
};
