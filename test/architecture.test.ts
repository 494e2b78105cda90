/** The architecture rules bite: a planted import against the arrows is found. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = process.cwd();
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pinfold-arch-'));
  cpSync(join(root, '.dependency-cruiser.mjs'), join(folder, '.dependency-cruiser.mjs'));
  cpSync(join(root, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Writes the files and returns the names of the rules that depcruise says they break. */
const broken = (files: Readonly<Record<string, string>>): string[] => {
  rmSync(join(folder, 'src'), { recursive: true, force: true });
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, dirname(name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const bin = join(root, 'node_modules', '.bin', 'depcruise');
  const run = spawnSync(
    bin,
    ['--config', '.dependency-cruiser.mjs', '--output-type', 'json', 'src'],
    {
      cwd: folder,
      encoding: 'utf8',
    },
  );
  const { summary } = JSON.parse(run.stdout) as {
    summary: { violations: { rule: { name: string } }[] };
  };
  return summary.violations.map((v) => v.rule.name);
};

describe('architecture', () => {
  test('an import downwards is allowed', () => {
    expect(
      broken({
        'src/mm/a.ts': "export * from '../machine/b.ts';",
        'src/machine/b.ts': 'export const b = 1;',
      }),
    ).toEqual([]);
  });

  test.each([
    ['machine-down-only', 'src/machine/a.ts', 'src/mm/b.ts'],
    ['mm-down-only', 'src/mm/a.ts', 'src/explore/b.ts'],
    ['kernels-down-only', 'src/kernels/a.ts', 'src/machine/b.ts'],
    ['litmus-down-only', 'src/litmus/a.ts', 'src/explore/b.ts'],
    ['explore-down-only', 'src/explore/a.ts', 'src/cli/b.ts'],
    ['src-alone', 'src/mm/a.ts', 'test/b.ts'],
  ])('%s: %s may not import %s', (rule, from, to) => {
    const up = '../'.repeat(from.split('/').length - 1);
    expect(
      broken({ [from]: `export * from '${up}${to}';`, [to]: 'export const b = 1;' }),
    ).toContain(rule);
  });

  test('a circle outside mm is found', () => {
    expect(
      broken({
        'src/explore/a.ts': "import { b } from './b.ts';\nexport const a = (): number => b();",
        'src/explore/b.ts': "import { a } from './a.ts';\nexport const b = (): number => a();",
      }),
    ).toContain('no-cycle');
  });

  test('the project itself keeps the rules', () => {
    expect(() =>
      execFileSync(
        join(root, 'node_modules', '.bin', 'depcruise'),
        ['--config', '.dependency-cruiser.mjs', 'src'],
        {
          cwd: root,
          stdio: 'pipe',
        },
      ),
    ).not.toThrow();
  });
});
