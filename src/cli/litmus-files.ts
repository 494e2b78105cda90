/** Finds and reads the litmus tests that a command names. */
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CheckedTest } from '../litmus/checked.ts';
import { parse } from '../litmus/parse.ts';
import { renderDiagnostics } from '../litmus/render.ts';
import { messageText } from '../output/messages.ts';
import { EXIT, reasonOf, UserError, userError } from './errors.ts';

/** The library that ships: beside src/ in a checkout, beside dist/ in a package. */
export const libraryFolder = (): string => {
  for (const up of ['../../library', '../../../library']) {
    const folder = fileURLToPath(new URL(up, import.meta.url));
    if (isFolder(folder)) return folder;
  }
  throw userError(
    'C029',
    'the library of tests is missing from this installation; name a file or a folder',
  );
};

const isFolder = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/** The name that stands for standard input. */
export const STDIN = '-';
/** How messages name it. */
const STDIN_SHOWN = '<stdin>';

/** Every .litmus file that `paths` name, folders with all that is in them, each once, in order. */
export const litmusFiles = (paths: readonly string[]): string[] => {
  const found = new Map<string, string>();
  const add = (file: string, identity: string): void => {
    if (!found.has(identity)) found.set(identity, file);
  };
  for (const path of paths) {
    if (path === '') throw userError('C020', 'an empty path names no file');
    if (path === STDIN) {
      add(path, path);
      continue;
    }
    const stat = statOf(path);
    if (stat === undefined) throw userError('C020', 'there is no such file or folder', path);
    if (stat.isFile()) add(path, resolve(path));
    else if (!stat.isDirectory())
      throw userError('C021', 'neither a file nor a folder; name `-` to read standard input', path);
    else {
      const inside = filesBelow(path);
      if (inside.length === 0) throw userError('C023', 'no .litmus file in this folder', path);
      for (const file of inside.sort()) add(file, resolve(file));
    }
  }
  return [...found.values()];
};

const statOf = (path: string): ReturnType<typeof statSync> => {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw userError('C022', `cannot be looked at (${reasonOf(error)})`, path);
  }
};

/** The .litmus files in a folder and the folders in it, each folder once, however many links lead to it. */
const filesBelow = (top: string): string[] => {
  const files: string[] = [];
  const seen = new Set<string>();
  const walk = (folder: string): void => {
    try {
      const real = realpathSync(folder);
      if (seen.has(real)) return;
      seen.add(real);
      // Links last: what lies in the folder itself is called by its own name.
      const entries = readdirSync(folder, { withFileTypes: true });
      const byKind = entries.sort(
        (a, b) => Number(a.isSymbolicLink()) - Number(b.isSymbolicLink()),
      );
      for (const entry of byKind) {
        const path = join(folder, entry.name);
        const stat = entry.isSymbolicLink() ? followed(path) : entry;
        if (stat?.isDirectory() === true) walk(path);
        else if (stat?.isFile() === true && entry.name.endsWith('.litmus')) files.push(path);
      }
    } catch (error) {
      if (error instanceof UserError) throw error;
      throw userError('C022', `cannot be read (${reasonOf(error)})`, folder);
    }
  };
  walk(top);
  return files;
};

/** What a link in a folder leads to; nothing when it leads nowhere. */
const followed = (path: string): ReturnType<typeof statSync> => {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
};

/** How messages name a file: relative to where the user stands, if that is shorter. */
export const shownPath = (file: string): string => {
  if (file === STDIN) return STDIN_SHOWN;
  const short = relative(process.cwd(), file);
  return short.length > 0 && short.length < file.length ? short : file;
};

/** The text of a file, or of standard input. */
export const readText = (file: string): string => {
  try {
    return readFileSync(file === STDIN ? 0 : file, 'utf8');
  } catch (error) {
    throw userError('C022', `cannot be read (${reasonOf(error)})`, shownPath(file));
  }
};

/** A test and the text that it was read from. */
export interface TestSource {
  readonly checked: CheckedTest;
  readonly text: string;
}

/** Reads and checks every file; all that is wrong with all of them goes into one UserError. */
export const readTests = (files: readonly string[]): CheckedTest[] =>
  readSources(files).map((s) => s.checked);

/** The one test that `path` names. */
export const readOne = (path: string): TestSource => {
  const files = litmusFiles([path]);
  if (files.length > 1)
    throw userError('C024', `this folder holds ${files.length} tests; name one file`, path);
  const [source] = readSources(files);
  if (source === undefined) throw new Error(`${path}: neither a test nor a message`);
  return source;
};

/** `readTests` with the texts. */
export const readSources = (files: readonly string[]): TestSource[] => {
  const tests: TestSource[] = [];
  const problems: string[] = [];
  const names = new Map<string, string>();
  for (const file of files) {
    const shown = shownPath(file);
    let text: string;
    try {
      text = readText(file);
    } catch (error) {
      problems.push(reasonOf(error));
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
        messageText(
          'C025',
          `the test is called '${checked.test.name}', as the one in ${other}; give it a name of its own`,
          `${shown}:1:3`,
        ),
      );
    }
    names.set(checked.test.name, shown);
    tests.push({ checked, text });
  }
  if (problems.length > 0) throw new UserError(problems.join('\n'), EXIT.usage);
  return tests;
};
