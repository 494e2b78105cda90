/**
 * Where each token stands: which part of the file, which argument of which call, which thread of a
 * condition. Found from the tokens alone, so that it is known in a text that does not parse.
 */
import { atNextPart } from '../litmus/parse-statement.ts';
import { TokenStream } from '../litmus/stream.ts';
import type { Token } from '../litmus/tokens.ts';
import { isTypeWord } from '../litmus/types.ts';

export interface Place {
  /** top: between the parts. condition: from `exists`, `filter` or `locations` on. */
  readonly section: 'top' | 'init' | 'thread' | 'condition';
  /** In a thread its name; in a condition the thread whose names are meant here. */
  readonly thread: string | null;
  /** The innermost call (in a condition: question) around it, and which argument it is in. */
  readonly call: { readonly name: string; readonly argument: number } | null;
  /** In kernel mode: below `kernel:` or in a Kn. */
  readonly kernel: boolean;
  /** A statement may begin here. */
  readonly starts: boolean;
  /** It is the name that a declaration declares. */
  readonly declares: boolean;
  /** In a condition: it names a thread, before a colon. */
  readonly prefix: boolean;
}

interface Frame {
  readonly open: '(' | '[' | '{' | '';
  readonly call: string | null;
  argument: number;
  /** The head of `if`, `while`, `for`. */
  readonly head: string | null;
  readonly kernel: boolean;
  /** Conditions: the thread written before. */
  thread: string | null;
  /** Conditions: in brackets of an expression of that thread, where `:` belongs to `?`. */
  readonly located: boolean;
}

const HEADS: ReadonlySet<string> = new Set(['if', 'while', 'for']);
const JOINS: ReadonlySet<string> = new Set([
  '=',
  '!=',
  '<',
  '<=',
  '>',
  '>=',
  '/\\',
  '\\/',
  ',',
  ';',
]);
const CLOSES: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };

const frame = (open: Frame['open'], over: Partial<Frame> = {}): Frame => ({
  open,
  call: null,
  argument: 0,
  head: null,
  kernel: false,
  thread: null,
  located: false,
  ...over,
});

class Placer {
  readonly #stream: TokenStream;
  readonly #tokens: readonly Token[];
  #section: Place['section'] = 'top';
  #thread: string | null = null;
  #frames: Frame[] = [frame('')];
  /** `kernel:` was read, and its statement is not over. */
  #kernel = false;
  #starts = false;
  /** A declaration: at which depth, and whether a name comes next. */
  #declaring: { readonly depth: number; name: boolean } | null = null;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
    this.#stream = new TokenStream(tokens, () => {}, new Set());
  }

  places(): Place[] {
    return this.#tokens.map((t, i) => {
      this.#stream.position = i;
      if (this.#beginsPart(t, i)) this.#enter('top', null);
      const place = this.#place(t, i);
      this.#take(t, i);
      return place;
    });
  }

  get #top(): Frame {
    return this.#frames.at(-1) ?? frame('');
  }

  #enter(section: Place['section'], thread: string | null): void {
    this.#section = section;
    this.#thread = thread;
    this.#frames = [frame('')];
    this.#kernel = false;
    this.#starts = false;
    this.#declaring = null;
  }

  #beginsPart(t: Token, i: number): boolean {
    if (t.kind === 'header') return true;
    const before = this.#tokens[i - 1];
    const inBody = this.#section === 'init' || this.#section === 'thread';
    if (t.text === '~' && this.#tokens[i + 1]?.text === 'exists') return !inBody;
    // `exists` behind its `~` goes on with what that began.
    return atNextPart(this.#stream) && before?.text !== '~';
  }

  #place(t: Token, i: number): Place {
    const top = this.#top;
    const condition = this.#section === 'condition';
    const word = t.kind === 'name' && !isTypeWord(t.text);
    const declares =
      this.#declaring?.name === true && word && this.#tokens[i - 1]?.text !== 'struct';
    const prefix =
      condition &&
      !top.located &&
      this.#tokens[i + 1]?.text === ':' &&
      (t.kind === 'number' || /^[PK]\d+$/.test(t.text));
    return {
      section: this.#section,
      thread: condition ? top.thread : this.#thread,
      call: top.call === null ? null : { name: top.call, argument: top.argument },
      kernel: this.#kernel || top.kernel || this.#thread?.startsWith('K') === true,
      starts: this.#starts,
      declares,
      prefix,
    };
  }

  #take(t: Token, i: number): void {
    if (this.#section === 'top') this.#takeTop(t);
    else if (this.#section === 'condition') this.#takeCondition(t, i);
    else this.#takeBody(t, i);
  }

  #takeTop(t: Token): void {
    if (t.text === '{' && t.kind === 'punctuation') {
      this.#enter(this.#thread === null ? 'init' : 'thread', this.#thread);
      this.#starts = true;
    } else if (t.kind === 'name' && /^[PK]\d+$/.test(t.text)) this.#thread = t.text;
    else if (t.kind === 'name' && /^(exists|forall|filter|locations)$/.test(t.text))
      this.#enter('condition', null);
  }

  #takeBody(t: Token, i: number): void {
    const began = this.#starts;
    const depth = this.#frames.length;
    this.#starts = false;
    if (t.kind === 'name') {
      const opens = began || (this.#top.head === 'for' && this.#tokens[i - 1]?.text === '(');
      if (opens && isTypeWord(t.text)) this.#declaring = { depth, name: true };
      else if (this.#declaring?.name === true && this.#place(t, i).declares)
        this.#declaring.name = false;
      if (t.text === 'else') this.#starts = true;
    }
    if (t.kind !== 'punctuation') return;
    const before = this.#tokens[i - 1];
    switch (t.text) {
      case ':':
        if (before?.text === 'kernel') {
          this.#kernel = true;
          this.#starts = true;
        }
        return;
      case '(':
      case '[':
        this.#open(t.text, before);
        return;
      case '{':
        this.#frames.push(frame('{', { kernel: this.#kernel || this.#top.kernel }));
        this.#kernel = false;
        this.#starts = true;
        return;
      case ',':
        this.#top.argument++;
        if (this.#declaring?.depth === depth) this.#declaring.name = true;
        return;
      case ';':
        this.#declaring = null;
        if (this.#top.head === 'for') return;
        while (this.#frames.length > 1 && this.#top.open !== '{') this.#frames.pop();
        this.#kernel = false;
        this.#starts = true;
        return;
      case ')':
      case ']':
        this.#starts = t.text === ')' && this.#top.open === '(' && this.#top.head !== null;
        if (this.#top.open === CLOSES[t.text]) this.#frames.pop();
        return;
      case '}':
        while (this.#frames.length > 1 && this.#top.open !== '{') this.#frames.pop();
        if (this.#frames.length === 1) this.#enter('top', null);
        else {
          this.#frames.pop();
          this.#starts = true;
        }
        return;
      default:
    }
  }

  #open(mark: '(' | '[', before: Token | undefined): void {
    const { call, argument, kernel } = this.#top;
    const named = mark === '(' && before?.kind === 'name' ? before.text : null;
    if (named === null) this.#frames.push(frame(mark, { call, argument, kernel }));
    else if (HEADS.has(named)) this.#frames.push(frame(mark, { head: named, kernel }));
    else this.#frames.push(frame(mark, { call: named, kernel }));
  }

  #takeCondition(t: Token, i: number): void {
    if (t.kind !== 'punctuation') return;
    const before = this.#tokens[i - 1];
    const top = this.#top;
    if (t.text === '(' || t.text === '[') {
      const asks = t.text === '(' && before?.kind === 'name' && top.thread === null;
      const { thread } = top;
      this.#frames.push(
        asks
          ? frame('(', { call: /^(exists|forall|filter)$/.test(before.text) ? null : before.text })
          : frame(t.text, { thread, located: thread !== null }),
      );
    } else if (t.text === ')' || t.text === ']') {
      if (this.#frames.length > 1) this.#frames.pop();
    } else if (t.text === ':' && !top.located && before !== undefined) {
      top.thread = before.kind === 'number' ? `P${Number(before.text)}` : before.text;
    } else if (JOINS.has(t.text) && !top.located) {
      top.thread = null;
      if (t.text === ',') top.argument++;
    }
  }
}

/** The place of each token. */
export const placesOf = (tokens: readonly Token[]): Place[] => new Placer(tokens).places();
