/** The parser's view of the tokens: look, take, expect; spans; comments; errors that unwind to the next statement. */
import type { Span } from './ast.ts';
import type { ErrorCode, Report } from './errors.ts';
import type { Token } from './tokens.ts';

/** Thrown after an error was reported, caught where parsing can go on. Never leaves the parser. */
export class Unwind extends Error {}

/** Deep enough for any test a person writes, far below the depth at which the stack would end. */
const MAX_DEPTH = 120;

/** How a token is called in a message. */
export const describe = (t: Token): string => {
  if (t.kind === 'end') return t.text;
  if (t.kind === 'string') return `"${t.text}"`;
  return t.kind === 'header' ? `\`C ${t.text}\`` : `\`${t.text}\``;
};

export class TokenStream {
  readonly report: Report;
  readonly tokens: readonly Token[];
  /** Names in text that was skipped after an error. */
  readonly lost: Set<string>;
  position = 0;
  #pending: string[] = [];
  #afterTaken = -1;
  #depth = 0;

  constructor(tokens: readonly Token[], report: Report, lost: Set<string>) {
    this.lost = lost;
    this.tokens = tokens;
    this.report = report;
  }

  /** The token `ahead` of the next one; beyond the end, the end. */
  peek(ahead = 0): Token {
    const t = this.tokens[Math.min(this.position + ahead, this.tokens.length - 1)];
    if (t === undefined) throw new Error('a token list ends with `end`');
    return t;
  }

  /** The last token taken. */
  get last(): Token {
    return this.tokens[Math.max(0, this.position - 1)] ?? this.peek();
  }

  /** Takes the next token; its comments wait for takeComments. */
  next(): Token {
    if (this.position > 0 && this.#afterTaken < this.position - 1)
      this.#pending.push(...this.last.after.map((c) => c.text));
    const t = this.peek();
    this.#pending.push(...t.comments.map((c) => c.text));
    if (t.kind !== 'end') this.position++;
    return t;
  }

  /** Whether the next token is that mark or word. Strings never are. */
  at(text: string, ahead = 0): boolean {
    const t = this.peek(ahead);
    return t.text === text && (t.kind === 'punctuation' || t.kind === 'name');
  }

  /** Takes the mark or word if it is next. */
  accept(text: string): boolean {
    if (!this.at(text)) return false;
    this.next();
    return true;
  }

  /** Takes the mark or word, or fails; `where` completes "expected `;` ...". */
  expect(text: string, where: string, hint?: string): Token {
    if (this.at(text)) return this.next();
    // A missing `;` is best shown behind the statement, not at the start of the next line.
    const behind = text === ';' && this.peek().span.line > this.last.span.line;
    const { span } = this.last;
    const place: Span = behind
      ? {
          start: span.end,
          end: span.end + 1,
          line: span.line,
          column: span.column + span.end - span.start,
        }
      : this.peek().span;
    return this.fail(
      'L011',
      place,
      `expected \`${text}\` ${where}, found ${describe(this.peek())}`,
      hint ?? `put \`${text}\` here`,
    );
  }

  /** Reports and unwinds. */
  fail(code: ErrorCode, span: Span, message: string, hint?: string): never {
    this.report(code, span, message, hint);
    throw new Unwind();
  }

  /** From the start of `from` to the end of the last token taken. */
  spanFrom(from: Token | Span): Span {
    const start = 'span' in from ? from.span : from;
    return {
      start: start.start,
      end: Math.max(start.start, this.last.span.end),
      line: start.line,
      column: start.column,
    };
  }

  /** Comments of the tokens taken since the last call. */
  takeComments(): string[] {
    return this.#pending.splice(0);
  }

  /** Comments behind the last token, on its line. */
  takeAfter(): string[] {
    if (this.#afterTaken >= this.position - 1) return [];
    this.#afterTaken = this.position - 1;
    return this.last.after.map((c) => c.text);
  }

  /** Gives up the tokens from that position to here: their comments go, their names are noted as lost. */
  lose(from: number): void {
    this.takeComments();
    for (const t of this.tokens.slice(from, this.position))
      if (t.kind === 'name') this.lost.add(t.text);
  }

  /** Runs `parse` one level deeper; too deep is an error, not a stack overflow. */
  deeper<T>(parse: () => T): T {
    if (this.#depth >= MAX_DEPTH)
      return this.fail('L018', this.peek().span, `this is nested more than ${MAX_DEPTH} deep`);
    this.#depth++;
    try {
      return parse();
    } finally {
      this.#depth--;
    }
  }
}
