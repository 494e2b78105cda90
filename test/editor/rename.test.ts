/** Renaming, over the library: every symbol of every test can have another name, and its own again. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { renameAt } from '../../src/editor/navigate.ts';
import { isSame, type Occurrence, occurrences } from '../../src/editor/references.ts';
import { readSource } from '../../src/editor/source.ts';

const root = fileURLToPath(new URL('../../library', import.meta.url));
const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((f) => f.endsWith('.litmus'))
  .sort();

const renamed = (text: string, offset: number, name: string): string => {
  const document = TextDocument.create('file:///t.litmus', 'l', 1, text);
  const r = renameAt(readSource(text), document, offset, name);
  return r.ok ? TextDocument.applyEdits(document, r.edits) : expect.fail(r.message);
};

const fresh = (o: Occurrence): string =>
  o.kind === 'thread' ? `${o.name.startsWith('K') ? 'K' : 'P'}77` : 'something_else';

test.each(files)('%s', (file) => {
  const text = readFileSync(join(root, file), 'utf8');
  const all = occurrences(readSource(text));
  const symbols = all.filter((o, i) => all.findIndex((other) => isSame(o, other)) === i);
  expect(symbols.length).toBeGreaterThan(0);
  for (const o of symbols) {
    const other = renamed(text, o.span.start, fresh(o));
    const source = readSource(other);
    // A text with a name that was left behind would not be good any more.
    expect(source.diagnostics, `${o.name}\n${other}`).toEqual([]);
    const back = occurrences(source).find((x) => x.name === fresh(o) && x.kind === o.kind);
    expect(renamed(other, back?.span.start ?? 0, o.name)).toBe(text);
  }
});
