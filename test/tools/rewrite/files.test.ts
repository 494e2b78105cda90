import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { syncFolder } from '../../../tools/rewrite/files.ts';
import { loadForms, rewriteText, runResumable } from './forms.ts';

const STEPS = 'export type Steps<R> = Generator<number, R, void>;\n';
const ONE =
  "import type { Steps } from './steps.ts';\nexport function* one(k: unknown): Steps<number> {\n  yield 1;\n  return 1;\n}\n";

function forms(
  files: Record<string, string>,
): (form: 'direct' | 'shared' | 'resumable', name: string) => string | undefined {
  const { files: made, refusals } = rewriteText({ 'set/steps.ts': STEPS, ...files });
  expect(refusals).toEqual([]);
  return (form, name) => made.get(form)?.get(name);
}

describe('overrides', () => {
  it('replace the file in their form only, and are in no form themselves', () => {
    const text = forms({
      'set/one.ts': ONE,
      'set/one.shared.ts': 'export function one(_k: unknown): number {\n  return 2;\n}\n',
    });
    expect(text('shared', 'set/one.ts')).toContain('return 2');
    expect(text('direct', 'set/one.ts')).toContain('return 1');
    expect(text('resumable', 'set/one.ts')).toContain('one$step');
    for (const form of ['direct', 'shared', 'resumable'] as const)
      expect(text(form, 'set/one.shared.ts')).toBeUndefined();
  });

  it('are rewritten like other files', () => {
    const text = forms({
      'set/one.ts': ONE,
      'set/one.direct.ts': ONE.replace('return 1', 'return 3'),
    });
    expect(text('direct', 'set/one.ts')).toMatch(
      /export function one\(k: unknown\): number \{\n {2}\n {2}return 3/,
    );
    expect(text('shared', 'set/one.ts')).toContain('return 1');
  });

  it('may use the log where the others write at once', () => {
    const bulk = 'export function zero(a: Int32Array): void {\n  a.fill(0);\n}\n';
    const text = forms({
      'set/bulk.ts': bulk,
      'set/bulk.resumable.ts':
        'export function zero(a: Int32Array): void {\n  for (let i = 0; i < a.length; i++) a[i] = 0;\n}\n',
    });
    expect(text('direct', 'set/bulk.ts')).toContain('a.fill(0)');
    expect(text('resumable', 'set/bulk.ts')).toContain('$put(a, i, 0)');
  });
});

describe('imports', () => {
  it('inside the set stay, those that leave it lead back to the source', () => {
    const text = forms({
      'outside/plain.ts': 'export const n = 1;\n',
      'set/deep/two.ts':
        "import { n } from '../../outside/plain.ts';\nimport { one } from '../one.ts';\nimport { join } from 'node:path';\nexport { n, one as uno } from '../../outside/again.ts';\nexport const m = n + join('a').length;\nvoid one;\n"
          .replace("import { one } from '../one.ts';\n", '')
          .replace('void one;\n', ''),
      'set/one.ts': ONE,
    });
    const direct = text('direct', 'set/deep/two.ts') ?? '';
    expect(direct).toContain("from '../../../../src/outside/plain.ts'");
    expect(direct).toContain("from '../../../../src/outside/again.ts'");
    expect(direct).toContain("from 'node:path'");
    expect(text('direct', 'set/one.ts')).toContain("from './steps.ts'");
  });

  it('of Steps functions bring what their callers need, through renames and re-exports', async () => {
    const loaded = await loadForms(
      {
        'set/steps.ts': STEPS,
        'set/one.ts': ONE,
        'set/two.ts':
          "import type { Steps } from './steps.ts';\nimport { one as uno } from './one.ts';\nexport function* two(k: unknown): Steps<number> {\n  const a = yield* uno(k);\n  return a + (yield* uno(k));\n}\n",
        'set/all.ts': "export { one as first } from './one.ts';\nexport * from './two.ts';\n",
        'set/main.ts':
          "import { first, two as second } from './all.ts';\nimport type { Steps } from './steps.ts';\nexport function* main(k: unknown): Steps<number> {\n  const a = yield* first(k);\n  return a * 10 + (yield* second(k));\n}\n",
      },
      'set/main.ts',
    );
    expect(runResumable(loaded, 'main', []).result).toBe(12);
    loaded.remove();
  });
});

it('the direct form keeps its lines', () => {
  const source = `${ONE}// at the end\nexport const last = 1;\n`;
  const text = forms({ 'set/one.ts': source })('direct', 'set/one.ts') ?? '';
  const line = (t: string) => t.split('\n').findIndex((l) => l.includes('last'));
  expect(line(text)).toBe(line(source));
});

it('function numbers depend on the sources alone', () => {
  const files = { 'set/a.ts': ONE, 'set/b.ts': ONE.replace('one', 'other') };
  const first = forms(files);
  const second = forms(files);
  for (const name of ['set/a.ts', 'set/b.ts'])
    expect(first('resumable', name)).toBe(second('resumable', name));
  expect(first('resumable', 'set/b.ts')).toContain("$routine(2, 'other'");
});

it('only what changed is written, and what is no longer made goes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pinfold-sync-'));
  const out = join(folder, 'direct');
  expect(
    syncFolder(
      out,
      new Map([
        ['a/x.ts', '1'],
        ['y.ts', '2'],
      ]),
    ),
  ).toBe(2);
  writeFileSync(join(out, 'note.txt'), 'not ours');
  const before = statSync(join(out, 'a/x.ts')).mtimeMs;
  expect(
    syncFolder(
      out,
      new Map([
        ['a/x.ts', '1'],
        ['z.ts', '3'],
      ]),
    ),
  ).toBe(2);
  expect(statSync(join(out, 'a/x.ts')).mtimeMs).toBe(before);
  expect(existsSync(join(out, 'y.ts'))).toBe(false);
  expect(readFileSync(join(out, 'z.ts'), 'utf8')).toBe('3');
  expect(existsSync(join(out, 'note.txt'))).toBe(true);
  rmSync(folder, { recursive: true });
});
