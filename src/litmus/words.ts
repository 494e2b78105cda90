/** Words that are no names: those of statements, of types, and of what the language leaves out of C. */
import { isTypeWord } from './types.ts';

/** Words that start something the language does not have. */
export const MISSING: Readonly<Record<string, string>> = {
  sizeof: 'write the size as a number or PAGE_SIZE',
  goto: 'use `if`, `while`, `break`',
  switch: 'use `if` and `else`',
  do: 'use `while` or `for`',
  typedef: 'use the integer types as they are',
  asm: 'there is no assembly in bodies',
  static: 'declare it without `static`',
  float: 'there are only integers',
  double: 'there are only integers',
};

const KEYWORDS: ReadonlySet<string> = new Set([
  'if',
  'else',
  'while',
  'for',
  'break',
  'continue',
  'return',
]);

/** Words that begin the parts behind the threads; names otherwise, where nothing is called or indexed. */
export const PART_WORDS: ReadonlySet<string> = new Set(['exists', 'forall', 'filter', 'locations']);

/** Whether a word can never be a name. */
export const isReserved = (word: string): boolean =>
  KEYWORDS.has(word) || isTypeWord(word) || Object.hasOwn(MISSING, word);
