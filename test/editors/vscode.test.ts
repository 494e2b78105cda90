/** The VS Code extension: that it builds, loads, and promises only what is there. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { isCurrent, textMate } from '../../tools/textmate.ts';

const folder = fileURLToPath(new URL('../../editors/vscode', import.meta.url));
const json = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), 'utf8'));

test('the colours are current', () => {
  expect(isCurrent()).toBe(true);
});

test('the extension bundles into one file that loads with nothing but `vscode`', () => {
  const out = mkdtempSync(join(tmpdir(), 'pinfold-vscode-'));
  try {
    const file = join(out, 'extension.cjs');
    execFileSync(
      join(folder, 'node_modules/.bin/rolldown'),
      ['-c', 'rolldown.config.ts', '--file', file, '--log-level', 'warn'],
      {
        cwd: folder,
        env: { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` },
      },
    );
    // Stands for the editor's own interface: every name of it is a class.
    const vscode = join(out, 'node_modules/vscode');
    mkdirSync(vscode, { recursive: true });
    writeFileSync(
      join(vscode, 'index.js'),
      `const any = () => new Proxy(class {}, {
        get: (t, k) => (k in t || typeof k === 'symbol' ? t[k] : any()),
        apply: any,
      });
      module.exports = any();`,
    );
    const loaded = createRequire(file)(file) as Record<string, unknown>;
    expect(typeof loaded['activate']).toBe('function');
    expect(typeof loaded['deactivate']).toBe('function');
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
});

test('every file that the extension names is there', () => {
  const { contributes } = json('package.json') as {
    contributes: {
      languages: { id: string; extensions: string[]; configuration: string }[];
      grammars: { language: string; scopeName: string; path: string }[];
    };
  };
  for (const { configuration } of contributes.languages) json(configuration);
  for (const { language, scopeName, path } of contributes.grammars) {
    expect(contributes.languages.map((l) => l.id)).toContain(language);
    expect((json(path) as { scopeName: string }).scopeName).toBe(scopeName);
  }
  expect(existsSync(join(folder, 'src/extension.ts'))).toBe(true);
});

test('colours of some lines', () => {
  const { patterns } = JSON.parse(textMate()) as {
    patterns: { name?: string; match?: string; begin?: string }[];
  };
  const scopeOf = (word: string, line: string): string | undefined =>
    patterns.find(({ match, begin }) => {
      const found = new RegExp(match ?? begin ?? '', 'g');
      return [...line.matchAll(found)].some(
        (m) => m.index <= line.indexOf(word) && m.index + m[0].length > line.indexOf(word),
      );
    })?.name;
  const line = '  kernel: r0 = pin_user_pages(buf, 1, FOLL_WRITE, pages); // why';
  expect(scopeOf('kernel', line)).toMatch(/^storage.modifier/);
  expect(scopeOf('pin_user_pages', line)).toMatch(/^support.function/);
  expect(scopeOf('FOLL_WRITE', line)).toMatch(/^support.constant/);
  expect(scopeOf('why', line)).toMatch(/^comment.line/);
  expect(scopeOf('buf', line)).toBeUndefined();
  expect(scopeOf('~exists', '~exists (1:r0=1)')).toMatch(/^keyword.control/);
  expect(scopeOf('1', '~exists (1:r0=1)')).toMatch(/^entity.name.tag/);
  expect(scopeOf('(*', '(* text *)')).toMatch(/^comment.block/);
  expect(scopeOf('*', '(*p) = 1;')).toMatch(/^keyword.operator/);
});
