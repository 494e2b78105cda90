/** Which words are more than names, by the tables of the litmus parser itself. */
import { isCWord, isTypeWord } from '../../src/litmus/types.ts';
import { MISSING } from '../../src/litmus/words.ts';
import {
  boolWord,
  contentWord,
  counterName,
  cWord,
  Decimal,
  existsWord,
  filterWord,
  forallWord,
  kernelWord,
  locationsWord,
  qualifier,
  refusedWord,
  structWord,
  ThreadName,
  typeName,
  voidWord,
} from './parser.terms.ts';

const WORDS: ReadonlyMap<string, number> = new Map([
  ['exists', existsWord],
  ['forall', forallWord],
  ['filter', filterWord],
  ['locations', locationsWord],
  ['disk', contentWord],
  ['device', contentWord],
  ['kernel', kernelWord],
  ['true', boolWord],
  ['false', boolWord],
  ['struct', structWord],
  ['void', voidWord],
  ['const', qualifier],
  ['volatile', qualifier],
]);

/** The token that a word is in place of a plain name, or -1. Lezer hands the state of its stack too. */
export const wordOf = (word: string, _stack?: unknown): number => {
  const known = WORDS.get(word);
  if (known !== undefined) return known;
  if (Object.hasOwn(MISSING, word)) return refusedWord;
  if (isCWord(word)) return cWord;
  if (isTypeWord(word)) return typeName;
  if (/^[PK]\d+$/.test(word)) return ThreadName;
  return /^[a-z]+_\w+$/.test(word) ? counterName : -1;
};

/** Decimal digits alone can be the number of a thread. */
export const numberOf = (text: string, _stack?: unknown): number =>
  /^\d+$/.test(text) ? Decimal : -1;
