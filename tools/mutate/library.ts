/** The tests that mutants are shown to. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { CheckedTest } from '../../src/litmus/checked.ts';
import { parse, renderDiagnostics } from '../../src/litmus/index.ts';

export const PROJECT = resolve(import.meta.dirname, '../..');

export interface LibraryTest {
  /** Path below library/, without its ending: `cow/either-way`. */
  readonly name: string;
  readonly text: string;
  readonly checked: CheckedTest;
}

/** Every test of library/, by name. Throws when one does not parse. */
export const readLibrary = (): LibraryTest[] =>
  readdirSync(join(PROJECT, 'library'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.litmus'))
    .sort()
    .map((path) => {
      const text = readFileSync(join(PROJECT, 'library', path), 'utf8');
      const { checked, diagnostics } = parse(text, path);
      if (checked === undefined) throw new Error(renderDiagnostics(diagnostics, text));
      return { name: path.slice(0, -'.litmus'.length), text, checked };
    });
