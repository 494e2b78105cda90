import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { format } from '../../src/litmus/format.ts';
import { wrapLine } from '../../src/litmus/wrap.ts';
import { pinfold } from './run.ts';

const LIBRARY = fileURLToPath(new URL('../../library', import.meta.url));

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pinfold-fmt-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const fmt = (
  args: readonly string[],
  input = '',
): { status: number | null; out: string; err: string } => {
  const { status, stdout, stderr } = pinfold(['fmt', ...args], { cwd: folder, input });
  return { status, out: stdout, err: stderr };
};
const put = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return text;
};
const get = (name: string): string => readFileSync(join(folder, name), 'utf8');

const LOOSE = `(* before *) C t
{   int x ;  // of the block
   /* own
      lines */
   x=1;



   x=2 ;
}
P0( void ) { if(x){x=3;}else x = 4 ; (* inside *)
}
exists(0:x=(1)/\\true) // end
(* the last *)
`;
const NEAT = `(* before *)
C t

{
  int x; // of the block
  /* own
      lines */
  x = 1;

  x = 2;
}

P0()
{
  if (x) {
    x = 3;
  }
  else
    x = 4; (* inside *)
}

exists (0:x=1 /\\ true) // end

(* the last *)
`;
const BROKEN = 'C t\n{ }\nP0() { x = ; y = ; }\nexists (0:x=1)\n';

test('formats in place, names what it changed, and is done then', () => {
  put('a.litmus', LOOSE);
  put('b.litmus', NEAT.replace('C t', 'C u'));
  expect(fmt(['.'])).toEqual({ status: 0, out: 'a.litmus\n', err: '' });
  expect(get('a.litmus')).toBe(NEAT);
  expect(get('b.litmus')).toBe(NEAT.replace('C t', 'C u'));
  const before = statSync(join(folder, 'a.litmus')).mtimeMs;
  expect(fmt(['a.litmus', 'b.litmus'])).toEqual({ status: 0, out: '', err: '' });
  expect(statSync(join(folder, 'a.litmus')).mtimeMs).toBe(before);
});

test('--check changes nothing and lists what would change', () => {
  put('a.litmus', LOOSE);
  put('b.litmus', NEAT.replace('C t', 'C u'));
  expect(fmt(['--check', '.'])).toEqual({ status: 1, out: 'a.litmus\n', err: '' });
  expect(get('a.litmus')).toBe(LOOSE);
  expect(fmt(['--check', 'b.litmus'])).toEqual({ status: 0, out: '', err: '' });
});

test('a file with errors stays as it is; the good ones are formatted all the same', () => {
  put('a.litmus', BROKEN);
  put('b.litmus', LOOSE);
  const { status, out, err } = fmt(['.']);
  expect(status).toBe(2);
  expect(out).toBe('b.litmus\n');
  expect(err).toContain('a.litmus:3:12: error L011');
  expect(err).toContain('a.litmus:3:18: error L011');
  expect(get('a.litmus')).toBe(BROKEN);
  expect(get('b.litmus')).toBe(NEAT);
  expect(fmt(['--check', '.']).status).toBe(2);
});

test('--stdin', () => {
  expect(fmt(['--stdin'], LOOSE)).toEqual({ status: 0, out: NEAT, err: '' });
  expect(fmt(['--stdin', '--check'], LOOSE)).toEqual({ status: 1, out: '<stdin>\n', err: '' });
  expect(fmt(['--stdin', '--check'], NEAT)).toEqual({ status: 0, out: '', err: '' });
  const broken = fmt(['--stdin'], BROKEN);
  expect([broken.status, broken.out]).toEqual([2, '']);
  expect(broken.err).toContain('<stdin>:3:12: error L011');
});

test('usage', () => {
  expect(fmt([]).status).toBe(2);
  expect(fmt(['--stdin', 'a.litmus']).status).toBe(2);
  expect(fmt(['missing.litmus'])).toMatchObject({
    status: 2,
    err: 'missing.litmus: error C020: there is no such file or folder\n',
  });
});

test('lines end with LF, whatever they ended with', () => {
  expect(format(LOOSE.replaceAll('\n', '\r\n'), 't')).toEqual({ ok: true, text: NEAT });
  expect(format(`\uFEFF${LOOSE}`, 't')).toEqual({ ok: true, text: NEAT });
});

test('long lines are continued below their bracket', () => {
  const flags = Array.from({ length: 7 }, (_, i) => `MAP_FLAG_NUMBER_${i}`).join(' | ');
  const lines = wrapLine(`  char *buf = mmap(NULL, PAGE_SIZE, ${flags}, -1, 0);`);
  expect(lines).toEqual([
    '  char *buf = mmap(NULL, PAGE_SIZE,',
    '                   MAP_FLAG_NUMBER_0 | MAP_FLAG_NUMBER_1 | MAP_FLAG_NUMBER_2 | MAP_FLAG_NUMBER_3 |',
    '                   MAP_FLAG_NUMBER_4 | MAP_FLAG_NUMBER_5 | MAP_FLAG_NUMBER_6, -1, 0);',
  ]);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(100);
  const text = `C t {} P0() {${Array.from({ length: 9 }, (_, i) => `register_${i} = 1;`).join('')}}
exists (${Array.from({ length: 9 }, (_, i) => `0:register_${i}=1`).join(' /\\ ')})`;
  const once = format(text, 't');
  expect(once.ok && once.text.split('\n').every((l) => l.length <= 100)).toBe(true);
  expect(format(once.ok ? once.text : '', 't')).toEqual(once);
});

test('the library is formatted', () => {
  expect(fmt(['--check', LIBRARY])).toEqual({ status: 0, out: '', err: '' });
});
