import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { rewrite } from '../../../tools/rewrite/rewrite.ts';

const root = mkdtempSync(join(tmpdir(), 'pinfold-shared-'));
afterAll(() => rmSync(root, { recursive: true }));

/** What the shared form of a module `set/a.ts` with this text is. */
function shared(text: string): string {
  mkdirSync(join(root, 'set'), { recursive: true });
  writeFileSync(join(root, 'set/a.ts'), text);
  const layout = {
    root,
    folders: ['set'],
    out: join(root, 'gen'),
    runtime: join(root, 'none.ts'),
    tables: ['regions'],
    shown: '',
  };
  const { files, refusals } = rewrite(layout, ['shared']);
  expect(refusals).toEqual([]);
  return files.get('shared')?.get('set/a.ts') ?? '';
}

describe('the shared form', () => {
  it.each([
    ['k.a.b[i] += n;', 'Atomics.add(k.a.b, i, n);'],
    ['k.a[i + 1] -= n * 2;', 'Atomics.sub(k.a, i + 1, n * 2);'],
    ['k.a[i] |= 4 | n;', 'Atomics.or(k.a, i, 4 | n);'],
    ['k.a[i] &= ~n;', 'Atomics.and(k.a, i, ~n);'],
    ['k.a[i] ^= n;', 'Atomics.xor(k.a, i, n);'],
    ['k.a[i]++;', 'Atomics.add(k.a, i, 1);'],
    ['--k.a[k.b[i]];', 'Atomics.sub(k.a, k.b[i], 1);'],
    ['k.a[i] = n;', 'k.a[i] = n;'],
    ['k.a[i] <<= n;', 'k.a[i] <<= n;'],
    ['let x = 0; x += n;', 'let x = 0; x += n;'],
    ['const own = new Int32Array(2); own[i] += n;', 'const own = new Int32Array(2); own[i] += n;'],
  ])('%s', (source, made) => {
    const text = shared(`export function f(k: M, i: number, n: number): void { ${source} }\n`);
    expect(text).toContain(`{ ${made} }`);
  });

  it('waits where a step may have to, and nowhere else', () => {
    const text = shared(
      `export function* f(k: M, i: number): Steps<void> {
  yield IPI | at(0, i);
  yield WRITE | at(0, i);
  yield (k.rcu ? WRITE : WAIT) | at(1, i);
}
`,
    );
    expect(text.split('\n').slice(0, 5)).toEqual([
      "import { waitFor as $waitFor } from '../machine/workers.ts'; export function f(k: M, i: number): void {",
      '  $waitFor(k, IPI | at(0, i));',
      '  ',
      '  $waitFor(k, (k.rcu ? WRITE : WAIT) | at(1, i));',
      '}',
    ]);
  });
});
