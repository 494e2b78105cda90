/** Tokens that look further ahead than a regular expression of Lezer's can: comments and the first line. */
import { ExternalTokenizer, type InputStream } from '@lezer/lr';
import { BlockComment, Header, LineComment, openComment } from './parser.terms.ts';

const NEWLINE = 10;
const OPEN = 40;
const CLOSE = 41;
const STAR = 42;
const SLASH = 47;

const isBlank = (c: number): boolean => c >= 0 && /\s/.test(String.fromCharCode(c));

/** `(*` opens a comment as tokens.ts of src/litmus has it: before a blank, or when `*)` comes before `)`. */
const opensComment = (input: InputStream): boolean => {
  const next = input.peek(2);
  if (next < 0 || isBlank(next)) return true;
  let depth = 0;
  for (let i = 2; ; i++) {
    const c = input.peek(i);
    if (c < 0) return false;
    if (depth === 0 && c === STAR && input.peek(i + 1) === CLOSE) return true;
    if (c === OPEN) depth++;
    else if (c === CLOSE && depth-- === 0) return false;
  }
};

export const comments = new ExternalTokenizer((input) => {
  const { next } = input;
  if (next === SLASH && input.peek(1) === SLASH) {
    while (input.next >= 0 && input.next !== NEWLINE) input.advance();
    input.acceptToken(LineComment);
    return;
  }
  const c = next === SLASH && input.peek(1) === STAR;
  const herd = next === OPEN && input.peek(1) === STAR && opensComment(input);
  if (!c && !herd) return;
  const closer = c ? SLASH : CLOSE;
  input.advance(2);
  while (input.next >= 0) {
    if (input.next === STAR && input.peek(1) === closer) {
      input.advance(2);
      input.acceptToken(BlockComment);
      return;
    }
    input.advance();
  }
  input.acceptToken(openComment);
});

const isNameCharacter = (c: number): boolean => c >= 0 && /[\w.+:@=-]/.test(String.fromCharCode(c));

/** `C name`, with a blank, a string, a comment or nothing behind it. */
export const header = new ExternalTokenizer((input) => {
  if (input.next !== 67) return;
  let at = 1;
  while (input.peek(at) === 32 || input.peek(at) === 9) at++;
  const name = at;
  if (name === 1) return;
  while (isNameCharacter(input.peek(at))) at++;
  if (at === name) return;
  const behind = input.peek(at);
  const ends =
    behind < 0 ||
    isBlank(behind) ||
    behind === 34 ||
    behind === SLASH ||
    (behind === OPEN && input.peek(at + 1) === STAR);
  if (ends) input.acceptToken(Header, at);
});

export const nothing = new ExternalTokenizer(() => {});
