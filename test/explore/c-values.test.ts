/** What bodies compute is what C computes: signs, pointer arithmetic, elements of arrays. */
import { expect, test } from 'vitest';
import { Checker } from '../../src/explore/check.ts';
import { rulesFor } from '../../src/kernels/index.ts';
import { parse } from '../../src/litmus/index.ts';

const INIT = `  unsigned int u = 0;
  unsigned long ul = 5;
  short s = -1;
  int *p = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct page *pages[2];
  int b = 7;
  p[1] = 5;
  p[2] = 6;`;

const explored = (body: string) => {
  const text = `C values\n{\n${INIT}\n}\nP0()\n{\n${body}\n}\nforall (0:r0=1)\n`;
  const { checked, diagnostics } = parse(text, 'values.litmus');
  if (checked === undefined) throw new Error(diagnostics.map((d) => d.message).join());
  return new Checker(checked).explore(rulesFor('6.12'), {});
};

test.each([
  // Numbers without a sign, as gcc computes them.
  ['u - 1', 4294967295],
  ['~u', 4294967295],
  ['-(u + 1)', 4294967295],
  ['u - 1 > 0', 1],
  ['s > u', 1],
  ['s < 0', 1],
  ['(unsigned char)255 + 1', 256],
  ['(unsigned int)-8 >> 28', 15],
  ['-8 >> 1', -4],
  ['ul > -1', 0],
  ['ul < -1', 1],
  ['(ul + 4090) & ~(PAGE_SIZE - 1)', 0],
  ['1 ? u - 1 : 0', 4294967295],
  // Pointers count in what they point at.
  ['p[1] + *(p + 2)', 11],
  ['p + 2 - p', 2],
  ['&p[2] - 1 == p + 1', 1],
  ['(char *)(p + 1) - (char *)p', 4],
])('%s', (expression, value) => {
  expect(explored(`  r0 = ${expression};\n  r0 = r0 == ${value};`).observation).toBe('Always');
});

test.each([
  ['  int *q = p;\n  q += 1;\n  r1 = *q;\n  q++;\n  r0 = r1 == 5 && *q == 6;'],
  ['  int *q = p + 3;\n  q -= 2;\n  *q += 3;\n  r0 = p[1] == 8;'],
  ['  int a[3];\n  a[1] = 2;\n  a[1] += 3;\n  a[a[1] - 3] = 4;\n  r0 = a[1] * 10 + a[2] == 54;'],
  [
    '  int a[2];\n  for (i = 0; i < 2; i++)\n    a[i] = 300 + i;\n  r0 = a[0] == 300 && a[1] == 301;',
  ],
  ['  unsigned char a[1];\n  a[0] = 300;\n  r0 = a[0] == 44;'],
  // Only what decides is looked at: NULL is never read.
  ['  int *q = NULL;\n  r0 = q == NULL || *q == 1;'],
  ['  int *q = NULL;\n  r0 = 2;\n  if (q != NULL && q[0] == 1)\n    r0 = 3;\n  r0 -= 1;'],
  ['  int *q = NULL;\n  r0 = p[1] + (q == NULL ? p[2] : *q) + (q && *q) == 11;'],
  ['  int *q = NULL;\n  r0 = -1;\n  while (r0 < 1 && (q == NULL || *q == 2))\n    r0 += 1;'],
  ['  r0 = p[1] == 5 && (p[2] == 5 || p[2] == 6) && !(p[0] || p[3]);'],
  ['  int *a[2];\n  a[1] = p + 1;\n  r0 = *a[1] == 5;'],
])('%s', (body) => {
  expect(explored(body).observation).toBe('Always');
});

test('an index outside of its array is told: a neighbour is never read or written for it', () => {
  for (const body of [
    '  int a[2];\n  for (i = 0; i < 3; i++)\n    a[i] = 1;\n  r0 = 1;',
    '  int a[2];\n  r1 = 2;\n  r0 = a[r1];',
    '  r1 = -1;\n  kernel: r0 = page_ref_count(pages[r1]);',
  ])
    expect(explored(body)).toMatchObject({
      observation: 'Incomplete',
      reason: expect.stringMatching(/^line 1\d: an index outside of the array$/),
    });
});

test('a value without a sign that 53 bits do not hold is not claimed', () => {
  expect(explored('  r0 = ul - 6 > 0;').reason).toMatch('53 bits');
});
