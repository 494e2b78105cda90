import { expect, test } from 'vitest';
import { functionDocs } from '../../../tools/steps/docstrings.ts';

const one = (text: string) => functionDocs(text, 'src/mm/x.ts')[0];

test.each([
  ['/** folio_get() `n` times. Taking a reference. */', 'folio_get', 'folio_get() `n` times', []],
  [
    '/** try_grab_folio(): takes `n` pins (A.9.2, S30); 0 else. More. */',
    'try_grab_folio',
    'takes `n` pins (A.9.2, S30); 0 else',
    ['A.9.2', 'S30'],
  ],
  ['/** dup_mm(), before 5.2 inline: copies. */', 'dup_mm', 'copies', []],
  ['/** get_x() (5.8+): never sleeps. */', 'get_x', 'never sleeps', []],
  [
    '/**\n * folio_a_pte/pmd(), for fork: one\n * more mapping.\n */',
    'folio_a_pte',
    'one more mapping',
    [],
  ],
  [
    '/** Whether an entry stands (A.13.4g). */',
    null,
    'Whether an entry stands (A.13.4g)',
    ['A.13.4g'],
  ],
])('%s', (comment, kernel, what, rules) => {
  expect(one(`\n${comment}\nexport function* f(k: K): Steps<void> {\n}\n`)).toEqual({
    ...{ name: 'f', kernel, what, rules, file: 'src/mm/x.ts' },
    line: comment.split('\n').length + 2,
  });
});

test('a function without a docstring, and one whose comment is not its own', () => {
  expect(
    functionDocs('/** about_a(): x. */\nconst a = 1;\nfunction f() {}\nfunction g() {}\n', 'x'),
  ).toMatchObject([
    { name: 'f', kernel: null, line: 3 },
    { name: 'g', kernel: null, line: 4 },
  ]);
});
