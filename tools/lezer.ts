/** Generates editors/lezer/parser.ts and parser.terms.ts from litmus.grammar; with `--check` only says whether they are current. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildParserFile } from '@lezer/generator';

const path = (name: string): string =>
  fileURLToPath(new URL(`../editors/lezer/${name}`, import.meta.url));

/** The generated files by name. */
export const generated = (): Record<string, string> => {
  const { parser, terms } = buildParserFile(readFileSync(path('litmus.grammar'), 'utf8'), {
    fileName: 'litmus.grammar',
    typeScript: true,
    warn: (message) => {
      throw new Error(message);
    },
  });
  return { 'parser.ts': parser, 'parser.terms.ts': terms };
};

/** Names of generated files whose text is not what the grammar gives. */
export const stale = (): string[] =>
  Object.entries(generated())
    .filter(([name, text]) => readFileSync(path(name), 'utf8') !== text)
    .map(([name]) => name);

if (import.meta.main) {
  if (process.argv.includes('--check')) {
    const names = stale();
    for (const name of names) console.log(`editors/lezer/${name} is not current: make editors`);
    process.exitCode = names.length > 0 ? 1 : 0;
  } else for (const [name, text] of Object.entries(generated())) writeFileSync(path(name), text);
}
