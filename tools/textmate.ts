/**
 * Writes editors/vscode/litmus.tmLanguage.json from the tables of the language: colours for VS Code and whatever
 * else reads TextMate grammars. With `--check` it only says whether the file is current.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CALLS } from '../src/litmus/calls.ts';
import { CONSTANTS } from '../src/litmus/constants.ts';
import { COUNTERS, QUERIES } from '../src/litmus/queries.ts';
import { INT_TYPES } from '../src/litmus/types.ts';

const file = fileURLToPath(new URL('../editors/vscode/litmus.tmLanguage.json', import.meta.url));

const SCOPE = 'pinfold-litmus';
const words = (list: Iterable<string>): string =>
  `\\b(?:${[...new Set(list)].sort().join('|')})\\b`;
const rule = (name: string, match: string) => ({ name: `${name}.${SCOPE}`, match });
const between = (name: string, begin: string, end: string) => ({
  name: `${name}.${SCOPE}`,
  begin,
  end,
  patterns: [
    {
      match: '\\b(Result|Design):\\s*(.*?)\\s*(?=\\*[)/]|$)',
      captures: {
        1: { name: `keyword.other.${SCOPE}` },
        2: { name: `constant.other.${SCOPE}` },
      },
    },
  ],
});

/** The whole grammar as a JSON text. */
export const textMate = (): string => {
  const named = (w: string): boolean => /^\w+$/.test(w);
  const grammar = {
    $schema: 'https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json',
    name: 'Pinfold litmus',
    scopeName: `source.${SCOPE}`,
    patterns: [
      between('comment.block', '/\\*', '\\*/'),
      between('comment.block', '\\(\\*(?=\\s|$|[^()]*\\*\\))', '\\*\\)'),
      rule('comment.line.double-slash', '//.*$'),
      {
        match: '^(C)[ \\t]+([\\w.+:@=-]+)',
        captures: {
          1: { name: `keyword.other.${SCOPE}` },
          2: { name: `entity.name.section.${SCOPE}` },
        },
      },
      rule('string.quoted.double', '"[^"\\n]*"'),
      rule('constant.character', "'(?:\\\\x[0-9a-fA-F]{1,2}|\\\\.|[^'\\\\])'"),
      rule('entity.name.function', '^[PK]\\d+(?=\\s*\\()'),
      rule('entity.name.tag', '\\b(?:\\d+|[PK]\\d+)(?=:)|\\b[PK]\\d+\\b'),
      rule('constant.numeric', '\\b(?:0[xX][0-9a-fA-F]+|\\d+)[uUlL]*\\b'),
      rule('keyword.control', words(['if', 'else', 'while', 'for', 'break', 'continue', 'return'])),
      rule('keyword.control.condition', `~?${words(['exists', 'forall', 'filter', 'locations'])}`),
      rule('storage.modifier', '\\bkernel(?=\\s*:)'),
      rule(
        'storage.type',
        words([
          ...[...INT_TYPES.keys()].filter(named),
          'signed',
          'unsigned',
          'void',
          'struct',
          'const',
          'volatile',
        ]),
      ),
      rule('support.function', `${words(CALLS.keys())}(?=\\s*\\()`),
      rule('support.function.query', `${words([...QUERIES.keys(), 'disk', 'device'])}(?=\\s*\\()`),
      rule('support.variable', words(COUNTERS)),
      rule('support.constant', words(CONSTANTS.keys())),
      rule('keyword.operator', '/\\\\|\\\\/|[-+*/%&|^~!<>=?]+'),
    ],
  };
  return `${JSON.stringify(grammar, null, 2)}\n`;
};

/** Whether the committed file is what the tables give. */
export const isCurrent = (): boolean => readFileSync(file, 'utf8') === textMate();

if (import.meta.main) {
  if (process.argv.includes('--check')) process.exitCode = isCurrent() ? 0 : 1;
  else writeFileSync(file, textMate());
}
