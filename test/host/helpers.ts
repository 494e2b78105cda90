/** What the tests of src/host share: tests by path, folders, and why this machine cannot run any. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compiler } from '../../src/host/build.ts';
import type { CheckedTest } from '../../src/litmus/checked.ts';
import { parse, renderDiagnostics } from '../../src/litmus/index.ts';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export const checkedText = (text: string, file = 't.litmus'): CheckedTest => {
  const { checked, diagnostics } = parse(text, file);
  if (checked === undefined) throw new Error(renderDiagnostics(diagnostics, text));
  return checked;
};

/** A test by its path below the root of the checkout. */
export const checkedFile = (path: string): CheckedTest =>
  checkedText(readFileSync(`${root}/${path}`, 'utf8'), path);

export const PRIVATE =
  'mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)';

/** Why no program can be run here; null when one can. */
export const cannotRun = (): string | null => {
  if (process.platform !== 'linux') return `this is ${process.platform}, not Linux`;
  if (process.getuid?.() !== 0) return 'not root: page frames and namespaces are out of reach';
  return compiler() === null ? 'no C compiler' : null;
};
