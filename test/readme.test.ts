/**
 * The documents run: every `$ command` of a ```console block is executed and its output compared, in a folder that looks like the
 * checkout and holds the files that the document shows (```lang title=NAME). A line `...` stands for any lines.
 */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, renderDiagnostics } from '../src/litmus/index.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DOCUMENTS = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs')).map((f) => `docs/${f}`),
  'library/README.md',
].filter((f) => f.endsWith('.md'));

interface Block {
  readonly language: string;
  readonly title: string | undefined;
  readonly text: string;
}

const blocksOf = (markdown: string): Block[] =>
  [...markdown.matchAll(/^```(\w+)(?: title=(\S+))?\n([\s\S]*?)^```$/gm)].map((m) => ({
    language: m[1] ?? '',
    title: m[2],
    text: m[3] ?? '',
  }));

interface Command {
  readonly command: string;
  readonly expected: string;
}

const commandsOf = (block: Block): Command[] =>
  block.text
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const end = part.indexOf('\n');
      return { command: part.slice(0, end), expected: part.slice(end + 1) };
    });

/** Times, as they may be; lines end where their text does. */
const normal = (text: string): string[] =>
  text
    .replace(/^(Time \S+) \d+\.\d+$/gm, '$1 0.00')
    .trimEnd()
    .split('\n')
    .map((line) => line.trimEnd());

/** Whether `lines` are `expected`, where a line `...` in `expected` stands for any number of lines. */
const matches = (lines: readonly string[], expected: readonly string[]): boolean => {
  const [first, ...rest] = expected;
  if (first === undefined) return lines.length === 0;
  if (first !== '...') return lines[0] === first && matches(lines.slice(1), rest);
  return lines.some((_, i) => matches(lines.slice(i), rest)) || matches([], rest);
};

const documents = DOCUMENTS.map((name) => {
  const text = readFileSync(join(ROOT, name), 'utf8');
  const blocks = blocksOf(text);
  return {
    name,
    text,
    files: blocks.filter((b) => b.title !== undefined),
    tests: blocks.filter((b) => b.language === 'c' && b.text.startsWith('C ')),
    commands: blocks.filter((b) => b.language === 'console').flatMap(commandsOf),
  };
});

describe.each(documents)('$name', ({ name, text, files, tests, commands }) => {
  const folder = mkdtempSync(join(tmpdir(), 'pinfold-readme-'));
  beforeAll(() => {
    for (const entry of readdirSync(ROOT)) symlinkSync(join(ROOT, entry), join(folder, entry));
    const library = pathToFileURL(join(ROOT, 'src', 'index.ts')).href;
    for (const { title, text: body } of files)
      writeFileSync(join(folder, title ?? ''), body.replaceAll("'pinfold'", `'${library}'`));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  for (const { command, expected } of commands) {
    test(`$ ${command}`, () => {
      const ran = spawnSync('/bin/sh', ['-c', command], {
        cwd: folder,
        encoding: 'utf8',
        env: {
          ...process.env,
          PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
          NODE_OPTIONS: '--disable-warning=ExperimentalWarning',
          NODE_COMPILE_CACHE: join(ROOT, '.cache', 'compile'),
          NO_COLOR: '1',
        },
      });
      expect(ran.stderr).toBe('');
      const lines = normal(ran.stdout);
      if (!matches(lines, normal(expected))) expect(lines).toEqual(normal(expected));
    });
  }

  test('the litmus tests in it parse, and warn of nothing', () => {
    for (const { text: body } of tests)
      expect(renderDiagnostics(parse(body, name).diagnostics, body)).toBe('');
  });

  test('its links lead to files', () => {
    const links = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map((m) => m[1] ?? '');
    const dead = links.filter(
      (link) => !/^https?:/.test(link) && !existsSync(join(ROOT, dirname(name), link)),
    );
    expect(dead).toEqual([]);
  });

  test('the paths in it, written as code, are there', () => {
    const paths = [
      ...text.matchAll(/`((?:src|test|tools\/rewrite|docs|library|bench)\/[\w./-]+)`/g),
    ].map((m) => m[1] ?? '');
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});

describe('how documents are compared', () => {
  test('what is not there is noticed, and an elision stands for lines only', () => {
    expect(matches(['a', 'b', 'c'], ['a', '...', 'c'])).toBe(true);
    expect(matches(['a', 'c'], ['a', '...', 'c'])).toBe(true);
    expect(matches(['a', 'b'], ['a', '...', 'c'])).toBe(false);
    expect(matches(['a', 'b'], ['a'])).toBe(false);
    expect(matches(['a'], ['...'])).toBe(true);
  });

  test('the README shows commands, a test of its own and a program of its own', () => {
    const readme = documents.find((d) => d.name === 'README.md');
    expect(readme?.commands.length).toBeGreaterThanOrEqual(6);
    expect(readme?.files.map((f) => f.title)).toEqual(['first.litmus', 'pin.ts']);
  });

  test('make and make test, which it begins with, are targets', () => {
    const makefile = readFileSync(join(ROOT, 'Makefile'), 'utf8');
    expect(makefile).toMatch(/^all: check$/m);
    expect(makefile).toMatch(/^test: /m);
  });
});
