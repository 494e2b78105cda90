/** A text as the features of an editor look at it: analysed, in tokens, each with its place. */
import { type Analysis, analyse } from '../litmus/parse.ts';
import { type Comment, type Token, tokenize } from '../litmus/tokens.ts';
import { type Place, placesOf } from './places.ts';

export interface Source extends Analysis {
  readonly text: string;
  /** The last is of kind `end`. */
  readonly tokens: readonly Token[];
  readonly comments: readonly Comment[];
  /** Of each token. */
  readonly places: readonly Place[];
}

/** Reads a text, whatever is wrong with it. */
export const readSource = (text: string, file = 'litmus'): Source => {
  const { tokens, comments } = tokenize(text, () => {});
  return { ...analyse(text, file), text, tokens, comments, places: placesOf(tokens) };
};

/** The token that an offset (UTF-16 units) is in or at the end of; names win over marks beside them. */
export const tokenAt = (source: Source, offset: number): number | null => {
  let found: number | null = null;
  for (const [i, { kind, span }] of source.tokens.entries()) {
    if (kind === 'end' || span.start > offset) break;
    if (offset < span.end || (offset === span.end && kind === 'name')) found = i;
  }
  return found;
};

/** The token being typed at an offset, or the one before which something is about to be. */
export const tokenFor = (source: Source, offset: number): number => {
  const i = source.tokens.findIndex(
    ({ kind, span }) => span.start >= offset || (kind === 'name' && offset <= span.end),
  );
  return i < 0 ? source.tokens.length - 1 : i;
};
