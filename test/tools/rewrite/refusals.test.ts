import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rewriteText } from './forms.ts';

const HEAD =
  "import { read, type Steps, test, write } from './steps.ts';\nimport type { Toy } from './toy.ts';\n";

function fixture(name: string): string {
  return readFileSync(join(import.meta.dirname, 'fixtures', name), 'utf8');
}

/** What is refused, as `line:column: what`; a line of `body` is counted from 1. */
function refusals(body: string): string[] {
  const { refusals: found } = rewriteText(
    {
      'set/x.ts': HEAD + body,
      'set/steps.ts': fixture('steps.ts'),
      'set/toy.ts': fixture('toy.ts'),
    },
    ['resumable'],
  );
  return found.map((r) => {
    expect(r.message.startsWith(`src/set/x.ts:${r.line}:${r.column}: `)).toBe(true);
    expect(r.message.split('; ').length).toBeGreaterThan(1);
    return `${r.line - 2}:${r.column}: ${r.message.replace(/^\S+ /, '').split('; ')[0]}`;
  });
}

/** The body of a function on lines of its own, from line 2. */
function inside(...lines: string[]): string {
  return `export function* f(k: Toy, a: number, b: boolean): Steps<number> {\n${lines.map((l) => `  ${l}\n`).join('')}  return a;\n}\n`;
}

const REFUSED: readonly (readonly [string, string, string])[] = [
  [
    'a generator that is no Steps',
    'function* f(k: Toy): Generator<number> {\n  yield 1;\n}\n',
    '1:1: generator f is not annotated Steps<R>',
  ],
  [
    'a nested generator',
    inside('const g = function* () { yield 1; };'),
    '2:13: a generator that is not a function of the module',
  ],
  ['no machine', 'function* f(): Steps<void> {\n  yield 1;\n}\n', '1:1: f has no parameters'],
  [
    'a default',
    'function* f(k: Toy, a = 3): Steps<void> {\n  yield a;\n}\n',
    '1:21: a parameter with a default, a pattern or a rest',
  ],
  [
    'an optional parameter',
    'function* f(k: Toy, a?: number): Steps<void> {\n  yield 1;\n}\n',
    '1:21: a parameter with a default, a pattern or a rest',
  ],
  [
    'Steps that is no generator',
    'function f(k: Toy): Steps<number> {\n  return read(k, 1);\n}\n',
    '1:1: f returns Steps but is no generator',
  ],
  [
    'Steps of nothing',
    'function* f(k: Toy): Steps {\n  yield 1;\n}\n',
    '1:22: Steps without a result type',
  ],
  [
    'a type parameter',
    'function* f<T>(k: Toy, a: T): Steps<T> {\n  yield 1;\n  yield 2;\n  return a;\n}\n',
    '1:12: a generic Steps function',
  ],
  ['yield as a value', inside('const x = yield 1;'), '2:13: yield inside an expression'],
  ['yield of nothing', inside('yield;'), '2:3: yield without an access word'],
  [
    'a call without yield*',
    inside('read(k, 1);'),
    '2:3: read is a Steps function and is used without yield*',
  ],
  [
    'a Steps function as a value',
    'export const list = [read];\n',
    '1:22: read is a Steps function and is used without yield*',
  ],
  [
    'yield* of a method',
    inside('yield* k.go();'),
    '2:3: yield* of something that is no call of a named function',
  ],
  [
    'yield* of a plain function',
    'function g(k: Toy): number {\n  return 1;\n}\nfunction* f(k: Toy): Steps<void> {\n  yield* g(k);\n}\n',
    '5:10: g is not a Steps function of the rewritten set',
  ],
  ['an argument too few', inside('yield* write(k, 1);'), '2:10: write takes 3 arguments, not 2'],
  ['a spread argument', inside('yield* write(...[k, 1, 2]);'), '2:16: a spread argument'],
  [
    'a yield in an argument',
    inside('yield* write(k, 1, yield* read(k, 2));'),
    '2:22: a yield in an argument',
  ],
  [
    'for...of',
    inside('for (const x of k.words) yield* write(k, x, 1);'),
    '2:3: for...of around a yield',
  ],
  [
    'for...in',
    inside('for (const x in k) yield* write(k, Number(x), 1);'),
    '2:3: for...of around a yield',
  ],
  [
    'try',
    inside('try {', '  yield* write(k, 1, 1);', '} finally {', '  a = 1;', '}'),
    '2:3: try around a yield',
  ],
  [
    'a label',
    inside('again: for (;;) {', '  yield* write(k, 1, 1);', '  break again;', '}'),
    '2:3: a label around a yield',
  ],
  [
    'a closure',
    inside('const g = () => a;', 'yield* write(k, 1, g());', 'yield* write(k, 2, 1);'),
    '2:13: a function inside a Steps function',
  ],
  [
    'a pattern',
    inside('const { words } = k;', 'yield* write(k, 1, 1);', 'yield* write(k, words.length, 1);'),
    '2:9: a pattern beside a yield',
  ],
  [
    'assigning a pattern',
    inside('let x = 1;', '[x] = [2];', 'yield* write(k, 1, x);', 'yield* write(k, 1, x);'),
    '3:4: a pattern beside a yield',
  ],
  ['var', inside('var x = 1;'), '2:3: var'],
  [
    'two calls in one expression',
    inside('a = (yield* read(k, 1)) + (yield* read(k, 2));'),
    '2:30: two calls in one expression',
  ],
  [
    'state read before the call',
    inside('a = k.words[1] + (yield* read(k, 1));'),
    '2:7: state is read before the call in the same expression',
  ],
  [
    'state in the index of a target',
    inside('k.words[k.words[1]] = yield* read(k, 1);'),
    '2:11: state is read before the call in the same expression',
  ],
  [
    'a write that reads its target',
    inside('k.words[1] += yield* read(k, 1);'),
    '2:3: a yield in a write that also reads its target',
  ],
  [
    'numbers joined by &&',
    inside('a = a && (yield* read(k, 1));'),
    '2:7: && of operands that are not all booleans',
  ],
  [
    'a call under a condition, deep inside',
    inside('a = 1 + (b ? yield* read(k, 1) : 2);'),
    '2:12: a yield that is evaluated only sometimes inside a larger expression',
  ],
  [
    'logical assignment',
    inside('let c = b;', 'c &&= yield* test(k, 1, 1);', 'yield* write(k, 1, Number(c));'),
    '3:3: &&= with a yield',
  ],
  [
    'a yield in the head of a for',
    inside('for (let i = 0; i < 3; i = yield* read(k, 1)) yield 3;'),
    '2:26: a yield in the head of a for',
  ],
  [
    'a yield in a case',
    inside('switch (a) {', '  case yield* read(k, 1):', '    a = 2;', '}'),
    '3:10: a yield in a case',
  ],
  [
    'an array across a yield',
    inside('const words = k.regions[a];', 'yield* write(k, 1, 1);', 'words[1] = 2;'),
    '2:9: words is an array and is needed after a yield',
  ],
  [
    'an object across a yield',
    inside('const box = k.regions[a];', 'yield* write(k, 1, 1);', 'a = box.length;'),
    '2:9: box is an object and is needed after a yield',
  ],
  [
    'a string across a yield',
    inside(
      "const mode = a > 1 ? k.rules.mode : 'x';",
      'yield* write(k, 1, 1);',
      "if (mode === 'y') a = 1;",
    ),
    '2:9: mode is a string and is needed after a yield',
  ],
  [
    'text across a yield',
    inside('const t = `x`;', 'yield* write(k, 1, 1);', 'a = Number(t);'),
    '2:9: t is no number and is needed after a yield',
  ],
  [
    'fill',
    'export function g(k: Toy): void {\n  k.words.fill(0);\n}\n',
    '2:3: .fill() writes state behind the log',
  ],
  ['set', inside('yield 1;', 'k.words.set([1]);'), '3:3: .set() writes state behind the log'],
  [
    'Atomics',
    'export function g(k: Toy): void {\n  Atomics.store(k.words, 0, 1);\n}\n',
    '2:3: Atomics',
  ],
  [
    'a property',
    'export function g(k: { n: number }): void {\n  k.n = 1;\n}\n',
    '2:3: write to property n',
  ],
  [
    'a variable of the module',
    'let count = 0;\nexport function g(): number {\n  count++;\n  return count;\n}\n',
    '3:3: count is a variable of the module',
  ],
  [
    'an array of the module',
    'const seen = new Int32Array(4);\nexport function g(): void {\n  seen[1] = 1;\n}\n',
    "3:3: write to seen, which is the module's",
  ],
  [
    'the value of a write',
    'export function g(k: Toy): number {\n  return (k.words[1] = 2);\n}\n',
    '2:11: the value of a write is used',
  ],
  [
    'the value of an increment',
    inside('a = k.words[1]++;', 'yield 1;', 'yield 2;'),
    '2:7: the value of a write is used',
  ],
  [
    'logical assignment of state',
    'export function g(k: Toy): void {\n  k.words[1] ||= 2;\n}\n',
    '2:3: ||= on state',
  ],
  [
    'destructuring into state',
    'export function g(k: Toy): void {\n  [k.words[1]] = [2];\n}\n',
    '2:4: destructuring into state',
  ],
  [
    'an index with effects in the head of a for',
    'export function g(k: Toy, n: () => number): void {\n  for (; n() > 0; k.words[n()] += 1);\n}\n',
    '2:19: array or index of this write is not simple',
  ],
  [
    'exporting by a list',
    'function* f(k: Toy): Steps<void> {\n  yield 1;\n}\nexport { f };\n',
    '4:10: f is exported by a list',
  ],
  ['no TypeScript', 'export function (: {\n', '1:17: Expected function name'],
];

describe('what leaves the subset is refused where it stands', () => {
  for (const [name, body, expected] of REFUSED) {
    it(name, () => {
      expect(refusals(body)).toContain(expected);
    });
  }
});

it('accepts what is inside the subset', () => {
  expect(
    refusals(
      inside('const x = (yield* read(k, a)) + 1;', 'if (b && !(yield* test(k, x, 1))) return x;'),
    ),
  ).toEqual([]);
});

it('reports every function that is refused', () => {
  const two = `${inside('k.words.fill(0);', 'yield 1;', 'yield 2;')}${inside('yield;').replace('* f(', '* g(')}`;
  expect(refusals(two).map((r) => r.split(':')[0])).toEqual(['2', '8']);
});
