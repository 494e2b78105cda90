/** Finds and reads the litmus tests that a command names. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CheckedTest } from '../litmus/checked.ts';
import { parse } from '../litmus/parse.ts';
import { renderDiagnostics } from '../litmus/render.ts';
import { UserError } from './errors.ts';

/** The library that ships: beside src/ in a checkout, beside dist/ in a package. */
export const libraryFolder = (): string => {
  for (const up of ['../../library', '../../../library']) {
    const folder = fileURLToPath(new URL(up, import.meta.url));
    if (isFolder(folder)) return folder;
  }
  throw new UserError(
    'the library of tests is missing from this installation; name a file or a folder',
    3,
  );
};

const isFolder = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/** Every .litmus file that `paths` name, folders with all that is in them, each once, in order. */
export const litmusFiles = (paths: readonly string[]): string[] => {
  const found = new Map<string, string>();
  const add = (file: string): void => {
    const whole = resolve(file);
    if (!found.has(whole)) found.set(whole, file);
  };
  for (const path of paths) {
    if (path === '') throw new UserError('an empty path names no file');
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) throw new UserError(`${path}: there is no such file or folder`);
    if (!stat.isDirectory()) {
      add(path);
      continue;
    }
    const inside = filesBelow(path).filter((name) => name.endsWith('.litmus'));
    if (inside.length === 0) throw new UserError(`${path}: no .litmus file in this folder`);
    for (const name of inside.sort()) add(join(path, name));
  }
  return [...found.values()];
};

/** Files in a folder and the folders in it. */
const filesBelow = (folder: string): string[] => {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UserError(`${folder}: cannot be read (${why})`);
  }
};

/** How messages name a file: relative to where the user stands, if that is shorter. */
export const shownPath = (file: string): string => {
  const short = relative(process.cwd(), file);
  return short.length > 0 && short.length < file.length ? short : file;
};

/** A test and the text that it was read from. */
export interface TestSource {
  readonly checked: CheckedTest;
  readonly text: string;
}

/** Reads and checks every file; all that is wrong with all of them goes into one UserError. */
export const readTests = (files: readonly string[]): CheckedTest[] =>
  readSources(files).map((s) => s.checked);

/** `readTests` with the texts. */
export const readSources = (files: readonly string[]): TestSource[] => {
  const tests: TestSource[] = [];
  const problems: string[] = [];
  const names = new Map<string, string>();
  for (const file of files) {
    const shown = shownPath(file);
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      problems.push(
        `${shown}: cannot be read (${error instanceof Error ? error.message : String(error)})`,
      );
      continue;
    }
    const { checked, diagnostics } = parse(text, shown);
    if (checked === undefined) {
      problems.push(renderDiagnostics(diagnostics, text));
      continue;
    }
    // Warnings alone stop nothing.
    if (diagnostics.length > 0) process.stderr.write(`${renderDiagnostics(diagnostics, text)}\n`);
    const other = names.get(checked.test.name);
    if (other !== undefined) {
      problems.push(
        `${shown}:1:3: error: the test is called '${checked.test.name}', as the one in ${other}; give it a name of its own`,
      );
    }
    names.set(checked.test.name, shown);
    tests.push({ checked, text });
  }
  if (problems.length > 0) throw new UserError(problems.join('\n'));
  return tests;
};
