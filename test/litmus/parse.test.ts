import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse, print, renderDiagnostics } from '../../src/litmus/index.ts';
import { tokenize } from '../../src/litmus/tokens.ts';
import { bare, check, withBody } from './helpers.ts';

const read = (name: string): string =>
  readFileSync(new URL(`examples/${name}`, import.meta.url), 'utf8');

/** A text that must be good, checked. */
const good = (text: string): NonNullable<ReturnType<typeof parse>['checked']> => {
  const r = parse(text, 't.litmus');
  expect(renderDiagnostics(r.diagnostics, text)).toBe('');
  if (r.checked === undefined) throw new Error('no test');
  return r.checked;
};

describe('the examples of the language page', () => {
  test('vmsplice-child-keeps-page', () => {
    const checked = good(read('vmsplice-child-keeps-page.litmus'));
    expect(checked.globals.map((g) => g.name)).toEqual(['buf', 'p']);
    expect(
      checked.threads.map((t) => [t.name, t.forkedBy, t.variables.map((v) => v.name)]),
    ).toEqual([
      ['P0', null, []],
      ['P1', 'P0', ['r0']],
    ]);
    expect(checked.events).toEqual(['gone', 'written']);
    expect(checked.test.expectations.map((e) => e.outcome)).toEqual(['Always', 'Never']);
  });

  test('many-gets-look-like-a-pin', () => {
    const checked = good(read('many-gets-look-like-a-pin.litmus'));
    expect(checked.callNames).toEqual(['get_user_pages_fast', 'mmap', 'page_maybe_dma_pinned']);
    expect([...checked.calls.values()].map((c) => c.inKernel)).toEqual([false, true, true]);
  });

  test('every part of the language parses, prints canonically, and reads back the same', () => {
    const text = read('everything.litmus');
    const first = good(text).test;
    const printed = print(first);
    expect(bare(good(printed).test)).toEqual(bare(first));
    expect(print(good(printed).test)).toBe(printed);
  });
});

describe('comments', () => {
  test('`(*` is a comment or C, by what closes it', () => {
    const comments = (text: string): string[] =>
      tokenize(text, () => {
        throw new Error('unexpected');
      }).comments.map((c) => c.text);
    expect(comments('(* a *) x (*b*) y')).toEqual(['(* a *)', '(*b*)']);
    expect(comments('(*p)[0] = f(*p, (char *)q); g((*(int *)p));')).toEqual([]);
    expect(comments('(**p) (***) (* (x) *)')).toEqual(['(***)', '(* (x) *)']);
    expect(comments('a // b\nc /* d\n */ e')).toEqual(['// b', '/* d\n */']);
  });

  test('each stays with its statement', () => {
    const { test: t } = good(withBody('  // above\n  r0 = 1; // behind\n  r1 = 2;'));
    expect(t.threads[0]?.body.map((s) => [s.comments, s.after])).toEqual([
      [['// above'], ['// behind']],
      [[], []],
      [[], []],
    ]);
  });
});

describe('names', () => {
  test('registers get the type of their first value', () => {
    const checked = good(
      withBody(
        '  q = mmap(NULL, 1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);\n  q[0] = 1;\n  r0 = read(p[0], 1);\n  kernel: f = pages[0];',
      ),
    );
    expect(checked.threads[0]?.variables.map((v) => [v.name, v.storage, v.type.kind])).toEqual([
      ['q', 'register', 'pointer'],
      ['r0', 'register', 'int'],
      ['f', 'register', 'pointer'],
      ['done', 'register', 'int'],
    ]);
  });

  test('a variable of the initial block is no register', () => {
    const checked = good(withBody('  n = 1;'));
    expect(checked.threads[0]?.variables.map((v) => v.name)).toEqual(['done']);
  });

  test('the same local in blocks side by side is one variable', () => {
    const checked = good(
      withBody('  for (int i = 0; i < 2; i++) n = i;\n  for (int i = 0; i < 2; i++) n = i;'),
    );
    expect(checked.threads[0]?.variables.map((v) => v.name)).toEqual(['i', 'done']);
  });

  test('what a call fills counts as assigned', () => {
    expect(
      check(
        withBody(
          '  struct page *one;\n  kernel: pin_user_pages(buf, 1, 0, &one);\n  kernel: unpin_user_page(one);',
        ),
      ),
    ).toEqual([]);
  });

  test('a lost statement does not make its names unknown', () => {
    expect(check(withBody('  int x = ;\n  r0 = x;'))).toEqual(['L011@10:11']);
  });

  test('forms of a call go by the number of arguments', () => {
    const checked = good(withBody('  r0 = read(p[0], 1);\n  r1 = read(p[0], buf, 1);'));
    const reads = [...checked.calls.values()].filter((c) => c.spec.name === 'read');
    expect(reads.map((c) => [c.form.params.length, c.form.returns])).toEqual([
      [2, 'byte'],
      [3, 'int'],
    ]);
  });
});

test('precedence is that of C', () => {
  const { test: t } = good(withBody('  r0 = 1 + 2 * 3 << 1 & 7 == 7 || 0 ? 1 : 2 - 1 - 1;'));
  const [s] = t.threads[0]?.body ?? [];
  expect(
    s?.kind === 'assign' &&
      s.value.kind === 'conditional' &&
      s.value.test.kind === 'binary' &&
      s.value.test.op,
  ).toBe('||');
  expect(print(t)).toContain('r0 = 1 + 2 * 3 << 1 & 7 == 7 || 0 ? 1 : 2 - 1 - 1;');
});

test('an error shows its line, carets below, and advice', () => {
  const text = withBody('\tmunmap(bufff, 1);');
  expect(renderDiagnostics(parse(text, 'dir/x.litmus').diagnostics, text)).toBe(
    [
      'dir/x.litmus:10:9: error L040: `bufff` is not declared',
      ' 10 |     munmap(bufff, 1);',
      '    |            ^^^^^',
      '    = hint: did you mean `buf`?',
    ].join('\n'),
  );
});

test('line ends of Windows and a byte order mark do no harm', () => {
  good(`\uFEFF${withBody('  r0 = 1; // c').replaceAll('\n', '\r\n')}`);
});
